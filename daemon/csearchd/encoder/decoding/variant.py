"""A picture that Pillow doesn't decode, as an image of Pillow's."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from PIL import Image


class Variant(Image.Image):
    """A picture that isn't decoded by Pillow, nor before it is loaded.

    `incomplete`, known once it is loaded: its file lacks a part of it. `memory`: bytes that
    decoding takes.
    """

    def __init__(
        self,
        format: str,
        size: tuple[int, int],
        memory: int,
        decode: Callable[[], tuple[Image.Image, bool]],
    ) -> None:
        super().__init__()
        self.format = format
        self._mode, self._size = "RGB", size
        self.memory = memory
        self.incomplete = False
        self._decode = decode

    def load(self) -> Any:
        """As Pillow's. Raises what `decode` does."""
        if self._im is None:
            decoded, self.incomplete = self._decode()
            self._im, self._mode, self._size = decoded.im, decoded.mode, decoded.size
        return super().load()
