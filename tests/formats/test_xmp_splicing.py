"""XMP in JPEG, PNG and WebP: put in and taken out with every other byte as it was."""

from __future__ import annotations

import io
import zlib
from typing import Any

import pytest
from PIL import Image

from csearchd.errors import UneditableError
from csearchd.formats import png
from csearchd.formats.embedded import read_blocks, xmp_editor
from csearchd.formats.identity import identity

PACKETS = [b"<a/>", b"", b"<a>" + b" " * 9001 + b"</a>"]
KINDS: dict[str, dict[str, Any]] = {
    "JPEG": {}, "PNG": {}, "WEBP": {}, "WEBP lossless": {"lossless": True},
}  # fmt: skip


def picture(kind: str, mode: str = "RGB", **more: Any) -> bytes:
    stream = io.BytesIO()
    image = Image.new(mode, (33, 17), (9, 99, 199, 50)[: len(mode)])
    image.save(stream, kind.split()[0], **KINDS[kind], **more)
    return stream.getvalue()


@pytest.mark.parametrize("packet", PACKETS)
@pytest.mark.parametrize("kind", KINDS)
def test_a_packet_goes_in_and_out(kind: str, packet: bytes) -> None:
    for data in (picture(kind), picture(kind, xmp=b"<old/>"), picture(kind) + b"trailer"):
        editor = xmp_editor(data)
        assert editor is not None and editor.format == kind.split()[0]
        changed = editor.with_xmp(data, packet)
        assert editor.read_xmp(changed) == packet
        assert read_blocks(Image.open(io.BytesIO(changed)), changed).xmp == [packet]
        assert identity(changed, editor.format, 1) == identity(data, editor.format, 1)
        none = editor.with_xmp(changed, None)
        assert editor.read_xmp(none) is None
        assert editor.with_xmp(none, packet) == changed
        if kind in ("JPEG", "PNG") and editor.read_xmp(data) is None:
            assert none == data


@pytest.mark.parametrize("mode", ["RGB", "RGBA"])
def test_what_webp_s_header_says(mode: str) -> None:
    """A file of coded data alone gets a header with its size, and whether it has alpha."""
    data = picture("WEBP lossless", mode)
    editor = xmp_editor(data)
    assert editor is not None and b"VP8X" not in data
    changed = editor.with_xmp(data, b"<a/>")
    image = Image.open(io.BytesIO(changed))
    assert (image.size, image.mode, image.info["xmp"]) == ((33, 17), mode, b"<a/>")


@pytest.mark.parametrize("kind", KINDS)
def test_what_is_cut_is_not_edited(kind: str) -> None:
    data = picture(kind, xmp=b"<old/>")
    editor = xmp_editor(data)
    assert editor is not None
    for size in range(12, len(data), 3):
        if kind == "JPEG" and data[:size].endswith(b"\xff\xd9"):
            continue
        with pytest.raises(UneditableError, match="truncated or damaged"):
            editor.read_xmp(data[:size])


def text_chunk(content: bytes, kind: bytes = b"iTXt") -> bytes:
    checksum = zlib.crc32(kind + content).to_bytes(4, "big")
    return len(content).to_bytes(4, "big") + kind + content + checksum


@pytest.mark.parametrize(
    ("chunks", "reason"),
    [
        (text_chunk(b"XML:com.adobe.xmp\0\0\0\0\0<a/>") * 2, "several XMP packets"),
        (text_chunk(b"XML:com.adobe.xmp\0\0\0"), "XMP is damaged"),
        (text_chunk(b"XML:com.adobe.xmp\0\1\0\0\0rubbish"), "XMP is damaged"),
        (
            text_chunk(b"XML:com.adobe.xmp\0\1\0\0\0" + zlib.compress(b"<a/>" * 99)[:-9]),
            "damaged or too large",
        ),
        (
            text_chunk(b"XML:com.adobe.xmp\0\1\0\0\0" + zlib.compress(b" " * (17 << 20))),
            "damaged or too large",
        ),
        (text_chunk(b"Raw profile type xmp\0\0", b"zTXt"), "ImageMagick"),
        (text_chunk(b"Comment\0hello", b"tEXt")[:-1] + b"\0", "truncated or damaged"),
    ],
)
def test_texts_of_a_png_that_are_not_edited(chunks: bytes, reason: str) -> None:
    data = picture("PNG")
    with pytest.raises(UneditableError, match=reason):
        png.read_xmp(data[:33] + chunks + data[33:])
