"""SQL that finds candidates among texts, which csearchd.spelling then compares."""

from __future__ import annotations

import re

from csearchd.spelling import folded

# What letters beyond ASCII become when they are folded and composed: ß, ſ, the Kelvin sign,
# ligatures. (LIKE ignores the case of ASCII only.)
_FOLDED = re.compile(r"f+[il]?|s+t?|k|[;`]|[^\x00-\x7f]+")


def having(column: str, text: str, wildcards: bool = False) -> tuple[str, list[str]]:
    """A condition, and its parameters, that is true at least where `column` has `text` in it,
    whatever the case and the form of its letters.

    With `wildcards`, `*` and `?` stand for any text.
    """
    wanted = folded(text)
    wide = _pattern(_FOLDED.split(wanted), wildcards)
    if not wanted.isascii():
        return f"{column} LIKE ? ESCAPE '!'", [wide]
    narrow = _pattern([wanted], wildcards)
    condition = (
        f"({column} LIKE ? ESCAPE '!' "
        f"OR {column} GLOB '*[^' || char(1) || '-~]*' AND {column} LIKE ? ESCAPE '!')"
    )
    return condition, [narrow, wide]


def _pattern(parts: list[str], wildcards: bool) -> str:
    """A pattern for LIKE: the parts, with anything between them."""
    escaped = (re.sub(r"[%_!]", r"!\g<0>", part) for part in parts)
    whole = "%".join(escaped)
    return f"%{re.sub(r'[*?]+', '%', whole) if wildcards else whole}%"
