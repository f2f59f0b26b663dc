"""Which terms people name in captions."""

from __future__ import annotations

import re
from collections.abc import Sequence

import numpy as np

from csearchd.scoring.vocabulary import Term

_ARTICLE = re.compile(r"^(a|an|the|some|two|something) ")


class Mentions:
    """`matrix`: bool (photos, terms), whether a caption names the term, or one below it."""

    def __init__(self, terms: Sequence[Term], captions: Sequence[Sequence[str]]) -> None:
        texts = [" | ".join(f" {_words(caption)} " for caption in each) for each in captions]
        self.matrix = np.zeros((len(texts), len(terms)), np.bool_)
        for column, term in enumerate(terms):
            forms = word_forms(term)
            self.matrix[:, column] = [any(form in text for form in forms) for text in texts]
        columns = {term.path: column for column, term in enumerate(terms)}
        for term in terms:
            for depth in range(1, len(term.path)):
                above = columns.get(term.path[:depth])
                if above is not None:
                    self.matrix[:, above] |= self.matrix[:, columns[term.path]]


def word_forms(term: Term) -> set[str]:
    """The words that name a term, in the singular and a simple plural, with blanks around."""
    names = [_ARTICLE.sub("", phrase.lower()) for phrase in term.phrases]
    return {f" {_words(name)}{ending} " for name in names for ending in ("", "s")}


def _words(text: str) -> str:
    return " ".join(re.findall(r"[a-z0-9']+", text.lower()))
