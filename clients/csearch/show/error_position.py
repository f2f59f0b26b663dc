"""Shows where in a query an error is."""

from __future__ import annotations

from csearch.show.paths import width
from csearch.show.terminal import Terminal

_INDENT = "  "
_BEFORE = 20  # characters before the position that are shown of a long query
_ROOM_MIN = 16  # columns for the query, on whatever terminal


def with_position(message: str, query: str, start: int, end: int, terminal: Terminal) -> str:
    """`message` with the position: on a terminal a line with carets, else a number."""
    if not terminal.interactive or not query:
        return f"{message} (at character {start + 1})"
    text = "".join(c if c.isprintable() else " " for c in query)
    room = max(terminal.width - len(_INDENT), _ROOM_MIN)
    if width(text) > room:
        first = max(0, start - min(_BEFORE, room // 4))
        text = text[first : first + room // 2]
        start, end = start - first, min(end - first, len(text))
    carets = "^" * max(1, width(text[start:end]))
    return f"{message}\n{_INDENT}{text}\n{_INDENT}{' ' * width(text[:start])}{carets}"
