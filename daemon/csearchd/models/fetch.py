"""Downloads published weights from where open_clip's table says: the Hugging Face Hub.

The only place of csearch that opens the network, in a process that the user asked for. The bytes
are fetched here, not by the hub's library, which throws what a broken download has brought away
and doesn't compare the whole with its checksum.
"""

from __future__ import annotations

import contextlib
import errno
import hashlib
import http.client
import os
import re
import ssl
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

from csearchd.errors import ModelError, NetworkError

HUB = "https://huggingface.co"
SETTINGS = {
    "HF_HUB_DISABLE_TELEMETRY": "1",
    "HF_HUB_DISABLE_IMPLICIT_TOKEN": "1",  # public weights need no account
    "HF_HUB_VERBOSITY": "critical",  # a failure is told once, by us
}
TIMEOUT = 30.0  # seconds without an answer or a byte
PAUSES = (1.0, 2.0, 4.0, 8.0)  # seconds before a new attempt after one that brought nothing
PASSING = (408, 429, 500, 502, 503, 504)  # statuses that a later attempt may not get
BROKEN = (  # a connection that was not made, or broke off
    urllib.error.URLError,
    http.client.HTTPException,
    ssl.SSLError,
    ConnectionError,
    TimeoutError,
)
CHUNK = 1 << 20
SECONDS_BETWEEN_LINES = 5.0


@dataclass(frozen=True)
class Published:
    """A file on the hub."""

    url: str
    name: str
    size: int  # bytes
    tag: str  # its sha256, for large files


def configure_hub() -> None:
    """Sets the environment that the hub's library reads when it is first imported."""
    os.environ.update(SETTINGS)


def check_network() -> None:
    """Raises NetworkError if the hub doesn't answer: at once, not after the library's retries."""
    address = os.environ.get("HF_ENDPOINT") or HUB
    request = urllib.request.Request(address, method="HEAD")
    try:
        with contextlib.suppress(urllib.error.HTTPError):  # an answer is an answer
            urllib.request.urlopen(request, timeout=TIMEOUT).close()
    except (OSError, ValueError) as error:
        reason = getattr(error, "reason", error)
        raise NetworkError(f"no network: {address} can't be reached ({reason})") from None


def download_weights(published: Mapping[str, Any], cache: str) -> str:
    """Fetches the weights that an entry of open_clip's table names; the path of the file.

    Goes on with what an earlier attempt left below `cache`. Raises NetworkError, or ModelError if
    the weights aren't there, came damaged, or the disk is full.
    """
    file = _find(str(published.get("hf_hub", "")))
    target, partial = os.path.join(cache, file.name), os.path.join(cache, f"{file.tag}.part")
    if os.path.exists(target):
        return target
    try:
        os.makedirs(cache, exist_ok=True)
        _fetch(file, partial)
    except OSError as error:
        if error.errno not in (errno.ENOSPC, errno.EDQUOT):
            raise
        raise ModelError(f"the disk of {cache} is full: make room, then run it again") from None
    _verify(file, partial)
    os.rename(partial, target)
    return target


def _find(place: str) -> Published:
    """The file of the hub at `place`, REPOSITORY/FILE; without FILE, that under open_clip's usual
    names. Raises ModelError, NetworkError."""
    from huggingface_hub import get_hf_file_metadata, hf_hub_url
    from open_clip.constants import HF_SAFE_WEIGHTS_NAME, HF_WEIGHTS_NAME

    repository, name = os.path.split(place)
    for candidate in [name] if name else [HF_SAFE_WEIGHTS_NAME, HF_WEIGHTS_NAME]:
        url = hf_hub_url(repository, candidate)
        try:
            found = get_hf_file_metadata(url, timeout=TIMEOUT)
        except Exception as error:  # the library's own kinds change from version to version
            status = getattr(getattr(error, "response", None), "status_code", None)
            if status == 404:
                continue
            if status is not None and status not in PASSING:
                raise _refusal(url, status) from None
            summary = (str(error).splitlines() or [type(error).__name__])[0]
            raise NetworkError(f"{url} can't be had: {summary}") from None
        if found.size is None or found.etag is None:
            raise ModelError(f"{url} has no known size")
        return Published(url, candidate, found.size, re.sub(r"\W", "", found.etag))
    raise ModelError(f"{place} holds no weights that can be had without an account")


def _fetch(file: Published, partial: str) -> None:
    """Completes the file `partial`. Raises NetworkError if too many attempts bring nothing."""
    pauses = iter(PAUSES)
    with open(partial, "ab") as output, _progress(file) as show:
        while (have := output.tell()) < file.size:
            show(have)
            try:
                _receive(file, output, show)
            except urllib.error.HTTPError as error:
                if error.code not in PASSING:
                    raise _refusal(file.url, error.code) from None
                reason: object = error
            except BROKEN as error:
                reason = getattr(error, "reason", error)
            else:
                reason = "the server ended it"
            if output.tell() > have:
                pauses = iter(PAUSES)
            elif (pause := next(pauses, None)) is not None:
                time.sleep(pause)
            else:
                raise NetworkError(
                    f"the connection broke off ({reason}); what has come is kept: run the command"
                    " again to go on"
                )
        show(file.size)


def _refusal(url: str, status: int) -> ModelError:
    """For an answer of the server that another attempt would get again."""
    with contextlib.suppress(ValueError):
        return ModelError(
            f"{url} can't be had: the server says {status} {HTTPStatus(status).phrase}"
        )
    return ModelError(f"{url} can't be had: the server says {status}")


def _receive(file: Published, output: Any, show: Callable[[int], None]) -> None:
    """Appends to `output` what one request brings from its end on."""
    have = output.tell()
    headers = {"User-Agent": "csearch", "Range": f"bytes={have}-"}
    request = urllib.request.Request(file.url, headers=headers)
    with urllib.request.urlopen(request, timeout=TIMEOUT) as response:
        if response.status != 206:  # the whole file, from its beginning
            output.truncate(0)
        while chunk := response.read1(CHUNK):
            output.write(chunk)
            show(output.tell())


def _verify(file: Published, partial: str) -> None:
    """Raises ModelError, and removes what came, if it isn't what is published."""
    with open(partial, "rb") as content:
        checksum = hashlib.file_digest(content, "sha256").hexdigest()
    known = len(file.tag) == len(checksum)  # small files are tagged otherwise
    if os.path.getsize(partial) != file.size or (known and checksum != file.tag):
        os.remove(partial)
        raise ModelError(f"{file.url} came damaged: run the command again")


@contextlib.contextmanager
def _progress(file: Published) -> Iterator[Callable[[int], None]]:
    """A function to call with the bytes that are there: a bar on a terminal, else lines."""
    from tqdm import tqdm  # type: ignore[import-untyped]

    if sys.stderr.isatty():
        with tqdm(total=file.size, desc=file.name, unit="B", unit_scale=True) as bar:

            def move(have: int) -> None:
                bar.update(have - bar.n)

            yield move
        return
    last = time.monotonic()

    def show(have: int) -> None:
        nonlocal last
        if time.monotonic() - last >= SECONDS_BETWEEN_LINES:
            last = time.monotonic()
            megabytes = f"{have // 1_000_000} of {file.size // 1_000_000} MB"
            print(f"downloaded {megabytes}", file=sys.stderr, flush=True)

    yield show
