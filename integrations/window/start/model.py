"""The better model: what it is, and its installation by csearch's own command, which fetches it.

The service has no network; the command is a process of its own, and outlives the window that
started it.
"""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING

from gi.repository import Gio, GLib

from bus import commands
from texts import _

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any, TypeAlias

    from bus.service import Service

    Model: TypeAlias = dict[str, Any]
    # How far it is (0 to 1, None where nobody knows), and in words; whether it has ended.
    Told: TypeAlias = Callable[["float | None", str, bool], object]

_DOWNLOADED = re.compile(r"downloaded (\d+) of (\d+) MB")


def recommended(service: Service, told: Callable[[Model | None], object]) -> None:
    """Calls `told(model)` later: what the catalogue says of the recommended model, None where it
    is installed or the catalogue can't be read."""

    def listed(output: str | None) -> None:
        try:
            models = json.loads(output or "")["models"]
        except (ValueError, KeyError):
            models = []
        better = [model for model in models if model.get("recommended")]
        told(better[0] if better and not better[0].get("installed") else None)

    commands.run(service, ["csearchd.models.manage", "list"], listed)


class Installation:
    """One model that is being installed, then used."""

    def __init__(self, application: Gio.Application, service: Service, name: str) -> None:
        self._application = application
        self._python: list[str] = []  # known from the beginning: the window may be closed later
        self.name = name
        self._last = ""  # line that it has written
        self._told: list[Told] = []
        self._state: tuple[float | None, str, bool] = (None, _("Getting the better model…"), False)
        application.hold()  # it goes on when the window is closed
        service.python(self._begin)

    def tell(self, told: Told) -> Callable[[], None]:
        """Calls `told` now and whenever there is something new, until what it returns is called."""
        self._told.append(told)
        told(*self._state)

        def leave() -> None:
            if told in self._told:
                self._told.remove(told)

        return leave

    def _say(self, fraction: float | None, text: str, ended: bool = False) -> None:
        self._state = fraction, text, ended
        for told in list(self._told):
            told(fraction, text, ended)

    def _begin(self, python: list[str]) -> None:
        self._python = python
        command = [*python, "-m", commands.CONTROL, "model", "install", self.name]
        flags = Gio.SubprocessFlags.STDERR_PIPE | Gio.SubprocessFlags.STDOUT_SILENCE
        if not python:
            self._end(_("The search service does not answer"))
            return
        try:
            process = Gio.Subprocess.new(command, flags)
        except GLib.Error as error:
            self._end(error.message)
            return
        lines = Gio.DataInputStream.new(process.get_stderr_pipe())
        self._read(lines, process)

    def _read(self, lines: Gio.DataInputStream, process: Gio.Subprocess) -> None:
        def read(lines: Gio.DataInputStream, result: Gio.AsyncResult) -> None:
            try:
                line, _length = lines.read_line_finish_utf8(result)
            except GLib.Error:  # it isn't UTF-8
                line = None
            if line is None:
                process.wait_async(None, self._installed)
                return
            self._hear(line.strip())
            self._read(lines, process)

        lines.read_line_async(GLib.PRIORITY_DEFAULT, None, read)

    def _hear(self, line: str) -> None:
        self._last = line or self._last
        if far := _DOWNLOADED.search(line):
            have, total = map(int, far.groups())
            text = _("Getting the better model: {have} of {total} MB")
            self._say(have / max(1, total), text.format(have=have, total=total))
        elif line:
            self._say(None, _("Preparing the better model…"))

    def _installed(self, process: Gio.Subprocess, result: Gio.AsyncResult) -> None:
        process.wait_finish(result)
        if not process.get_successful():
            self._end(self._last.removeprefix("csearchctl: "))
            return

        def used(output: str | None) -> None:
            self._end("" if output is not None else self._last)

        commands.start(self._python, [commands.CONTROL, "model", "use", self.name], used)

    def _end(self, failure: str) -> None:
        text = _("The better model could not be installed: {reason}").format(reason=failure)
        self._application.installation = None
        self._say(None, text if failure else "", ended=True)
        self._application.release()
