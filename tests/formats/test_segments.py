"""JPEG's segments: read as Pillow reads them, and edited only where the file is whole."""

from __future__ import annotations

import io

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from csearchd.errors import MalformedError, UneditableError
from csearchd.formats import jpeg

XMP = b"http://ns.adobe.com/xap/1.0/\0"


def segment(marker: int, content: bytes) -> bytes:
    return bytes((0xFF, marker)) + (len(content) + 2).to_bytes(2, "big") + content


def picture() -> bytes:
    stream = io.BytesIO()
    Image.new("RGB", (8, 8)).save(stream, "JPEG", comment=b"hello")
    data = stream.getvalue()
    return data[:2] + segment(0xE1, XMP + b"<a/>") + segment(0xED, b"Photoshop 3.0\0") + data[2:]


PICTURE = picture()
SCAN = PICTURE.index(b"\xff\xda")
ODD = st.sampled_from(
    [b"\xff", b"\0", b"ab", b"\xff\0", b"\xff\xff\xff", b"\xff\xd0", b"\xff\xd8", b"\xff\xd9",
     b"\xff\xe5\0\0", b"\xff\xe5\0\1", b"\xff\xc8", b"\xff\xf3", segment(0xE9, b"x")]
)  # fmt: skip


def application_segments(data: bytes) -> list[tuple[str, bytes]]:
    """As Pillow lists them."""
    found: list[tuple[str, bytes]] = []
    try:
        for one in jpeg.segments(data, tolerant=True):
            if 0xE0 <= one.marker <= 0xEF:
                found.append((f"APP{one.marker & 15}", one.content(data)))
            elif one.marker == 0xFE:
                found.append(("COM", one.content(data)))
    except MalformedError:
        pass
    return found


@settings(max_examples=500, deadline=None)
@given(st.lists(st.tuples(st.integers(2, SCAN), ODD), max_size=4), st.booleans())
def test_segments_are_those_that_pillow_finds(
    inserted: list[tuple[int, bytes]], between: bool
) -> None:
    starts = [one.start for one in jpeg.segments(PICTURE)]
    data = PICTURE
    for place, odd in sorted(inserted, reverse=True):
        at = max(start for start in (2, *starts) if start <= place) if between else place
        data = data[:at] + odd + data[at:]
    try:
        image = Image.open(io.BytesIO(data), formats=("JPEG",))
    except Exception:
        return  # nobody reads its metadata
    assert application_segments(data) == image.applist  # type: ignore[attr-defined]


@pytest.mark.parametrize("odd", [b"ab", b"\0", b"\xff\0", b"\xff\xd9"])
def test_files_that_are_not_whole_are_not_edited(odd: bytes) -> None:
    at = PICTURE.index(b"\xff\xdb")
    for data in (PICTURE[:at] + odd + PICTURE[at:], PICTURE[:-2], PICTURE[:SCAN] + b"\xff\xd9"):
        for edit in (jpeg.read_xmp, jpeg.read_photoshop, jpeg.segments_beside_photoshop):
            with pytest.raises(UneditableError, match="truncated or damaged"):
                edit(data)


@pytest.mark.parametrize("packet", [b"<b/>", b"", b"<b>" + b" " * 60_000 + b"</b>"])
def test_an_edit_is_taken_back_to_the_byte(packet: bytes) -> None:
    changed = jpeg.with_xmp(PICTURE, packet)
    assert jpeg.read_xmp(changed) == packet
    assert jpeg.with_xmp(changed, b"<a/>") == PICTURE
    assert jpeg.read_xmp(jpeg.with_xmp(PICTURE, None)) is None
