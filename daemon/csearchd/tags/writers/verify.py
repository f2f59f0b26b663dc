"""Checks that a changed file differs from the old one in nothing but its keywords."""

from __future__ import annotations

from typing import Any

from csearchd.errors import SkippedFile
from csearchd.formats import jpeg
from csearchd.formats.embedded import XmpEditor
from csearchd.formats.identity import identity
from csearchd.formats.signatures import signature_format
from csearchd.tags.writers.exiftool_rewriter import ExiftoolRewriter

_PADDING = 1024  # bytes that rewriting may remove
# Fields that say where things are in the file.
_LAYOUT = {
    "StripOffsets", "TileOffsets", "FreeOffsets", "ThumbnailOffset", "PreviewImageStart",
    "OtherImageStart", "JpgFromRawStart", "MediaData", "MediaDataOffset",
    "MediaDataSize",
}  # fmt: skip
_FORMATS = ("TIFF", "HEIC", "HEIF", "AVIF")  # as exiftool names them; raw files can end in .tif
_LOST = "rewriting it would change more than its keywords"


def verify_spliced(editor: XmpEditor, old: bytes, new: bytes) -> None:
    """Raises SkippedFile unless two files are equal in every byte outside of their XMP."""
    # A packet is written and removed again, since WebP gets an extended header with the first.
    if _without_packet(editor, old) != _without_packet(editor, new) or _pixels(
        old, editor.format
    ) != _pixels(new, editor.format):
        raise SkippedFile(_LOST)


def verify_keywords(old: bytes, new: bytes) -> None:
    """Raises SkippedFile unless two JPEGs are equal outside of the segment that holds IPTC."""
    before, after = (jpeg.segments_beside_photoshop(data) for data in (old, new))
    if before != after or _pixels(old, "JPEG") != _pixels(new, "JPEG"):
        raise SkippedFile(_LOST)


def verify_rewritten(
    rewriter: ExiftoolRewriter,
    old: bytes,
    old_packet: bytes | None,
    new: bytes,
    new_packet: bytes | None,
) -> None:
    """Raises SkippedFile unless `new` has the pixels and metadata of `old`, and `new_packet`."""
    kind = signature_format(old)
    if _pixels(old, kind) != _pixels(new, kind):
        raise SkippedFile("the pixels can't be shown to be the same after rewriting it")
    if len(new) + len(old_packet or b"") + _PADDING < len(old):
        raise SkippedFile(f"rewriting it would lose {len(old) - len(new)} bytes")
    if rewriter.packet(new) != new_packet:
        raise SkippedFile(_LOST)
    old_fields, new_fields = rewriter.fields(old, new)
    if (found := old_fields.get("File:FileType")) not in _FORMATS:
        raise SkippedFile(f"it is {found}, which is never rewritten; use --mode sidecar")
    before, after = _comparable(old_fields), _comparable(new_fields)
    if before != after:
        names = sorted(k for k in before.keys() | after if before.get(k) != after.get(k))
        raise SkippedFile(f"rewriting it would change {', '.join(names[:3])}")


def _without_packet(editor: XmpEditor, data: bytes) -> bytes:
    return editor.with_xmp(editor.with_xmp(data, b""), None)


def _pixels(data: bytes, kind: str | None) -> bytes:
    return identity(data, kind, 1)


def _comparable(fields: dict[str, Any]) -> dict[str, Any]:
    """The fields that rewriting must not change."""
    kept = {}
    for key, value in fields.items():
        group, _, name = key.rpartition(":")
        group = group.rpartition(":")[2]
        if key == "SourceFile" or group in ("System", "ExifTool") or name in _LAYOUT:
            continue
        if group.startswith("XMP"):
            continue
        kept[key] = value
    return kept
