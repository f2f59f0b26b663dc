"""A picture from the web, with limits: how large, how long, from where."""

from __future__ import annotations

import http.client
import signal
import urllib.error
import urllib.request
from collections.abc import Callable

from csearch import __version__
from csearch.errors import ClientError
from csearch.protocol.quoting import harmless, printable

MOST_BYTES = 50_000_000
MOST_SECONDS = 20


def fetch(url: str, write: Callable[[bytes], None]) -> None:
    """Gives what is at `url` to `write`, in parts. Raises ClientError."""
    previous = signal.signal(signal.SIGALRM, _too_slow)
    signal.alarm(MOST_SECONDS)  # for all of it, however slowly it trickles
    try:
        _fetch(url, write)
    except TimeoutError:
        raise ClientError(f"{printable(url)}: did not come within {MOST_SECONDS} seconds") from None
    except urllib.error.HTTPError as error:
        raise ClientError(
            f"{printable(url)}: the server says {error.code} {harmless(error.reason)}"
        ) from None
    except urllib.error.URLError as error:
        reason = getattr(error.reason, "strerror", None) or error.reason
        raise ClientError(f"{printable(url)}: {harmless(str(reason))}") from None
    except (OSError, ValueError, http.client.HTTPException) as error:
        raise ClientError(f"{printable(url)}: cannot be fetched: {harmless(str(error))}") from None
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, previous)


def _too_slow(number: int, frame: object) -> None:
    raise TimeoutError


def _fetch(url: str, write: Callable[[bytes], None]) -> None:
    request = urllib.request.Request(url, headers={"User-Agent": f"csearch/{__version__}"})
    size = 0
    with _opener().open(request, timeout=MOST_SECONDS) as response:
        if response.headers.get_content_type() == "text/html":
            raise ClientError(f"{printable(url)}: is a web page; name the picture's own address")
        while data := response.read(1 << 16):
            size += len(data)
            if size > MOST_BYTES:
                raise ClientError(f"{printable(url)}: has more than {MOST_BYTES // 1_000_000} MB")
            write(data)
    if not size:
        raise ClientError(f"{printable(url)}: is empty")


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
