"""What the service tells of one picture: its pixels, its words, and all that is known of it."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from gi.repository import Gio, GLib

from bus.service import explained

if TYPE_CHECKING:
    from collections.abc import Callable

    from background import Workers
    from bus.service import Failure, Options, Service, Values


class OnePicture:
    def __init__(self, service: Service, workers: Workers) -> None:
        """`workers` open files."""
        self._service = service
        self._workers = workers

    def picture(self, path: bytes, pixels: int, made: Callable[[bytes, str], object]) -> None:
        """Calls `made(jpeg, failure)` later; its longer side has at most so many pixels."""

        def answered(jpeg: bytes | None, failure: Failure | None) -> None:
            made(jpeg or b"", str(failure) if failure else "")

        self._service.call("Picture", GLib.Variant("(ayu)", (path, pixels)), "(ay)", answered)

    def facts(self, path: bytes, told: Callable[[Values], object]) -> None:
        """Calls `told(values)` soon: keywords, details; {} where nothing is known."""
        options = {
            "details": GLib.Variant("b", True),
            "places": GLib.Variant("b", True),
            "quick": GLib.Variant("b", True),
        }
        self._tags(path, options, lambda known, _failure: told(known))

    def looks(self, path: bytes, query: str, told: Callable[[Values], object]) -> None:
        """Calls `told(values)` later, the first time after seconds: words, and why it matches."""

        def answered(known: Values, failure: Failure | None) -> None:
            if failure and query and not failure.absent:  # it can't be searched for, perhaps
                self.looks(path, "", told)
            else:
                told(known)

        self._tags(path, {"query": GLib.Variant("s", query)}, answered)

    def _tags(
        self,
        path: bytes,
        options: Options,
        told: Callable[[Values, Failure | None], object],
    ) -> None:
        def answered(files: list[Values] | None, failure: Failure | None) -> None:
            told(files[0] if files else {}, failure)

        values = GLib.Variant("(aaya{sv})", ([path], options))
        self._service.call("Tags", values, "(aa{sv})", answered)

    def words(self, path: bytes, told: Callable[[list[Values], str], object]) -> Gio.Cancellable:
        """Calls `told(lines, failure)` once the words in a picture are read, unless what it returns
        is cancelled."""
        cancellable = Gio.Cancellable()

        def answered(result: Values | None, failure: Failure | None) -> None:
            if cancellable.is_cancelled():
                return
            result = result or {}
            refusal = result.get("error")
            text = explained(refusal) if refusal else str(failure or "")
            told(result.get("lines", []), text)

        def opened(file: int | OSError) -> None:
            if isinstance(file, OSError):
                if not cancellable.is_cancelled():
                    told([], file.strerror or str(file))
                return
            files = Gio.UnixFDList()
            files.append(file)
            os.close(file)
            if not cancellable.is_cancelled():
                values = GLib.Variant("(ayh)", (path, 0))
                self._service.call("Text", values, "(a{sv})", answered, files, cancellable)

        self._workers.run(lambda: _opened(path), opened)
        return cancellable


def _opened(path: bytes) -> int | OSError:
    try:
        return os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError as error:
        return error
