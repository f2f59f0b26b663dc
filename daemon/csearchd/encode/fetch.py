"""Downloads published weights through open_clip, which takes them from the Hugging Face Hub.

The only place of csearch that opens the network, in a process that the user asked for.
"""

from __future__ import annotations

import contextlib
import errno
import os
import sys
import threading
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from typing import Any, TextIO

from csearchd.encode.models import WEIGHTS, ModelError

HUB = "https://huggingface.co"
SETTINGS = {
    "HF_HUB_DISABLE_TELEMETRY": "1",
    "HF_HUB_DISABLE_IMPLICIT_TOKEN": "1",  # public weights need no account
    "HF_HUB_DISABLE_XET": "1",  # plain HTTP goes on where a broken download ended
    "HF_HUB_VERBOSITY": "critical",  # a failure is told once, by us
}
SECONDS_BETWEEN_LINES = 5.0


class NetworkError(ModelError):
    """The publisher's server can't be reached, or no longer."""


def configure_hub() -> None:
    """Sets the environment that the hub's library reads when it is first imported."""
    os.environ.update(SETTINGS)
    if not sys.stderr.isatty():
        os.environ["HF_HUB_DISABLE_PROGRESS_BARS"] = "1"


def check_network() -> None:
    """Raises NetworkError if the hub doesn't answer: at once, not after the library's retries."""
    address = os.environ.get("HF_ENDPOINT") or HUB
    request = urllib.request.Request(address, method="HEAD")
    try:
        with contextlib.suppress(urllib.error.HTTPError):  # an answer is an answer
            urllib.request.urlopen(request, timeout=10).close()
    except (OSError, ValueError) as error:
        reason = getattr(error, "reason", error)
        raise NetworkError(f"no network: {address} can't be reached ({reason})") from None


def download_weights(published: Mapping[str, Any], cache: str) -> str:
    """Fetches the weights that an entry of open_clip's table names; the path of the file.

    What is below `cache` from a broken download is used. Raises NetworkError, or ModelError if
    the disk is full or the weights aren't there.
    """
    import open_clip.pretrained  # noqa: F401  (its seconds are no part of the download)

    os.makedirs(cache, exist_ok=True)
    try:
        with _progress_lines(cache, sys.stderr):
            return _fetch(published, cache)
    except Exception as error:  # the library's own kinds, wrapped by open_clip
        raise _explained(error, published, cache) from None


def _fetch(published: Mapping[str, Any], cache: str) -> str:
    from open_clip.pretrained import download_pretrained, download_pretrained_from_hf

    repository, file = os.path.split(published.get("hf_hub", ""))
    if repository and not file:
        # Named, so that one that breaks off isn't begun anew as the same weights in another form.
        try:
            return str(download_pretrained_from_hf(repository, WEIGHTS, cache_dir=cache))
        except FileNotFoundError as error:
            if not any(_status(cause) == 404 for cause in _causes(error)):
                raise
    return str(download_pretrained(dict(published), cache_dir=cache))


def _explained(error: BaseException, published: Mapping[str, Any], cache: str) -> ModelError:
    causes = _causes(error)
    if any(isinstance(e, OSError) and e.errno in (errno.ENOSPC, errno.EDQUOT) for e in causes):
        return ModelError(f"the disk of {cache} is full: make room, then run the command again")
    kinds = {kind.__name__ for cause in causes for kind in type(cause).__mro__}
    if kinds & {"ConnectionError", "TimeoutError", "NetworkError", "TransportError"}:
        return NetworkError(
            "the connection broke off; what has come is kept: run the command again to go on"
        )
    summary = (str(error).splitlines() or [type(error).__name__])[0]
    return ModelError(f"{published.get('hf_hub') or published.get('url')}: {summary}")


def _causes(error: BaseException) -> list[BaseException]:
    """The error and those that it came from."""
    chain = [error]
    while (deeper := chain[-1].__cause__ or chain[-1].__context__) is not None:
        chain.append(deeper)
    return chain


def _status(error: BaseException) -> int | None:
    """The status of the HTTP response that the error is about."""
    return getattr(getattr(error, "response", None), "status_code", None)


@contextlib.contextmanager
def _progress_lines(directory: str, stream: TextIO) -> Iterator[None]:
    """Says on `stream` how much has come, in lines; a terminal has the library's own bar."""
    if stream.isatty():
        yield
        return
    finished = threading.Event()

    def report() -> None:
        shown = _size(directory) // 1_000_000
        while not finished.wait(SECONDS_BETWEEN_LINES):
            megabytes = _size(directory) // 1_000_000
            if megabytes != shown:
                print(f"{megabytes} MB downloaded", file=stream, flush=True)
                shown = megabytes

    reporter = threading.Thread(target=report, daemon=True)
    reporter.start()
    try:
        yield
    finally:
        finished.set()
        reporter.join()


def _size(directory: str) -> int:
    """Bytes of the files below `directory`, links not followed."""
    total = 0
    for parent, _, names in os.walk(directory):
        for name in names:
            with contextlib.suppress(OSError):  # renamed at this moment
                total += os.lstat(os.path.join(parent, name)).st_size
    return total
