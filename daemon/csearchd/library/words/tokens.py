"""Cuts texts and names into words, as the index has them and queries look for them.

Words are folded: without case and accents, and compatible forms are the same ("ﬁ", full-width
letters). Each of "FullMoon_2019", "full-moon 2019" and "full moon(2019)" has the words "full",
"moon" and "2019"; a word of several parts is a word of its own, too ("fullmoon"). Writing without
blanks (Chinese, Japanese, Thai, and Korean, whose particles follow the word) has no words: every
character and every pair of neighbours count as one.
"""

from __future__ import annotations

import os
import re
import unicodedata

_MARKS = (  # which a letter may carry, and words are compared without
    "\u0300-\u036f\u0483-\u0487\u0591-\u05bd\u05bf\u05c1\u05c2\u05c4\u05c5\u05c7\u064b-\u065f\u0670"
)
_ACCENTS = re.compile(f"[{_MARKS}]+")
_LETTERS = str.maketrans(
    {"ø": "o", "ł": "l", "đ": "d", "ħ": "h", "ŧ": "t", "ı": "i", "æ": "ae", "œ": "oe", "þ": "th"}
)
# In scripts of India and further east, vowel signs belong to words.
_RUN = re.compile(f"(?:[^\\W_][{_MARKS}]*|[\u0900-\u0963\u0966-\u109f\u1780-\u17d3])+")
_UNSPACED_LETTERS = (
    "\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3005-\u3007\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff"
    "\uac00-\ud7af\uf900-\ufaff\U00020000-\U0003ffff"
)
_UNSPACED = re.compile(f"([{_UNSPACED_LETTERS}]+)")
_LOWER, _UPPER = "a-zß-öø-ÿа-яёα-ω", "A-ZÀ-ÖØ-ÞА-ЯЁΑ-Ω"
_CAMEL = re.compile(f"(?<=[{_LOWER}])(?=[{_UPPER}])|(?<=[{_UPPER}])(?=[{_UPPER}][{_LOWER}])")
_DIGITS = re.compile(r"(?<=\d)(?=[^\W\d_])|(?<=[^\W\d_])(?=\d)")
_HEXADECIMAL = re.compile("[0-9a-f]{8,}", re.IGNORECASE)
_MAX_SUFFIX = 6  # characters of a file name's suffix, with its dot
_MAX_WORD = 64  # characters of a word; more are cut off
_MAX_TEXT = 20_000  # characters of a text


def folded(text: str) -> str:
    """A text as its words are compared."""
    if text.isascii():
        return text.lower()
    decomposed = _ACCENTS.sub("", unicodedata.normalize("NFKD", text)).casefold()
    return unicodedata.normalize("NFC", decomposed).translate(_LETTERS)


def runs(text: str) -> list[str]:
    """The parts of a text between blanks and other signs, composed, where they may be words."""
    if not text.isascii():
        text = unicodedata.normalize("NFKC", text)
    found = _RUN.findall(text[:_MAX_TEXT])
    if text.isascii():
        return found
    return [part for run in found for part in _UNSPACED.split(run) if part]


def is_unspaced(run: str) -> bool:
    """Whether a run is of a writing that has no blanks between words."""
    return _UNSPACED.match(run) is not None


def words_of_run(run: str) -> list[str]:
    """The words of a run, each once."""
    if is_unspaced(run):
        plain = folded(run)
        pairs = [plain[at : at + 2] for at in range(len(plain) - 1)]
        return list(dict.fromkeys([*plain, *pairs]))
    whole = folded(run)[:_MAX_WORD]
    if run.isdecimal() or _HEXADECIMAL.fullmatch(run):
        return [whole]
    parts = _DIGITS.split(run)
    if len(parts) > 2:
        return [whole]  # an id
    found = [whole]
    for part in parts:
        pieces = [folded(piece) for piece in _CAMEL.split(part)]
        found += [*pieces, folded(part)]
    return list(dict.fromkeys(word[:_MAX_WORD] for word in found))


def words(text: str) -> list[str]:
    """The words of a text, each once."""
    return list(dict.fromkeys(word for run in runs(text) for word in words_of_run(run)))


def words_of_name(name: bytes | str) -> list[str]:
    """The words of a file's name, without its suffix."""
    text = os.fsdecode(name)
    stem, dot, suffix = text.rpartition(".")
    if stem and len(dot + suffix) <= _MAX_SUFFIX:
        text = stem
    return words(text)
