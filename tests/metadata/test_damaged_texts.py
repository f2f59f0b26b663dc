"""A damaged byte costs the letters that it is in, not the rest of the text."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from csearchd.metadata.texts import multibyte
from csearchd.metadata.texts.charsets import decoded, decoded_alike, japanese
from csearchd.metadata.texts.exif_texts import user_comment

TEXTS = {
    "gb18030": [
        "北京天安门广场的春天",
        "上海外滩夜景和黄浦江",
        "我们在颐和园的秋天里散步，拍了很多照片",
    ],
    "cp932": ["東京タワーの夜景と富士山", "さくらまつりの写真です", "京都の紅葉を見に行きました。"],
}
BYTES = (0x20, 0x3F, 0x41, 0x7E, 0x80, 0xA0, 0xFF)


def damaged(data: bytes) -> list[bytes]:
    """The text with each byte replaced by each of BYTES, or lost."""
    found = [
        data[:at] + bytes([byte]) + data[at + 1 :] for at in range(len(data)) for byte in BYTES
    ]
    return found + [data[:at] + data[at + 1 :] for at in range(len(data))]


def kept(found: str, text: str) -> int:
    """How many letters the text's longest beginning and end that are right have."""
    start = next(
        (n for n, (a, b) in enumerate(zip(found, text, strict=False)) if a != b), len(text)
    )
    pairs = enumerate(zip(found[::-1], text[::-1], strict=False))
    end = next((n for n, (a, b) in pairs if a != b), len(text))
    return min(start + end, len(text))


@pytest.mark.parametrize(("name", "text"), [(n, t) for n, texts in TEXTS.items() for t in texts])
def test_a_damaged_byte_costs_a_letter_or_two(name: str, text: str) -> None:
    """Mostly: other letters may be in everyday use, too."""
    lost = []
    for data in damaged(text.encode(name)):
        assert decoded(data) == multibyte.read(data, name).text  # the set is still known
        lost.append(len(text) - kept(decoded(data), text))
    assert max(lost) <= 7 and sum(one <= 2 for one in lost) >= 0.85 * len(lost)


@pytest.mark.parametrize("name", TEXTS)
def test_texts_by_one_writer(name: str) -> None:
    first, *others = (text.encode(name) for text in TEXTS[name])
    for data in damaged(first):
        found = decoded_alike([data, *others])
        assert found[1:] == TEXTS[name][1:]
        assert kept(found[0], TEXTS[name][0]) >= len(TEXTS[name][0]) - 5, data


@pytest.mark.parametrize(
    "text", ["Grüße aus Köln", "Crème brûlée à Orléans", "Größe", "Smörgåsbord på ö"]
)
def test_utf8_of_western_europe(text: str) -> None:
    encoded = text.encode()
    for at in (place for place, byte in enumerate(encoded) if byte >= 0x80):
        data = encoded[:at] + b"?" + encoded[at + 1 :]
        assert kept(decoded(data), text) >= len(text) - 2, data


@pytest.mark.parametrize("text", ["Grüße aus Köln", "ÄÖÜ", "Málaga, España", "Crème brûlée", "Ærø"])
def test_latin_1_stays_what_it_is(text: str) -> None:
    assert decoded(text.encode("latin-1")) == text


def test_japanese_in_escapes() -> None:
    text = "東京タワーの夜景"
    data = text.encode("iso2022_jp")
    for at in range(3, len(data) - 3):
        for byte in (b"\xff", b"\x7f", b"A"):
            found = japanese(data[:at] + byte + data[at + 1 :])
            assert kept(found, text) >= len(text) - 1, found


@given(st.binary(max_size=60), st.sampled_from(multibyte.NAMES))
def test_any_bytes_are_a_text(data: bytes, name: str) -> None:
    found = multibyte.read(data, name)
    assert len(found.whole) + found.damaged == len(data)
    if not found.damaged:
        assert found.whole == data


@given(st.text("北京天安门广场春の夜景タワ, a1", max_size=30), st.sampled_from(multibyte.NAMES))
def test_what_isnt_damaged_stays_as_it_is(text: str, name: str) -> None:
    try:
        data = text.encode(name)
    except UnicodeEncodeError:
        return
    assert multibyte.read(data, name).text == text


def test_of_a_comment_only_the_beginning_is_read() -> None:
    text = "東京タワーの夜景と富士山" * 100
    value = b"JIS\0\0\0\0\0" + text.encode("euc-jp") + b"x" * 10_000_000 + b"\xff"
    found = user_comment(value, "<")
    assert found and found.startswith(text) and len(found) < 1 << 16


@pytest.mark.filterwarnings("error")
def test_what_is_in_no_known_set_is_not_warned_of() -> None:
    assert japanese(b"abc\xff\xff") == "abc\u00ff\u00ff"
