"""Whether a camera raw file and a JPEG of the same name show the same shot.

Then only the JPEG is shown. Where both say when and with which camera they were taken, that
decides; pictures that look alike are the same whatever they say; and where neither can be told, as
of a raw file that nothing here decodes, the name does.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from csearchd.metadata.record import dated

_WITH_SECONDS = "%Y-%m-%dT%H:%M:%S"
_SIDE = 16  # pixels of what is compared
_SAME_SECONDS = 3.0  # a phone develops while the clock goes on
_ALIKE = 0.7  # correlation: of a developed picture .8 and more, of others .5 and less
_FLAT = 2.0  # standard deviation, of 255, of what shows nothing to compare


class Shot(NamedTuple):
    """A decoded picture. `pixels`: uint8 (height, width, 3), None where it isn't decoded."""

    metadata: dict[str, Any]  # csearchd.metadata.record, with the date chosen
    pixels: NDArray[np.uint8] | None

    @classmethod
    def of(cls, said: dict[str, Any], pixels: NDArray[np.uint8] | None) -> Shot:
        """Of a file that says `said` itself. The file's name, which both share, tells no date."""
        return cls(dated(said, b"", datetime.now()), pixels)


def is_same_shot(raw: Shot, jpeg: Shot) -> bool:
    """Whether a raw file and a JPEG show the same shot."""
    alike = _are_alike(raw.pixels, jpeg.pixels)
    if alike:
        return True
    said = say_the_same(raw, jpeg)
    return said if said is not None else alike is None


def say_the_same(raw: Shot, jpeg: Shot) -> bool | None:
    """Whether time and camera are the same; None where the second isn't known of both."""
    one, other = raw.metadata, jpeg.metadata
    for key in ("make", "model"):
        first, second = (set(str(side.get(key, "")).casefold().split()) for side in (one, other))
        if first and second and not (first <= second or second <= first):
            return False
    if one.get("date_doubtful") or other.get("date_doubtful"):
        return None  # a camera's clock that wasn't set
    try:
        times = [datetime.strptime(side["taken"], _WITH_SECONDS) for side in (one, other)]
    except (KeyError, ValueError):
        return None
    return abs((times[0] - times[1]).total_seconds()) <= _SAME_SECONDS


def _are_alike(one: NDArray[np.uint8] | None, other: NDArray[np.uint8] | None) -> bool | None:
    """Whether two pictures look alike; None where one isn't known or shows nothing."""
    if one is None or other is None or one.shape != other.shape:
        return None
    first, second = _reduced(one), _reduced(other)
    if min(first.std(), second.std()) < _FLAT:
        return None
    return bool(np.corrcoef(first, second)[0, 1] >= _ALIKE)


def _reduced(pixels: NDArray[np.uint8]) -> NDArray[np.float64]:
    """Means of blocks of the picture's brightness, of shape (_SIDE²,)."""
    height, width = (size // _SIDE * _SIDE for size in pixels.shape[:2])
    grey = pixels[:height, :width].mean(axis=2)
    blocks = grey.reshape(_SIDE, height // _SIDE, _SIDE, width // _SIDE)
    means: NDArray[np.float64] = blocks.mean(axis=(1, 3)).ravel()
    return means
