"""An error's place in the query."""

from __future__ import annotations

from csearch.show.paths import width
from csearch.show.terminal import Terminal

_INDENT = "  "
_BEFORE = 20  # characters before the place that are shown where all doesn't fit


def with_position(message: str, query: str, start: int, end: int, terminal: Terminal) -> str:
    """`message` with the place: a line with carets on a terminal, else its number."""
    if not terminal.interactive or not query:
        return f"{message} (at character {start + 1})"
    text = "".join(c if c.isprintable() else " " for c in query)
    if width(text) > terminal.width - len(_INDENT):
        first = max(0, start - _BEFORE)
        text = text[first : first + (terminal.width - len(_INDENT)) // 2]
        start, end = start - first, min(end - first, len(text))
    carets = "^" * max(1, width(text[start:end]))
    return f"{message}\n{_INDENT}{text}\n{_INDENT}{' ' * width(text[:start])}{carets}"
