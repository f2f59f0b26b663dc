"""What the reader makes of pictures, good ones and bad ones."""

from __future__ import annotations

import random

import numpy as np
import pytest
import zxingcpp
from PIL import Image, ImageDraw, ImageFilter, ImageFont, ImageOps
from skimage import data

from csearchd.reader.components import components, smallest_rectangle
from csearchd.reader.reading import Reader
from csearchd.reader.scripts import script_of
from support.lettering import FONT, written

LINES = ("Wireless password", "Größe 4711 Straße", "Invoice AB-9917")


@pytest.fixture(scope="module")
def reader() -> Reader:
    return Reader(1)


def texts(reader: Reader, image: Image.Image) -> list[str]:
    return [line.text for line in reader.read(image)]


def test_lines_are_read_in_order_and_placed(reader: Reader) -> None:
    found = reader.read(written(LINES))
    assert [line.text for line in found] == list(LINES)
    for line in found:
        assert line.script == "Latn"
        assert line.confidence > 0.9
        left, top, right, _, _, bottom, _, _ = line.box
        assert 0 <= left < right <= 1
        assert 0 <= top < bottom <= 1
    assert found[0].box[1] < found[1].box[1] < found[2].box[1]


@pytest.mark.parametrize("degrees", [90, 180, 270])
def test_pages_that_are_turned_are_read(reader: Reader, degrees: int) -> None:
    found = reader.read(written(LINES).rotate(degrees, expand=True))
    assert [line.text for line in found] == list(LINES)
    # The corners begin at the top left of the text, wherever that is.
    first = found[0].box[:2]
    expected = {90: (0, 1), 180: (1, 1), 270: (1, 0)}[degrees]
    assert np.abs(np.subtract(first, expected)).max() < 0.3


