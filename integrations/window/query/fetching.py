"""A picture from the web, fetched in a thread, with limits: how large, how long, from where."""

from __future__ import annotations

import http.client
import threading
import time
import urllib.error
import urllib.request
from typing import TYPE_CHECKING

from gi.repository import GLib

from texts import _

if TYPE_CHECKING:
    from collections.abc import Callable

_MOST_BYTES = 50_000_000
_MOST_SECONDS = 20


def fetch(url: str, done: Callable[[bytearray | None, str], object]) -> None:
    """Calls `done(data, failure)` later in the main loop: a bytearray, or a text for the user."""

    def work() -> None:
        data: bytearray | None
        try:
            data, failure = _fetch(url), ""
        except Exception as error:  # whatever it is, the window must not wait for ever
            data, failure = None, _explained(error)
        GLib.idle_add(done, data, f"{url}: {failure}" if failure else "")

    threading.Thread(target=work, daemon=True).start()


class _Refused(Exception):
    """What was fetched is of no use; the text says why."""


def _explained(error: Exception) -> str:
    reason = getattr(error, "reason", error)
    if isinstance(error, _Refused):
        return str(error)
    if isinstance(error, urllib.error.HTTPError):
        return f"{error.code} {reason}"
    if isinstance(reason, TimeoutError):
        return _("The server does not answer")
    if isinstance(reason, http.client.HTTPException):
        return _("The server's answer makes no sense")
    if isinstance(reason, OSError):
        return reason.strerror or str(reason)
    return _("That is not the address of a picture")


def _fetch(url: str) -> bytearray:
    deadline = time.monotonic() + _MOST_SECONDS
    data = bytearray()
    with _opener().open(url, timeout=_MOST_SECONDS) as response:
        if response.headers.get_content_type() == "text/html":
            raise _Refused(_("This is a web page, not a picture"))
        while part := response.read1(1 << 16):  # what is there, however slowly it trickles
            data += part
            if len(data) > _MOST_BYTES:
                raise _Refused(_("The picture is too large"))
            if time.monotonic() > deadline:
                raise TimeoutError
    if not data:
        raise _Refused(_("The answer is empty"))
    return data


def _opener() -> urllib.request.OpenerDirector:
    """One that knows http and https and nothing else, after redirections too."""
    opener = urllib.request.OpenerDirector()
    for handler in (
        urllib.request.ProxyHandler,
        urllib.request.HTTPHandler,
        urllib.request.HTTPSHandler,
        urllib.request.HTTPRedirectHandler,
        urllib.request.HTTPDefaultErrorHandler,
        urllib.request.HTTPErrorProcessor,
        urllib.request.UnknownHandler,
    ):
        opener.add_handler(handler())
    return opener
