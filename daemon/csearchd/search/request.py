"""The requests `search` and `regions`, and the engine's answer to a search."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Annotated, Any, ClassVar, Literal, NamedTuple

import msgspec
import numpy as np
from msgspec import Meta
from numpy.typing import NDArray

from csearchd import limits
from csearchd.scoring.confidence import LEVELS, level_name
from csearchd.search.explanation import QueryTerm
from csearchd.search.filters import Condition
from csearchd.search.query_language.grammar import Part, Span
from csearchd.search.query_language.query_vector import Vector
from csearchd.validation import AbsolutePath, Count, Flag, Request

Scope = NDArray[np.bool_]  # by directory id (DirectoryTree.mask)
Label = Annotated[str, Meta(max_length=limits.TEXT)]
Blend = Annotated[float, Meta(ge=0, le=1)]
Language = Annotated[str, Meta(max_length=limits.LANGUAGE)]

_BLEND = 0.5


class QueryPicture(msgspec.Struct, frozen=True):
    """A picture to search with: `path` (bin) finds a known one, and its suffix helps to read
    another; `start` and `end` (characters) say where it stands in the query, or are left out: then
    it is added to the query."""

    path: bytes
    start: int | None = None
    end: int | None = None

    @property
    def span(self) -> Span | None:
        """Its place in the query, or None outside of it."""
        if self.start is None or self.end is None or self.start >= self.end:
            return None
        return Span(self.start, self.end)


class PictureQuery(Request, frozen=True, kw_only=True):
    """A query and the pictures that belong to it."""

    query: str
    pictures: list[QueryPicture] | None = None
    files: Count = 0
    label: Label | None = None
    blend: Blend | None = None
    language: Language | None = None

    @property
    def label_weight(self) -> float:
        """The label's share of a score, from 0 to 1."""
        return 1 - (_BLEND if self.blend is None else self.blend)


