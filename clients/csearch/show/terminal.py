"""The capabilities of a terminal: width, colours, hyperlinks."""

from __future__ import annotations

import os

CLEAR_LINE = "\r\x1b[K"
_WIDTH, _HEIGHT = 80, 24  # in columns and lines, if the terminal doesn't tell

# Terminals that are known to show OSC 8 hyperlinks, by the variables that they set. Others get no
# links: old terminals print them as garbage, and to ask a terminal takes a round trip.
_LINK_TERMS = ("alacritty", "contour", "foot", "wezterm", "xterm-ghostty", "xterm-kitty")
_LINK_PROGRAMS = ("WezTerm", "ghostty", "iTerm.app", "rio", "vscode")
_LINK_VARIABLES = ("DOMTERM", "KITTY_WINDOW_ID", "WT_SESSION")
_LINK_VERSIONS = {"VTE_VERSION": 5000, "KONSOLE_VERSION": 201200}  # the first without errors


class Terminal:
    """A file descriptor, and what the terminal behind it, if any, can show."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor
        self.interactive = is_terminal(descriptor)
        term = os.environ.get("TERM", "")
        self.controls = self.interactive and term not in ("", "dumb", "unknown")
        self.colours = self.controls and not os.environ.get("NO_COLOR")
        self.links = self.controls and _shows_links(term)

    @property
    def width(self) -> int:
        """The present width in columns."""
        columns = os.environ.get("COLUMNS", "")
        if columns.isdecimal() and int(columns) > 0:
            return int(columns)
        try:
            return os.get_terminal_size(self._descriptor).columns or _WIDTH
        except OSError:
            return _WIDTH

    @property
    def height(self) -> int:
        """The present height in lines."""
        try:
            return os.get_terminal_size(self._descriptor).lines or _HEIGHT
        except OSError:
            return _HEIGHT

    def styled(self, text: str, style: str) -> str:
        """`text` in a style of ECMA-48 ("1" is bold), if the terminal shows colours."""
        return f"\x1b[{style}m{text}\x1b[0m" if self.colours and text else text

    def linked(self, text: str, uri: str) -> str:
        """`text` as a hyperlink, if the terminal shows links."""
        return f"\x1b]8;;{uri}\x1b\\{text}\x1b]8;;\x1b\\" if self.links else text


def is_terminal(descriptor: int) -> bool:
    try:
        return os.isatty(descriptor)
    except OSError:
        return False


def _shows_links(term: str) -> bool:
    if term.startswith(("screen", "tmux", "linux")):
        return False  # a multiplexer has the variables of the terminal around it
    if term.startswith(_LINK_TERMS) or os.environ.get("TERM_PROGRAM") in _LINK_PROGRAMS:
        return True
    if any(variable in os.environ for variable in _LINK_VARIABLES):
        return True
    return any(
        (version := os.environ.get(variable, "")).isdecimal() and int(version) >= first
        for variable, first in _LINK_VERSIONS.items()
    )
