"""How open_clip cleans a text before its tokenizer sees it; a model names one of these ways."""

from __future__ import annotations

import html
import string
from collections.abc import Callable

import ftfy

_WITHOUT_PUNCTUATION = str.maketrans("_", " ", string.punctuation.replace("_", ""))


def repaired(text: str) -> str:
    """`text` without mojibake and HTML entities. Lone surrogates (undecodable bytes of a command
    line) become U+FFFD."""
    return html.unescape(html.unescape(ftfy.fix_text(text)))


def _whitespace(text: str) -> str:
    return " ".join(repaired(text).split())


def _lower(text: str) -> str:
    return _whitespace(text).lower()


def _canonicalize(text: str) -> str:
    """As SigLIP was trained: lower case, ASCII punctuation deleted, underscores as blanks."""
    return " ".join(repaired(text).strip().translate(_WITHOUT_PUNCTUATION).lower().split())


CLEANINGS: dict[str, Callable[[str], str]] = {
    "lower": _lower,  # CLIP's
    "whitespace": _whitespace,
    "canonicalize": _canonicalize,
}
