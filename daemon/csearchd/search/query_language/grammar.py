"""The grammar of the query language, which commands, the socket and D-Bus share.

A query is a line of words separated by blanks. A client joins its arguments with blanks.

    red boat at sea         words form a text that describes the picture
    horse + stripes         `+` between blanks begins another part, which is added
    apple - fruit           `-` between blanks begins another part, which is subtracted
    2:cat + 0.5:stripes     a number and a colon begin a part with a weight other than 1
    ./cat.jpg               a picture: a word with a "/" or the suffix of a picture that is a file
                            for the client, which sends it with its position in the query. It may
                            contain blanks if it ends with such a suffix. The client fetches http
                            and https URLs; a file URL is the file. A part's pictures and text are
                            added.
    tag:beach               a filter, NAME:VALUE. Filters may be anywhere, and all must match.
    not:tag:beach           the negation of a filter
    after:"last summer"     a value with blanks. Of a date and a place, the quotes may be left out
                            where the words after it belong to it
    "tag:beach - x"         text in quotes, which begin at the start of a word or of a value;
                            nothing in it is special, but "" is a quote
    -- tag:beach - x        all that follows the word `--` is text

`-` as the whole query is a picture on standard input, which the client reads. Any other word with a
colon is text if the part before the first colon has other characters than letters (10:30, 16:9), or
if the colon is followed by nothing, by another colon or by "/". Otherwise it must be a filter:

    after before on date    when the picture was taken: 2023, 2023-05, 2023-05-17, "May 2023",
                            yesterday, "3 weeks ago", "last summer"; date:A..B (module `dates`).
                            All of a picture's date must lie there, where it is a year, say
    near                    near:Lisbon, near:"Paris, Texas", near:"38.7,-9.1,10km"
    camera lens             a part of the camera's make and model, or of the lens's name
    iso rating              a number: 100, >800, >=4, <=200, 100..400
    tag                     a keyword of the picture
    person                  a name, or words of one, of somebody whom another program has named
    name                    a part of the file's name, or with * and ? all of it
    title description       the same for what the picture says of itself
    text                    words that stand in the picture, or parts of them, one after the other;
                            hyphens and blanks count for nothing
    folder                  a part of the name of a directory above; a/b for one inside another
    type                    jpeg, png, raw, …
    size                    >10MP, <=2MP, 12MP (megapixels)
    orientation             portrait, landscape, square

Case is ignored everywhere. A query has at most MAX_PARTS parts and filters; csearchd.limits has the
limits on pictures and lengths.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from csearch.protocol.similar import similar
from csearch.protocol.wire import Message
from csearchd import limits
from csearchd.errors import QueryError
from csearchd.limits import clipped
from csearchd.reasons import Reason
from csearchd.reasons import query as reasons

DATES = ("after", "before", "on", "date")
FILTERS = (
    *DATES, "near", "camera", "lens", "iso", "rating", "tag", "person", "name", "title",
    "description", "text", "folder", "type", "size", "orientation",
)  # fmt: skip
MAX_PARTS = 100
FOLLOWING = 4  # words that may belong to a value without quotes
# What other search engines and programs call a filter.
_ELSEWHERE = {
    "since": "after", "until": "before", "year": "on", "month": "on", "taken": "on",
    "place": "near", "city": "near", "country": "near", "location": "near", "where": "near",
    "ext": "type", "extension": "type", "filetype": "type", "format": "type",
    "keyword": "tag", "keywords": "tag", "label": "tag", "people": "person", "who": "person",
    "face": "person", "stars": "rating", "file": "name", "filename": "name",
    "path": "folder", "dir": "folder", "directory": "folder", "album": "folder", "in": "folder",
    "caption": "description", "comment": "description", "make": "camera", "model": "camera",
    "resolution": "size", "megapixels": "size", "mp": "size",
}  # fmt: skip
_NOT = "not"

_IN_QUOTES = r'(?:[^"]|"")*'
_WORD = re.compile(rf'"(?P<quoted>{_IN_QUOTES})"|(?P<plain>\S+)')
_CLOSED = re.compile(rf'{_IN_QUOTES}"')
_NUMBER = re.compile(r"(\d+(?:\.\d*)?|\.\d+):")
_WEIGHT = re.compile(rf"{_NUMBER.pattern}(?=[^\d:/\s])")
_NAMED = re.compile(r"([^\W\d_]+):(?![:/]|$)")
_OPENING = re.compile(rf'(?:{_WEIGHT.pattern}|(?:{_NAMED.pattern})+)(?=")')
_BARE = re.compile(rf"(?:{_NOT}:)?(?:{'|'.join(FILTERS)}):", re.IGNORECASE)  # without a value
_DASHED = re.compile(r"-[^\W\d_]")
_MINUS_NAMED = re.compile(r"-[^\W\d_]+:")


class Span(NamedTuple):
    """The position of a picture's name in the query, in characters."""

    start: int
    end: int