class SearchRequest(PictureQuery, frozen=True, kw_only=True):
    """`search`: finds the best pictures for a query.

    Fields:

    - query (str): in the language of csearchd.search.query_language.grammar, with `--` before
      literal text. It may be empty where pictures are added to it, with `random`, and with `sort`
      by date, name or size: then it stands for all pictures.
    - top (int, from 1 on): how many pictures to find at most.
    - scopes ([bin] or nil for everywhere): absolute paths of directories to search below.
    - wait ("first"): "first" waits for directories never seen before, "all" until everything below
      the scopes is up to date, "none" for nothing.
    - pictures ([{path: bin, start: int, end: int}]), files (int): pictures to search with, and as
      many files that come along (QueryPicture). The same pictures are not found.
    - label (str), blend (0.5, from 0 to 1): what the pictures are about. Scores become
      blend × likeness to the query + (1 − blend) × (likeness to the label + 0.25 × share of its
      words in the file's name, title, keywords or names of people).
    - language (str): of the query, as a locale ("de_AT.UTF-8") or a code ("deu_Latn"), for models
      that must know it. If it is left out or empty: that of the service's locale. One that the
      model doesn't know, as that of the locale C, counts as the one that its tokenizer was
      published with: English for NLLB.
    - offset (0): how many of the best results to leave out.
    - sort ("score", "date", "name" or "size"), reverse (bool): the order of the best `top`, or, in
      a query of filters alone, of all. Without it what is found by name may be before what has
      higher scores. Dates are latest first, names from A on, sizes largest
      first, unless `reverse`; doubtful dates are last.
    - min_score (float), min_confidence ("weak", "fair" or "strong"): the least that is found. Where
      neither is given, `count` takes what is at least fair, `random` also what is found by name.
    - details (bool): hits say what is known of their files; places (bool): with the name of the
      city near by.
    - order_details (bool): hits have details where these explain their order: filters alone, or
      `sort` by date or size.
    - count (bool): a number instead of hits.
    - group (bool): only the first of files that are nearly the same, or shots of one burst; alike
      (bool): with the paths of those that it stands for.
    - random (bool): `top` files by chance, of those that the filters let through, or that match.
    - why (bool): hits and the result say why.
    - remember (bool): keeps the query for `complete` and `history`, if anything is found.

    Progress: {phase: "scanning" or "encoding", found, done, total, failed, rate, remaining}: files
    found; `done` of `total` read and encoded; how many of them failed; files a second; seconds left
    or nil.

    Hits: [{path: bin, score, probability, confidence, similar, burst, by_name, details, why}], and
    beside them `nearest` (bool): these are only the nearest, since nothing that was found for the
    query, on this page or another one, is at least fair or found by name.

    - score (float): of the vectors, whatever the order; nil for filters alone.
    - probability (float, 0 to 1): that the picture shows what was asked; nil where it can't be
      told.
    - confidence ("weak", "fair" or "strong"): the same in words (csearchd.scoring.confidence).
    - by_name ([str]): words of the query by which it is found and lifted in the order: its name, a
      folder above it, or its keywords, title, description or people have them, or they stand in the
      picture; left out for others.
    - text ([{text, box, confidence, script}]): lines in the picture that have words of the query or
      of a filter `text`, best first; left out for others. box ([float]): four corners, x and y,
      clockwise from the text's top left, from 0 to 1 of the picture's displayed size; script: as in
      ISO 15924, "" for digits and signs alone.
    - similar (int): how many files were left out for this one by `group`; burst (int): how many of
      them aren't copies, but shots of the same seconds. Left out where they are 0.
    - alike ([bin]): the paths of the files that `similar` counts, where they are asked for.
    - details: {size, mtime_ns, format, width, height, taken, dated, date_source, date_doubtful,
      utc_offset, make, model, lens, iso, exposure (seconds), aperture (the f-number), focal_length
      (millimetres), latitude, longitude, altitude, orientation, title, description, rating,
      favourite, keywords, people, place, incomplete}. What isn't known is left out; `taken`
      is local time as ISO 8601, or as much of it as is known (2023, 2023-05, 2023-05-14), that of
      the file unless `dated`. `date_source`: "sidecar", "takeout", "exif", "xmp", "iptc", "gps",
      "name" or "file". `date_doubtful`: it can hardly be true (csearchd.metadata.dates.choice).
    - why: {parts: [{text, weight, probability, confidence, contribution}], terms: [str]}: for each
      phrase, word or picture of the query (weight below 0: subtracted) how sure it is in that
      picture, and what the score would lose without it, or nil; and what the picture shows of that.

    Result: {images, pending, again, failed, model, stopped, unwatched, filters, notes, remarks,
    nearest, count, why}:

    - images, pending, again, failed (int): images searched in the scope; files there that still
      need work; those of them that are searched meanwhile as they were; those that can't be read.
    - model (str): its name.
    - stopped (bool): whether the wait was cut short.
    - unwatched ([bin]): directories that were read for the first time, for this search, and aren't
      watched.
    - filters ([{name, value, negated, start, end}]): those of the query, and where they stand.
    - notes ([str]): remarks for the user; remarks: the same as reasons (csearch.protocol.wire).
    - nearest (bool): as beside hits.
    - count (int): the number that was asked for.
    - why: {scope, left, filters: [{text, files, start, end}]}: files in the scope, those that meet
      all filters, and those that meet each alone, which stands there in the query (characters).

    The error `query` has the fields `start` and `end` where a place in the query is to blame.
    """

    op: ClassVar[str] = "search"
    not_sent: ClassVar[frozenset[str]] = frozenset(
        ("parts", "conditions", "model", "vector", "scope", "without", "scale", "like",
         "telling", "query_terms", "remarks", "check", "offered", "or_named")
    )  # fmt: skip

    top: Annotated[int, Meta(ge=1)]
    scopes: Annotated[list[AbsolutePath], Meta(min_length=1, max_length=limits.SCOPES)] | None = (
        None
    )
    wait: Literal["first", "all", "none"] = "first"
    offset: Count = 0
    sort: Literal["score", "date", "name", "size"] | None = None
    reverse: Flag = None
    min_score: float | None = None
    min_confidence: Literal["weak", "fair", "strong"] | None = None
    details: Flag = None
    places: Flag = None
    order_details: Flag = None
    count: Flag = None
    group: Flag = None
    alike: Flag = None
    random: Flag = None
    why: Flag = None
    remember: Flag = None

    # Not in a message: what the desktop's search boxes ask for. Only what is at least fair, or has
    # all words of the query that say something, as whole words, in its names or in the picture.
    offered: bool = False

    # What is found by name need not have `min_confidence`.
    or_named: bool = False

    # Neither is what follows: csearchd.serve.handlers.queries finds it out.
    parts: Sequence[Part] = ()
    conditions: Sequence[Condition] = ()
    model: int = 0  # the row of the model whose vectors these are
    vector: Vector | None = None  # None: filters alone
    scope: Scope | None = None  # None: everywhere
    without: frozenset[int] = frozenset()  # contents that are not to be found
    scale: float = 1.0  # what the vector's scores are multiplied by
    like: bool = False  # the vector stands for pictures too, not for words alone
    telling: bool = True  # it says something about what pictures show
    remarks: Sequence[Any] = ()  # Reasons: on how the query was understood
    query_terms: Sequence[QueryTerm] = ()  # the query's parts, where it is to be said why
    check: Callable[[], object] = lambda: None  # called now and then; ends it by what it raises

    def __post_init__(self) -> None:
        if self.min_score is not None and not math.isfinite(self.min_score):
            raise ValueError("min_score must be a finite number")

    @property
    def min_level(self) -> int:
        """The number of the lowest confidence in csearchd.scoring.confidence.LEVELS."""
        return LEVELS.index(self.min_confidence or "weak")

    @property
    def may_be_empty(self) -> bool:
        """Whether an empty query stands for all pictures."""
        return bool(self.random) or self.sort in ("date", "name", "size")

    @property
    def wants_details(self) -> bool:
        """Whether hits are to say what is known of their files."""
        in_order = self.vector is None or self.sort in ("date", "size")
        return bool(self.details or (self.order_details and in_order))

    @property
    def has_no_least(self) -> bool:
        """Whether it doesn't say what the least is that is found."""
        return self.min_score is None and self.min_confidence is None


