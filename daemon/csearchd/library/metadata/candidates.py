"""SQL that finds candidates among texts, which csearchd.spelling then compares."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from csearchd.spelling import folded, unaccented

if TYPE_CHECKING:
    from csearchd.library.library import Library

# What letters beyond ASCII become when they are folded and composed: ß, ſ, the Kelvin sign,
# ligatures. (LIKE ignores the case of ASCII only.)
_FOLDED = re.compile(r"f+[il]?|s+t?|k|[;`]|[^\x00-\x7f]+")


# What stays as it is without accents: no letter, and no sign that may have a stroke.
_UNCHANGING = re.compile(r"[^A-Za-z;`<=>\x80-\U0010ffff]")


def having(column: str, text: str) -> tuple[str, list[str]]:
    """A condition, and its parameters, that is true at least where `column` has `text` in it,
    whatever the case and the form of its letters."""
    wanted = folded(text)
    return _either(column, wanted, _pattern([wanted]), _pattern(_FOLDED.split(wanted)))


def matching(column: str, text: str) -> tuple[str, list[str]]:
    """The same, whatever the accents; `*` and `?` in `text` stand for any text."""
    wanted = unaccented(text)
    # Between any two signs, a text may have an accent that is a sign of its own.
    wide = _pattern(_UNCHANGING.findall(wanted), wildcards=True)
    return _either(column, wanted, _pattern([wanted], wildcards=True), wide)


def _either(column: str, wanted: str, narrow: str, wide: str) -> tuple[str, list[str]]:
    """A condition on texts in ASCII, which may have what is wanted as it is, and on others."""
    if not wanted.isascii():
        return f"{column} LIKE ? ESCAPE '!'", [wide]
    condition = (
        f"({column} LIKE ? ESCAPE '!' "
        f"OR {column} GLOB '*[^' || char(1) || '-~]*' AND {column} LIKE ? ESCAPE '!')"
    )
    return condition, [narrow, wide]


def texts_beginning(library: Library, column: str, text: str, limit: int) -> list[str]:
    """Up to `limit` texts in a column of the table `metadata` that begin with `text`, on one line.
    Raises LibraryError."""
    start = folded(text)
    condition, patterns = having(column, text)
    with library.read() as database:
        rows = database.execute(
            f"SELECT DISTINCT {column} FROM metadata WHERE {column} <> '' AND {condition} "
            f"ORDER BY {column} COLLATE NOCASE",
            patterns,
        )
        found: list[str] = []
        for (value,) in rows:
            if folded(value).startswith(start) and "\n" not in value:
                found.append(value)
                if len(found) >= limit:
                    break
    return found


def _pattern(parts: list[str], wildcards: bool = False) -> str:
    """A pattern for LIKE: the parts, with anything between them."""
    escaped = (re.sub(r"[%_!]", r"!\g<0>", part) for part in parts)
    whole = "%".join(escaped)
    return f"%{re.sub(r'[*?]+', '%', whole) if wildcards else whole}%"
