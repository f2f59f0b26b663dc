"""Pictures of the web whose addresses are in the field."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from query import pictures

if TYPE_CHECKING:
    from collections.abc import Callable

    from query.incoming import Incoming
    from query.pictures import Picture

_KEPT = 8  # pictures


class Addresses:
    """`fetched` has the pictures that are here, by address; the latest ones are kept."""

    def __init__(self, incoming: Incoming) -> None:
        self.fetched: dict[str, Picture] = {}
        self._incoming = incoming

    def missing(self, query: str) -> list[str]:
        """The addresses in a query whose pictures aren't here yet."""
        return [url for url in pictures.on_the_web(query) if url not in self.fetched]

    def fetch(self, url: str, arrived: Callable[[str, Picture], object]) -> None:
        """Calls `arrived(url, picture)` later."""
        self._incoming.fetch(url, partial(arrived, url))

    def keep(self, url: str, picture: Picture) -> None:
        """The picture is searched with wherever a query has its address."""
        self.fetched[url] = picture
        while len(self.fetched) > _KEPT:
            del self.fetched[next(iter(self.fetched))]
