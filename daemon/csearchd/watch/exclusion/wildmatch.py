"""Patterns of gitignore(5), translated to regular expressions over bytes.

They match what `git check-ignore` matches, which tests compare.
"""

from __future__ import annotations

import re

_STARS = re.compile(rb"\*+")
_STAR, _DEEP, _ALL = b"[^/]*", b"(?:.*/)?", b".*"
_LAZY = {_STAR: b"[^/]*?", _DEEP: b"(?:[^/]*/)*?", _ALL: b".*?"}  # the same, the shortest first
_CLASSES = {
    b"alnum": b"a-zA-Z0-9",
    b"alpha": b"a-zA-Z",
    b"blank": rb" \t",
    b"cntrl": rb"\x00-\x1f\x7f",
    b"digit": b"0-9",
    b"graph": rb"\x21-\x7e",
    b"lower": b"a-z",
    b"print": rb"\x20-\x7e",
    b"punct": rb"\x21-\x2f\x3a-\x40\x5b-\x60\x7b-\x7e",
    b"space": rb"\t\n\v\f\r ",
    b"upper": b"A-Z",
    b"xdigit": b"0-9a-fA-F",
}
_NOTHING = b"(?!)"  # matches nothing


def translate(pattern: bytes) -> re.Pattern[bytes]:
    """A regular expression for `fullmatch` with paths, whose components "/" separates.

    "*" and "?" match no "/"; "**" between slashes or at an end matches any number of components.
    """
    # git compares what stands before the first special character by itself.
    literal = re.match(rb"[^*?\[\\]*", pattern)
    assert literal is not None
    return re.compile(re.escape(literal[0]) + _translated(pattern[literal.end() :]), re.DOTALL)


def _translated(pattern: bytes) -> bytes:
    parts: list[bytes] = []
    at = 0
    while at < len(pattern):
        char = pattern[at : at + 1]
        if stars := _STARS.match(pattern, at):
            part, after = _starred(pattern, at, stars.end())
        elif char == b"?":
            part, after = b"[^/]", at + 1
        elif char == b"[":
            part, after = _bracketed(pattern, at + 1)
        elif char == b"\\":
            after = at + 2
            part = re.escape(pattern[at + 1 : after]) or _NOTHING
        else:
            part, after = re.escape(char), at + 1
        if part != _DEEP or parts[-1:] != [_DEEP]:  # several mean the same as one
            parts.append(part)
        at = after
    return _joined(parts)


def _joined(parts: list[bytes]) -> bytes:
    """Joins the expressions of single characters and stars, so that matching is fast: what stands
    between two stars of one component, or between two that match any number of components, may
    always be looked for where it comes first."""
    joined: list[bytes] = []
    star: int | None = None  # where the component's latest star is in `joined`
    deep: int | None = None  # where the latest one that matches any number of components is
    for part in parts:
        if part in (_DEEP, _ALL):
            if deep is not None:
                joined[deep:] = [_first(joined[deep:])]
            star, deep = None, len(joined)
        elif part == _STAR:
            if star is not None:
                joined[star:] = [_first(joined[star:])]
            star = len(joined)
        elif part == b"/":
            star = None
        joined.append(part)
    return b"".join(joined)


def _first(parts: list[bytes]) -> bytes:
    """A star and what follows it, where that comes first."""
    return b"(?>" + _LAZY[parts[0]] + b"".join(parts[1:]) + b")"


def _starred(pattern: bytes, begin: int, end: int) -> tuple[bytes, int]:
    """What the stars from `begin` to `end` mean, and where the rest of the pattern begins."""
    is_first = begin == 0 or pattern[begin - 1 : begin] == b"/"
    rest = pattern[end:]
    if end - begin == 1 or not is_first or (rest[:1] not in (b"", b"/") and rest[:2] != b"\\/"):
        return _STAR, end
    if rest[:1] == b"/":
        return _DEEP, end + 1
    return _ALL, end


def _bracketed(pattern: bytes, at: int) -> tuple[bytes, int]:
    """What the characters in brackets from `at` mean, and where the rest of the pattern begins."""
    negated = pattern[at : at + 1] in (b"!", b"^")
    at += negated
    first, before = True, b""  # `before`: a character that may begin a range
    found = []
    while first or pattern[at : at + 1] != b"]":
        first = False
        char = pattern[at : at + 1]
        if not char:
            return _NOTHING, len(pattern)  # there is no end
        following = pattern[at + 1 : at + 2]
        if char == b"-" and before and following not in (b"", b"]"):
            at += 1
            if following == b"\\":
                at += 1
                following = pattern[at : at + 1]
                if not following:
                    return _NOTHING, len(pattern)
            if before <= following:
                found.append(re.escape(before) + b"-" + re.escape(following))
            before = b""
        elif char == b"[" and following == b":":
            name, colon, after = pattern[at + 2 :].partition(b"]")
            if not colon:
                return _NOTHING, len(pattern)
            if name.endswith(b":"):
                if name[:-1] not in _CLASSES:
                    return _NOTHING, len(pattern)
                found.append(_CLASSES[name[:-1]])
                at = len(pattern) - len(after) - 1
                before = b""
            else:
                found.append(rb"\[")
                before = b"["
        else:
            if char == b"\\":
                at += 1
                char = following
                if not char:
                    return _NOTHING, len(pattern)
            found.append(re.escape(char))
            before = char
        at += 1
    inside = b"".join(found)
    if negated:
        return b"[^/" + inside + b"]", at + 1
    return (b"(?!/)[" + inside + b"]" if inside else _NOTHING), at + 1
