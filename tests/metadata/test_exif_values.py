"""Places, cameras, numbers and texts in EXIF data, each as it is to be read."""

from __future__ import annotations

import io
from typing import Any

import pytest
from PIL import Image

from csearchd.formats.embedded import read_blocks
from csearchd.metadata.exif import read_exif
from csearchd.metadata.record import embedded_metadata, merged
from csearchd.metadata.xmp import from_xmp
from support.exif import EXIF, Entry, ascii, exif, jpeg, long, place, rational, short

LONGITUDE = ((2, 1), (21, 1), (0, 1))


def read(*entries: Entry, order: str = "<") -> dict[str, Any]:
    data = jpeg(exif(entries, order))
    image = Image.open(io.BytesIO(data))
    return embedded_metadata(read_exif(image, data), read_blocks(image, data))


@pytest.mark.parametrize(
    ("latitude", "degrees"),
    [
        ([(4885, 100)], 48.85),
        ([(48, 1), (51, 1)], 48.85),
        ([(48, 1), (5100, 100), (0, 0)], 48.85),
        ([(48, 1), (0, 0), (0, 0)], 48.0),
        ([(48, 1), (51, 1), (36, 1), (7, 1)], 48.86),
        ([(0, 1), (0, 1), (0, 1)], 0.0),
        ([(0, 0), (51, 1), (0, 1)], None),
        ([(48, 1), (0, 0), (36, 1)], None),
        ([(48, 1), (51, 1), (1, 0)], None),
        ([(91, 1)], None),
    ],
)
def test_degrees(latitude: list[tuple[int, int]], degrees: float | None) -> None:
    found = read(*place(latitude, LONGITUDE))
    assert found.get("latitude") == degrees
    assert found.get("longitude") == (None if degrees is None else 2.35)


def test_zero_in_both_is_no_place() -> None:
    zero = [(0, 1), (0, 1), (0, 1)]
    assert "latitude" not in read(*place(zero, zero))
    assert read(*place([(51, 1)], zero))["longitude"] == 0
    xmp = (
        '<rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#" '
        'xmlns:exif="http://ns.adobe.com/exif/1.0/"><rdf:Description '
        'exif:GPSLatitude="{}" exif:GPSLongitude="0,0.0E" exif:GPSAltitude="5/1" '
        'exif:GPSAltitudeRef="3"/></rdf:RDF>'
    )
    assert "latitude" not in from_xmp(xmp.format("0,0.0N").encode())
    found = from_xmp(xmp.format("51,0.0S").encode())
    assert found == {"latitude": -51.0, "longitude": 0.0, "altitude": -5.0}


@pytest.mark.parametrize(("reference", "metres"), [(0, 12.5), (1, -12.5), (2, 12.5), (3, -12.5)])
def test_altitude(reference: int, metres: float) -> None:
    height = Entry(6, 5, (125).to_bytes(4, "little") + (10).to_bytes(4, "little"), 34853)
    entries = place([(48, 1)], LONGITUDE, others={5: bytes([reference])})
    assert read(*entries, height)["altitude"] == metres


@pytest.mark.parametrize(
    ("sources", "camera"),
    [
        ([{"model": "iPhone"}], {"model": "iPhone"}),
        ([{}, {"model": "iPhone"}], {"model": "iPhone"}),
        ([{"make": "Apple"}, {"model": "iPhone"}], {"make": "Apple", "model": "iPhone"}),
        ([{"model": "X100"}, {"make": "Leica", "model": "M9"}], {"model": "X100"}),
        ([{"make": "a"}, {"make": "b"}, {"make": "a", "model": "c"}], {"make": "a", "model": "c"}),
    ],
)
def test_make_and_model(sources: list[dict[str, Any]], camera: dict[str, str]) -> None:
    assert merged(*sources) == camera


@pytest.mark.parametrize(
    ("tags", "speed"),
    [
        ({34855: 400}, 400),
        ({34855: 65535, 34866: 102400}, 102400),
        ({34855: 65535, 34865: 204800}, 204800),
        ({34855: 65535, 34867: 409600}, 409600),
        ({34855: 65535, 34866: 1, 34865: 102400, 34864: 1}, 102400),
        ({34855: 65535, 34866: 1, 34867: 102400, 34864: 3}, 102400),
        ({34866: 800}, 800),
        ({34855: 65535}, 65535),
        ({34855: 400, 34866: 102400}, 400),
        ({34855: 0}, None),
    ],
)
def test_film_speed(tags: dict[int, int], speed: int | None) -> None:
    kinds = {34855: short, 34864: short}
    entries = [kinds.get(tag, long)(tag, value, directory=EXIF) for tag, value in tags.items()]
    assert read(*entries).get("iso") == speed


