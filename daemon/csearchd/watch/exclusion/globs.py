"""Paths with wildcards in `scan.exclude`, such as "/mnt/nas/**/raw"."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterable
from typing import NamedTuple

from csearchd.watch.exclusion.wildmatch import translate

_WILD = re.compile(rb"[*?\[\\]")


class PathGlob(NamedTuple):
    """One pattern."""

    regex: re.Pattern[bytes]
    base: re.Pattern[bytes] | None  # of "X/**": matches X

    def excludes(self, path: bytes, top: bytes) -> bool:
        """Whether it excludes `path`, which is below `top`, a directory that was asked for."""
        if not self.regex.fullmatch(path):
            return False
        # A directory in X, or X itself, that was asked for is read in spite of "X/**".
        return self.base is None or not (self.base.fullmatch(top) or self.regex.fullmatch(top))


def is_path(pattern: str) -> bool:
    """Whether an element of `scan.exclude` is a path; else it is a directory's name."""
    return "/" in pattern.rstrip("/")


def path_globs(patterns: Iterable[str], resolve: Callable[[bytes], bytes]) -> list[PathGlob]:
    """The `patterns` that are paths.

    "~" is the home directory. A pattern that doesn't begin at "/" matches at the end of any path.
    `resolve` follows the symbolic links in a path: scans know directories by their real ones.
    """
    found = []
    for pattern in filter(is_path, patterns):
        path = os.fsencode(os.path.expanduser(pattern)).rstrip(b"/")
        if not path.startswith(b"/"):
            path = b"/**/" + path
        for each in dict.fromkeys((path, _resolved(path, resolve))):
            base = translate(each.removesuffix(b"/**")) if each.endswith(b"/**") else None
            found.append(PathGlob(translate(each), base))
    return found


def _resolved(path: bytes, resolve: Callable[[bytes], bytes]) -> bytes:
    """The pattern with the links in the part before its first wildcard followed."""
    wild = _WILD.search(path)
    if wild is None:
        return resolve(path)
    slash = path.rfind(b"/", 0, wild.start())
    return resolve(path[:slash] or b"/").rstrip(b"/") + path[slash:]
