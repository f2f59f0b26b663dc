"""What a small file can be made to cost: each parser's work is bounded by the file's size."""

from __future__ import annotations

import hashlib
import io
import random
import resource
import struct
import time
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest
from PIL import Image

from csearchd.encoder.messages import Limits
from csearchd.encoder.opening import open_image, register_formats
from csearchd.errors import MalformedError, PictureError
from csearchd.formats import isobmff
from csearchd.formats.embedded import read_blocks
from csearchd.formats.heif import pixel_parts as heif_parts
from csearchd.formats.identity import identity
from csearchd.formats.jpeg import has_honest_exif
from csearchd.formats.jpeg import pixel_parts as jpeg_parts
from csearchd.formats.parsing import MAX_PARTS, Parts
from csearchd.formats.photoshop import iptc_block
from csearchd.formats.png import MAX_TEXT_BYTES, texts
from csearchd.formats.png import pixel_parts as png_parts
from csearchd.formats.tiff import pixel_parts as tiff_parts
from csearchd.formats.webp import pixel_parts as webp_parts
from csearchd.metadata.exif import read_exif
from csearchd.metadata.exif_directories import Exif
from csearchd.metadata.exif_fields import from_exif
from csearchd.metadata.iptc import from_iptc
from csearchd.metadata.record import embedded_metadata
from csearchd.metadata.xmp import from_xmp

pytestmark = pytest.mark.filterwarnings("ignore")  # Pillow's, of what is damaged

SECONDS = 15.0  # of this thread's processor time: many times what is needed
LIMITS = Limits(pixels=10**8, bytes=10**9, memory=10**9)
FORMATS = register_formats(50_000_000)


@contextmanager
def cheap(megabytes: int = 600) -> Iterator[None]:
    """Takes little time, and no more memory than that."""
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    began = time.thread_time()
    yield
    assert time.thread_time() - began < SECONDS
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < megabytes * 1000


def hashed(parts: Callable[[bytes], Parts], data: bytes) -> int:
    """How many bytes are hashed; where the file is refused, up to there."""
    count = 0
    try:
        for part in parts(data):
            count += len(part)
            assert count < 3 * len(data) + 10**6
    except MalformedError:
        pass
    return count


def box(kind: bytes, content: bytes) -> bytes:
    return struct.pack(">I4s", 8 + len(content), kind) + content


def heif(items: int, extents: int, sizes: int, payload: int) -> bytes:
    """Each of `items` has so many extents, each of the whole payload, or of no byte if `sizes` is
    0."""
    entries = [
        box(b"infe", b"\2\0\0\0" + struct.pack(">H2x4s", n, b"hvc1") + b"\0") for n in range(items)
    ]
    extent = struct.pack(">II", 16, payload) if sizes else b""
    located = [struct.pack(">HHH", n, 0, extents) + extent * extents for n in range(items)]
    meta = box(b"pitm", b"\0\0\0\0\0\1") + box(b"iprp", b"")
    meta += box(b"iinf", struct.pack(">IH", 0, items) + b"".join(entries))
    head = b"\0\0\0\0" + bytes((0x44 if sizes else 0, 0)) + struct.pack(">H", items)
    meta += box(b"iloc", head + b"".join(located))
    return (
        box(b"ftyp", b"heic\0\0\0\0")
        + box(b"meta", b"\0\0\0\0" + meta)
        + box(b"mdat", bytes(payload))
    )


def tiff(entries: list[tuple[int, int, int, int]], payload: int) -> bytes:
    """Tag, type, number and offset of each."""
    packed = b"".join(struct.pack("<HHII", *entry) for entry in entries)
    head = b"II*\0" + struct.pack("<IH", 8, len(entries)) + packed + bytes(4)
    return head + bytes(payload)


def png_chunk(kind: bytes, content: bytes) -> bytes:
    checksum = zlib.crc32(kind + content)
    return struct.pack(">I4s", len(content), kind) + content + struct.pack(">I", checksum)


def png(*before: bytes) -> bytes:
    stream = io.BytesIO()
    Image.new("RGB", (8, 8)).save(stream, "PNG")
    data = stream.getvalue()
    return data[:33] + b"".join(before) + data[33:]


def jpeg(*segments: bytes) -> bytes:
    stream = io.BytesIO()
    Image.new("RGB", (8, 8)).save(stream, "JPEG")
    data = stream.getvalue()
    return data[:2] + b"".join(segments) + data[2:]


def segment(marker: int, content: bytes) -> bytes:
    return bytes((0xFF, marker)) + struct.pack(">H", 2 + len(content)) + content


