"""Names of the links in a folder of results: `003 beach.jpg`, so that they sort by rank.

What is before the blank is a key. A link keeps its key for as long as its place among the others
stays the same; what comes between two links gets a key between theirs, such as `003-5`.
"""

from __future__ import annotations

import os
import re
from bisect import bisect_left
from collections.abc import Mapping, Sequence
from typing import NamedTuple, Self

_DIGITS = 3  # of a rank, at least
_MAX_PLACES = 4  # of a key between two others; beyond, all links are numbered anew
_NAME_BYTES = 255  # NAME_MAX
_CHARACTER_BYTES = 4  # of UTF-8, at most
_NAMED = re.compile(rb"(\d{3,})(?:-(\d+))? (.+)", re.DOTALL)


class Key(NamedTuple):
    """A number with decimal places, which sorts as its text does among keys of the same digits."""

    digits: int
    whole: int
    places: str = ""

    def __bytes__(self) -> bytes:
        text = f"{self.whole:0{self.digits}d}"
        return f"{text}-{self.places}".encode() if self.places else text.encode()

    def scaled(self, places: int) -> int:
        """The decimal places as a whole number, of so many digits."""
        return int(self.places[:places].ljust(places, "0"))

    def after(self) -> Self:
        """A key between this one and any that `between` makes."""
        return self._replace(places=self.places.ljust(_MAX_PLACES, "0") + "1")


def name(key: Key, target: bytes) -> bytes:
    """What a link to `target` is called."""
    before = bytes(key) + b" "
    return before + _cut(os.path.basename(target), _NAME_BYTES - len(before))


def parsed(link: bytes, target: bytes) -> Key | None:
    """The key of a link called `link`; None if it isn't called as this module does it."""
    match = _NAMED.fullmatch(link)
    if not match:
        return None
    key = Key(len(match[1]), int(match[1]), (match[2] or b"").decode())
    return key if target.startswith(b"/") and link == name(key, target) else None


def assigned(targets: Sequence[bytes], known: Mapping[bytes, Key]) -> dict[bytes, Key]:
    """A key for each target, in their order. As many `known` keys as possible stay."""
    digits = max(
        [_DIGITS, len(str(len(targets))), *(known[t].digits for t in targets if t in known)]
    )
    usable = {t: known[t] for t in targets if t in known and known[t].digits == digits}
    kept = _longest_rise([target for target in targets if target in usable], usable)
    keys: dict[bytes, Key] = {}
    low, waiting = Key(digits, 0), list[bytes]()
    for target in [*targets, None]:
        if target is not None and target not in kept:
            waiting.append(target)
            continue
        high = Key(digits, 10**digits) if target is None else usable[target]
        between = _between(low, high, len(waiting), is_last=target is None)
        if between is None:
            return {target: Key(digits, rank) for rank, target in enumerate(targets, 1)}
        keys.update(zip(waiting, between, strict=True))
        waiting.clear()
        if target is not None:
            keys[target] = low = high
    return keys


def _longest_rise(targets: Sequence[bytes], keys: Mapping[bytes, Key]) -> set[bytes]:
    """The most targets whose keys rise in the order of the targets."""
    ends: list[Key] = []  # the least key at which a rise of each length ends
    lengths: list[int] = []
    for target in targets:
        length = bisect_left(ends, keys[target])
        ends[length : length + 1] = [keys[target]]
        lengths.append(length)
    found: set[bytes] = set()
    wanted = len(ends) - 1
    for target, length in zip(reversed(targets), reversed(lengths), strict=True):
        if length == wanted:
            found.add(target)
            wanted -= 1
    return found


def _between(low: Key, high: Key, count: int, is_last: bool) -> list[Key] | None:
    """So many keys between two others, in order; None if there is no room for them."""
    if high.whole - low.whole > count:
        return [Key(low.digits, low.whole + n) for n in range(1, count + 1)]
    if is_last:  # the ranks are used up
        return [] if not count else None
    for places in range(1, _MAX_PLACES + 1):
        if max(len(low.places), len(high.places)) > places:
            continue
        start = low.scaled(places)
        stop = high.scaled(places) if high.whole == low.whole else 10**places
        if stop - start > count:
            if not (low.whole or low.places):  # the best comes later, again and again
                start = stop - count - 1
            steps = [start + n * (stop - start) // (count + 1) for n in range(1, count + 1)]
            decimals = [f"{step:0{places}d}".rstrip("0") for step in steps]
            return [Key(low.digits, low.whole, decimal) for decimal in decimals]
    return [] if not count else None


def _cut(name: bytes, size: int) -> bytes:
    """`name`, shortened to `size` bytes with the same suffix."""
    if len(name) <= size:
        return name
    stem, suffix = os.path.splitext(name)
    if len(suffix) >= size:
        return _whole(name, size)
    return _whole(stem, size - len(suffix)) + suffix


def _whole(text: bytes, size: int) -> bytes:
    """The first `size` bytes of a longer `text`, without a part of a character of UTF-8."""
    for end in range(size, max(size - _CHARACTER_BYTES, 0), -1):
        if text[end] & 0xC0 != 0x80:  # no character goes on there
            return text[:end]
    return text[:size]
