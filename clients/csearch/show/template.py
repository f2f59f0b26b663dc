r"""--format: formats hits with a template such as `{path}\t{date}\t{place}`.

`\t`, `\n`, `\0` and `\\` are escapes, `{{` and `}}` stand for braces. A newline is added unless the
template ends with `\n` or `\0`. On a terminal, control characters are replaced.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable
from typing import Any

from csearch.protocol.errors import ClientError
from csearch.protocol.quoting import harmless, printable
from csearch.protocol.wire import Message
from csearch.show.fields import FIELDS, values

_ESCAPES = {"\\t": "\t", "\\n": "\n", "\\0": "\0", "\\\\": "\\", "{{": "{", "}}": "}"}
_PIECES = re.compile(r"\\[tn0\\]|\{\{|\}\}|\{(\w*)\}|[{}]")


class Template:
    """A parsed template. `fields` are the names of the fields in it."""

    def __init__(self, text: str, interactive: bool) -> None:
        """`interactive`: the output is a terminal. Raises ClientError."""
        self._name = _shown if interactive else _as_it_is
        self._parts: list[str | Callable[[bytes, dict[str, Any]], bytes]] = []
        self.fields: set[str] = set()
        literal = harmless if interactive else str
        end = 0
        for match in _PIECES.finditer(text):
            self._parts.append(literal(text[end : match.start()]))
            end = match.end()
            if match[0] in _ESCAPES:
                self._parts.append(_ESCAPES[match[0]])
            elif match[0] in "{}":
                raise ClientError(f"--format: a single {match[0]}; {match[0] * 2} stands for it")
            else:
                self._add_field(match[1])
        self._parts.append(literal(text[end:]))
        ending = "".join(part for part in self._parts[-2:] if isinstance(part, str))
        if not ending.endswith(("\n", "\0")):
            self._parts.append("\n")

    def line(self, hit: Message, rank: int) -> bytes:
        """The output for one hit."""
        known = values(hit, rank)
        return b"".join(
            os.fsencode(part) if isinstance(part, str) else part(hit["path"], known)
            for part in self._parts
        )

    def _add_field(self, name: str) -> None:
        if name not in FIELDS:
            known = ", ".join(FIELDS)
            raise ClientError(f"--format: there is no field {{{name}}}; known are {known}")
        self.fields.add(name)
        if name == "path":
            self._parts.append(lambda path, known: self._name(path))
        elif name == "name":
            self._parts.append(lambda path, known: self._name(os.path.basename(path)))
        elif name == "folder":
            self._parts.append(lambda path, known: self._name(os.path.dirname(path)))
        else:
            self._parts.append(lambda path, known: _text(known[name]))


def _shown(name: bytes) -> bytes:
    return printable(name).encode()


def _as_it_is(name: bytes) -> bytes:
    return name


def _text(value: object) -> bytes:
    """A value as text on one line; b"" if it is unknown."""
    if value is None:
        return b""
    if isinstance(value, bool):
        return b"yes" if value else b"no"
    if isinstance(value, list):
        value = ", ".join(map(str, value))
    return "".join(c if c.isprintable() else " " for c in str(value)).encode(errors="replace")