SHARED = [(tag, 3, 30_000, 8) for tag in range(5000, 10_300)]  # 64 KB that are said 5,300 times
COUNT = 4 * MAX_PARTS  # small parts, more than are walked through
IDENTITIES = {
    "heif: extents of everything": (heif_parts, heif(300, 300, 4, 2_000_000)),
    "heif: extents of nothing": (heif_parts, heif(3000, 65535, 0, 10)),
    "heif: boxes": (heif_parts, box(b"ftyp", b"heic") + box(b"free", b"") * COUNT),
    "tiff: values of everything": (
        tiff_parts, tiff([(n, 1, 4_000_000, 8) for n in range(1000, 5000)], 4_000_000),
    ),
    "tiff: strips without end": (
        tiff_parts,
        tiff([(273, 1, 9_000_000, 8), (279, 1, 9_000_000, 8)], 9_100_000),
    ),
    "jpeg: segments": (jpeg_parts, b"\xff\xd8" + segment(0xE5, b"") * COUNT),
    "jpeg: filling": (jpeg_parts, b"\xff\xd8" + b"\xff" * 30_000_000),
    "jpeg: scans": (jpeg_parts, b"\xff\xd8" + segment(0xDA, b"\0" * 4) * COUNT),
    "png: chunks": (png_parts, png(png_chunk(b"vpAg", b"") * COUNT)),
    "webp: chunks": (
        webp_parts, b"RIFF" + struct.pack("<I", 4 + 8 * COUNT) + b"WEBP" + b"abcd\0\0\0\0" * COUNT,
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", IDENTITIES)
def test_identities(name: str) -> None:
    parts, data = IDENTITIES[name]
    with cheap():
        hashed(parts, data)


def test_a_file_of_which_much_is_said_twice_is_hashed_as_a_whole() -> None:
    for kind, (parts, data) in {
        "HEIF": IDENTITIES["heif: extents of everything"],
        "TIFF": IDENTITIES["tiff: values of everything"],
    }.items():
        with pytest.raises(MalformedError):
            hashlib.sha256(b"".join(bytes(part) for part in parts(data)))
        assert identity(data, kind, 1) == identity(data, None, 1)


def test_texts_of_a_png_are_few_and_not_larger_than_one() -> None:
    large = zlib.compress(b" " * (MAX_TEXT_BYTES + 1))
    xmp = png_chunk(b"iTXt", b"XML:com.adobe.xmp\0\1\0\0\0" + large)
    iptc = png_chunk(b"zTXt", b"Raw profile type iptc\0\0" + zlib.compress(b"\n" * MAX_TEXT_BYTES))
    exif = png_chunk(b"zTXt", b"Raw profile type exif\0\0" + zlib.compress(b"\n" * MAX_TEXT_BYTES))
    broken = png_chunk(b"zTXt", b"XML:com.adobe.xmp\0\0rubbish")
    small = png_chunk(b"tEXt", b"XML:com.adobe.xmp\0<a/>")
    image = Image.open(io.BytesIO(png()))
    for many in ((xmp,) * 400, (iptc,) * 400, (exif,) * 400, (small,) * 50_000):
        data = png(*many)
        with cheap():
            blocks = read_blocks(image, data)
            assert sum(map(len, blocks.xmp)) <= MAX_TEXT_BYTES and len(blocks.xmp) <= 16
            embedded_metadata(read_exif(image, data), blocks)
    found = texts(png(broken, small), [b"XML:com.adobe.xmp"])
    assert list(found) == [(b"XML:com.adobe.xmp", b"<a/>")]


def test_packets_of_xmp() -> None:
    packet = b"http://ns.adobe.com/xap/1.0/\0" + b"<a/>" * 16_000
    resources = b"Photoshop 3.0\0" + b"8BIM\4\5\0\0\0\0\0\0" * 5000
    data = jpeg(*[segment(0xE1, packet)] * 300, *[segment(0xED, resources)] * 300)
    with cheap():
        image = open_image(data, FORMATS, LIMITS)
        embedded_metadata(Exif(), read_blocks(image, data))
    uuid = bytes.fromhex("be7acfcb97a942e89c71999491e3afac")
    blocks = isobmff.metadata_blocks(box(b"uuid", uuid + b"<a/>" * 20_000) * 900)
    with cheap():
        embedded_metadata(Exif(), blocks)


@pytest.mark.parametrize(
    "packet",
    [b"<a/>" * (2 << 20), b"<a>" * (2 << 20), b"<?a?>" * 1_600_000,
     b"<r:Description>" + b"<d:subject><r:Bag>" + b"<r:li>a</r:li>" * 500_000,
     b"<r:Description " + b" ".join(b'a%d=""' % n for n in range(700_000)) + b"/>",
     b"<r:Description d:subject='" + b"a&#65;" * 1_200_000 + b"'/>"],
    ids=["elements", "depth", "instructions", "items", "attributes", "references"],
)  # fmt: skip
def test_one_packet_of_xmp(packet: bytes) -> None:
    head = (
        b'<r:RDF xmlns:r="http://www.w3.org/1999/02/22-rdf-syntax-ns#" '
        b'xmlns:d="http://purl.org/dc/elements/1.1/">'
    )
    with cheap():
        from_xmp((head + packet)[: 8 << 20])


def test_entities_are_never_expanded() -> None:
    laughs = "".join(f'<!ENTITY l{n} "{f"&l{n - 1};" * 10}">' for n in range(1, 10))
    with cheap(50):
        assert from_xmp(f'<!DOCTYPE a [<!ENTITY l0 "l">{laughs}]><a>&l9;</a>'.encode()) == {}


def test_iptc() -> None:
    with cheap():
        assert iptc_block(b"8BIM\4\5\0\0\0\0\0\0" * 3_000_000) is None
        from_iptc(b"\x1c\2\x19\0\0" * 3_000_000)
        from_iptc(b"\x1c\2\x78\x80\4\0\x98\x96\x80" + bytes(10_000_000))


@pytest.mark.parametrize("where", ["jpeg", "mpf", "png", "webp", "tiff"])
def test_values_that_share_their_bytes(where: str) -> None:
    """64 KB of EXIF data that stand for 150 million numbers."""
    directory = tiff(SHARED, 1000)[:65_000]
    pointer = tiff([(34665, 4, 1, 26)], 0)[:-4] + bytes(4)
    nested = pointer + tiff(SHARED, 900)[8:64_900]
    for exif in (directory, nested):
        stream = io.BytesIO()
        if where == "webp":
            Image.new("RGB", (8, 8)).save(stream, "WEBP", exif=exif)
        data = {
            "jpeg": lambda exif=exif: jpeg(segment(0xE1, b"Exif\0\0" + exif)),
            "mpf": lambda exif=exif: jpeg(segment(0xE2, b"MPF\0" + exif)),
            "png": lambda exif=exif: png(png_chunk(b"eXIf", exif)),
            "webp": stream.getvalue,
            "tiff": lambda exif=exif: exif,
        }[where]()
        with cheap(200):
            try:
                image = open_image(data, FORMATS, LIMITS)
                from_exif(read_exif(image, data))
            except PictureError as error:
                assert where in ("jpeg", "mpf", "tiff") and str(error)


def test_many_pointers_to_what_is_no_directory() -> None:
    """Each of 40,000 entries points to a directory of its own, all but its type damaged."""
    count = 40_000
    end = 10 + 12 * count
    for step in (0, 2):
        pointers = tiff([(34665, 4, 1, end + step * n) for n in range(count)], 0)
        # Each of the places has a count of 9,999 and types that there aren't.
        data = pointers + struct.pack("<H", 9999) * 6 * count
        with cheap():
            assert Exif(data).get(33434) is None


@pytest.mark.parametrize("before", [b"", b"ab\xff\0", b"\xff\xd0", b"\xff\xe5\0\0"])
def test_what_stands_before_costly_exif_data_does_not_hide_them(before: bytes) -> None:
    decoy = segment(0xFE, b"Exif\0\0" + tiff([], 10))
    exif = segment(0xE1, b"Exif\0\0" + tiff(SHARED, 1000)[:65_000])
    assert has_honest_exif(jpeg(decoy, before))
    assert not has_honest_exif(jpeg(decoy, before, exif))


def test_exif_data_behind_more_segments_than_are_looked_at_are_not_trusted() -> None:
    exif = segment(0xE1, b"Exif\0\0" + tiff(SHARED, 1000)[:65_000])
    assert not has_honest_exif(jpeg(b"\xff\xd0" * MAX_PARTS, exif))


def test_honest_exif_data_are_kept() -> None:
    exif = Image.Exif()
    exif[271], exif[272] = "Maker", "Model " * 500
    exif.get_ifd(34665)[42036] = "Lens"
    for form in ("JPEG", "PNG", "WEBP", "AVIF"):
        stream = io.BytesIO()
        Image.new("RGB", (64, 64)).save(stream, form, exif=exif)
        data = stream.getvalue()
        image = open_image(data, FORMATS, LIMITS)
        found = from_exif(read_exif(image, data))
        assert (found["make"], found["lens"]) == ("Maker", "Lens"), form


def test_random_damage_is_cheap_everywhere() -> None:
    """Lengths, counts and offsets of small files, changed at random."""
    files: list[tuple[str, bytes]] = [("HEIF", heif(3, 2, 4, 100))]
    exif = Image.Exif()
    exif[271] = "Maker" * 10
    for form in ("JPEG", "PNG", "WEBP", "TIFF"):
        stream = io.BytesIO()
        Image.new("RGB", (16, 16)).save(stream, form, exif=exif)
        files.append((form, stream.getvalue()))
    for form, data in files:
        for seed in range(120):
            chance = random.Random(seed)
            changed = bytearray(data)
            for _ in range(chance.randint(1, 6)):
                at = chance.randrange(len(changed))
                changed[at : at + 4] = chance.choice(
                    (b"\xff\xff\xff\xff", b"\0\0\0\0", b"\x7f\xff\xff\xff", b"\0\0\0\1")
                )
            with cheap():
                identity(bytes(changed), form, 1)
                try:
                    image = open_image(bytes(changed), FORMATS, LIMITS)
                except PictureError:
                    continue
                embedded_metadata(
                    read_exif(image, bytes(changed)), read_blocks(image, bytes(changed))
                )