class Filter(NamedTuple):
    """A filter, with its value as text and its position in the query, in characters. `joined`:
    the value is of several words that weren't in quotes."""

    name: str
    value: str
    negated: bool
    start: int
    end: int
    joined: bool = False

    def __str__(self) -> str:
        return f"{'not:' if self.negated else ''}{self.name}:{self.value}"

    def to_message(self) -> Message:
        """Returns the fields of a filter in the result of a search."""
        told = self._asdict()
        del told["joined"]
        return told


@dataclass
class Part:
    """A text and pictures, all with one weight, which is negative in a subtracted part."""

    weight: float = 1.0
    words: list[str] = field(default_factory=list)
    pictures: list[int] = field(default_factory=list)
    quoted: bool = False  # some of the words were in quotes
    dashed: bool = False  # a dash begins one of the others

    @property
    def text(self) -> str:
        """The words, joined by single blanks; "" without words."""
        return " ".join(" ".join(self.words).split())

    def __bool__(self) -> bool:
        return bool(self.text or self.pictures)


@dataclass
class Query:
    """A parsed query."""

    parts: list[Part]
    filters: list[Filter]


class _Word(NamedTuple):
    start: int
    end: int
    text: str
    quoted: bool = False
    picture: int | None = None
    weight: str = ""  # that stands before the picture
    more: str = ""  # words after a filter that belong to its value


Following = Callable[[str, str, Sequence[str]], int]
"""How many words after a filter belong to its value, which isn't in quotes: given the filter's name
and value, and up to FOLLOWING plain words."""


def parse(text: str, pictures: Sequence[Span] = (), following: Following = lambda *_: 0) -> Query:
    """Parses a query. `pictures` are the positions of pictures in it. Raises QueryError."""
    if len(text) > limits.QUERY:
        too_long = reasons.TOO_LONG(length=len(text), limit=limits.QUERY)
        raise QueryError(too_long, 0, len(text))
    parser = _Parser(text)
    words = list(_words(text, dict(zip(pictures, range(len(pictures)), strict=True))))
    for word in _with_values(words, following):
        parser.take(word)
    return parser.finish()


def _with_values(words: Sequence[_Word], following: Following) -> Iterator[_Word]:
    """Yields the words; a filter has those after it that belong to its value."""
    number = 0
    while number < len(words):
        word = words[number]
        number += 1
        name, value = _unfinished(word)
        if name:
            plain = []
            for other in words[number : number + FOLLOWING]:
                if other.quoted or other.picture is not None or _means_more(other.text):
                    break
                plain.append(other.text)
            if plain and (count := following(name, value, plain)):
                more = " ".join(plain[:count])
                word = word._replace(end=words[number + count - 1].end, more=more)
                number += count
        yield word


def _unfinished(word: _Word) -> tuple[str, str]:
    """The name and the value of a filter whose value may go on; "" for any other word."""
    if word.quoted or word.picture is not None or not _NAMED.match(word.text):
        return "", ""
    name, _, value = word.text.partition(":")
    if name.lower() == _NOT:
        name, _, value = value.partition(":")
    return (name.lower(), value) if value and not value.startswith('"') else ("", "")


def _means_more(text: str) -> bool:
    """Whether a word is more than text in the query language."""
    return text in ("+", "-") or _WEIGHT.match(text) is not None or _NAMED.match(text) is not None


def _words(text: str, pictures: dict[Span, int]) -> Iterator[_Word]:
    """Yields the words in order. What follows `--` is one quoted word. Raises QueryError."""
    starts = {span.start: span for span in pictures}
    position = 0
    while match := _WORD.search(text, position):
        start, position = match.span()
        if match["quoted"] is not None:
            yield _Word(start, position, match["quoted"].replace('""', '"'), quoted=True)
            continue
        if match["plain"] == "--":
            rest = text[position:].strip()
            if rest:
                yield _Word(position + 1, len(text), rest, quoted=True)
            return
        if match["plain"].startswith('"'):
            raise QueryError(reasons.UNCLOSED_QUOTE(), start, len(text))
        weight = _NUMBER.match(text, start)
        if span := starts.get(weight.end() if weight else start) or starts.get(start):
            number = weight[1] if weight and span.start > start else ""
            shown = text[start : span.end]
            yield _Word(start, span.end, shown, picture=pictures[span], weight=number)
            position = span.end
            continue
        # A quote may also open at the beginning of a value.
        opening = _opening_quote(match["plain"])
        if opening is not None:
            closed = _CLOSED.match(text, start + opening + 1)
            if closed is None:
                raise QueryError(reasons.UNCLOSED_QUOTE(), start + opening, len(text))
            position = closed.end()
        yield _Word(start, position, text[start:position])


def _opening_quote(word: str) -> int | None:
    """The index of the quote that begins a quoted value in `word`, if there is one."""
    match = _OPENING.match(word)
    return match.end() if match else None


