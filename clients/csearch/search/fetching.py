"""Fetches a picture from the web, with limits on its size and on the time."""

from __future__ import annotations

import http.client
import signal
import urllib.error
import urllib.request
from collections.abc import Callable

from csearch import __version__
from csearch.protocol.errors import ClientError
from csearch.protocol.quoting import harmless, printable

MAX_BYTES = 50_000_000
MAX_SECONDS = 20


def fetch(url: str, write: Callable[[bytes], None]) -> None:
    """Passes the content of `url` to `write`, in parts. Raises ClientError."""
    previous = signal.signal(signal.SIGALRM, _too_slow)
    signal.alarm(MAX_SECONDS)  # for the whole transfer
    try:
        _fetch(url, write)
    except TimeoutError:
        raise ClientError(
            f"{printable(url)}: took longer than {MAX_SECONDS} seconds; save the picture, and "
            "search with the file"
        ) from None
    except urllib.error.HTTPError as error:
        raise ClientError(
            f"{printable(url)}: the server says {error.code} {harmless(error.reason)}"
        ) from None
    except urllib.error.URLError as error:
        reason = getattr(error.reason, "strerror", None) or error.reason
        raise _not_fetched(url, str(reason)) from None
    except (OSError, ValueError, http.client.HTTPException) as error:
        raise _not_fetched(url, str(error)) from None
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, previous)


def _too_slow(number: int, frame: object) -> None:
    raise TimeoutError


def _not_fetched(url: str, reason: str) -> ClientError:
    return ClientError(
        f"{printable(url)}: cannot be fetched: {harmless(reason)}; look at the address, and "
        "whether you are online"
    )


def _fetch(url: str, write: Callable[[bytes], None]) -> None:
    request = urllib.request.Request(url, headers={"User-Agent": f"csearch/{__version__}"})
    size = 0
    with _opener().open(request, timeout=MAX_SECONDS) as response:
        if response.headers.get_content_type() == "text/html":
            raise ClientError(
                f"{printable(url)}: is a web page; give the address of the picture itself"
            )
        while data := response.read(1 << 16):
            size += len(data)
            if size > MAX_BYTES:
                raise ClientError(f"{printable(url)}: has more than {MAX_BYTES // 1_000_000} MB")
            write(data)
    if not size:
        raise ClientError(f"{printable(url)}: is empty")


def _opener() -> urllib.request.OpenerDirector:
    """An opener for http and https only, also after redirections."""
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
