"""Files `.csearchignore`: what the user wants left out, in the form of gitignore(5)."""

from __future__ import annotations

import functools
import os
import re
from collections.abc import Sequence
from typing import NamedTuple

from csearchd.errors import UnreadableError
from csearchd.reasons import pictures as reasons
from csearchd.system.files import open_file, read_file
from csearchd.watch.exclusion.wildmatch import translate

IGNORE_FILE = b".csearchignore"
_SLASH_NAME = b"/" + IGNORE_FILE
_MAX_BYTES = 1 << 20  # of a file
_CACHED = 256  # files whose patterns are kept
# A link counts as no file, as in git, so that nothing outside of the directory decides.
_NO_FILE = {
    template.code
    for template in (
        reasons.VANISHED,
        reasons.EMPTY,
        reasons.NOT_REGULAR,
        reasons.SYMBOLIC_LINK,
    )
}
_BOM = b"\xef\xbb\xbf"


class Pattern(NamedTuple):
    """A line of a file."""

    regex: re.Pattern[bytes]
    ignores: bool  # False: what an earlier line ignores is not ignored
    directories_only: bool
    is_name: bool  # it is compared with the name, else with the path from the file's directory


class IgnoreFile(NamedTuple):
    """The file in one directory."""

    directory: bytes  # its path
    patterns: Sequence[Pattern]  # the last one first

    def ignores(self, path: bytes, is_directory: bool) -> bool | None:
        """Whether the file or directory at `path`, below `directory`, is ignored; None if no line
        matches.

        What is in an ignored directory is ignored, too, which the caller has to see to.
        """
        inside = path[len(self.directory.rstrip(b"/")) + 1 :]
        name = inside.rpartition(b"/")[2]
        for pattern in self.patterns:
            if pattern.directories_only and not is_directory:
                continue
            if pattern.regex.fullmatch(name if pattern.is_name else inside):
                return pattern.ignores
        return None


def ignored(files: Sequence[IgnoreFile], path: bytes, is_directory: bool) -> bool:
    """Whether one of `files`, that of the deepest directory first, ignores what is at `path`."""
    for file in files:
        if (found := file.ignores(path, is_directory)) is not None:
            return found
    return False


def ignore_files(top: bytes, directory: bytes) -> list[IgnoreFile]:
    """The files in `directory` and those above it up to `top`, the deepest first.

    Raises UnreadableError if there is one that can't be read.
    """
    found = []
    while True:
        path = directory.rstrip(b"/") + _SLASH_NAME
        # Quickly, since most directories have none.
        if os.access(path, os.F_OK, follow_symlinks=False) and (patterns := _read(path)):
            found.append(IgnoreFile(directory, patterns))
        if directory in (top, b"/"):
            return found
        directory = directory.rpartition(b"/")[0] or b"/"


def _read(path: bytes) -> Sequence[Pattern]:
    """The patterns in the file at `path`. Raises UnreadableError."""
    try:
        return parse(read_file(*open_file(path, _MAX_BYTES)))
    except UnreadableError as error:
        if error.reason.code in _NO_FILE:
            return ()
        raise


@functools.lru_cache(_CACHED)
def parse(text: bytes) -> Sequence[Pattern]:
    """The patterns in a file's content, the last one first."""
    lines = text.removeprefix(_BOM).split(b"\n")
    return tuple(filter(None, map(_parsed, reversed(lines))))


def _parsed(line: bytes) -> Pattern | None:
    line = line.removesuffix(b"\r")
    if line.startswith(b"#"):
        return None
    line = _without_blanks(line)
    ignores = not line.startswith(b"!")
    line = line[not ignores :]
    directories_only = line.endswith(b"/")
    line = line[: len(line) - directories_only]
    if not line:
        return None
    is_name = b"/" not in line
    regex = translate(line.removeprefix(b"/"))
    return Pattern(regex, ignores, directories_only, is_name)


def _without_blanks(line: bytes) -> bytes:
    """Without the blanks at its end that no backslash keeps."""
    kept = re.match(rb"(?:\\.|[^\\ ]|\\$|[ ]+(?=[^ ]))*", line, re.DOTALL)
    assert kept is not None
    return kept[0]