class _Parser:
    """Builds a Query from words that it is given one by one."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._parts = [Part()]
        self._filters: list[Filter] = []
        self._operator: _Word | None = None  # the last word, if it was + or -
        self._count = 0

    def take(self, word: _Word) -> None:
        """Raises QueryError."""
        if word.picture is not None:
            if word.weight:
                self._weigh(word, float(word.weight))
            self._use().pictures.append(word.picture)
        elif word.quoted:
            part = self._use()
            part.words.append(word.text)
            part.quoted = True
        elif word.text in ("+", "-"):
            self._begin_part(word)
        elif match := _WEIGHT.match(word.text):
            self._weigh(word, float(match[1]))
            rest = word.text[match.end() :]
            if _NAMED.match(rest):
                raise QueryError(reasons.WEIGHTED_FILTER(), word.start, word.end)
            self._use().words.append(_unquoted(rest))
        elif _BARE.fullmatch(word.text):
            raise QueryError(reasons.MISSING_VALUE(word=word.text), word.start, word.end)
        elif match := _NAMED.match(word.text):
            self._filter(word, match[1].lower())
        elif _MINUS_NAMED.match(word.text) and self._is_filter(word.text[1:]):
            wrong = reasons.SUBTRACTED_FILTER(filter=clipped(word.text[1:]))
            raise QueryError(wrong, word.start, word.end)
        else:
            part = self._use()
            part.words.append(word.text)
            part.dashed = part.dashed or _DASHED.match(word.text) is not None

    def finish(self) -> Query:
        """Raises QueryError."""
        if word := self._operator:
            raise QueryError(reasons.NOTHING_FOLLOWS(operator=word.text), word.start, word.end)
        parts = [part for part in self._parts if part]
        if any(len(part.text) > limits.TEXT for part in parts):
            raise QueryError(reasons.TEXT_TOO_LONG(limit=limits.TEXT), 0, len(self._text))
        if not parts and not self._filters:
            raise QueryError(reasons.EMPTY(), 0, len(self._text))
        return Query(parts, self._filters)

    def _use(self) -> Part:
        """The part that the next word belongs to."""
        self._operator = None
        return self._parts[-1]

    def _grow(self, word: _Word) -> None:
        self._count += 1
        if self._count > MAX_PARTS:
            raise QueryError(reasons.TOO_MANY_PARTS(limit=MAX_PARTS), word.start, word.end)

    def _begin_part(self, word: _Word) -> None:
        if before := self._operator:
            wrong = reasons.NOTHING_BETWEEN(first=before.text, second=word.text)
            raise QueryError(wrong, before.start, word.end)
        self._grow(word)
        self._operator = word
        self._parts.append(Part(1.0 if word.text == "+" else -1.0))

    def _weigh(self, word: _Word, weight: float) -> None:
        if self._parts[-1]:
            wrong = reasons.MISPLACED_WEIGHT(text=clipped(word.text))
            raise QueryError(wrong, word.start, word.end)
        if not 0 < weight <= 1000:
            raise QueryError(reasons.WEIGHT_OUT_OF_RANGE(), word.start, word.end)
        self._parts[-1].weight *= weight

    def _filter(self, word: _Word, name: str) -> None:
        rest = word.text.partition(":")[2]
        negated = name == _NOT
        if negated:
            if rest.startswith('"') or ":" not in rest:
                wrong = reasons.MISPLACED_NOT(word=clipped(rest) or "beach")
                raise QueryError(wrong, word.start, word.end)
            name, _, rest = rest.partition(":")
            name = name.lower()
        if name not in FILTERS:
            raise QueryError(_unknown(name), word.start, word.end)
        value = f"{_unquoted(rest)} {word.more}".strip()
        if not value:
            raise QueryError(reasons.EMPTY_VALUE(name=name), word.start, word.end)
        if len(value) > limits.VALUE:
            wrong = reasons.VALUE_TOO_LONG(name=name, limit=limits.VALUE)
            raise QueryError(wrong, word.start, word.end)
        if value.count("*") > limits.WILDCARDS:
            wrong = reasons.TOO_MANY_WILDCARDS(name=name, limit=limits.WILDCARDS)
            raise QueryError(wrong, word.start, word.end)
        self._grow(word)
        joined = bool(word.more)
        self._filters.append(Filter(name, value, negated, word.start, word.end, joined))

    def _is_filter(self, text: str) -> bool:
        return text.partition(":")[0].lower() in (*FILTERS, _NOT)


def _unquoted(value: str) -> str:
    quoted = len(value) > 1 and value[0] == value[-1] == '"'
    return value[1:-1].replace('""', '"') if quoted else value


def _unknown(name: str) -> Reason:
    near = _ELSEWHERE.get(name) or similar(clipped(name), (*FILTERS, _NOT))
    if near:
        return reasons.MISSPELT_FILTER(name=clipped(name), similar=near)
    return reasons.UNKNOWN_FILTER(name=clipped(name), filters=", ".join(FILTERS))
