"""Deadlines for the heads of HTTP answers, which http.client waits for as long as bytes come."""

from __future__ import annotations

import io
import time
import urllib.request
from functools import partial
from http.client import HTTPConnection, HTTPResponse
from typing import Any

from csearchd.errors import AttemptFailed

HEAD_SECONDS = 60.0  # in which the head of an answer must have come
_REDIRECTS = (301, 302, 303, 307, 308)  # of HTTP


class _Answer(HTTPResponse):
    """Raises AttemptFailed if its head, or the whole of a redirect, whose body urllib reads too,
    doesn't come in time."""

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self._bytes = _Timed(self.fp.detach())
        self.fp = io.BufferedReader(self._bytes)

    def begin(self) -> None:
        super().begin()
        if self.status not in _REDIRECTS:
            self._bytes.deadline = None


class _Timed(io.RawIOBase):
    """The bytes of `raw`. Raises AttemptFailed for those that come after the deadline."""

    def __init__(self, raw: io.RawIOBase) -> None:
        self._raw = raw
        self.deadline: float | None = time.monotonic() + HEAD_SECONDS

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int | None:
        count = self._raw.readinto(buffer)
        if self.deadline is not None and time.monotonic() > self.deadline:
            raise AttemptFailed(f"the head of the answer didn't come in {HEAD_SECONDS:g} s")
        return count

    def close(self) -> None:
        self._raw.close()
        super().close()


def _connection(kind: Any, *arguments: Any, **options: Any) -> HTTPConnection:
    connection: HTTPConnection = kind(*arguments, **options)
    connection.response_class = _Answer  # for the answer of a proxy to CONNECT too
    return connection


class PlainHeads(urllib.request.HTTPHandler):
    """Opens HTTP with the deadline."""

    def do_open(self, http_class: Any, *arguments: Any, **options: Any) -> HTTPResponse:
        return super().do_open(partial(_connection, http_class), *arguments, **options)


class EncryptedHeads(urllib.request.HTTPSHandler):
    """Opens HTTPS with the deadline."""

    def do_open(self, http_class: Any, *arguments: Any, **options: Any) -> HTTPResponse:
        return super().do_open(partial(_connection, http_class), *arguments, **options)
