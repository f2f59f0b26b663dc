"""Opens stacks: shows all pictures that one of them stands for."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from bus.service import Service, Values
    from grid.item import Item
    from grid.results import Results


class Alike:
    def __init__(self, results: Results, service: Service) -> None:
        self._results = results
        self._service = service
        results.connect("unfolded", lambda _results, item: self.open(item))

    def open(self, leader: Item) -> None:
        paths = list(leader.alike)

        def told(files: list[Values]) -> None:
            items = [self._results.known(path) for path in paths]
            for item, fields in zip(items, files, strict=True):
                item.tell({"confidence": leader.confidence, "details": fields.get("details") or {}})
            self._results.insert_alike(leader, items)

        if paths:
            self._service.tags(paths, told)
