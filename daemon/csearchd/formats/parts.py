"""What the modules of the formats give to csearchd.formats.identity."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TypeAlias

Parts: TypeAlias = Iterator[bytes | memoryview]
"""What determines the pixels, in order; unambiguous when joined."""


MAX_PARTS = 1 << 18
"""Segments, chunks, boxes or the like that are walked through; an honest file has far fewer."""


class MalformedError(Exception):
    """The file doesn't parse as its format wants it."""
