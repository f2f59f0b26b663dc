"""XMP and IPTC where the formats keep them, and what is made of several sources."""

from __future__ import annotations

import io
from datetime import datetime
from typing import Any

import msgpack
import pillow_heif
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from csearchd.encoder.opening import register_formats
from csearchd.formats import isobmff
from csearchd.formats.embedded import read_blocks
from csearchd.metadata.exif import read_exif
from csearchd.metadata.record import dated, embedded_metadata, merged

register_formats(50_000_000)
pillow_heif.register_heif_opener()  # which can write

TEXT = (
    '<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:xmp="http://ns.adobe.com/xap/1.0/" '
    'xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#"><rdf:Description '
    'xmlns:dc="http://purl.org/dc/elements/1.1/" {}/></rdf:RDF></x:xmpmeta>'
)
PACKET = TEXT.format('dc:title="Boat" xmp:Rating="4"').encode()
IPTC = b"\x1c\x02\x19\0\3dog"
RESOURCE = b"Photoshop 3.0\x008BIM\x04\x04\0\0\0\0\0\x08" + IPTC


def segment(marker: int, content: bytes) -> bytes:
    return bytes((0xFF, marker)) + (len(content) + 2).to_bytes(2, "big") + content


def saved(format: str, **options: Any) -> bytes:
    stream = io.BytesIO()
    Image.new("RGB", (32, 16), (9, 99, 199)).save(stream, format, **options)
    return stream.getvalue()


def read(data: bytes) -> dict[str, Any]:
    image = Image.open(io.BytesIO(data))
    return embedded_metadata(read_exif(image, data), read_blocks(image, data))


def jpeg(*segments: bytes) -> bytes:
    data = saved("JPEG")
    return data[:2] + b"".join(segments) + data[2:]


@pytest.mark.parametrize("format", ["JPEG", "WEBP", "TIFF", "AVIF", "HEIF"])
def test_what_pillow_writes(format: str) -> None:
    data = saved(format, **({"tiffinfo": {700: PACKET}} if format == "TIFF" else {"xmp": PACKET}))
    assert read(data) == {"title": "Boat", "rating": 4, "orientation": 1}


def test_iptc_in_several_segments_of_a_jpeg() -> None:
    head = len(b"Photoshop 3.0\0")
    parts = RESOURCE[: head + 9], RESOURCE[:head] + RESOURCE[head + 9 :]
    assert read(jpeg(*(segment(0xED, part) for part in parts)))["keywords"] == ["dog"]


def test_extended_xmp_of_a_jpeg() -> None:
    """In parts, in any order; one that an edit left behind doesn't count."""
    name, old = b"A" * 32, b"B" * 32
    main = TEXT.format(f'xmp:Rating="4" dc:source="{name.decode()}"').encode()
    more, left = (TEXT.format(f'dc:title="{title}"').encode() for title in ("Boat", "Old"))

    def extension(guid: bytes, whole: bytes, begin: int, end: int) -> bytes:
        place = len(whole).to_bytes(4, "big") + begin.to_bytes(4, "big")
        head = b"http://ns.adobe.com/xmp/extension/\0"
        return segment(0xE1, head + guid + place + whole[begin:end])

    data = jpeg(
        extension(old, left, 0, len(left)),
        segment(0xE1, b"http://ns.adobe.com/xap/1.0/\0" + main),
        extension(name, more, 99, len(more)),
        extension(name, more, 0, 99),
    )
    assert read(data) == {"rating": 4, "title": "Boat", "orientation": 1}


def test_boxes_as_in_cr3() -> None:
    def box(kind: bytes, content: bytes) -> bytes:
        return (len(content) + 8).to_bytes(4, "big") + kind + content

    uuid = bytes.fromhex("be7acfcb97a942e89c71999491e3afac")
    large = (1).to_bytes(4, "big") + b"moov" + (20).to_bytes(8, "big") + b"1234"
    data = box(b"ftyp", b"crx ") + large + box(b"uuid", uuid + PACKET) + box(b"mdat", b"")
    assert isobmff.metadata_blocks(data).xmp == [PACKET]


SAMPLES = [
    jpeg(segment(0xE1, b"http://ns.adobe.com/xap/1.0/\0" + PACKET), segment(0xED, RESOURCE)),
    saved("WEBP", xmp=PACKET),
    saved("TIFF", tiffinfo={700: PACKET, 34377: RESOURCE[14:]}),
    saved("GIF")[:-1] + b"!\xff\x0bXMP DataXMP" + PACKET + b"\1\xff\xfe\xfd\0;",
    saved("JPEG2000") + (24 + len(PACKET)).to_bytes(4, "big") + b"uuid" + PACKET,
]


@pytest.mark.filterwarnings("ignore")
@settings(max_examples=300, deadline=None)
@given(
    sample=st.sampled_from(SAMPLES),
    edits=st.lists(st.tuples(st.integers(0, 5000), st.binary(min_size=1, max_size=5)), max_size=9),
    end=st.integers(0, 3000),
)
def test_rubbish_never_raises(sample: bytes, edits: list[tuple[int, bytes]], end: int) -> None:
    data = bytearray(sample)
    for at, new in edits:
        at %= len(data)
        data[at : at + len(new)] = new
    damaged = bytes(data[: len(data) - (end if end < 500 else 0)])
    try:
        image = Image.open(io.BytesIO(damaged))
    except Exception:
        return  # open_image's business
    stated = embedded_metadata(read_exif(image, damaged), read_blocks(image, damaged))
    found = dated(stated, b"a.jpg", datetime(2024, 1, 1))
    assert msgpack.unpackb(msgpack.packb(found)) == found


@pytest.mark.parametrize(
    ("sources", "found"),
    [
        ([{"title": "a"}, {"title": "b", "rating": 2}], {"title": "a", "rating": 2}),
        ([{"rating": 0}, {"rating": 3}], {"rating": 3}),
        ([{"rating": -1}, {"rating": 3}], {"rating": -1}),
        ([{"rating": 0}, {}], {"rating": 0}),
        ([{"keywords": ["A", "b"]}, {"keywords": ["a", "c"]}], {"keywords": ["A", "b", "c"]}),
        ([{"make": "x"}, {"make": "y", "model": "z"}], {"make": "x"}),
        ([{"favourite": 1}, {"rating": 0}], {"favourite": 1, "rating": 5}),
        ([{"favourite": 1}, {"rating": 2}], {"favourite": 1, "rating": 2}),
    ],
)
def test_several_sources(sources: list[dict[str, Any]], found: dict[str, Any]) -> None:
    assert merged(*sources) == found