@pytest.mark.parametrize(
    ("exposure", "aperture", "length", "found"),
    [
        ((1, 250), (28, 10), (50, 1), {"exposure": 0.004, "aperture": 2.8, "focal_length": 50.0}),
        ((10, 3200), (0, 1), (0, 0), {"exposure": 0.003125}),
        ((1, 0), (0, 0), (2**32 - 1, 1), {}),
        ((1, 3), (2**32 - 1, 2**32 - 1), (0, 1), {"exposure": 0.333333, "aperture": 1.0}),
        ((2**32 - 1, 1), (2**32 - 1, 1), (4250, 1000), {"focal_length": 4.25}),
    ],
)
def test_exposure(
    exposure: tuple[int, int],
    aperture: tuple[int, int],
    length: tuple[int, int],
    found: dict[str, float],
) -> None:
    values = {33434: exposure, 33437: aperture, 37386: length}
    entries = [rational(tag, value, directory=EXIF) for tag, value in values.items()]
    said = read(*entries, ascii(37385, "no number", EXIF))
    assert {key: said[key] for key in ("exposure", "aperture", "focal_length") if key in said} == (
        found
    )


@pytest.mark.parametrize(
    "text",
    ["OLYMPUS DIGITAL CAMERA", "OLYMPUS DIGITAL CAMERA         ", "SONY DSC", "SAMSUNG",
     "SONY                       DSC", "SAMSUNG CAMERA PICTURES", "KONICA MINOLTA DIGITAL CAMERA",
     "DIGITAL CAMERA", "<Digimax i5, Samsung #1>", "DCIM\\100MEDIA\\DJI_0042.JPG", "oznorHDRB",
     "hdrpl", "cof", "sdr_HDRB", "btfhdr", "Exif_JPEG_PICTURE", "binary comment", "default",
     "Canon", "EOS 40D", "Canon EOS 40D", "CREATOR: gd-jpeg v1.0 (using IJG JPEG v62)"],
)  # fmt: skip
def test_what_cameras_say_of_every_picture_is_no_description(text: str) -> None:
    camera = [ascii(271, "Canon"), ascii(272, "EOS 40D")]
    comment = Entry(37510, 7, b"ASCII\0\0\0At the sea", EXIF)
    assert "description" not in read(ascii(270, text), *camera)
    assert read(ascii(270, text), *camera, comment)["description"] == "At the sea"
    record = merged({"title": text, "description": text, "make": "Canon", "model": "EOS 40D"})
    assert record == {"make": "Canon", "model": "EOS 40D"}


@pytest.mark.parametrize(
    "text",
    ["My new digital camera", "Olympus", "HDR", "A camera on a table", "Nor", "Samsung TV",
     "Mount Olympus", "Default settings of the lamp", "in Canonbury", "IMG of a goat"],
)  # fmt: skip
def test_what_people_say_is_a_description(text: str) -> None:
    assert read(ascii(270, text))["description"] == text


XP_TITLE, XP_COMMENT, XP_KEYWORDS, XP_SUBJECT = 0x9C9B, 0x9C9C, 0x9C9E, 0x9C9F


def xp(tag: int, text: str) -> Entry:
    return Entry(tag, 1, text.encode("utf-16-le") + b"\0\0")


@pytest.mark.parametrize("text", ["Möwe", "海边", "Пляж", "猫", "a"])
def test_texts_of_windows(text: str) -> None:
    assert read(xp(XP_TITLE, text))["title"] == text
    assert read(xp(XP_COMMENT, text), xp(XP_SUBJECT, "other"))["description"] == text
    assert read(xp(XP_SUBJECT, text))["description"] == text
    found = read(xp(XP_KEYWORDS, f"{text};Orte/Rom; ;b"))["keywords"]
    assert found == list(dict.fromkeys([text, "Orte/Rom", "Rom", "b"]))