def test_slanted_and_dark_words_are_read(reader: Reader) -> None:
    slanted = written(LINES).rotate(12, expand=True, fillcolor="white", resample=Image.BICUBIC)
    assert texts(reader, slanted) == list(LINES)
    assert texts(reader, slanted.point(lambda value: value // 4)) == list(LINES)
    assert texts(reader, ImageOps.invert(written(LINES))) == list(LINES)


def test_small_letters_on_a_large_screen_are_read(reader: Reader) -> None:
    screen = written([" ".join(LINES)], (3840, 2160), 18)
    assert "".join(texts(reader, screen)).replace(" ", "") == "".join(LINES).replace(" ", "")


@pytest.mark.parametrize(
    ("size", "apart"),
    [((3840, 2160), 56), ((3840, 2160), 72), ((1200, 6000), 60), ((6000, 1200), 60)],
    ids=["4k", "4k, wide apart", "a whole web page", "a panorama"],
)
def test_lines_of_small_letters_are_told_apart(
    reader: Reader, size: tuple[int, int], apart: int
) -> None:
    """Reduced, two lines are taken for one, or none is seen at all."""
    page = Image.new("RGB", size, "white")
    draw, font = ImageDraw.Draw(page), ImageFont.truetype(FONT, 16)
    count = min(40, (size[1] - 80) // apart)
    expected = [f"paragraph {n} mentions plum cake and number {1000 + n}" for n in range(count)]
    for number, line in enumerate(expected):
        draw.text((60, 40 + number * apart), line, font=font, fill="black")
    assert texts(reader, page) == expected


def test_small_letters_in_a_small_photo_are_read(reader: Reader) -> None:
    """A sign in a photo of 640×480 pixels, with letters of eight."""
    words = ["bakery", "wireless", "40111"]
    sign = written(words, (128, 96), 16).rotate(10, expand=True, resample=Image.BICUBIC)
    photo = Image.fromarray(data.coffee()).resize((1280, 960))
    photo.paste(sign, (600, 500), written((), (128, 96)).convert("L").rotate(10, expand=True))
    blurred = photo.filter(ImageFilter.GaussianBlur(1))
    assert texts(reader, blurred.resize((640, 480), Image.LANCZOS)) == words


@pytest.mark.parametrize("size", [(1, 1), (2, 900), (900, 2), (31, 31), (64, 48)])
def test_tiny_pictures_have_no_words(reader: Reader, size: tuple[int, int]) -> None:
    assert texts(reader, Image.new("RGB", size, "white")) == []


def test_nothing_is_invented(reader: Reader) -> None:
    noise = np.random.default_rng(5).integers(0, 256, (480, 640, 3), dtype=np.uint8)
    stripes = np.zeros((480, 640, 3), np.uint8)
    stripes[:, ::7] = 255
    board = np.kron(np.indices((24, 32)).sum(axis=0) % 2 * 255, np.ones((20, 20))).astype(np.uint8)
    pictures = [
        Image.new("RGB", (640, 480), "white"),
        Image.new("RGB", (640, 480), "black"),
        Image.fromarray(noise),
        Image.fromarray(stripes),
        Image.fromarray(board).convert("RGB"),
        ImageOps.mirror(written(LINES)),
    ]
    for picture in pictures:
        assert not set(" ".join(texts(reader, picture)).split()) - set(" ".join(LINES).split())


@pytest.mark.parametrize(
    "lines",
    [
        ("вокзал билет улица", "аптека хлеб молоко", "площадь выход вход"),
        ("λιμάνι θάλασσα", "καλημέρα εισιτήριο", "φαρμακείο δρόμος"),
        ("مدينة كتاب مدرسة", "سوق ماء خبز شارع", "محطة تذكرة مفتوح"),
    ],
)
def test_scripts_that_are_not_read_give_no_letters(reader: Reader, lines: tuple[str, ...]) -> None:
    found = " ".join(texts(reader, written(lines)))
    assert not any(map(str.isalpha, found)), found


def qr_code(text: str, scale: int) -> Image.Image:
    code = zxingcpp.create_barcode(text, zxingcpp.BarcodeFormat.QRCode)
    return Image.fromarray(np.array(zxingcpp.write_barcode_to_image(code, scale=scale)))


def test_what_a_qr_code_says_is_a_line(reader: Reader) -> None:
    page = Image.new("RGB", (900, 700), "white")
    page.paste(qr_code("WIFI:S:guest;P:gooseberry;;", 6), (200, 150))
    (line,) = reader.read(page.rotate(15, fillcolor="white"))
    assert line.text == "WIFI:S:guest;P:gooseberry;;"
    assert all(0 <= corner <= 1 for corner in line.box)


def test_a_small_code_on_a_large_page_is_read(reader: Reader) -> None:
    page = Image.new("RGB", (5000, 3500), "white")
    page.paste(qr_code("ticket 7788", 4), (3000, 2000))
    assert texts(reader, page) == ["ticket 7788"]


def test_all_codes_of_a_sheet_are_read(reader: Reader) -> None:
    page = Image.new("RGB", (2400, 1800), "white")
    for number in range(30):
        page.paste(qr_code(f"label {number}", 6), (100 + number % 6 * 380, 60 + number // 6 * 340))
    assert sorted(texts(reader, page)) == sorted(f"label {number}" for number in range(30))


def test_a_picture_of_very_many_words_is_read_in_part() -> None:
    picture = written(["word " * 40] * 50, (2400, 1600), 18)
    found = Reader(1, seconds=0.0).read(picture)
    assert found == []  # and it has ended


def test_parts_are_connected_by_corners() -> None:
    bitmap = np.zeros((9, 12), bool)
    bitmap[1, 1] = bitmap[2, 2] = bitmap[3, 1] = True
    bitmap[5:8, 6:11] = True
    small, large = components(bitmap, 10)
    assert {(int(x), int(y)) for x, y in small} == {(1, 1), (2, 2), (1, 3)}
    corners, wide, high = smallest_rectangle(large)
    assert sorted((wide, high)) == [2, 4]
    assert corners.min(axis=0).tolist() == [6, 5]
    assert [len(part) for part in components(bitmap, 1)] == [6]


def test_many_parts_are_told_apart() -> None:
    chance = random.Random(3)
    bitmap = np.zeros((200, 300), bool)
    spots = {(chance.randrange(1, 66) * 3, chance.randrange(1, 99) * 3) for _ in range(500)}
    for y, x in spots:
        bitmap[y, x] = True
    assert len(list(components(bitmap, 1000))) == len(spots)


@pytest.mark.parametrize(
    ("text", "script"),
    [("Straße", "Latn"), ("47.11", ""), ("東京", "Hani"), ("東京タワー", "Jpan"), ("νερό", "Grek")],
)
def test_scripts(text: str, script: str) -> None:
    assert script_of(text) == script
