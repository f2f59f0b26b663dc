"""Detects how a terminal can show pictures: from the environment, from tmux, or by asking it."""

from __future__ import annotations

import fcntl
import os
import re
import select
import struct
import termios
import time
import tty
from typing import NamedTuple

from csearch.show.terminal import Terminal

KITTY, ITERM2, SIXEL, BLOCKS = "kitty", "iterm2", "sixel", "blocks"

_ANSWER_SECONDS = 1.0  # enough for a slow connection; every terminal answers DA1
_ASK = b"\x1b[16t\x1b[c"  # the size of a cell (XTWINOPS), then the device attributes (DA1)
_ATTRIBUTES = re.compile(rb"\x1b\[\?([\d;]*)c")
_CELL = re.compile(rb"\x1b\[6;(\d+);(\d+)t")
_SIXEL_ATTRIBUTE = b"4"
_CELL_PIXELS = (10, 20)  # width and height if the terminal doesn't tell

# By the beginning of $TERM, or of the name that the terminal tells tmux (XTVERSION).
_BY_NAME = {
    "xterm-kitty": KITTY, "kitty": KITTY, "xterm-ghostty": KITTY, "ghostty": KITTY,
    "Konsole": KITTY, "WezTerm": ITERM2, "wezterm": ITERM2, "iTerm2": ITERM2, "foot": SIXEL,
}  # fmt: skip
_BY_PROGRAM = {"WezTerm": ITERM2, "iTerm.app": ITERM2, "ghostty": KITTY}  # $TERM_PROGRAM
_KONSOLE = 220400  # the first version with kitty's protocol
# The versions from which on terminals know the placeholders of kitty's protocol
# (csearch.preview.placeholders), by the name that they tell tmux. Others would show boxes.
_PLACEHOLDERS = {"kitty": (0, 28), "ghostty": (0,)}
_VERSION = re.compile(r"\d+(?:\.\d+)*")
# Terminals that show only text. Some of them print escapes that they don't know.
_TEXT_ONLY = ("linux", "screen", "eterm", "vt", "cons", "ansi", "sun", "wy")
_TMUX = "\t".join(
    (
        "#{pane_top}", "#{pane_left}", "#{status}", "#{status-position}", "#{allow-passthrough}",
        "#{client_termname}", "#{client_termtype}", "#{client_termfeatures}",
    )
)  # fmt: skip


class GraphicsSupport(NamedTuple):
    """How a terminal shows pictures.

    `cell` is the width and height of a character cell in pixels. `pane` is the row and column of
    the tmux pane, from 1, if escapes must pass through tmux. With `placeholders` no position is
    needed. `hint` tells the user how to get better pictures.
    """

    protocol: str
    cell: tuple[int, int]
    true_colour: bool
    pane: tuple[int, int] | None = None
    placeholders: bool = False
    hint: str = ""


def detect(terminal: Terminal) -> GraphicsSupport | None:
    """How the terminal of this process shows pictures; None if it can't."""
    if not terminal.controls:
        return None
    name = os.environ.get("TERM", "")
    true_colour = os.environ.get("COLORTERM", "") in ("truecolor", "24bit") or "direct" in name
    if os.environ.get("TMUX"):
        return _in_tmux(true_colour)
    cell = _cell_size()
    protocol = _known(name)
    if protocol is None and not name.startswith(_TEXT_ONLY):
        protocol, answered = _ask()
        cell = cell or answered
    return GraphicsSupport(protocol or BLOCKS, cell or _CELL_PIXELS, true_colour)


def _known(name: str) -> str | None:
    """The protocol, from the environment alone."""
    if name.startswith(_TEXT_ONLY):  # a multiplexer has the variables of the terminal around it
        return None
    if "KITTY_WINDOW_ID" in os.environ:
        return KITTY
    if protocol := _BY_PROGRAM.get(os.environ.get("TERM_PROGRAM", "")):
        return protocol
    if os.environ.get("LC_TERMINAL") == "iTerm2":  # ssh passes this variable on
        return ITERM2
    konsole = os.environ.get("KONSOLE_VERSION", "")
    if konsole.isdecimal() and int(konsole) >= _KONSOLE:
        return KITTY
    return _named(name)


def _named(name: str) -> str | None:
    return next((kind for start, kind in _BY_NAME.items() if name.startswith(start)), None)


class _Tmux(NamedTuple):
    """What tmux tells about a pane and the terminal around it."""

    pane: tuple[int, int]  # its row and column in the terminal, from 1
    passes: bool  # whether it passes wrapped escapes on
    term: str  # the terminal's $TERM
    kind: str  # its answer to XTVERSION, name and version, as in "kitty(0.35.2)"; "" without one
    features: list[str]


