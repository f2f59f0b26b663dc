"""Downloads files of a repository: resumed, bounded by the size that the hub states, verified."""

from __future__ import annotations

import contextlib
import errno
import hashlib
import itertools
import os
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from http.client import HTTPResponse
from io import RawIOBase

from csearchd.errors import AttemptFailed, ModelError
from csearchd.models.hub.connection import Hub, Pace, Retries
from csearchd.models.hub.progress import progress
from csearchd.models.hub.repository import RemoteFile, Repository

CHUNK = 1 << 20  # bytes
PART = ".part"


@dataclass(frozen=True)
class Wanted:
    """A file to download, and what to call it."""

    file: RemoteFile
    target: str  # path below the directory


def missing_bytes(wanted: Sequence[Wanted], directory: str) -> int:
    """How many bytes of these files are still to be downloaded into `directory`."""
    missing = 0
    for one in wanted:
        if not _is_right(os.path.join(directory, one.target), one.file):
            found = _size(_part(one.file, directory))
            missing += one.file.size - (found if 0 <= found <= one.file.size else 0)
    return missing


def download(hub: Hub, repository: Repository, wanted: Sequence[Wanted], directory: str) -> None:
    """Downloads these files of `repository` into `directory`.

    Files that are there and right are kept, parts of them continued, and parts of others deleted.
    What was downloaded stays if the download fails or is interrupted. Raises NetworkError, or
    ModelError if a file came damaged twice or the disk is full.
    """
    try:
        os.makedirs(directory, exist_ok=True)
        _clear(directory, {_part(one.file, directory) for one in wanted})
        *starts, total = itertools.accumulate((one.file.size for one in wanted), initial=0)
        with progress(repository.name, total) as show:
            for one, start in zip(wanted, starts, strict=True):
                _download(hub, repository, one, directory, _after(start, show))
    except OSError as error:
        if error.errno not in (errno.ENOSPC, errno.EDQUOT):
            raise
        raise ModelError(f"the disk of {directory} is full: make room, then run it again") from None


def _after(start: int, show: Callable[[int], None]) -> Callable[[int], None]:
    """Shows the progress of one file as that of all, of which `start` bytes come before it."""
    return lambda have: show(start + have)


def _download(
    hub: Hub, repository: Repository, one: Wanted, directory: str, show: Callable[[int], None]
) -> None:
    target = os.path.join(directory, one.target)
    if _is_right(target, one.file):
        return
    part = _part(one.file, directory)
    for _ in range(2):  # what was there of an earlier attempt may be damaged
        _complete(hub, repository, one.file, part, show)
        if _is_right(part, one.file):
            os.makedirs(os.path.dirname(target), exist_ok=True)
            os.replace(part, target)
            return
        os.remove(part)
    raise ModelError(
        f"{hub.address}{repository.path(one.file)} came damaged twice (its checksum isn't the"
        " hub's): try again later, or without the proxy if there is one"
    )


def _complete(
    hub: Hub,
    repository: Repository,
    file: RemoteFile,
    part: str,
    show: Callable[[int], None],
) -> None:
    """Downloads what the file `part` lacks, with retries, up to the size of `file`."""
    if _size(part) > file.size:
        os.remove(part)
    retries = Retries(hub.pauses)
    # Without a buffer, so that a kill loses nothing.
    with open(part, "ab", buffering=0) as output:
        best = output.tell()
        while (have := output.tell()) < file.size:
            show(have)
            try:
                with hub.request(repository.path(file), {"Range": f"bytes={have}-"}) as response:
                    _receive(response, output, file.size, show)
                failure = AttemptFailed("the server ended it")
            except AttemptFailed as caught:
                failure = caught
            if output.tell() > best and not failure.slow:
                best = output.tell()
                retries.succeeded()
            if output.tell() < file.size:
                retries.wait(failure)
        show(file.size)


def _receive(
    response: HTTPResponse, output: RawIOBase, size: int, show: Callable[[int], None]
) -> None:
    """Appends the body to `output` until that has `size` bytes, whatever more there is.

    Begins anew where the server sends the whole file instead.
    """
    begins = re.match(r"bytes (\d+)-", response.headers.get("Content-Range", ""))
    if response.status != 206 or begins is None or int(begins[1]) != output.tell():
        output.seek(output.truncate(0))
        if response.status == 206:
            raise AttemptFailed("the server sent another range than asked for")
    pace = Pace()
    while (have := output.tell()) < size and (chunk := response.read1(min(CHUNK, size - have))):
        output.write(chunk)
        show(output.tell())
        pace.received(len(chunk))


def _part(file: RemoteFile, directory: str) -> str:
    """Where a part of `file` is kept: named by its checksum, since another version of the file
    must not continue it."""
    return os.path.join(directory, file.checksum + PART)


def _is_right(path: str, file: RemoteFile) -> bool:
    """Whether there is a file at `path` with the size and checksum of `file`."""
    if _size(path) != file.size:
        return False
    with open(path, "rb") as content:
        if len(file.checksum) == 64:
            return hashlib.file_digest(content, "sha256").hexdigest() == file.checksum
        named = hashlib.sha1(b"blob %d\0" % file.size)
        while chunk := content.read(CHUNK):
            named.update(chunk)
    return named.hexdigest() == file.checksum


def _size(path: str) -> int:
    """The size of a file, -1 if there is none."""
    try:
        return os.path.getsize(path) if os.path.isfile(path) else -1
    except OSError:
        return -1


def _clear(directory: str, kept: set[str]) -> None:
    """Deletes parts that no file continues: of other commits, or of files no longer wanted."""
    with os.scandir(directory) as entries:
        for entry in entries:
            if entry.name.endswith(PART) and entry.path not in kept:
                with contextlib.suppress(OSError):
                    os.remove(entry.path)
