"""What csearch leaves behind outside its environment, for `csearchctl uninstall --purge`.

Nothing is deleted but what csearch makes, by name: its directories may hold others' files, too, or
be links to a directory that does.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import shutil
import sqlite3
import stat
import sys
from collections.abc import Iterator, Sequence
from fnmatch import fnmatchcase
from typing import NamedTuple
from urllib.parse import quote

from csearch.directories import base, cache_directory, data_directory, lock_path
from csearch.protocol.errors import ClientError
from csearch.protocol.quoting import printable
from csearch.protocol.system_errors import in_words
from csearch.protocol.wire import RESULTS, AddressError, runtime_directory

_COMMANDS = ("csearch", "csearchctl", "csearchd")
# Of thumbnails that csearch has made: how a PNG begins, and one of its chunks (PNG, 5.2, 11.3.3)
_PNG = b"\x89PNG\r\n\x1a\n"
_SIGNATURE = b"\0\0\0\x10tEXtSoftware\0csearch"
_HEAD = 4096  # bytes of a PNG, in which its texts are
_BUSY_SECONDS = 10.0

# The files that csearch makes in its directories (csearchd.paths)
_CONFIGURATION = ("config.toml", "vocabulary.txt")
_DATA = (
    *(f"library.sqlite{end}" for end in ("", "-wal", "-shm", "-journal", ".new", ".rescued-*")),
    "library.sqlite.old",  # moved away as csearch has advised
    "summary.json",
    "summary.json.new",
    "history",
    "history.new",
    "installed.json",
    "installed.json.csearch-*",
    "model-offered",
    "lock",
    ".nosearch",
)
_CACHE = (
    "csearchd.log",
    "csearchd.log.1",
    "files",
    "files.new",
    "terms-*.npy",
    "terms-*.npy.new",
    "verified-models.json",
    ".verified-models.json.*",
)
_RUNTIME = ("csearch.sock",)
# The same of directories, with all that is in them
_CACHE_TREES = ("vectors-*", "places-*", "downloads", "tagger")
_MODELS = "models"  # a place of its own, in that of the data, and so is the next
_DAMAGED = "damaged"  # where csearch has advised to move a damaged library
_UNFINISHED_MODELS = (".*.part", ".old-*")
_MODEL_FILES = ("model.toml", "text.onnx")  # a directory with one of them is an installed model


class Place(NamedTuple):
    """One of csearch's directories."""

    directory: str
    made: list[str]  # names of what csearch has made in it
    others: list[str]  # names of all else, which stays


def places() -> list[Place]:
    """csearch's own directories that exist: configuration, data, cache, and that of the socket.

    Raises ClientError.
    """
    configuration = os.path.join(base("XDG_CONFIG_HOME", "~/.config"), "csearch")
    data, cache = data_directory(), cache_directory()
    inner = [
        _place(os.path.join(data, _MODELS), trees=_UNFINISHED_MODELS),
        _place(os.path.join(data, _DAMAGED), ("library.sqlite*",)),
    ]
    # Those that csearch deletes with all that is in them are nothing of others' in the outer one.
    going = [os.path.basename(place.directory) for place in inner if place and not place.others]
    found = [
        *inner,
        _place(data, _DATA, without=going),
        _place(configuration, _CONFIGURATION),
        _place(cache, _CACHE, _CACHE_TREES),
    ]
    if not os.environ.get("CSEARCH_SOCKET"):  # with it, the directory is the user's
        with contextlib.suppress(AddressError):
            found.append(_place(os.fsdecode(runtime_directory()), _RUNTIME))
    return [place for place in found if place]


def _place(
    directory: str,
    files: tuple[str, ...] = (),
    trees: tuple[str, ...] = (),
    without: Sequence[str] = (),
) -> Place | None:
    """What is in a directory, but for the names `without`; None if there is no such directory."""
    if not os.path.lexists(directory):
        return None
    place = Place(directory, [], [])
    try:
        for name in sorted(set(os.listdir(directory)) - set(without)):
            path = os.path.join(directory, name)
            if os.path.isdir(path) and not os.path.islink(path):
                ours = _matches(name, trees) or _is_model(path) or _is_of_links(path)
            else:
                ours = _matches(name, files)
            (place.made if ours else place.others).append(name)
    except (FileNotFoundError, NotADirectoryError):
        pass  # a link that leads nowhere, or a file: not csearch's
    except OSError as error:
        raise ClientError(f"{printable(directory)} cannot be listed: {in_words(error)}") from error
    return place


def _matches(name: str, patterns: tuple[str, ...]) -> bool:
    return any(fnmatchcase(name, pattern) for pattern in patterns)


def _is_model(path: str) -> bool:
    inside_models = os.path.dirname(path) == os.path.join(data_directory(), _MODELS)
    return inside_models and any(os.path.exists(os.path.join(path, name)) for name in _MODEL_FILES)