@pytest.mark.parametrize(
    ("stars", "percent", "rating"),
    [(3, None, 3), (0, None, 0), (None, 75, 4), (None, 1, 1), (5, 99, 5), (9, None, None)],
)
def test_rating(stars: int | None, percent: int | None, rating: int | None) -> None:
    values = {0x4746: stars, 0x4749: percent}
    entries = [short(tag, value) for tag, value in values.items() if value is not None]
    assert read(*entries).get("rating") == rating


@pytest.mark.parametrize("order", "<>")
@pytest.mark.parametrize(
    ("value", "text"),
    [
        (b"ASCII\0\0\0at the sea\0\0\0", "at the sea"),
        (b"ASCII\0\0\0" + "Möwe".encode(), "Möwe"),
        (b"ASCII\0\0\0" + "Möwe".encode("latin-1"), "Möwe"),
        (b"UNICODE\0" + "Eine Möwe".encode("utf-16-le"), "Eine Möwe"),
        (b"UNICODE\0" + "Eine Möwe".encode("utf-16-be"), "Eine Möwe"),
        (b"UNICODE\0" + "Чайка у моря".encode("utf-16-le"), "Чайка у моря"),
        (b"UNICODE\0" + "Чайка у моря".encode("utf-16-be"), "Чайка у моря"),
        (b"UNICODE\0\xff\xfe" + "海边的鸟".encode("utf-16-le"), "海边的鸟"),
        (b"UNICODE\0\xfe\xff" + "海边的鸟".encode("utf-16-be"), "海边的鸟"),
        (b"UNICODE\0at the sea", "at the sea"),
        (b"JIS\0\0\0\0\0" + "東京タワー".encode("iso2022_jp"), "東京タワー"),
        (b"JIS\0\0\0\0\0" + "東京タワーの夜景".encode("cp932"), "東京タワーの夜景"),
        (bytes(8) + b"at the sea", "at the sea"),
        (bytes(8) + "Möwe".encode(), "Möwe"),
        ("Eine Möwe".encode(), "Eine Möwe"),
        (bytes(8) + bytes(range(1, 32)) * 3, None),
        (bytes(64), None),
        (b"ASCII\0\0\0" + b"   ", None),
    ],
)
def test_comment(value: bytes, text: str | None, order: str) -> None:
    assert read(Entry(37510, 7, value, EXIF), order=order).get("description") == text


@pytest.mark.parametrize("order", "<>")
def test_a_comment_in_utf16_has_the_byte_order_of_the_data(order: str) -> None:
    encoding = "utf-16-le" if order == "<" else "utf-16-be"
    value = b"UNICODE\0" + "海边的鸟".encode(encoding)
    assert read(Entry(37510, 7, value, EXIF), order=order)["description"] == "海边的鸟"


def test_texts_in_utf8_since_exif_3() -> None:
    found = read(
        ascii(270, "Zwei Möwen", kind=129),
        ascii(271, "Caméra", kind=129),
        ascii(0xA436, "海边", EXIF, kind=129),
        ascii(42036, "Objektiv für Möwen", EXIF, kind=129),
    )
    assert found == {
        "description": "Zwei Möwen", "make": "Caméra", "title": "海边",
        "lens": "Objektiv für Möwen", "orientation": 1,
    }  # fmt: skip


@pytest.mark.parametrize(
    ("text", "encoding"),
    [("北京的春天", "gbk"), ("海边的小镇", "gb18030"), ("東京タワーの夜景", "cp932"),
     ("京都の紅葉", "shift_jis"), ("Geburtstag von Jürgen", "latin-1"), ("Zürich", "latin-1"),
     ("Vue de l'église à Nîmes", "latin-1"), ("L’été", "cp1252"), ("São Paulo", "latin-1"),
     ("Käse", "utf-8"), ("北京", "utf-8")],
)  # fmt: skip
def test_guessed_character_sets(text: str, encoding: str) -> None:
    assert read(ascii(270, text.encode(encoding)))["description"] == text


def test_texts_of_one_file_are_guessed_together() -> None:
    long_one, short_one = "東京タワーの夜景".encode("cp932"), "猫".encode("cp932")
    found = read(ascii(270, long_one), ascii(272, short_one))
    assert (found["description"], found["model"]) == ("東京タワーの夜景", "猫")


def test_utf8_that_was_cut_off_in_a_letter() -> None:
    assert read(ascii(270, "Grüße aus Köln–".encode()[:-1]))["description"] == "Grüße aus Köln"
