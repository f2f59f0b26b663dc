"""XMP packets: RDF's forms, what real programs write, and what nobody should be able to do."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import msgpack
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from csearchd.formats.parsing import MAX_XMP_BYTES
from csearchd.metadata.record import dated
from csearchd.metadata.xmp import from_xmp

HEAD = """<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF
 xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#" xmlns:dc="http://purl.org/dc/elements/1.1/"
 xmlns:xmp="http://ns.adobe.com/xap/1.0/" xmlns:exif="http://ns.adobe.com/exif/1.0/"
 xmlns:tiff="http://ns.adobe.com/tiff/1.0/" xmlns:lr="http://ns.adobe.com/lightroom/1.0/"
 xmlns:photoshop="http://ns.adobe.com/photoshop/1.0/" xmlns:aux="http://ns.adobe.com/exif/1.0/aux/"
 xmlns:digiKam="http://www.digikam.org/ns/1.0/" xmlns:mm="http://ns.adobe.com/xap/1.0/mm/"
 xmlns:MicrosoftPhoto="http://ns.microsoft.com/photo/1.0" xmlns:other="urn:other">"""
TAIL = "</rdf:RDF></x:xmpmeta>"


def packet(body: str) -> str:
    return f"{HEAD}{body}{TAIL}"


def read(body: str) -> dict[str, Any]:
    return dated(from_xmp(packet(body).encode()), b"a.jpg", datetime(2024, 1, 1))


def described(inside: str, attributes: str = "") -> dict[str, Any]:
    return read(f'<rdf:Description rdf:about="" {attributes}>{inside}</rdf:Description>')


def bag(*items: str) -> str:
    return f"<rdf:Bag>{''.join(f'<rdf:li>{item}</rdf:li>' for item in items)}</rdf:Bag>"


@pytest.mark.parametrize(
    ("attributes", "inside", "found"),
    [
        ('xmp:Rating="4"', "", {"rating": 4}),
        ("", "<xmp:Rating> 4.0\n</xmp:Rating>", {"rating": 4}),
        ("", "<xmp:Rating>-1</xmp:Rating>", {"rating": -1}),
        ("", "<xmp:Rating>9</xmp:Rating>", {}),
        ("", "<xmp:Rating>nan</xmp:Rating>", {}),
        ('MicrosoftPhoto:Rating="75"', "", {"rating": 4}),
        ('MicrosoftPhoto:Rating="1"', "", {"rating": 1}),
        ('MicrosoftPhoto:Rating="99"', "", {"rating": 5}),
        ("", f"<dc:subject>{bag('a', 'b &amp; c')}</dc:subject>", {"keywords": ["a", "b & c"]}),
        ("", "<dc:subject>alone</dc:subject>", {"keywords": ["alone"]}),
        (
            "",
            "<dc:subject><rdf:Seq><rdf:_1>a</rdf:_1><rdf:_2>b</rdf:_2></rdf:Seq></dc:subject>",
            {"keywords": ["a", "b"]},
        ),
        (
            "",
            '<dc:subject><rdf:Bag><rdf:li rdf:parseType="Resource"><rdf:value>a</rdf:value>'
            "<other:q>why</other:q></rdf:li></rdf:Bag></dc:subject>",
            {"keywords": ["a"]},
        ),
        (
            "",
            "<dc:title><rdf:Alt><rdf:li xml:lang='de'>Boot</rdf:li>"
            "<rdf:li xml:lang='x-default'>Boat</rdf:li></rdf:Alt></dc:title>",
            {"title": "Boat"},
        ),
        ("", "<dc:title><rdf:Alt><rdf:li>Boat</rdf:li></rdf:Alt></dc:title>", {"title": "Boat"}),
        (
            "",
            f"<digiKam:TagsList>{bag('Places/Portugal/Lisbon', 'cat')}</digiKam:TagsList>",
            {"keywords": ["Places/Portugal/Lisbon", "Lisbon", "cat"]},
        ),
        (
            "",
            f"<lr:hierarchicalSubject>{bag('music|AC/DC')}</lr:hierarchicalSubject>",
            {"keywords": ["music/AC/DC", "AC/DC"]},
        ),
        (
            "",
            "<digiKam:TagsList>"
            f"{bag('_Digikam_Internal_Tags_/Scanned for Faces')}</digiKam:TagsList>",
            {},
        ),
        ('exif:DateTimeOriginal="2019-05-06"', "", {"taken": "2019-05-06", "date_source": "xmp"}),
        ('photoshop:DateCreated="2019"', "", {"taken": "2019", "date_source": "xmp"}),
        ('exif:DateTimeOriginal="2019:05:06 07:08:09.123"', "", {
            "taken": "2019-05-06T07:08:09", "taken_ms": 123, "date_source": "xmp",
        }),
        (
            'exif:DateTimeOriginal="2019-13-06" xmp:CreateDate="2019-05-06T07:08Z"',
            "",
            {"taken": "2019-05-06T07:08:00", "utc_offset": 0, "date_source": "xmp"},
        ),
        (
            'exif:GPSLatitude="33,51.525S" exif:GPSLongitude="151,12,51E" '
            'exif:GPSAltitude="125/10" exif:GPSAltitudeRef="1"',
            "",
            {"latitude": -33.85875, "longitude": 151.2141667, "altitude": -12.5},
        ),
        ('exif:GPSLatitude="91,0N" exif:GPSLongitude="151,12,51E"', "", {}),
        ('exif:GPSLatitude="9,0N" exif:GPSLongitude="15,0E" exif:GPSAltitude="1/0"', "", {
            "latitude": 9.0, "longitude": 15.0,
        }),
        ('tiff:Make="Canon" tiff:Model="EOS" aux:Lens="50mm"', "", {
            "make": "Canon", "model": "EOS", "lens": "50mm",
        }),
        ("", "<exif:ISOSpeedRatings><rdf:Seq><rdf:li>400</rdf:li></rdf:Seq>"
             "</exif:ISOSpeedRatings>", {"iso": 400}),
        ('exif:ExposureTime="1/250" exif:FNumber="28/10" exif:FocalLength="50"', "", {
            "exposure": 0.004, "aperture": 2.8, "focal_length": 50.0,
        }),
        ('exif:ExposureTime="1/0" exif:FNumber="f/2" exif:FocalLength="-50/1"', "", {}),
        # Of other pictures, or of parts of this one
        ("", f"<mm:Pantry><rdf:Bag><rdf:li><rdf:Description xmp:Rating='5'><dc:subject>{bag('a')}"
             "</dc:subject></rdf:Description></rdf:li></rdf:Bag></mm:Pantry>", {}),
        ("", "<mm:DerivedFrom rdf:parseType='Resource'><xmp:Rating>5</xmp:Rating>"
             "</mm:DerivedFrom>", {}),
    ],
)  # fmt: skip
def test_forms(attributes: str, inside: str, found: dict[str, Any]) -> None:
    assert described(inside, attributes) == found


def test_several_descriptions_are_one() -> None:
    body = (
        '<rdf:Description xmp:Rating="3"/>'
        f"<rdf:Description><dc:subject>{bag('a')}</dc:subject></rdf:Description>"
        f"<rdf:Description><dc:subject>{bag('b')}</dc:subject></rdf:Description>"
    )
    assert read(body) == {"rating": 3, "keywords": ["a", "b"]}


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-be", "utf-16-le"])
def test_encodings_and_wrappings(encoding: str) -> None:
    text = packet('<rdf:Description dc:title="Übergröße"/>')
    wrapped = f'<?xpacket begin="\ufeff" id="x"?>\n{text}\n{" " * 99}<?xpacket end="w"?>\0\0\0'
    assert from_xmp(wrapped.encode(encoding)) == {"title": "Übergröße"}


@pytest.mark.parametrize("place", [0, 1])  # where the padding is: before the texts, behind them
@pytest.mark.parametrize("encoding", ["utf-8", "gb18030", "cp932", "cp1252"])
def test_long_packets_in_no_encoding_that_is_told(encoding: str, place: int) -> None:
    """In UTF-8 with a damaged byte, or in another one."""
    words = {
        "utf-8": ["北京市の夜景", "Zürich, Köln, Málaga", "Łódź"],
        "gb18030": ["上海外滩夜景", "北京天安门广场", "颐和园的秋天"],
        "cp932": ["東京タワーの夜景", "富士山と桜のはな", "さくらまつり"],
        "cp1252": ["Grüße aus Österreich", "Fête de la Musique à Orléans", "Málaga"],
    }[encoding]
    padding = f"<!-- {'x' * 5000} -->"
    texts = f"<dc:subject>{bag(*words)}</dc:subject>"
    inside = padding + texts if place == 0 else texts + padding
    whole = f'<rdf:Description rdf:about="">{inside}</rdf:Description>'
    data = packet(whole).encode(encoding)
    if encoding == "utf-8":
        data = data.replace("Łódź".encode(), "Łód".encode() + b"\xc5")
        words[2] = "Łód\ufffd"
    assert from_xmp(data)["keywords"] == words


def test_what_stands_before_the_damage_counts() -> None:
    text = packet('<rdf:Description xmp:Rating="3"/><rdf:Description dc:title="x"/>')
    assert from_xmp(text[: text.index("dc:title=")].encode()) == {"rating": 3}


BOMB = (
    '<!DOCTYPE x [<!ENTITY a "aaaaaaaaaa">'
    + "".join(
        f'<!ENTITY {b} "{f"&{a};" * 10}">' for a, b in zip("abcdefgh", "bcdefghi", strict=True)
    )
    + "]>"
    + packet('<rdf:Description dc:title="&i;"/>')
)
FILE = '<!DOCTYPE x [<!ENTITY a SYSTEM "file:///etc/passwd">]>' + packet(
    "<rdf:Description><dc:title>&a;</dc:title></rdf:Description>"
)


ENTITY = '<!DOCTYPE x [<!ENTITY a "x">]>' + packet('<rdf:Description dc:title="&a;"/>')


@pytest.mark.parametrize(
    "hostile", [BOMB, FILE, ENTITY], ids=["a billion laughs", "a file", "an entity"]
)
def test_a_document_type_is_refused(hostile: str) -> None:
    assert from_xmp(hostile.encode()) == {}


@pytest.mark.parametrize(
    "hostile",
    [
        packet("<a>" * 1_000_000).encode(),
        packet("<rdf:Description><dc:subject>" + "<rdf:li>" * 500_000).encode(),
        packet("<rdf:Description " + "".join(f'a{n}="" ' for n in range(300_000)) + "/>").encode(),
        packet(f"<rdf:Description dc:title='{'a' * (MAX_XMP_BYTES - 2000)}'/>").encode(),
        b"<" * MAX_XMP_BYTES,
        b"a" * (MAX_XMP_BYTES + 1),
    ],
    ids=["deep", "deep inside", "attributes", "long", "rubbish", "too large"],
)
def test_hostile_packets_come_to_an_end(hostile: bytes) -> None:
    """What took quadratic time would meet the tests' time limit."""
    assert len(str(from_xmp(hostile))) < 1000


