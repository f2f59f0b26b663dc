"""What csearch leaves behind outside its environment, for `csearchctl uninstall --purge`."""

from __future__ import annotations

import contextlib
import os
import shutil
import sqlite3
import sys
from collections.abc import Iterator
from urllib.parse import quote

from csearch.directories import base, cache_directory, data_directory
from csearch.protocol.errors import ClientError
from csearch.protocol.quoting import printable
from csearch.protocol.system_errors import in_words
from csearch.protocol.wire import AddressError, runtime_directory

_COMMANDS = ("csearch", "csearchctl", "csearchd")
_SIGNATURE = b"tEXtSoftware\0csearch"  # of thumbnails that csearch has made (PNG, section 11.3.3)
_HEAD = 4096  # bytes of a PNG, in which its texts are
_BUSY_SECONDS = 10.0


def directories() -> list[str]:
    """csearch's own directories that exist: configuration, data, cache, and that of the socket."""
    places = [
        os.path.join(base("XDG_CONFIG_HOME", "~/.config"), "csearch"),
        data_directory(),
        cache_directory(),
    ]
    if not os.environ.get("CSEARCH_SOCKET"):  # with it, the directory is the user's
        with contextlib.suppress(AddressError):
            places.append(os.fsdecode(runtime_directory()))
    return [place for place in places if os.path.lexists(place)]


def links() -> list[str]:
    """Links to this environment's commands, or to some that are gone, in PATH and ~/.local/bin."""
    here = os.path.dirname(os.path.abspath(sys.executable))
    places = [*os.environ.get("PATH", "").split(os.pathsep), os.path.expanduser("~/.local/bin")]
    found = []
    for place in dict.fromkeys(filter(os.path.isabs, places)):
        for name in _COMMANDS:
            path = os.path.join(place, name)
            if not os.path.islink(path):
                continue
            target = os.path.join(place, os.readlink(path))
            ours = os.path.abspath(target) == os.path.join(here, name)
            if ours or not os.path.exists(target):
                found.append(path)
    return found


def thumbnails() -> list[str]:
    """The thumbnails in the desktop's cache that csearch has made, not another program."""
    return list(_thumbnails())


def _thumbnails() -> Iterator[str]:
    top = os.path.join(base("XDG_CACHE_HOME", "~/.cache"), "thumbnails")
    for directory, _, names in os.walk(top):
        for name in names:
            path = os.path.join(directory, name)
            with contextlib.suppress(OSError), open(path, "rb") as file:
                if _SIGNATURE in file.read(_HEAD):
                    yield path


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


def delete(path: str) -> None:
    """Deletes a file, a link or a directory; of a link to a directory, that directory, too.

    Raises ClientError.
    """
    try:
        if os.path.isdir(path):
            real = os.path.realpath(path)
            shutil.rmtree(real)
        if os.path.lexists(path):
            os.unlink(path)
    except OSError as error:
        where = printable(os.fsdecode(error.filename or path))
        raise ClientError(
            f"{where} cannot be deleted ({in_words(error)}); delete it yourself, or correct that "
            "and run the command again"
        ) from error
