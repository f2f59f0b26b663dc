"""Search results: a table for people, lines and JSON for programs."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator

from csearch.protocol import Message
from csearch.show.paths import file_uri, printable, shorten, shortest
from csearch.show.terminal import Terminal

Formatter = Callable[[Iterable[Message]], bytes]  # of one part of the hits, best first

_SCORE_COLUMNS = 8  # "-0.123" and two blanks


def formatter(terminal: Terminal, zero: bool, json: bool) -> Formatter:
    """What turns hits into output, by where it goes and what was asked for."""
    if json:
        return _json_lines()
    if zero:
        return lambda hits: b"".join(hit["path"] + b"\0" for hit in hits)
    if terminal.interactive:
        return lambda hits: "".join(_rows(hits, terminal)).encode(errors="surrogateescape")
    return lambda hits: b"".join(hit["path"] + b"\n" for hit in hits)


def _rows(hits: Iterable[Message], terminal: Terminal) -> Iterator[str]:
    here = _current_directory()
    room = terminal.width - _SCORE_COLUMNS
    for hit in hits:
        path: bytes = hit["path"]
        shown = shorten(printable(shortest(path, here) if here else path), room)
        score = terminal.styled(f"{hit['score']:6.3f}", "36")
        directory, slash, name = shown.rpartition("/")
        link = terminal.linked(terminal.styled(directory + slash, "2") + name, file_uri(path))
        yield f"{score}  {link}\n"


def _current_directory() -> bytes | None:
    try:
        return os.getcwdb()
    except FileNotFoundError:  # removed under our feet
        return None


def _json_lines() -> Formatter:
    from csearch.show.json import line, path_fields

    rank = 0

    def lines(hits: Iterable[Message]) -> bytes:
        nonlocal rank
        output = []
        for hit in hits:
            rank += 1
            score = round(hit["score"], 6)
            output.append(line({**path_fields(hit["path"]), "score": score, "rank": rank}))
        return b"".join(output)

    return lines
