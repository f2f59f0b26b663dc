"""Starts csearch's own commands, in the service's Python, for what needs the network or is a
text."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gi.repository import Gio, GLib

if TYPE_CHECKING:
    from collections.abc import Callable

    from bus.service import Service

CONTROL = "csearch.control"  # the module of csearchctl


def run(service: Service, arguments: list[str], done: Callable[[str | None], object]) -> None:
    """Calls `done(output)` later: what one of csearch's modules prints; None where it fails."""
    service.python(lambda python: start(python, arguments, done))


def start(python: list[str], arguments: list[str], done: Callable[[str | None], object]) -> None:
    """The same, where the service has told its Python (an empty list: it doesn't answer)."""
    flags = Gio.SubprocessFlags.STDOUT_PIPE | Gio.SubprocessFlags.STDERR_SILENCE
    if not python:
        done(None)
        return
    try:
        process = Gio.Subprocess.new([*python, "-m", *arguments], flags)
    except GLib.Error:
        done(None)
        return

    def ended(process: Gio.Subprocess, result: Gio.AsyncResult) -> None:
        try:
            _ok, output, _errors = process.communicate_utf8_finish(result)
        except GLib.Error:  # it isn't UTF-8
            output = None
        done(output if process.get_successful() else None)

    process.communicate_utf8_async(None, None, ended)
