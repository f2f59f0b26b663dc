"""The progress line on stderr."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Sequence

from csearch.protocol.quoting import printable
from csearch.protocol.wire import Message
from csearch.show.numbers import count, duration, rate
from csearch.show.terminal import CLEAR_LINE, Terminal

_BAR_COLUMNS = 24
_DOING = {
    "encoding": "Reading",
    "text": "Reading words in",
    "tagging": "Tagging",
    "undoing": "Taking tags back from",
    "forgetting": "Forgetting",
}
_MANY = 20_000  # new pictures, of which a terminal is told
_SPEED_SECONDS = 3.0  # to wait until it is known how fast they are read
# A picture, its sidecar and its attributes are three places.
_WHAT = {"undoing": "place", "forgetting": "file"}
_FAILED = {"encoding": "unreadable", "tagging": "left alone", "undoing": "left alone"}
_ENCODING = sys.stderr.encoding if sys.stderr else "ascii"  # None where stderr is closed


class ProgressLine:
    """The progress of one request, a line that is redrawn.

    Without a terminal, a single line says that pictures are being read.
    """

    def __init__(self, terminal: Terminal, scopes: Sequence[bytes] = ()) -> None:
        """`scopes`: directories that were named, of which a terminal is told if they turn out to
        hold very many pictures."""
        self._terminal = terminal
        self._scopes = scopes
        self._many_since: float | None = None
        self.told_many = False
        self._drawn = False
        self._announced = False
        self._full, self._empty = "█░" if _ENCODING.lower().startswith("utf") else "#."

    def update(self, progress: Message) -> None:
        """Shows a `progress` reply."""
        if self._terminal.controls:
            if self._scopes and not self.told_many:
                self._tell_many(progress)
            self._draw(progress)
        elif not self._announced and progress.get("phase") == "encoding":
            self._announced = True
            _write(f"csearch: reading {count(progress['total'], 'new picture')} first\n")

    def clear(self) -> None:
        """Clears the line for other output."""
        if self._drawn:
            self._drawn = False
            _write(CLEAR_LINE)

    def _tell_many(self, progress: Message) -> None:
        """Says once that there is very much to read, so that nobody waits for a wrong place."""
        total, speed = progress.get("total") or 0, progress.get("rate") or 0
        if total < _MANY or progress.get("phase") not in ("scanning", "encoding"):
            return
        self._many_since = self._many_since or time.monotonic()
        if not speed and time.monotonic() - self._many_since < _SPEED_SECONDS:
            return  # nothing has been read yet
        import shlex

        self.told_many = True
        self.clear()
        where = " ".join(shlex.quote(printable(scope)) for scope in self._scopes)
        so_far = " so far" if progress["phase"] == "scanning" else ""
        takes = f", which takes this machine about {duration(total / speed)}" if speed else ""
        _write(
            f"There are {count(total, 'picture')} to be read in {where}{so_far}{takes}.\n"
            f"If that is the wrong place: Ctrl-C, then csearchctl forget {where}\n"
        )

    def _draw(self, progress: Message) -> None:
        if progress.get("phase") in _DOING and progress.get("total"):
            text = self._counted(progress, self._terminal.width - 1)
        else:
            text = f"Looking for pictures: {count(progress.get('found') or 0)} found"
        self._drawn = True
        _write(CLEAR_LINE + text[: self._terminal.width - 1])

    def _counted(self, progress: Message, width: int) -> str:
        """A bar, as long as the numbers beside it allow."""
        done, total = progress.get("done") or 0, progress["total"]
        phase = progress["phase"]
        what = count(total, _WHAT.get(phase, "picture"))
        parts = [count(done)]
        if progress.get("rate"):
            parts.append(rate(progress["rate"]))
        if progress.get("remaining") is not None:
            parts.append(f"{duration(progress['remaining'])} left")
        if progress.get("failed"):
            parts.append(f"{count(progress['failed'])} {_FAILED[phase]}")
        before, after = f"{_DOING[phase]} {what} ", ", ".join(parts)
        columns = min(_BAR_COLUMNS, width - len(before) - len(after) - 1)
        if columns < 1:
            return before + after
        filled = min(columns, columns * done // total)
        return f"{before}{self._full * filled}{self._empty * (columns - filled)} {after}"


def _write(text: str) -> None:
    """Writes without a buffer, since a signal handler may write in the middle of this."""
    try:
        os.write(2, text.encode(_ENCODING, "replace"))
    except OSError:
        pass
