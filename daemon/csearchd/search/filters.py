"""Filters: the conditions of a query, as masks over the files.

Values are parsed when a search begins, so that errors are reported before anything else is done. A
picture without the value that a filter asks for (no place, no rating) doesn't match the filter, and
so matches its negation. A picture without a capture date has the time of its file.
"""

from __future__ import annotations

import fnmatch
import json
import os
import re
from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from functools import partial
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from csearchd import limits
from csearchd.errors import DateError, PlaceError, QueryError, ReasonedError
from csearchd.library.library import Library
from csearchd.library.metadata.candidates import matching
from csearchd.library.metadata.photo_metadata import (
    FORMATS,
    ORIENTATIONS,
    Mask,
    PhotoMetadata,
    aligned,
)
from csearchd.library.texts.pattern import TextPattern
from csearchd.library.texts.statements import AMONG
from csearchd.library.tree import TOP
from csearchd.limits import clipped
from csearchd.reasons import LIST, Reason
from csearchd.reasons import query as reasons
from csearchd.search.places.areas import Area
from csearchd.search.places.geocoder import Geocoder
from csearchd.search.query_language import dates
from csearchd.search.query_language.dates import Period
from csearchd.search.query_language.grammar import DATES, Filter
from csearchd.spelling import unaccented

_EPOCH = datetime(1970, 1, 1)
_NUMBER = r"\d+(?:\.\d*)?|\.\d+"
_COMPARED = re.compile(rf"(<=|>=|<|>|=|≤|≥)?\s*({_NUMBER})\s*([a-z]*)", re.IGNORECASE)
_RANGE = re.compile(rf"({_NUMBER})?\s*\.\.\s*({_NUMBER})?\s*([a-z]*)", re.IGNORECASE)
_PIXELS = re.compile(r"(\d{1,6})\s*[x×*]\s*(\d{1,6})", re.IGNORECASE)
_MEGAPIXELS = ("mp", "mpx", "mpix", "megapixel", "megapixels")
_UNITS = {"iso": ("",), "rating": ("", "star", "stars"), "size": _MEGAPIXELS}
_STARS = 5
_SAME = {"≤": "<=", "≥": ">=", "": "="}

Files = NDArray[np.int64]  # ids
Choice = Callable[[Library, Files | None], Mask]
"""Gives the mask of the files that match, by file id, or of some files, by their places among these
(None: all). Its length is arbitrary."""


class Condition(NamedTuple):
    """A parsed filter."""

    filter: Filter
    choice: Choice
    remarks: tuple[Any, ...] = ()  # Reasons: on how its value was understood
    pattern: TextPattern | None = None  # of words in pictures, where that is what it looks for


def understand(filters: Sequence[Filter], now: datetime, places: Geocoder) -> list[Condition]:
    """Parses filters; dates are relative to `now`, a local time. Raises QueryError."""
    dated = [filter for filter in filters if filter.name in DATES]
    if len(dated) > limits.DATES:
        last = dated[limits.DATES]
        raise QueryError(reasons.TOO_MANY_DATES(limit=limits.DATES), last.start, last.end)
    return [_understood(filter, now, places) for filter in filters]


def chosen(
    library: Library,
    conditions: Iterable[Condition],
    size: int,
    check: Callable[[], object] = lambda: None,
) -> Mask:
    """The files that meet all conditions, by file id, (size,).

    `check` is called before each condition, and may raise to end this. Raises LibraryError.
    """
    mask: Mask = np.ones(size, np.bool_)
    for condition in conditions:
        check()
        met = aligned(condition.choice(library, None), size)
        mask &= ~met if condition.filter.negated else met
    return mask


def chosen_among(library: Library, conditions: Iterable[Condition], files: Files) -> Mask:
    """Which of some files meet all conditions, (files,): `chosen` without looking at all others.

    Raises LibraryError.
    """
    mask: Mask = np.ones(len(files), np.bool_)
    for condition in conditions:
        if not mask.any():
            break
        met = aligned(condition.choice(library, files), len(files))
        mask &= ~met if condition.filter.negated else met
    return mask


def _understood(filter: Filter, now: datetime, places: Geocoder) -> Condition:
    """Raises QueryError."""
    name, value = filter.name, filter.value
    pattern: TextPattern | None = None
    remarks: tuple[Reason, ...] = ()
    try:
        if name == "near":
            choice, remarks = _near(value, places)
        elif name == "text":
            pattern = _pattern(value)
            choice = partial(_written, pattern=pattern)
        else:
            choice = _choice(name, value, now)
    except (DateError, PlaceError, _ValueProblem) as error:
        raise _wrong(filter, error) from None
    if filter.joined and name != "near":  # which says what it means in any case
        remarks = (reasons.READ_AS(filter=str(filter._replace(value=f'"{value}"'))),)
    return Condition(filter, choice, remarks, pattern)


