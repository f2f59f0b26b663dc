"""--why: explains which parts of the query a picture matches, and how filters narrow the search."""

from __future__ import annotations

from csearch.protocol.quoting import harmless
from csearch.protocol.wire import Message
from csearch.show.fields import best_line
from csearch.show.numbers import count
from csearch.show.terminal import Terminal

_OPPOSITES = {"strong": "weak", "fair": "fair", "weak": "strong"}
_STYLES = {"strong": "32", "fair": "33", "weak": "31"}


def reasons(hit: Message, indent: str, terminal: Terminal) -> str:
    """Lines that explain a hit, each with a newline at its end."""
    why = hit.get("why") or {}
    lines = []
    for verb, sure in (("meets", "strong"), ("partly", "fair"), ("misses", "weak"), ("?", None)):
        met = [_part(part) for part in why.get("parts", ()) if _outcome(part) == sure]
        if met:
            styled = terminal.styled(f"{verb:6}", _STYLES.get(sure or "", "2"))
            lines.append(f"{indent}{styled}  {harmless(', '.join(met))}\n")
    if words := hit.get("by_name"):
        styled = terminal.styled("by name", "32")
        lines.append(f"{indent}{styled} {harmless(', '.join(words))}\n")
    lines += written(hit, indent, terminal)
    if (hit.get("details") or {}).get("incomplete"):
        lines.append(f"{indent}the file is incomplete: a part of the picture is missing\n")
    if terms := why.get("terms"):
        lines.append(f"{indent}{terminal.styled('shows ', '2')}  {harmless(', '.join(terms))}\n")
    return "".join(lines)


def written(hit: Message, indent: str, terminal: Terminal) -> list[str]:
    """The line in the picture that has what was looked for, with a newline at its end; or none."""
    line = best_line(hit)
    if line is None:
        return []
    return [f"{indent}{terminal.styled('text   ', '2')} {harmless(line)}\n"]


def of_filters(why: Message) -> list[str]:
    """A line for stderr with the number of pictures that each filter leaves; or none."""
    told = [f"{harmless(one['text'])} leaves {count(one['files'])}" for one in why["filters"]]
    if not told:
        return []
    together = f"; together {count(why['left'])}" if len(told) > 1 else ""
    return [f"{', '.join(told)} of {count(why['scope'], 'picture')}{together}"]


def _outcome(part: Message) -> str | None:
    """How well the picture matches a part; a subtracted part matches if it isn't there."""
    sure: str | None = part["confidence"]
    return _OPPOSITES.get(sure or "") if part["weight"] < 0 else sure


def _part(part: Message) -> str:
    sign = "- " if part["weight"] < 0 else ""
    gain = part["contribution"]
    return f"{sign}{part['text']}{'' if gain is None else f' ({gain:+.3f})'}"
