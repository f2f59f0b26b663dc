"""A picture from the web, fetched in a thread, with limits: how large, how long, from where."""

import http.client
import threading
import time
import urllib.error
import urllib.request

from gi.repository import GLib

from texts import _

_MOST_BYTES = 50_000_000
_MOST_SECONDS = 20


def fetch(url, done):
    """Calls `done(data, failure)` later in the main loop: a bytearray, or a text for the user."""

    def work():
        try:
            data, failure = _fetch(url), ""
        except urllib.error.HTTPError as error:
            data, failure = None, f"{error.code} {error.reason}"
        except (OSError, ValueError, http.client.HTTPException) as error:
            data, failure = None, str(getattr(error, "reason", error))
        GLib.idle_add(done, data, f"{url}: {failure}" if failure else "")

    threading.Thread(target=work, daemon=True).start()


def _fetch(url):
    deadline = time.monotonic() + _MOST_SECONDS
    data = bytearray()
    with _opener().open(url, timeout=_MOST_SECONDS) as response:
        if response.headers.get_content_type() == "text/html":
            raise ValueError(_("This is a web page, no picture"))
        while part := response.read1(1 << 16):  # what is there, however slowly it trickles
            data += part
            if len(data) > _MOST_BYTES:
                raise ValueError(_("The picture is too large"))
            if time.monotonic() > deadline:
                raise TimeoutError("timed out")  # as the socket says
    if not data:
        raise ValueError(_("The answer is empty"))
    return data


def _opener():
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
