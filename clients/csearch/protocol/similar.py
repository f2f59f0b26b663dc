"""Finds the name that is meant by a mistyped one, if one is very near."""

from __future__ import annotations

from collections.abc import Iterable

_PREFIX = 4  # letters that may stand for a longer name


def similar(typed: str, names: Iterable[str]) -> str | None:
    """The name that is one slip of a finger from `typed`, two in long names, or that alone begins
    with it; None if there is none. Dashes at the beginning don't count."""
    plain = typed.lstrip("-").lower()
    known = {name.lstrip("-").lower(): name for name in names}
    begun = [name for name in known if name.startswith(plain)]
    if len(plain) >= _PREFIX and len(begun) == 1:
        return known[begun[0]]
    allowed = 2 if len(plain) > 6 else 1 if len(plain) > 2 else 0
    near = [(slips, name) for name in known if 0 < (slips := distance(plain, name)) <= allowed]
    return known[min(near)[1]] if near else None


def distance(one: str, other: str) -> int:
    """How many letters must be added, left out, replaced or swapped with their neighbours to make
    one word of the other (optimal string alignment)."""
    if abs(len(one) - len(other)) > 2:
        return 3
    before: list[int] = []
    last = list(range(len(other) + 1))
    for i, letter in enumerate(one):
        row = [i + 1]
        for j, opposite in enumerate(other):
            cost = min(last[j + 1] + 1, row[j] + 1, last[j] + (letter != opposite))
            if i and j and letter == other[j - 1] and one[i - 1] == opposite:
                cost = min(cost, before[j - 1] + 1)
            row.append(cost)
        before, last = last, row
    return last[-1]
