"""Whether a changed file is the same picture with the same metadata, but for our words."""

from __future__ import annotations

from typing import Any

from csearchd.encode.identity import identity
from csearchd.tags.containers import Container, jpeg
from csearchd.tags.record import LeftAlone
from csearchd.tags.rewriting import Rewriting

_SLACK = 1024  # bytes of padding that a rewriting may lose
# Where things are in the file, or what the file system says
_LAYOUT = {
    "StripOffsets", "TileOffsets", "FreeOffsets", "ThumbnailOffset", "PreviewImageStart",
    "OtherImageStart", "JpgFromRawStart", "MediaDataOffset", "MediaDataSize",
}  # fmt: skip
_OURS_IPTC = {"Keywords", "CurrentIPTCDigest", "IPTCDigest"}
_LOST = "rewriting it would change more than its keywords"


def verify_spliced(spliced: Container, old: bytes, new: bytes) -> None:
    """Raises LeftAlone unless the files are equal in every byte but for their XMP."""
    # An empty packet in between, since WebP needs a header for any.
    if _without_packet(spliced, old) != _without_packet(spliced, new) or _pixels(
        old, spliced.format
    ) != _pixels(new, spliced.format):
        raise LeftAlone(_LOST)


def verify_rewritten(
    rewriting: Rewriting,
    old: bytes,
    old_packet: bytes | None,
    new: bytes,
    new_packet: bytes | None,
    iptc: bool = False,
) -> None:
    """Raises LeftAlone unless pixels and all metadata are the same and XMP is `new_packet`.

    With `iptc` the IPTC keywords may differ, and XMP may not.
    """
    kind = {b"\xff\xd8": "JPEG", b"II": "TIFF", b"MM": "TIFF"}.get(old[:2], "HEIF")
    if _pixels(old, kind) != _pixels(new, kind):
        raise LeftAlone("the pixels can't be shown to be the same after rewriting it")
    if len(new) + len(old_packet or b"") + _SLACK < len(old):
        raise LeftAlone(f"rewriting it would lose {len(old) - len(new)} bytes")
    if iptc:
        if old_packet != new_packet or _others(old) != _others(new):
            raise LeftAlone(_LOST)
    elif rewriting.packet(new) != new_packet:
        raise LeftAlone(_LOST)
    before, after = (_comparable(found, iptc) for found in rewriting.fields(old, new))
    if before != after:
        names = sorted(k for k in before.keys() | after if before.get(k) != after.get(k))
        raise LeftAlone(f"rewriting it would change {', '.join(names[:3])}")


def _without_packet(spliced: Container, data: bytes) -> bytes:
    return spliced.write(spliced.write(data, b""), None)


def _pixels(data: bytes, kind: str) -> bytes:
    return identity(data, kind, 1)


def _others(data: bytes) -> list[bytes]:
    """A JPEG's segments without those of Photoshop, which hold IPTC."""
    return [data[start:end] for marker, start, end in jpeg.segments(data) if marker != 0xED]


def _comparable(fields: dict[str, Any], iptc: bool) -> dict[str, Any]:
    kept = {}
    for key, value in fields.items():
        group, _, name = key.rpartition(":")
        group = group.rpartition(":")[2]
        if key == "SourceFile" or group in ("System", "ExifTool") or name in _LAYOUT:
            continue
        if group.startswith("XMP") or (iptc and name in _OURS_IPTC):
            continue
        kept[key] = value
    return kept
