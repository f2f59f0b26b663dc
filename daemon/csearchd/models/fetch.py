"""Downloads published weights from the Hugging Face Hub.

This is the only module of the service that opens the network, and it runs in a process that the
user has asked for. It fetches the bytes itself: the Hub's own library discards what an interrupted
download has brought, and doesn't verify the file's checksum.
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
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

from csearchd.errors import ModelError, NetworkError

HUB = "https://huggingface.co"
SETTINGS = {
    "HF_HUB_DISABLE_TELEMETRY": "1",
    "HF_HUB_DISABLE_IMPLICIT_TOKEN": "1",  # public weights need no account
    "HF_HUB_VERBOSITY": "critical",  # we report a failure, once
}
TIMEOUT = 30.0  # seconds without an answer or a byte
PAUSES = (1.0, 2.0, 4.0, 8.0)  # seconds before each retry after an attempt that brought nothing
TRANSIENT_STATUSES = (408, 429, 500, 502, 503, 504)  # of HTTP: a retry may succeed
CONNECTION_ERRORS = (  # the connection could not be made, or broke off
    urllib.error.URLError,
    http.client.HTTPException,
    ssl.SSLError,
    ConnectionError,
    TimeoutError,
)
CHUNK = 1 << 20
SECONDS_BETWEEN_LINES = 5.0


@dataclass(frozen=True)
class RemoteFile:
    """A file on the Hub."""

    url: str
    name: str
    size: int  # bytes
    etag: str  # letters and digits: its sha256, for large files


def configure_hub() -> None:
    """Sets the environment variables that the Hub's library reads when it is first imported."""
    os.environ.update(SETTINGS)


def check_network() -> None:
    """Raises NetworkError if the Hub doesn't answer, without the retries of the Hub's library."""
    address = os.environ.get("HF_ENDPOINT") or HUB
    request = urllib.request.Request(address, method="HEAD")
    try:
        with contextlib.suppress(urllib.error.HTTPError):  # any status is an answer
            urllib.request.urlopen(request, timeout=TIMEOUT).close()
    except (OSError, ValueError) as error:
        reason = getattr(error, "reason", error)
        raise NetworkError(f"no network: {address} can't be reached ({reason})") from None


def download_weights(location: str, default_names: Sequence[str], cache: str) -> str:
    """Downloads weights into the directory `cache`, and returns the path of the file.

    `location` is REPOSITORY/FILE or REPOSITORY/ on the Hub; without FILE, the first of
    `default_names` that the repository has. Resumes an earlier attempt. Raises NetworkError, or
    ModelError if there are no such weights, they arrive damaged, or the disk is full.
    """
    file = _find(location, default_names)
    target, partial = os.path.join(cache, file.name), os.path.join(cache, f"{file.etag}.part")
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


def _find(location: str, default_names: Sequence[str]) -> RemoteFile:
    """The file that `download_weights` is to fetch. Raises ModelError or NetworkError."""
    from huggingface_hub import get_hf_file_metadata, hf_hub_url

    repository, name = os.path.split(location)
    for candidate in [name] if name else default_names:
        url = hf_hub_url(repository, candidate)
        try:
            found = get_hf_file_metadata(url, timeout=TIMEOUT)
        except Exception as error:  # the types of its errors change from version to version
            status = getattr(getattr(error, "response", None), "status_code", None)
            if status == 404:
                continue
            if status is not None and status not in TRANSIENT_STATUSES:
                raise _refusal(url, status) from None
            summary = (str(error).splitlines() or [type(error).__name__])[0]
            raise NetworkError(f"{url} can't be downloaded: {summary}") from None
        if found.size is None or found.etag is None:
            raise ModelError(f"{url} has no known size")
        return RemoteFile(url, candidate, found.size, re.sub(r"\W", "", found.etag))
    raise ModelError(f"{location} holds no weights that can be downloaded without an account")


def _fetch(file: RemoteFile, partial: str) -> None:
    """Downloads what the file `partial` lacks, with retries. Raises NetworkError once too many
    attempts in a row have brought nothing."""
    pauses = iter(PAUSES)
    with open(partial, "ab") as output, _progress(file) as show:
        while (have := output.tell()) < file.size:
            show(have)
            try:
                _receive(file, output, show)
            except urllib.error.HTTPError as error:
                if error.code not in TRANSIENT_STATUSES:
                    raise _refusal(file.url, error.code) from None
                reason: object = error
            except CONNECTION_ERRORS as error:
                reason = getattr(error, "reason", error)
            else:
                reason = "the server ended it"
            if output.tell() > have:
                pauses = iter(PAUSES)
            elif (pause := next(pauses, None)) is not None:
                time.sleep(pause)
            else:
                raise NetworkError(
                    f"the connection broke off ({reason}); what was downloaded is kept: run the"
                    " command again to continue"
                )
        show(file.size)


def _refusal(url: str, status: int) -> ModelError:
    """The error for an HTTP status that no retry would change."""
    with contextlib.suppress(ValueError):
        return ModelError(
            f"{url} can't be downloaded: the server says {status} {HTTPStatus(status).phrase}"
        )
    return ModelError(f"{url} can't be downloaded: the server says {status}")


def _receive(file: RemoteFile, output: Any, show: Callable[[int], None]) -> None:
    """Makes one request for what `output` lacks, and appends what it brings. Raises OSError or
    HTTPException."""
    have = output.tell()
    headers = {"User-Agent": "csearch", "Range": f"bytes={have}-"}
    request = urllib.request.Request(file.url, headers=headers)
    with urllib.request.urlopen(request, timeout=TIMEOUT) as response:
        if response.status != 206:  # it sends the whole file
            output.truncate(0)
        while chunk := response.read1(CHUNK):
            output.write(chunk)
            show(output.tell())


def _verify(file: RemoteFile, partial: str) -> None:
    """Deletes the file `partial` and raises ModelError if its size or checksum is wrong."""
    with open(partial, "rb") as content:
        checksum = hashlib.file_digest(content, "sha256").hexdigest()
    known = len(file.etag) == len(checksum)  # a small file's tag is no sha256
    if os.path.getsize(partial) != file.size or (known and checksum != file.etag):
        os.remove(partial)
        raise ModelError(f"{file.url} came damaged: run the command again")


@contextlib.contextmanager
def _progress(file: RemoteFile) -> Iterator[Callable[[int], None]]:
    """Shows progress, as a bar on a terminal, else as lines. Yields a function that takes the
    number of bytes downloaded so far."""
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
