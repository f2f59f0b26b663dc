"""Where tiles go: rows as wide as the view, of pictures at their true aspect."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Sequence

GAP = 8  # pixels between tiles
NARROWEST, WIDEST = 0.5, 3.5  # width by height of a tile; a picture beyond that has bars
_HIGHEST = 1.35  # times the height that is asked for


class Row(NamedTuple):
    first: int  # the number of its first tile
    y: int
    height: int
    places: list[tuple[int, int]]  # the left edge and the width of each tile


def aspect(width: float, height: float) -> float:
    """That of the tile for a picture of so many pixels; a square where they aren't known."""
    if width <= 0 or height <= 0:
        return 1.0
    return min(max(width / height, NARROWEST), WIDEST)


def rows(aspects: Sequence[float], width: int, height: int, first: int, y: int) -> list[Row]:
    """Rows of about `height`, from `y` on; the tiles are numbered from `first` on.

    Rows are filled up to the edge, but for the last one, which keeps its height.
    """
    found: list[Row] = []
    begin, total = 0, 0.0
    for number, one in enumerate(aspects):
        gaps = GAP * (number - begin)
        if number > begin and (total + one) * height + gaps > width:
            # The row ends before this tile where that is nearer to the height, or after it.
            without = (width - gaps + GAP) / total
            within = (width - gaps) / (total + one)
            if without / height < height / within and without <= height * _HIGHEST:
                found.append(_full(aspects[begin:number], width, without, first + begin, y))
                y += found[-1].height + GAP
                begin, total = number, 0.0
        total += one
        gaps = GAP * (number - begin)
        if total * height + gaps >= width:
            fitting = (width - gaps) / total
            end = number + 1
            found.append(_full(aspects[begin:end], width, fitting, first + begin, y))
            y += found[-1].height + GAP
            begin, total = end, 0.0
    if begin < len(aspects):
        found.append(_row(aspects[begin:], height, first + begin, y))
    return found


def _row(aspects: Sequence[float], height: float, first: int, y: int) -> Row:
    places, x = [], 0.0
    for one in aspects:
        left, right = round(x), round(x + one * height)
        places.append((left, right - left))
        x += one * height + GAP
    return Row(first, y, round(height), places)


def _full(aspects: Sequence[float], width: int, height: float, first: int, y: int) -> Row:
    """A row that ends at the edge, whatever was rounded."""
    row = _row(aspects, height, first, y)
    row.places[-1] = row.places[-1][0], width - row.places[-1][0]
    return row