def test_nesting_that_nobody_writes_is_refused() -> None:
    rating = "<xmp:Rating>3</xmp:Rating>"
    assert described(rating + "<other:a>" * 50 + "</other:a>" * 50) == {"rating": 3}
    assert described(rating + "<other:a>" * 70 + "</other:a>" * 70) == {}


def test_many_keywords_are_cut() -> None:
    found = described(f"<dc:subject>{bag(*map(str, range(50_000)))}</dc:subject>")
    assert len(found["keywords"]) == 2000


PIECES = st.sampled_from([
    "<rdf:Description>", "</rdf:Description>", "<rdf:Description rdf:about='' xmp:Rating='5'/>",
    "<dc:subject>", "</dc:subject>", "<rdf:Bag>", "</rdf:Bag>", "<rdf:li>", "</rdf:li>",
    "<rdf:li xml:lang='x-default'>", "<rdf:value>", "</rdf:value>", "<dc:title>", "</dc:title>",
    "<exif:GPSLatitude>", "</exif:GPSLatitude>", "1,2N", "5", "&amp;", "&a;", "<![CDATA[x]]>",
    "<rdf:RDF>", "</rdf:RDF>", "\ud83d\udc08", "\0", "<!DOCTYPE x>", "<!--", "-->", "<?x ?>",
])  # fmt: skip


@settings(max_examples=400, deadline=None)
@given(st.one_of(
    st.binary(max_size=300),
    st.lists(PIECES, max_size=30).map(lambda p: packet("".join(p)).encode("utf-8", "replace")),
    st.lists(st.one_of(PIECES, st.text(max_size=9)), max_size=20).map(
        lambda p: packet("".join(p)).encode("utf-16", "replace")
    ),
))  # fmt: skip
@example(b"\xff\xfe\0")
@example(b'<?xml version="1.0" encoding="unicode_escape"?><a/>')
def test_any_bytes_give_fields_or_nothing(data: bytes) -> None:
    found = from_xmp(data)
    assert msgpack.unpackb(msgpack.packb(found)) == found
