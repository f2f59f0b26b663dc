"""Notices queries that seem not to be in English, for models that know nothing else."""

from __future__ import annotations

import re
from functools import cache

from csearchd.models.catalogue import recommendation
from csearchd.models.installed import STARTER, Model
from csearchd.scoring.vocabulary import read_vocabulary

_ENGLISH = frozenset(
    ("the", "a", "an", "of", "with", "and", "in", "on", "at", "is", "are", "to", "my", "by", "from")
)
_FOREIGN = """
    und mit auf der das eine einem einen ein zum zur vom fur für über ist nicht ohne bei
    avec dans une sous est les des sur pour aux del della dello nel nella sulla gli una con los las
    uma com em para het een van voor naar och med ett og på
"""
_SURE = """
    und eine einem einen zum zur vom für avec dans une della nella sulla uma och het een på
"""
_FOREIGN_WORDS, _SURE_WORDS = frozenset(_FOREIGN.split()), frozenset(_SURE.split())
_LETTERS = re.compile("[ßäöüøåñãõőűłńśźżćęąşğčřšžěů]")
_OTHER_SCRIPT = re.compile("[^\\W\\d_\u0000-\u036f\u1e00-\u1eff\u2000-\u2bff]")
_LOANED = frozenset(("jalapeño", "jalapeños", "piñata", "piñatas", "über", "señor", "doppelgänger"))


def knows_only_english(model: Model) -> bool:
    """Whether a model is known to know no other language."""
    if model.name == STARTER:
        return True
    known = recommendation(model.name)
    return known.languages == "English" if known else model.tokenizer == "clip"


def seems_foreign(text: str, language: str) -> bool:
    """Whether a text seems not to be English. `language`: that of the user, as a locale."""
    if _OTHER_SCRIPT.search(text):
        return True
    words = re.findall(r"[^\W\d_]+", text.lower())
    if not words or not _ENGLISH.isdisjoint(words):
        return False
    foreign = [word for word in words if word in _FOREIGN_WORDS]
    if len(foreign) > 1 or not _SURE_WORDS.isdisjoint(foreign):
        return True
    if any(_LETTERS.search(word) and word not in _LOANED for word in words):
        return True
    speaks_another = language[:2].lower() not in ("en", "c", "po", "c.", "")
    return speaks_another and not any(map(is_english, words))


def has_english(text: str) -> bool:
    """Whether one of a text's words is surely English."""
    words = re.findall(r"[^\W\d_]+", text.lower())
    return not _ENGLISH.isdisjoint(words) or any(map(is_english, words))


def is_english(word: str) -> bool:
    """Whether it is one of the English words that name what pictures show, also in the plural."""
    word = word.lower()
    forms = {word, word.removesuffix("s"), word.removesuffix("es"), word.removesuffix("ing")}
    return not forms.isdisjoint(_english_words())


@cache
def _english_words() -> frozenset[str]:
    """Words that name what pictures show."""
    terms = read_vocabulary("")
    return frozenset(word for term in terms for word in " ".join(term.path).lower().split())