class RegionsRequest(PictureQuery, frozen=True, kw_only=True):
    """`regions`: draws which regions of a picture match a query.

    Fields: query, pictures, label, blend, language: as of `search`; path (bin): the picture, whose
    file is the last of `files`.

    Result: {png: bin, method: "occlusion"}: the picture as the model sees it, which is its middle,
    with a glow on those regions without which the score would be lower.
    """

    op: ClassVar[str] = "regions"

    path: bytes


class Hit(NamedTuple):
    """A file that was found. Without a vector there is no score."""

    path: bytes
    score: float | None
    file: int  # its id
    content: int
    probability: float | None = None  # that it shows what was asked, where that can be told
    similar: int = 0  # files that are nearly the same, or of one burst, and left out for it
    burst: int = 0  # those of them that are of one burst
    by_name: list[str] | None = None  # the words that it is found by (csearchd.search.lexical)
    alike: list[bytes] | None = None  # the paths of those that `similar` counts, if asked for

    @property
    def confidence(self) -> str | None:
        """The probability in words, one of LEVELS."""
        return None if self.probability is None else level_name(self.probability)


class Answer(NamedTuple):
    """Files in order, and directories to be scanned, since something has gone from them."""

    hits: list[Hit]
    stale: list[bytes]
    nearest: bool = False  # nothing matches well, on this page or another one (matches_well)


def matches_well(best: Hit | None) -> bool:
    """Whether a query was answered, if this is its best result: else it has the nearest only.

    No remark is due where there is no result, or where it can't be told how sure it is.
    """
    return best is None or best.confidence != LEVELS[0]
