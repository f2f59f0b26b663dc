"""What the modules of the formats give to csearchd.encode.identity."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TypeAlias

Parts: TypeAlias = Iterator[bytes | memoryview]
"""What determines the pixels, in order; unambiguous when joined."""


class MalformedError(Exception):
    """The file doesn't parse as its format wants it."""
