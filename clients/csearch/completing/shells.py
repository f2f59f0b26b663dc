"""The interfaces of bash, zsh and fish: what they pass, and the output that they expect."""

from __future__ import annotations

import os
import re
from collections.abc import Callable
from typing import NamedTuple

from csearch.completing.words import Candidate, Completions, complete

_UNSAFE = re.compile(r"[^\w./:=@%+,-]")
_IN_DOUBLE_QUOTES = re.compile(r'(["$`\\])')
_SEPARATORS = ";|&("


class _Typed(NamedTuple):
    """A command line up to the cursor. `kept` is the part of the last word that bash keeps."""

    words: list[str]
    current: str
    quote: str  # the quote that is open, or ""
    kept: str


def bash(command: str, line: str, breaks: str) -> str:
    """Completes `line`, which ends at the cursor.

    `breaks` is COMP_WORDBREAKS: bash replaces what follows the last of these characters.
    """
    typed = _read(line, breaks)
    names = [os.path.basename(word) for word in typed.words]
    begin = len(names) - names[::-1].index(os.path.basename(command))
    found = complete(os.path.basename(command), typed.words[begin:], typed.current)
    words = []
    for word in found.words:
        if word.text[: len(typed.kept)].casefold() == typed.kept.casefold():
            rest = word._replace(text=word.text[len(typed.kept) :])
            words.append(quoted(rest, typed.quote) + (" " if word.is_final else ""))
    return _lines(found, words)


def zsh(command: str, quote: str, *words: str) -> str:
    """Completes the last of `words`. Inside quotes zsh quotes the completions itself."""
    found = complete(os.path.basename(command), list(words[:-1]), words[-1])
    shown = [word.text if quote else quoted(word, "") for word in found.words]
    return _lines(found, _explained(found, shown))


def fish(command: str, *words: str) -> str:
    """Completes the last of `words`, which has its quotes. fish quotes the completions itself."""
    current = re.sub(r"\\(.)|[\"']", r"\1", words[-1])
    found = complete(os.path.basename(command), list(words[:-1]), current)
    return _lines(found, _explained(found, [word.text for word in found.words]))


SHELLS: dict[str, Callable[..., str]] = {"bash": bash, "zsh": zsh, "fish": fish}


def quoted(word: Candidate, quote: str) -> str:
    """The word as it is written in a command line of bash or zsh, inside an open `quote`."""
    if quote == "'":
        return word.text.replace("'", "'\\''")
    if quote:
        return _IN_DOUBLE_QUOTES.sub(r"\\\1", word.text)
    parts = word.text.split(" ") if word.continues else [word.text]
    return " ".join(_UNSAFE.sub(lambda match: "\\" + match[0], part) for part in parts)


def _lines(found: Completions, words: list[str]) -> str:
    kind = found.paths if found.paths and not words else "words"
    return "".join(f"{line}\n" for line in (kind, *words))


def _explained(found: Completions, shown: list[str]) -> list[str]:
    return [f"{text}\t{word.meaning}" for text, word in zip(shown, found.words, strict=True)]


def _read(line: str, breaks: str) -> _Typed:
    """Splits a line into words as bash does."""
    words: list[str] = []
    current, kept, quote = "", "", ""
    begun = escaped = False
    for character in line:
        if escaped:
            current += character
            escaped = False
        elif character == "\\" and quote != "'":
            escaped = begun = True
        elif quote:
            if character == quote:
                quote = ""
            else:
                current += character
        elif character in "\"'":
            quote, begun, kept = character, True, current
        elif character.isspace() or character in _SEPARATORS:
            if begun:
                words.append(current)
            current, kept, begun = "", "", False
        else:
            current += character
            begun = True
            if character in breaks:
                kept = current
    return _Typed(words, current, quote, kept)
