"""Countries and their first-level regions: their names, and which of the cities lie in them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

from csearchd.search.places.names import REMAINDER_BITS, folded, hashed
from csearchd.search.places.table import AREA_BITS, Table


class Area(NamedTuple):
    """A country, or a first-level region of one: the regions of the table with a number from
    `first` to before `end`."""

    first: int
    end: int
    population: int
    largest: int  # the row of its most populous city
    name: str  # in English, as Tuscany
    country: str  # of a region; "" of a country

    @property
    def label(self) -> str:
        """As people write it: "Italy", "Tuscany, Italy"."""
        return f"{self.name}, {self.country}" if self.country else self.name

    def has(self, region: int) -> bool:
        """Whether a region of the table is, or lies in, this one."""
        return self.first <= region < self.end

    def lies_in(self, other: Area) -> bool:
        return other.first <= self.first and self.end <= other.end


class Areas:
    """The areas of a table, by their names."""

    def __init__(self, table: Table) -> None:
        self._table = table

    def named(self, name: str) -> list[Area]:
        """The areas that are called `name`, in English, German or a language that is spoken there:
        countries first, then the most populous region."""
        bucket, remainder = hashed(folded(name))
        start = (bucket << REMAINDER_BITS | remainder) << AREA_BITS
        first, last = np.searchsorted(
            self._table.area_keys, np.array([start, start + (1 << AREA_BITS)], np.uint64)
        )
        numbers = self._table.area_keys[first:last] & np.uint64((1 << AREA_BITS) - 1)
        return [self._area(int(number)) for number in numbers]

    def __iter__(self) -> Iterator[Area]:
        return map(self._area, range(len(self._table.areas)))

    def _area(self, number: int) -> Area:
        first, end, population, largest, name, country = self._table.areas[number].split("\t")
        return Area(int(first), int(end), int(population), int(largest), name, country)
