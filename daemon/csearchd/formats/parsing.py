"""What the parsers of the formats share: their limits and the types they return."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TypeAlias

Parts: TypeAlias = Iterator[bytes | memoryview]
"""The bytes that determine a picture's pixels, in order, unambiguous when they are joined."""

MAX_PARTS = 1 << 18
"""The most segments, chunks or boxes that are walked; files of real programs have far fewer."""

MAX_XMP_BYTES = 8 << 20
"""The largest XMP packet that is read as metadata."""


@dataclass
class MetadataBlocks:
    """The blocks of metadata that a file embeds, as raw bytes.

    `xmp` holds the XMP packets, the most important first; `iptc` a block of IPTC-IIM data sets.
    EXIF data are read by csearchd.metadata.exif.
    """

    xmp: list[bytes] = field(default_factory=list)
    iptc: bytes | None = None
