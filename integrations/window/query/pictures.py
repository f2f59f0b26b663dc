"""Pictures to search with: files, what is in memory, and those that a query names."""

from __future__ import annotations

import os
import re
from typing import TYPE_CHECKING, NamedTuple

from gi.repository import Gio, GLib

from bus.reasons import system_error
from texts import _

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from typing import BinaryIO

_WORD = re.compile(r'"[^"]*"|\S+')
_WEIGHT = re.compile(r"(?:\d+(?:\.\d*)?|\.\d+):(?=.)")
_WEB = re.compile(r"https?://", re.IGNORECASE)
_BLANKS = 12  # that a picture's name in a query may have
_MOST = 16  # whose files dbus-daemon takes with a message


class Picture:
    """A file; or `data`, which is called `path` then."""

    def __init__(self, path: bytes, data: bytes | bytearray | None = None) -> None:
        self.path = path
        self._memory: BinaryIO | None = None
        if data is not None:
            self._memory = os.fdopen(os.memfd_create("picture", os.MFD_CLOEXEC), "wb")
            self._memory.write(data)
            self._memory.flush()

    def __eq__(self, other: object) -> bool:
        """The same file; what is in memory is like nothing else."""
        return self is other or (
            isinstance(other, Picture)
            and self.path == other.path
            and self._memory is None
            and other._memory is None
        )

    def open(self) -> int:
        """A descriptor of its own, which the caller closes. Raises OSError."""
        memory = self._memory
        path = self.path if memory is None else f"/proc/self/fd/{memory.fileno()}"
        return os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)

    @property
    def is_file(self) -> bool:
        return self._memory is None

    @property
    def name(self) -> str:
        name: str = GLib.filename_display_basename(os.fsdecode(self.path))
        return name

    @property
    def shown(self) -> str:
        """The whole path, for people."""
        name: str = GLib.filename_display_name(os.fsdecode(self.path))
        return name


def is_on_the_web(name: str) -> bool:
    return _WEB.match(name) is not None


def local(name: str) -> bytes | None:
    """The path (bytes) that is meant by an absolute one, one below ~, or a file: URL; else None."""
    if name.lower().startswith("file://"):
        path = Gio.File.new_for_uri(name).get_path()
        return os.fsencode(path) if path else None
    if name.startswith(("/", "~/")) and "\0" not in name:
        return os.fsencode(os.path.expanduser(name))
    return None


class Given(NamedTuple):
    """An open picture to search with; `start` and `end` are None outside of the query."""

    path: bytes
    file: int
    start: int | None = None
    end: int | None = None


def are_in(query: str) -> bool:
    """Whether the query may name pictures; this looks at no file."""
    return any(_is_named(query[_start(word) :]) for word in _words(query))


def opened(
    query: str, fetched: Mapping[str, Picture], others: Iterable[Picture]
) -> tuple[list[Given], str]:
    """The pictures that the query names, and `others`, as Given, which the caller closes; and what
    is wrong, for the user, or "". Waits for file systems; `fetched` are pictures by addresses.
    """
    given: list[Given] = []
    try:
        for picture, start, end in in_query(query, fetched):
            given.append(Given(picture.path, picture.open(), start, end))
        for picture in others:
            given.append(Given(picture.path, picture.open()))
    except OSError as error:
        close(given)
        return [], f"{picture.shown}: {system_error(error)}"
    if len(given) > _MOST:
        close(given)
        return [], _("At most {n} pictures can be searched with.").format(n=_MOST)
    return given, ""


def close(given: Iterable[Given]) -> None:
    for picture in given:
        os.close(picture.file)


def in_query(query: str, fetched: Mapping[str, Picture]) -> Iterator[tuple[Picture, int, int]]:
    """(picture, start, end) of each existing file that the query names, of which the longest name
    counts, and of each address.

    A window has no directory of its own that a relative path could begin at.
    """
    words = list(_words(query))
    end = 0
    for number, word in enumerate(words):
        start = _start(word)
        if word.start() < end or not _is_named(query[start:]):
            continue
        if picture := fetched.get(query[start : word.end()]):
            yield picture, start, word.end()
            continue
        for last in reversed(words[number : number + _BLANKS + 1]):
            path = local(query[start : last.end()])
            if path and os.path.isfile(path):
                end = last.end()
                yield Picture(path), start, end
                break


def on_the_web(query: str) -> list[str]:
    """The addresses of the web in the query."""
    words = (query[_start(word) : word.end()] for word in _words(query))
    return [word for word in words if is_on_the_web(word)]


def _is_named(text: str) -> bool:
    """Whether it may begin with a picture's name."""
    return text.startswith(("/", "~/", "file://")) or is_on_the_web(text)


def _words(query: str) -> Iterator[re.Match[str]]:
    for word in _WORD.finditer(query):
        if word[0] == "--":
            return
        if not word[0].startswith('"'):
            yield word


def _start(word: re.Match[str]) -> int:
    """Where it begins behind its weight."""
    weight = _WEIGHT.match(word[0])
    return word.start() + (weight.end() if weight else 0)
