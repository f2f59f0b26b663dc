"""Finds the pictures in a query, and opens, reads or fetches them.

The service gets them as open files, since it may not read the user's files. The query language is
described in csearchd.search.query_language.grammar.
"""

from __future__ import annotations

import os
import re
from errno import EMFILE
from typing import NamedTuple

from csearch.command import print_err
from csearch.paths import absolute
from csearch.protocol.errors import ClientError
from csearch.protocol.quoting import printable
from csearch.protocol.system_errors import in_words
from csearch.protocol.wire import Message

STANDARD_INPUT = "-"

SUFFIXES = (
    ".3fr", ".apng", ".arw", ".avif", ".avifs", ".bmp", ".cr2", ".cr3", ".crw", ".dcr", ".dib",
    ".dng", ".erf", ".fff", ".gif", ".gpr", ".heic", ".heics", ".heif", ".heifs", ".hif", ".iiq",
    ".insp", ".j2c", ".j2k", ".jfif", ".jp2", ".jpc", ".jpe", ".jpeg", ".jpf", ".jpg", ".jpx",
    ".jxl", ".kdc", ".mef", ".mos", ".mpo", ".mrw", ".nef", ".nrw", ".orf", ".pbm", ".pef", ".pgm",
    ".pjp", ".pjpeg", ".png", ".pnm", ".ppm", ".raf", ".rw2", ".rwl", ".sr2", ".srf", ".srw",
    ".tif", ".tiff", ".webp", ".x3f",
)  # fmt: skip
_STANDARD_INPUT_BYTES = 1_000_000_000
_SEVERAL = 32  # the descriptor from which on there may be too many
_MAX_BLANKS = 12  # in a picture's name in a query

_WORD = re.compile(r'"[^"]*"|\S+')
_WEIGHT = re.compile(r"(?:\d+(?:\.\d*)?|\.\d+):(?=.)")
_URL = re.compile(r"https?://", re.IGNORECASE)
_FILE_URL = "file://"  # as file managers and browsers copy a path


class Picture(NamedTuple):
    """An open file, its path for the service, and the position of its name in the query."""

    file: int
    path: bytes
    start: int | None = None
    end: int | None = None

    def message(self) -> Message:
        """The picture as the protocol describes it."""
        return {"path": self.path, "start": self.start, "end": self.end}


def in_query(query: str) -> list[Picture]:
    """Opens the pictures that a query names: existing files and URLs. Raises ClientError."""
    found: list[Picture] = []
    words = list(_WORD.finditer(query))
    end = 0
    for number, word in enumerate(words):
        if word[0] == "--":
            break
        if word.start() < end or word[0].startswith('"'):
            continue
        weight = _WEIGHT.match(word[0])
        start = word.start() + (weight.end() if weight else 0)
        name = query[start : word.end()]
        if _URL.match(name):
            file, path = fetched(name)
            end = word.end()
        elif name.startswith(_FILE_URL) and _is_file(_path(name)):
            file, path = opened(_path(name))
            end = word.end()
        elif stop := _existing(query, start, words[number : number + _MAX_BLANKS + 1]):
            file, path = opened(query[start:stop])
            end = stop
        else:
            is_filter = (
                ":" in name and not name.startswith(("/", "./", "../")) and "://" not in name
            )
            if name.lower().endswith(SUFFIXES) and not is_filter:
                print_err(
                    f"csearch: {printable(name)} is not a file; searching for it as words "
                    f"(name:{printable(os.path.basename(name))} searches file names)"
                )
            continue
        found.append(Picture(file, path, start, end))
    return found


def like(name: str) -> Picture:
    """Opens the picture that an option names: a file, a URL or `-`. Raises ClientError."""
    if name == STANDARD_INPUT:
        return Picture(*from_standard_input())
    return Picture(*(fetched(name) if _URL.match(name) else opened(_path(name))))


def opened(name: str) -> tuple[int, bytes]:
    """A descriptor and the absolute path of a file. Raises ClientError."""
    path = absolute(name)
    flags = os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC
    try:
        file = os.open(path, flags)
    except OSError as error:
        what = in_words(error)
        if error.errno == EMFILE:
            what = f"at most {os.sysconf('SC_OPEN_MAX')} files may be open at a time (ulimit -n)"
        raise ClientError(f"{printable(name)}: {what}") from error
    except ValueError:  # a NUL, from a URL
        raise ClientError(f"{printable(name)}: a file name can't contain NUL") from None
    if file == _SEVERAL:
        _let_more_be_open()
    return file, path


def _let_more_be_open() -> None:
    """Raises the limit of open files to its maximum."""
    import resource

    _, maximum = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (maximum, maximum))


def from_standard_input() -> tuple[int, bytes]:
    """A descriptor and a name for a picture on standard input. Raises ClientError."""
    if os.isatty(0):
        raise ClientError("- is a picture on standard input, as in: csearch - < cat.jpg")
    file = os.memfd_create("picture", os.MFD_CLOEXEC)
    size = 0
    try:
        while data := os.read(0, 1 << 20):
            size += len(data)
            if size > _STANDARD_INPUT_BYTES:
                raise ClientError("standard input has more than 1 GB, too much for a picture")
            _write(file, data)
    except OSError as error:
        raise ClientError(f"standard input can't be read: {in_words(error)}") from error
    if not size:
        raise ClientError("standard input is empty; it should be a picture")
    return file, b"standard input"


def fetched(url: str) -> tuple[int, bytes]:
    """A descriptor and a name for a picture on the web. Raises ClientError."""
    from csearch.search.fetching import fetch

    file = os.memfd_create("picture", os.MFD_CLOEXEC)
    fetch(url, lambda data: _write(file, data))
    return file, os.fsencode(re.split("[?#]", url)[0])


def _write(file: int, data: bytes) -> None:
    while data:
        data = data[os.write(file, data) :]


def _path(name: str) -> str:
    """The path that a name or a file URL stands for."""
    if not name.startswith(_FILE_URL):
        return name
    from urllib.parse import unquote_to_bytes

    path = name.removeprefix(_FILE_URL)
    for host in ("localhost", os.uname().nodename):  # links on a terminal have the latter
        if path.startswith(f"{host}/"):
            path = path.removeprefix(host)
    return os.fsdecode(unquote_to_bytes(path))


def _existing(query: str, start: int, words: list[re.Match[str]]) -> int:
    """The end of the longest name of an existing picture that begins at `start`; 0 if none does."""
    for word in reversed(words[1:]):
        name = query[start : word.end()]
        if name.lower().endswith(SUFFIXES) and _is_file(name):
            return word.end()
    name = query[start : words[0].end()]
    looks_like_one = "/" in name or name.lower().endswith(SUFFIXES)
    return words[0].end() if looks_like_one and _is_file(name) else 0


def _is_file(name: str) -> bool:
    try:
        return os.path.isfile(os.fsencode(name))
    except ValueError:  # a NUL
        return False
