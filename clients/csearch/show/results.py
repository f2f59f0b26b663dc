"""Formats search results: a table on terminals, else lines, JSON or templates."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator
from itertools import count

from csearch.protocol.quoting import printable
from csearch.protocol.wire import Message
from csearch.search.options import Options
from csearch.show.order import COLUMNS as ORDER_COLUMNS
from csearch.show.order import is_of_file, order_value
from csearch.show.paths import file_uri, shorten, shortest
from csearch.show.terminal import Terminal

_SCORE_COLUMNS = 8  # "-0.123" and two blanks
_BLANKS = {"score": "  ", "confidence": "  ", "order": " ", "behind": ""}  # after a column
_PATH_COLUMNS_MIN = 12  # below, the path takes the place of what stands beside it
Explain = Callable[[Message, str], str]
"""Returns lines that explain a hit, given the hit and an indentation."""

_STYLES = {"strong": "32", "fair": "33"}  # green, yellow; weak is dim


class Formatter:
    """Formats hits, in the order of their rank, and tells what the request must ask for."""

    def __init__(
        self,
        lines: Callable[[Iterable[Message]], bytes],
        details: bool = False,
        places: bool = False,
        group: bool = False,
        order_details: bool = False,
    ) -> None:
        self.lines = lines
        self.details = details
        self.places = places
        self.group = group  # the default of --group
        self.order_details = order_details


def formatter(terminal: Terminal, options: Options) -> Formatter:
    """The formatter for the output and the options. Raises ClientError."""
    if options.json:
        return Formatter(_json_lines(options.offset), details=True, places=True)
    if options.format is not None:
        return _templates(options.format, options.offset, terminal)
    if options.zero:
        return Formatter(lambda hits: b"".join(hit["path"] + b"\0" for hit in hits))
    explain = _explaining(terminal, options)
    if terminal.interactive:
        return Formatter(
            lambda hits: "".join(_rows(hits, terminal, explain, options.sort)).encode(
                errors="surrogateescape"
            ),
            group=True,
            order_details=True,
        )
    return Formatter(
        lambda hits: b"".join(hit["path"] + b"\n" + explain(hit, "\t").encode() for hit in hits)
    )


def _explaining(terminal: Terminal, options: Options) -> Explain:
    """The function that explains a hit with --why; otherwise, on a terminal, it says which line in
    the picture matched."""
    if not options.why:
        return lambda hit, indent: _written(hit, indent, terminal)
    from csearch.show.why import reasons

    return lambda hit, indent: reasons(hit, indent, terminal)


def _written(hit: Message, indent: str, terminal: Terminal) -> str:
    if not terminal.interactive or not hit.get("text"):
        return ""
    from csearch.show.why import written

    return "".join(written(hit, indent, terminal))


def _rows(
    hits: Iterable[Message], terminal: Terminal, explain: Explain, sort: str | None
) -> Iterator[str]:
    here = _current_directory()
    for hit in hits:
        beside, room = _beside(hit, sort, terminal.width)
        styles = {
            "score": "36",
            "confidence": _STYLES.get(beside["confidence"].strip(), "2"),
            "order": "2" if is_of_file(hit, sort) else "36",
        }
        before = "".join(
            terminal.styled(beside[column], style) + _BLANKS[column]
            for column, style in styles.items()
            if beside[column]
        )
        path: bytes = hit["path"]
        shown = shorten(printable(shortest(path, here) if here else path), room)
        directory, slash, name = shown.rpartition("/")
        link = terminal.linked(terminal.styled(directory + slash, "2") + name, file_uri(path))
        behind = terminal.styled(beside["behind"], "2")
        yield f"{before}{link}{behind}\n{explain(hit, ' ' * _SCORE_COLUMNS)}"


def _beside(hit: Message, sort: str | None, width: int) -> tuple[dict[str, str], int]:
    """What stands beside the path of a hit, by column, and how much room that leaves for the path.

    Columns become empty, the least important first, until the path has enough.
    """
    score = "" if hit["score"] is None else f"{hit['score']:6.3f}"
    order = order_value(hit, sort)
    if not score or sort in ("date", "size"):
        order = f"{order:{ORDER_COLUMNS}}"
    sure = hit.get("confidence")
    beside = {
        "score": score,
        "confidence": f"{sure:6}" if sure else "",
        "order": order,
        "behind": _behind(hit),
    }
    expendable: tuple[str, ...] = ("confidence", "behind", "order")
    if score:
        expendable = ("order", "confidence", "behind", "score")
    for column in expendable:
        room = width - sum(len(text + _BLANKS[name]) for name, text in beside.items() if text)
        if room >= _PATH_COLUMNS_MIN:
            return beside, room
        beside[column] = ""
    return beside, max(width, _PATH_COLUMNS_MIN)


def _behind(hit: Message) -> str:
    """What stands behind the path of a hit: that it was found by name, where its confidence doesn't
    tell why it stands there; how many pictures were left out for it, and what they are."""
    burst = hit.get("burst", 0)
    similar = hit.get("similar", 0) - burst
    parts = ["by name"] if hit.get("by_name") and hit.get("confidence") != "strong" else []
    parts += [f"+{similar:,} similar"] if similar else []
    parts += [f"+{burst:,} of a burst"] if burst else []
    return "".join(f"  {part}" for part in parts)


def _current_directory() -> bytes | None:
    try:
        return os.getcwdb()
    except FileNotFoundError:  # it has been removed
        return None


def _json_lines(offset: int) -> Callable[[Iterable[Message]], bytes]:
    from csearch.show.fields import values
    from csearch.show.json import line, path_fields

    ranks = count(offset + 1)

    def lines(hits: Iterable[Message]) -> bytes:
        return b"".join(line({**path_fields(h["path"]), **values(h, next(ranks))}) for h in hits)

    return lines


def _templates(text: str, offset: int, terminal: Terminal) -> Formatter:
    from csearch.show.fields import OF_THE_HIT, OF_THE_PATH
    from csearch.show.template import Template

    template = Template(text, terminal.interactive)
    ranks = count(offset + 1)
    return Formatter(
        lambda hits: b"".join(template.line(hit, next(ranks)) for hit in hits),
        details=not template.fields <= {*OF_THE_PATH, *OF_THE_HIT},
        places="place" in template.fields,
    )