def _is_of_links(path: str) -> bool:
    """Whether a directory is that of folders of results, or of saved searches, with nothing but
    links in them."""
    saved = os.path.join(data_directory(), "saved")
    if path != saved and os.path.basename(path) != os.fsdecode(RESULTS):
        return False
    for directory, _, names in os.walk(path):
        if not all(os.path.islink(os.path.join(directory, name)) for name in names):
            return False
    return True


def links() -> list[str]:
    """Links to this environment's commands, or to some that are gone, in PATH and ~/.local/bin.

    Another program has a command csearch, too: a link to one that is gone is only ours if a link to
    a csearchctl stands beside it.
    """
    here = os.path.dirname(os.path.abspath(sys.executable))
    directories = [
        *os.environ.get("PATH", "").split(os.pathsep),
        os.path.expanduser("~/.local/bin"),
    ]
    found = []
    for directory in dict.fromkeys(filter(os.path.isabs, directories)):
        targets = {name: target for name in _COMMANDS if (target := _target(directory, name))}
        there = os.path.dirname(targets.get("csearchctl", ""))
        for name, target in targets.items():
            is_gone = target == os.path.join(there, name) and not os.path.exists(target)
            if is_gone or target == os.path.join(here, name):
                found.append(os.path.join(directory, name))
    return found


def _target(directory: str, name: str) -> str | None:
    """Where a link leads; None if it is no link."""
    try:
        return os.path.abspath(os.path.join(directory, os.readlink(os.path.join(directory, name))))
    except OSError:
        return None


def thumbnails() -> list[str]:
    """The thumbnails in the desktop's cache that csearch has made, not another program."""
    found = []
    top = os.path.join(base("XDG_CACHE_HOME", "~/.cache"), "thumbnails")
    for directory, _, names in os.walk(top):
        for name in names:
            path = os.path.join(directory, name)
            head = _head(path)
            if head.startswith(_PNG) and _SIGNATURE in head:
                found.append(path)
    return found


def _head(path: str) -> bytes:
    """The first bytes of a file; b"" of what is no regular file, such as a link or a pipe."""
    flags = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
    with contextlib.suppress(OSError), open(os.open(path, flags), "rb") as file:
        if stat.S_ISREG(os.fstat(file.fileno()).st_mode):
            return file.read(_HEAD)
    return b""


def tagged_files() -> int:
    """The number of files in which csearch has written tags that weren't taken back.

    Raises ClientError if the library, which has the record of them, can't be read.
    """
    library = os.path.join(data_directory(), "library.sqlite")
    if not os.path.exists(library) or not os.path.getsize(library):
        return 0
    where = f"file:{quote(os.fsencode(library))}?mode=ro"
    try:
        with contextlib.closing(
            sqlite3.connect(where, uri=True, timeout=_BUSY_SECONDS)
        ) as database:
            tables = "SELECT count(*) FROM sqlite_schema WHERE name = 'tag_ledger'"
            if not database.execute(tables).fetchone()[0]:
                return 0
            sql = "SELECT count(DISTINCT path) FROM tag_ledger"
            return int(database.execute(sql).fetchone()[0])
    except sqlite3.Error as error:
        raise ClientError(
            f"{printable(library)} cannot be read ({error}), so csearch can't tell which pictures "
            "it has written tags in; with --keep-tags everything else is removed"
        ) from error


@contextlib.contextmanager
def without_service() -> Iterator[None]:
    """Keeps the service from starting meanwhile. Raises ClientError if it runs."""
    with contextlib.ExitStack() as stack:
        try:
            lock = os.open(lock_path(), os.O_RDWR | os.O_NOFOLLOW | os.O_CLOEXEC)
            stack.callback(os.close, lock)
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise ClientError(
                "the search service was started again meanwhile, so nothing more was deleted; "
                "end the programs that search, and run the command again"
            ) from None
        except OSError:
            pass  # there is no library
        yield


def delete(place: Place) -> None:
    """Deletes what csearch has made in one of its directories, and the directory if that leaves it
    empty; of a link to a directory, that directory, too. Raises ClientError."""
    for name in place.made:
        path = os.path.join(place.directory, name)
        try:
            if os.path.isdir(path) and not os.path.islink(path):
                shutil.rmtree(path)
            else:
                os.unlink(path)
        except FileNotFoundError:
            pass
        except OSError as error:
            raise _undeletable(os.fsdecode(error.filename or path), error) from error
    if not os.path.isdir(place.directory):
        return
    with contextlib.suppress(OSError):  # a mount, or others' files are in it
        os.rmdir(os.path.realpath(place.directory))
    if os.path.islink(place.directory) and not os.path.isdir(place.directory):
        delete_file(place.directory)


def delete_file(path: str) -> None:
    """Deletes a file or a link. Raises ClientError."""
    try:
        os.unlink(path)
    except FileNotFoundError:
        pass
    except OSError as error:
        raise _undeletable(path, error) from error


def _undeletable(path: str, error: OSError) -> ClientError:
    return ClientError(
        f"{printable(path)} cannot be deleted ({in_words(error)}); delete it yourself, or correct "
        "that and run the command again"
    )
