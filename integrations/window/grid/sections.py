"""How results are divided: by months where they are in the order of their dates."""

from __future__ import annotations

from itertools import groupby, pairwise
from typing import TYPE_CHECKING

from grid import dates
from grid.mosaic import Section
from texts import _

if TYPE_CHECKING:
    from collections.abc import Sequence

    from grid.item import Item

_FEWEST = 2  # dated pictures that have an order


def sections(items: Sequence[Item], certain: int) -> list[Section]:
    """Those of `items`, of which the first `certain` match at least fairly."""
    sure, others = items[:certain], items[certain:]
    found = _months(sure) if _by_date(sure) else [Section("", len(sure))]
    if others:
        found.append(Section(_("Less certain"), len(others)))
    return found


def _by_date(items: Sequence[Item]) -> bool:
    """Whether they are in the order of their dates; doubtful dates are last."""
    if any(item.confidence for item in items[:1]):
        return False
    taken = [item.taken for item in items if not item.leader and item.taken and not item.doubtful]
    if len(taken) < _FEWEST:
        return False
    latest_first = all(one >= other for one, other in pairwise(taken))
    return latest_first or all(one <= other for one, other in pairwise(taken))


def _months(items: Sequence[Item]) -> list[Section]:
    def month(item: Item) -> str:
        item = item.leader or item  # a stack stays together
        return "" if item.doubtful else item.taken[:7]

    named = [(taken, len(list(some))) for taken, some in groupby(items, month)]
    unknown = _("Date unknown")
    return [Section(dates.month(taken) or unknown, count, taken) for taken, count in named]