def _in_tmux(true_colour: bool) -> GraphicsSupport:
    """How the terminal around tmux shows pictures."""
    cell = _cell_size() or _CELL_PIXELS
    tmux = _ask_tmux()
    if tmux is None:
        return GraphicsSupport(BLOCKS, cell, true_colour)
    # tmux turns other colours into the nearest of the palette.
    true_colour = "RGB" in tmux.features
    # A tmux built with sixels claims to show them, but prints "SIXEL IMAGE" if the terminal around
    # it doesn't.
    if "sixel" in tmux.features and _ask()[0] == SIXEL:
        return GraphicsSupport(SIXEL, cell, true_colour)
    protocol = _named(tmux.kind) or _named(tmux.term)
    if protocol is None:
        return GraphicsSupport(BLOCKS, cell, true_colour)
    placeholders = _has_placeholders(tmux.kind)
    if protocol == KITTY and not placeholders and not tmux.kind.startswith("Konsole"):
        program = tmux.kind or tmux.term
        hint = f"{program} shows no pictures inside tmux; kitty 0.28 or newer, and Ghostty, do"
        return GraphicsSupport(BLOCKS, cell, true_colour, hint=hint)
    if not tmux.passes:
        hint = "tmux hides pictures; tmux set -g allow-passthrough on lets them through"
        return GraphicsSupport(BLOCKS, cell, true_colour, hint=hint)
    return GraphicsSupport(protocol, cell, true_colour, tmux.pane, placeholders)


def _ask_tmux() -> _Tmux | None:
    """What tmux tells; None if it doesn't answer as expected."""
    import subprocess

    pane = ["-t", os.environ["TMUX_PANE"]] if os.environ.get("TMUX_PANE") else []
    try:
        said = subprocess.run(
            ["tmux", "display-message", "-p", *pane, _TMUX],
            capture_output=True, text=True, timeout=_ANSWER_SECONDS, check=True,
        ).stdout.rstrip("\n")  # fmt: skip
        top, left, status, position, allowed, term, kind, features = said.split("\t")
        above = _status_lines(status) if position == "top" else 0
        place = int(top) + above + 1, int(left) + 1
    except (OSError, subprocess.SubprocessError, ValueError):
        return None
    passes = allowed not in ("off", "0")  # "" is tmux before 3.3, which passes everything on
    return _Tmux(place, passes, term, kind, features.split(","))


def _status_lines(status: str) -> int:
    """The height of tmux's status bar, by its option: "off", "on" or a number of lines."""
    return ("off", "on").index(status) if status in ("off", "on") else int(status)


def _has_placeholders(kind: str) -> bool:
    """Whether a terminal knows placeholders, by its answer to XTVERSION."""
    first = next((v for name, v in _PLACEHOLDERS.items() if kind.startswith(name)), None)
    version = _VERSION.search(kind)
    if first is None or version is None:
        return False
    return tuple(map(int, version[0].split("."))) >= first


def _cell_size() -> tuple[int, int] | None:
    try:
        packed = fcntl.ioctl(1, termios.TIOCGWINSZ, bytes(8))
    except OSError:
        return None
    rows, columns, width, height = struct.unpack("HHHH", packed)
    if not all((rows, columns, width, height)):
        return None
    return width // columns, height // rows


def _ask() -> tuple[str | None, tuple[int, int] | None]:
    """Asks the terminal for its protocol, SIXEL or None, and for the size of its cells."""
    answer = conversation(_ASK, _ATTRIBUTES)
    attributes = _ATTRIBUTES.search(answer)
    cell = _CELL.search(answer)
    sixel = attributes and _SIXEL_ATTRIBUTE in attributes[1].split(b";")
    size = (int(cell[2]), int(cell[1])) if cell else None
    return SIXEL if sixel else None, size if size and all(size) else None


def conversation(question: bytes, end: re.Pattern[bytes]) -> bytes:
    """Sends an escape to the terminal; returns its answer up to `end`, or b"" without one."""
    try:
        device = os.open("/dev/tty", os.O_RDWR | os.O_NOCTTY | os.O_CLOEXEC)
    except OSError:
        return b""
    try:
        if os.tcgetpgrp(device) != os.getpgrp():
            return b""  # in the background; using the terminal would stop this process
        before = termios.tcgetattr(device)
        try:
            tty.setcbreak(device, termios.TCSANOW)
            os.write(device, question)
            return _read_until(device, end)
        finally:
            termios.tcsetattr(device, termios.TCSANOW, before)
    except (OSError, termios.error):
        return b""
    finally:
        os.close(device)


def _read_until(device: int, end: re.Pattern[bytes]) -> bytes:
    answer = b""
    deadline = time.monotonic() + _ANSWER_SECONDS
    while (left := deadline - time.monotonic()) > 0 and not end.search(answer):
        if select.select([device], [], [], left)[0]:
            answer += os.read(device, 1024)
    if not end.search(answer):
        termios.tcflush(device, termios.TCIFLUSH)
    return answer
