"""Whether there is room for what is to be downloaded and made."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterable

from csearchd.errors import ModelError


def check_space(needs: Iterable[tuple[str, int]]) -> None:
    """Raises ModelError unless there are as many bytes free as `needs` names for each directory.

    Needs on the same file system add up. A directory may be one that doesn't exist yet.
    """
    needed: dict[int, int] = {}
    places: dict[int, list[str]] = {}
    for directory, size in needs:
        place = _existing(directory)
        device = os.stat(place).st_dev
        needed[device] = needed.get(device, 0) + size
        places.setdefault(device, []).append(place)
    for device, size in needed.items():
        free = shutil.disk_usage(places[device][0]).free
        if free < size:
            names = " and ".join(dict.fromkeys(places[device]))
            raise ModelError(
                f"the disk of {names} has {free / 1e6:.0f} MB free; {size / 1e6:.0f} MB are needed:"
                " make room, then run it again"
            )


def conversion_room(visual: int, textual: int) -> int:
    """Bytes that are needed to make a model of published towers of so many bytes.

    Both in 8 bits are a quarter of single precision, nearly half with a part in float32, and half
    of half precision. While one is made there are copies of it, of the image tower two and a bit.
    """
    return (visual + textual) // 2 + max(textual, visual * 5 // 2)


def _existing(directory: str) -> str:
    """The directory, or the nearest one above it that exists."""
    while not os.path.isdir(directory):
        directory = os.path.dirname(directory)
    return directory