def _near(value: str, places: Geocoder) -> tuple[Choice, tuple[Reason, ...]]:
    """The choice for a place, and remarks on which one it is. Raises PlaceError."""
    place, remarks = places.find(value)[:2]
    if isinstance(place, Area):
        return partial(_in_area, area=place, places=places), remarks
    circle = place
    return lambda library, files: _metadata(library, files).near(*circle), remarks


def _wrong(filter: Filter, error: ReasonedError) -> QueryError:
    reason = error.reason
    if reason.code == reasons.NOT_A_DATE.code and " " not in filter.value:
        reason = LIST(first=reason, rest=reasons.SEVERAL_WORDS(name=filter.name))
    wrong = reasons.WRONG_VALUE(name=filter.name, reason=reason)
    return QueryError(wrong, filter.start, filter.end)


def _choice(name: str, value: str, now: datetime) -> Choice:
    """The choice for any other filter. Raises DateError, _ValueProblem."""
    if name in DATES:
        return _date(name, value, now)
    if name in _UNITS:
        return _number(name, value)
    if name in ("type", "orientation"):
        return _kind(name, value)
    if name == "camera":
        return lambda library, files: _metadata(library, files).camera(value)
    if name == "lens":
        return lambda library, files: _metadata(library, files).lens(value)
    if name == "tag":
        return lambda library, files: library.keywords.mask(value, files)
    if name == "person":
        return lambda library, files: library.people.mask(value, files)
    if name in ("title", "description"):
        return partial(_saying, column=name, value=value)
    if name == "folder":
        return partial(_in_folder, value=value)
    assert name == "name"
    return partial(_named, value=value)


def _metadata(library: Library, files: Files | None) -> PhotoMetadata:
    metadata = library.load_photo_metadata()
    return metadata if files is None else metadata.of(files)


def _in_area(library: Library, files: Files | None, area: Area, places: Geocoder) -> Mask:
    """Files that were taken in a country or region. Raises PlaceError."""
    located, points = _metadata(library, files).places()
    mask: Mask = np.zeros(int(located.max(initial=-1)) + 1, np.bool_)
    mask[located] = places.inside(area, points)
    return mask


class _ValueProblem(ReasonedError):
    """A value that a filter doesn't take; the text says what it takes."""


def _date(name: str, value: str, now: datetime) -> Choice:
    """`after:X` includes X and `before:X` doesn't, so that a picture meets one of them.

    One of which only the year is known meets neither where X lies within that year, and the
    negations of both.
    """
    if name == "date":
        period = dates.span(value, now)
    else:
        period = dates.period(value, now)
        if name == "after":
            period = Period(period.start, dates.LAST)
        elif name == "before":
            period = Period(dates.FIRST, period.start)
    begin = None if period.start == dates.FIRST else (period.start - _EPOCH).total_seconds()
    end = None if period.end == dates.LAST else (period.end - _EPOCH).total_seconds()
    return lambda library, files: _metadata(library, files).taken_between(begin, end)


def _number(name: str, value: str) -> Choice:
    tests, unit = _comparisons(value.strip())
    if not tests or unit.lower() not in _UNITS[name]:
        if name == "size":
            raise _ValueProblem(reasons.SIZE_IN_MEGAPIXELS(example=_in_megapixels(value)))
        example = {"iso": "iso:>=800", "rating": "rating:>=4"}[name]
        raise _ValueProblem(reasons.NOT_A_NUMBER(value=clipped(value), example=example))
    if name == "rating" and any(
        number > _STARS or (sign, number) == (">", _STARS) for sign, number in tests
    ):
        raise _ValueProblem(reasons.TOO_MANY_STARS(limit=_STARS))
    _refuse_reversed(name, value.strip())
    if name == "size" and tests[0][0] == "=":  # 12MP is a nominal size
        ((_, number),) = tests
        tests = [(">=", number - 0.5), ("<", number + 0.5)]

    def choice(library: Library, files: Files | None) -> Mask:
        metadata = _metadata(library, files)
        comparisons = {
            "iso": metadata.iso, "rating": metadata.rating, "size": metadata.megapixels,
        }  # fmt: skip
        first, *others = (comparisons[name](*test) for test in tests)
        for other in others:
            first &= aligned(other, len(first))
        return first

    return choice


def _refuse_reversed(name: str, value: str) -> None:
    """Raises _ValueProblem for a range that ends below where it begins, which nothing is in."""
    match = _RANGE.fullmatch(value)
    if match and match[1] and match[2] and float(match[1]) > float(match[2]):
        first, last, unit = match.groups()
        example = f"{name}:{last}..{first}{unit}"
        raise _ValueProblem(reasons.REVERSED_RANGE(first=first, last=last, example=example))


