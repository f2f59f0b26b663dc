"""Bookmarks of folders in file managers: GTK's and KDE's.

Both files are the user's: what else is in them stays to the byte, and so do their modes and links.
"""

from __future__ import annotations

import hashlib
import os
import stat
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from typing import NamedTuple
from urllib.parse import quote, unquote_to_bytes
from xml.parsers import expat
from xml.sax.saxutils import escape, quoteattr

from csearch.command import print_err
from csearch.directories import base
from csearch.installation.manifest import read_file, write_file
from csearch.protocol.errors import ClientError
from csearch.protocol.quoting import printable
from csearch.protocol.system_errors import in_words

_FILE = b"file://"
_UNQUOTED = "/!$&'()*+,;=:@"  # beside letters and digits, as GLib has it
_END = b"</xbel>"
_ELEMENT = """ <bookmark href={href}>
  <title>{title}</title>
  <info>
   <metadata owner="http://freedesktop.org">
    <bookmark:icon xmlns:bookmark="http://www.freedesktop.org/standards/desktop-bookmarks" \
name="folder-saved-search"/>
   </metadata>
   <metadata owner="http://www.kde.org">
    <ID>{id}</ID>
   </metadata>
  </info>
 </bookmark>
"""


class _Kind(NamedTuple):
    """A file of bookmarks: what adds a folder to its content, and what removes those of which a
    function says so. Both raise ValueError where the content isn't understood."""

    path: str
    added: Callable[[bytes, str, bytes], bytes]
    without: Callable[[Callable[[bytes], bool], bytes], bytes]


def add(folder: bytes) -> list[str]:
    """Bookmarks a folder, with its name, in each file of bookmarks that is there. Returns the paths
    of these. Raises ClientError."""
    kinds = _kinds()
    for kind in kinds:
        _change(kind, partial(_with, kind, folder))
    return [kind.path for kind in kinds]


def remove(is_meant: Callable[[bytes], bool]) -> None:
    """Removes the bookmarks of those folders of which a function says so. A file in which that
    can't be done is told of, and stays."""
    for kind in _kinds():
        try:
            _change(kind, partial(kind.without, is_meant))
        except ClientError as error:
            print_err(f"csearchctl: {error}")


def move(folder: bytes, new: bytes) -> None:
    """Has the bookmarks of a folder that was renamed lead to it again: those that are there. A file
    in which that can't be done is told of, and stays."""
    for kind in _kinds():
        try:
            _change(kind, partial(_moved, kind, folder, new))
        except ClientError as error:
            print_err(f"csearchctl: {error}")


def having(is_meant: Callable[[bytes], bool]) -> list[str]:
    """The paths of the files that have bookmarks which `remove` would remove."""
    found = []
    for kind in _kinds():
        with suppress(ClientError):  # what isn't understood has none of ours
            content = read_file(kind.path) or b""
            if _made(kind, partial(kind.without, is_meant), content) != content:
                found.append(kind.path)
    return found


def _kinds() -> list[_Kind]:
    """GTK's file where there is one, or GTK's settings are; KDE's only where there is one: KDE
    writes the places that it has from the start into none that it finds."""
    settings = os.path.join(base("XDG_CONFIG_HOME", "~/.config"), "gtk-3.0")
    places = os.path.join(base("XDG_DATA_HOME", "~/.local/share"), "user-places.xbel")
    kinds = [_Kind(os.path.join(settings, "bookmarks"), _gtk_added, _gtk_without)]
    kinds = kinds if os.path.isdir(settings) else []
    if os.path.isfile(places):
        kinds.append(_Kind(places, _kde_added, _kde_without))
    return kinds


def _change(kind: _Kind, change: Callable[[bytes], bytes]) -> None:
    """Changes a file of bookmarks, as a whole or not at all. Raises ClientError."""
    path = os.path.realpath(kind.path)  # it may be a link to a directory that is kept elsewhere
    content = read_file(path)
    new = _made(kind, change, content or b"")
    if new == (content or b""):
        return
    try:
        mode = 0o600 if content is None else stat.S_IMODE(os.stat(path).st_mode)
        write_file(path, new, mode)
    except OSError as error:
        raise ClientError(f"{printable(path)} cannot be written: {in_words(error)}") from error


def _made(kind: _Kind, change: Callable[[bytes], bytes], content: bytes) -> bytes:
    try:
        return change(content)
    except (ValueError, expat.ExpatError) as error:
        raise ClientError(
            f"{printable(kind.path)} is no file of bookmarks ({error}), and stays as it is"
        ) from None


def _with(kind: _Kind, folder: bytes, content: bytes) -> bytes:
    """The content with a bookmark of a folder, unless it has one."""
    if kind.without(folder.__eq__, content) != content:
        return content
    return kind.added(folder, _text(os.path.basename(folder)), content)


def _moved(kind: _Kind, folder: bytes, new: bytes, content: bytes) -> bytes:
    """The content with a bookmark of `new` in place of one of `folder`, if it has one."""
    without = kind.without(folder.__eq__, content)
    return content if without == content else _with(kind, new, without)


def _gtk_added(folder: bytes, title: str, content: bytes) -> bytes:
    lines = content.split(b"\n")
    at = len(lines) - (not lines[-1])  # before the end of the last line
    line = f"{_uri(folder)} {' '.join(title.split())}".encode()
    return b"\n".join([*lines[:at], line, *lines[at:]])


def _gtk_without(is_meant: Callable[[bytes], bool], content: bytes) -> bytes:
    lines = content.split(b"\n")
    return b"\n".join(one for one in lines if not _leads(one.partition(b" ")[0], is_meant))


def _kde_added(folder: bytes, title: str, content: bytes) -> bytes:
    at = content.rindex(_END)
    number = f"csearch-{hashlib.sha256(folder).hexdigest()[:16]}"
    element = _ELEMENT.format(href=quoteattr(_uri(folder)), title=escape(title), id=number)
    return content[:at] + element.encode() + content[at:]


def _kde_without(is_meant: Callable[[bytes], bool], content: bytes) -> bytes:
    """Removes elements, with what `_kde_added` has put around them."""
    going: list[tuple[int, int]] = []
    open_at: list[int | None] = []  # where each element began that is meant
    parser = expat.ParserCreate()

    def begin(name: str, attributes: dict[str, str]) -> None:
        href = attributes.get("href", "").encode() if name == "bookmark" else b""
        open_at.append(parser.CurrentByteIndex if _leads(href, is_meant) else None)

    def end(_: str) -> None:
        if (start := open_at.pop()) is not None:
            going.append((start, content.index(b">", parser.CurrentByteIndex) + 1))

    parser.StartElementHandler, parser.EndElementHandler = begin, end
    parser.Parse(content, True)
    for start, stop in reversed(going):
        start -= content[start - 1 : start] == b" "
        stop += content[stop : stop + 1] == b"\n"
        content = content[:start] + content[stop:]
    return content


def _uri(folder: bytes) -> str:
    return _FILE.decode() + quote(folder, safe=_UNQUOTED)


def _leads(uri: bytes, is_meant: Callable[[bytes], bool]) -> bool:
    return uri.startswith(_FILE) and is_meant(unquote_to_bytes(uri[len(_FILE) :]))


def _text(name: bytes) -> str:
    """A name without what can't be in XML."""
    shown = name.decode(errors="replace")
    return "".join(c if c.isprintable() else "\ufffd" for c in shown)
