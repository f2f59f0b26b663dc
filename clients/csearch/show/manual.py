"""Manual pages as plain text, where there is no `man`: as much of man(7) as csearch's pages use."""

from __future__ import annotations

import re
import textwrap

_INDENT = 7
_WIDTH_MAX = 100
_SPECIAL = {"(dq": '"', "(aq": "'", "-": "-", "e": "\\", "&": "", ",": "", "/": ""}
_ESCAPE = re.compile(r"\\(f[BIR]|\(..|.)")
_WORD = re.compile(r'"((?:[^"]|"")*)"|(\S+)')


def plain_text(source: str, width: int) -> str:
    """The page whose source is given, for so many columns."""
    page = _Page(min(width, _WIDTH_MAX))
    for line in source.splitlines():
        page.take(line)
    page.end_paragraph()
    return "\n".join(page.lines).strip("\n")


def section(source: str, heading: str) -> str:
    """The title of a page whose source is given, and its section or subsection with that heading,
    "" if there is none."""
    title, *lines = source.splitlines()
    found: list[str] = []
    level = ""
    for line in lines:
        macro, _, rest = line.partition(" ")
        if macro in (".SH", ".SS"):
            if found and (macro == ".SH" or macro == level):
                break
            if not found and " ".join(arguments(rest)) == heading:
                level, line = macro, f".SH {rest}"
        if level:
            found.append(line)
    return "\n".join([title, *found, ""]) if found else ""


class _Page:
    """What is written of a page, line after line."""

    def __init__(self, width: int) -> None:
        self.lines: list[str] = []
        self._width = width
        self._words: list[str] = []  # of the paragraph that is being read
        self._base = self._indent = _INDENT
        self._outer: list[int] = []  # the indentations around .RS
        self._as_it_is = False  # between .EX and .EE
        self._label = False  # the next line is what .TP explains

    def take(self, line: str) -> None:
        macro, _, rest = line[1:].partition(" ") if line.startswith(".") else ("", "", line)
        match macro:
            case "":
                self._text(_unescaped(line))
            case "B" | "I":
                self._text(" ".join(arguments(rest)))
            case "BR" | "RB" | "IR" | "RI" | "BI" | "IB":
                self._text("".join(arguments(rest)))
            case "SH" | "SS":
                self._heading(macro, " ".join(arguments(rest)))
            case "TP":
                self.end_paragraph()
                self._gap()
                self._label = True
            case "TQ":  # a further line of what .TP explains
                self.end_paragraph()
                self._label = True
            case "PP":
                self.end_paragraph()
                self._gap()
                self._indent = self._base
            case "IP":
                self.end_paragraph()
                self._gap()
            case "RS":
                self.end_paragraph()
                self._outer.append(self._base)
                self._base = self._indent
            case "RE":
                self.end_paragraph()
                self._indent = self._base
                self._base = self._outer.pop()
            case "EX" | "EE":
                self.end_paragraph()
                self._as_it_is = macro == "EX"
            case "br":
                self.end_paragraph()

    def end_paragraph(self) -> None:
        if self._words:
            blanks = " " * self._indent
            # Words of a name that has hyphens stay together.
            self.lines += textwrap.wrap(
                " ".join(self._words),
                self._width,
                initial_indent=blanks,
                subsequent_indent=blanks,
                break_long_words=False,
                break_on_hyphens=False,
            )
            self._words = []

    def _text(self, text: str) -> None:
        if self._label:
            self.lines.append(" " * self._base + text)
            self._indent = self._base + _INDENT
            self._label = False
        elif self._as_it_is:
            self.lines.append(" " * self._indent + text)
        elif text:
            self._words.append(text)

    def _heading(self, macro: str, text: str) -> None:
        self.end_paragraph()
        self._gap()
        self.lines.append(text if macro == "SH" else f"   {text}")
        self._base = self._indent = _INDENT

    def _gap(self) -> None:
        if self.lines and self.lines[-1] and not self._is_heading(self.lines[-1]):
            self.lines.append("")

    def _is_heading(self, line: str) -> bool:
        return len(line) - len(line.lstrip()) < _INDENT


def arguments(text: str) -> list[str]:
    """Those of a macro; quotes hold one together."""
    found = _WORD.finditer(text)
    return [_unescaped(match[2] if match[1] is None else match[1]) for match in found]


def _unescaped(text: str) -> str:
    return _ESCAPE.sub(lambda match: _SPECIAL.get(match[1], ""), text)
