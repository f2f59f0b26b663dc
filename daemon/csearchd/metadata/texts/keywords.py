"""Keywords as programs write them: flat or as paths, and among them the programs' own marks.

digiKam and darktable keep marks of theirs among the keywords, such as "darktable|format|jpg", and
some write the levels of such a path as plain keywords too.
"""

from __future__ import annotations

from collections.abc import Iterable

from csearchd.metadata.fields import tidy
from csearchd.spelling import folded

_MAX_LEVELS = 32  # of a path
_OWN = frozenset({"darktable", "_digikam_internal_tags_"})  # tops of the marks of programs
_ROOT = "_digikam_root_tag_"  # above all of digiKam's tags, and no level of them


def keywords(*lists: tuple[Iterable[str], str | None]) -> list[str]:
    """The keywords of a source's lists, each with what separates the levels of its paths.

    A path becomes "a/b" and, by itself, its last level. The marks of programs are left out, and
    plain keywords that are no more than a level of one.
    """
    paths: list[list[str]] = []
    marks: set[str] = set()  # levels of marks
    levels: set[str] = set()  # levels of other paths, and what stands alone among them
    for values, separator in lists:
        for path in (_levels(value, separator) for value in values):
            paths.append(path)
            if len(path) > 1 and folded(path[0]) in _OWN:
                marks.update(map(folded, path))
            elif separator:
                levels.update(map(folded, path))
    found: list[str] = []
    for path in paths:
        if not path or (folded(path[0]) in _OWN and (len(path) > 1 or folded(path[0]) in marks)):
            continue
        if len(path) > 1:
            found += ["/".join(path), path[-1]]
        elif folded(path[0]) not in marks - levels:
            found.append(path[0])
    return found


def _levels(value: str, separator: str | None) -> list[str]:
    """The levels of a keyword, one for a plain one; empty where nothing is left."""
    parts = value.split(separator, _MAX_LEVELS)[:_MAX_LEVELS] if separator else [value]
    named = [level for level in map(tidy, parts) if level]
    if len(named) == 1:  # a mark stands in flat lists too, with either separator
        for other in "|/":
            if folded(named[0].partition(other)[0]) in _OWN:
                return [level for level in map(tidy, named[0].split(other)) if level]
    return named[1:] if named and folded(named[0]) == _ROOT else named