def _comparisons(value: str) -> tuple[list[tuple[str, float]], str]:
    """What `>800` or `100..400` compares with, and the unit after it; [] if a value is neither."""
    if match := _RANGE.fullmatch(value):
        low, high, unit = match.groups()
        return [
            (sign, float(number)) for sign, number in ((">=", low), ("<=", high)) if number
        ], unit
    if match := _COMPARED.fullmatch(value):
        sign, number, unit = match.groups()
        return [(_SAME.get(sign or "", sign), float(number))], unit
    return [], ""


def _in_megapixels(value: str) -> str:
    """What may be meant by a size without its unit, or with another one."""
    if match := _PIXELS.fullmatch(value.strip()):
        return f"{int(match[1]) * int(match[2]) / 1e6:.1f}MP"
    match = _COMPARED.fullmatch(value.strip()) or _RANGE.fullmatch(value.strip())
    if match is None or len(value) > len("1000..2000megapixels"):
        return ">10MP"
    return f"{value.strip().removesuffix(match[3])}MP"


def _kind(name: str, value: str) -> Choice:
    known = FORMATS if name == "type" else ORIENTATIONS
    kind = value.lower()
    if kind not in known:
        raise _ValueProblem(reasons.NOT_A_CHOICE(value=clipped(value), choices=", ".join(known)))
    compare = PhotoMetadata.format if name == "type" else PhotoMetadata.orientation
    return lambda library, files: compare(_metadata(library, files), kind)


def _pattern(value: str) -> TextPattern:
    pattern = TextPattern(value)
    if not pattern:
        raise _ValueProblem(reasons.NO_WORDS(value=clipped(value)))
    return pattern


def _written(library: Library, files: Files | None, pattern: TextPattern) -> Mask:
    """Files by the words that stand in their pictures."""
    held = _contents(library, files)
    if files is not None and not library.texts.have_words(np.unique(held).tolist()):
        return np.zeros(len(files), np.bool_)
    found = library.texts.contents_with(pattern)
    having: Mask = np.zeros(int(found.max(initial=0)) + 2, np.bool_)
    having[found] = True  # the last one stays False, for larger ids
    return having.take(held, mode="clip")


def _contents(library: Library, files: Files | None) -> NDArray[np.int32]:
    with library.memory_lock:
        held = library.catalogue.content
    return held if files is None else held.take(files, mode="clip")


def _tester(value: str) -> Callable[[str], bool]:
    """A test of names: `value` is a part of the name, or with `*` and `?` a pattern for it."""
    wanted = unaccented(value)
    if "*" not in wanted and "?" not in wanted:
        return lambda name: wanted in unaccented(name)
    pattern = re.compile(fnmatch.translate(wanted.replace("[", "[[]")))
    return lambda name: pattern.match(unaccented(name)) is not None


def _in_folder(library: Library, files: Files | None, value: str) -> Mask:
    """Files below directories whose path ends with `value`: `2019`, `Holidays/2019`, `IMG*`."""
    tests = [_tester(part) for part in reversed(value.split("/")) if part]
    with library.memory_lock:
        tree = library.tree

        def is_meant(directory: int) -> bool:
            for test in tests:
                if directory == TOP or not test(os.fsdecode(tree.name(directory))):
                    return False
                directory = tree.parent(directory)
            return bool(tests)

        if files is None:
            return library.catalogue.files_in(tree.mask(filter(is_meant, tree.below(TOP))))
        above = library.catalogue.directory.take(files, mode="clip").tolist()
        inside = {
            directory: directory in tree and any(map(is_meant, tree.ancestors(directory)))
            for directory in set(above)
        }
        return np.array([inside[directory] for directory in above], np.bool_)


def _named(library: Library, files: Files | None, value: str) -> Mask:
    """Files by their names."""
    # LIKE finds nothing in BLOBs, which names are.
    return _with_text(library, files, ("files", "id", "name", "CAST(name AS TEXT)"), value)


def _saying(library: Library, files: Files | None, column: str, value: str) -> Mask:
    """Files by their `title` or `description`."""
    return _with_text(library, files, ("metadata", "file", column, column), value)


def _with_text(
    library: Library, files: Files | None, where: tuple[str, str, str, str], value: str
) -> Mask:
    """Files by a column; `where` is its table, that table's column of files, the column, and that
    as text. SQLite finds candidates, since there may be millions of texts."""
    table, file, column, as_text = where
    test = _tester(value)
    if files is None:
        condition, parameters = matching(as_text, value)
    else:
        condition = f"{file} IN {AMONG} AND {column} IS NOT NULL"
        parameters = [json.dumps(files.tolist())]
    with library.read() as database:
        rows = database.execute(
            f"SELECT {file}, {column} FROM {table} WHERE {condition}", parameters
        )
        found = [
            row[0]
            for row in rows
            if test(os.fsdecode(row[1]) if isinstance(row[1], bytes) else row[1])
        ]
    if files is not None:
        return np.isin(files, found)
    mask: Mask = np.zeros(max(found, default=-1) + 1, np.bool_)
    mask[found] = True
    return mask
