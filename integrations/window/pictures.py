"""Pictures to search with: files, what is in memory, and those that a query names."""

import os
import re

from gi.repository import Gio, GLib

_WORD = re.compile(r'"[^"]*"|\S+')
_WEIGHT = re.compile(r"(?:\d+(?:\.\d*)?|\.\d+):(?=.)")
_WEB = re.compile(r"https?://", re.IGNORECASE)
_BLANKS = 12  # that a picture's name in a query may have


class Picture:
    """A file; or `data`, which is called `path` then."""

    def __init__(self, path, data=None):
        self.path = path
        self._memory = None
        if data is not None:
            self._memory = os.fdopen(os.memfd_create("picture", os.MFD_CLOEXEC), "wb")
            self._memory.write(data)
            self._memory.flush()

    def __eq__(self, other):
        """The same file; what is in memory is like nothing else."""
        return self is other or (
            self.path == other.path and self._memory is None and other._memory is None
        )

    __hash__ = None

    def open(self):
        """A descriptor of its own, which the caller closes. Raises OSError."""
        memory = self._memory
        path = self.path if memory is None else f"/proc/self/fd/{memory.fileno()}"
        return os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)

    @property
    def name(self):
        return GLib.filename_display_basename(os.fsdecode(self.path))

    @property
    def shown(self):
        """The whole path, for people."""
        return GLib.filename_display_name(os.fsdecode(self.path))


def is_on_the_web(name):
    return _WEB.match(name) is not None


def local(name):
    """The path (bytes) that is meant by an absolute one, one below ~, or a file: URL; else None."""
    if name.lower().startswith("file://"):
        path = Gio.File.new_for_uri(name).get_path()
        return os.fsencode(path) if path else None
    if name.startswith(("/", "~/")) and "\0" not in name:
        return os.fsencode(os.path.expanduser(name))
    return None


def in_query(query):
    """(picture, start, end) of each existing file that the query names; the longest name counts.

    A window has no directory of its own that a relative path could begin at.
    """
    found = []
    words = list(_words(query))
    end = 0
    for number, word in enumerate(words):
        start = _start(word)
        if word.start() < end or not query.startswith(("/", "~/", "file://"), start):
            continue
        for last in reversed(words[number : number + _BLANKS + 1]):
            path = local(query[start : last.end()])
            if path and os.path.isfile(path):
                end = last.end()
                found.append((Picture(path), start, end))
                break
    return found


def on_the_web(query):
    """(url, start, end) of the first address of the web in the query, or None."""
    for word in _words(query):
        if is_on_the_web(query[_start(word) : word.end()]):
            return query[_start(word) : word.end()], word.start(), word.end()
    return None


def _words(query):
    for word in _WORD.finditer(query):
        if word[0] == "--":
            return
        if not word[0].startswith('"'):
            yield word


def _start(word):
    """Where it begins behind its weight."""
    weight = _WEIGHT.match(word[0])
    return word.start() + (weight.end() if weight else 0)
