"""Dates in file names: the forms that programs write, and numbers that only look like dates."""

from __future__ import annotations

import re
import unicodedata
from datetime import date, datetime
from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from csearchd.metadata.dates.file_names import FORMS, from_name

DAY, TIME = "2023-05-14", "2023-05-14T10:11:12"

NAMES = {
    # Cameras of phones
    "IMG_20230514_101112.jpg": TIME, "IMG_20230514_101112_1.jpg": TIME,
    "IMG_20230514_101112~2.jpg": TIME, "IMG_20230514_101112(1).jpg": TIME,
    "IMG_20230514_101112-edited.jpg": TIME, "IMG_20230514_101112_HDR.jpg": TIME,
    "IMG_20230514_101112_123.jpg": TIME, "img_20230514_101112.JPG": TIME,
    "IMG20230514101112.jpg": TIME, "IMG_20230514_101112345.jpg": TIME,
    "PXL_20230514_101112345.jpg": TIME, "PXL_20230514_101112345.MP.jpg": TIME,
    "PXL_20230514_101112345.PORTRAIT-01.COVER.jpg": TIME, "PXL_20230514_101112345~2.jpg": TIME,
    "PXL_20230514_101112345.RAW-02.ORIGINAL.dng": TIME, "MVIMG_20230514_101112.jpg": TIME,
    "PANO_20230514_101112.jpg": TIME, "20230514_101112.jpg": TIME, "20230514_101112(0).jpg": TIME,
    "20230514_101112-EFFECTS.jpg": TIME, "BURST20230514101112.jpg": TIME,
    "00001IMG_00001_BURST20230514101112345_COVER.jpg": TIME, "DSC_20230514_101112.jpg": TIME,
    "00100sPORTRAIT_00100_BURST20230514101112345_COVER.jpg": TIME,
    "WP_20230514_10_11_12_Pro.jpg": TIME, "WP_20230514_001.jpg": DAY,
    "DJI_20230514101112_0001_D.JPG": TIME,
    "C360_2023-05-14-10-11-12-123.jpg": TIME,
    "P_20230514_101112_vHDR_On.jpg": TIME, "InShot_20230514_101112345.jpg": TIME,
    "2023-05-14_101112.jpg": TIME, "2023-05-14-101112.jpg": TIME, "photo_2023-05-14.jpg": DAY,
    "vlcsnap-2023-05-14-10h11m12s345.png": TIME,
    "WhatsApp-Image-2023-05-14-at-10.11.12.jpeg": TIME,
    # Messengers
    "IMG-20230514-WA0001.jpg": DAY, "IMG-20230514-WA0001(1).jpeg": DAY,
    "STK-20230514-WA0012.webp": DAY,
    "WhatsApp Image 2023-05-14 at 10.11.12.jpeg": TIME,
    "WhatsApp Image 2023-05-14 at 10.11.12 AM (2).jpeg": TIME,
    "WhatsApp Image 2023-05-14 at 10.11.12_1a2b3c4d.jpg": TIME,
    "WhatsApp Bild 2023-05-14 um 10.11.12.jpg": TIME,
    "signal-2023-05-14-101112.jpg": TIME, "signal-2023-05-14-101112_002.jpeg": TIME,
    "signal-2023-05-14-10-11-12-123.jpg": TIME, "signal-attachment-2023-05-14-101112.png": TIME,
    "photo_2023-05-14_10-11-12.jpg": TIME, "photo_2023-05-14_10-11-12 (2).jpg": TIME,
    "mmexport1684059072123.jpg": TIME, "FB_IMG_1684059072123.jpg": TIME,
    "WhatsApp Image 2023-05-14 at 1.02.03 p. m..jpeg": "2023-05-14T13:02:03",
    "WhatsApp Image 2023-05-14 a la(s) 10.11.12.jpeg": TIME,
    # Screenshots
    "Screenshot_2023-05-14-10-11-12.png": TIME, "Screenshot_20230514-101112.png": TIME,
    "Screenshot_20230514-101112_Maps.jpg": TIME, "Screenshot_20230514_101112.png": TIME,
    "Screenshot_2023-05-14-10-11-12-123_com.android.chrome.jpg": TIME,
    "Screenshot_20230514-101112~2.png": TIME, "Screenshot from 2023-05-14 10-11-12.png": TIME,
    "Bildschirmfoto vom 2023-05-14 10-11-12.png": TIME,
    "Capture d’écran du 2023-05-14 10-11-12.png": TIME,
    "Screenshot 2023-05-14 at 10.11.12.png": TIME,
    "Screenshot 2023-05-14 at 10.11.12\u202fAM.png": TIME,
    "Screenshot 2023-05-14 at 10.11.12 PM.png": "2023-05-14T22:11:12",
    "Screen Shot 2023-05-14 at 12.11.12 AM.png": "2023-05-14T00:11:12",
    "Bildschirmfoto 2023-05-14 um 10.11.12.png": TIME,
    "Capture d’écran 2023-05-14 à 10.11.12.png": TIME,
    "Captura de pantalla 2023-05-14 a las 10.11.12.png": TIME,
    "Screenshot 2023-05-14 101112.png": TIME, "2023-05-14_10-11.png": "2023-05-14T10:11:00",
    "Screenshot_2023-05-14_10-11-12.png": TIME, "Spectacle 2023-05-14 10:11:12.png": TIME,
    "截屏2023-05-14 10.11.12.png": TIME, "截屏2023-05-14 13.02.03.png": "2023-05-14T13:02:03",
    "Bildschirmfoto 2023-05-14 101112.png": TIME, "Bildschirmfoto_20230514_101112.png": TIME,
    "Capture d’écran 2023-05-14 101112.png": TIME, "Capture d'écran_20230514_101112.png": TIME,
    "Captura de pantalla 2023-05-14 101112.png": TIME, "Zrzut ekranu 2023-05-14 101112.png": TIME,
    "Captura de pantalla de 2023-05-14 10-11-12.png": TIME,
    "Captura de pantalla_20230514_101112.png": TIME,
    "Captura de Tela 2023-05-14 às 10.11.12.png": TIME,
    "Schermafbeelding 2023-05-14 om 10.11.12.png": TIME,
    "Schermafbeelding 2023-05-14 101112.png": TIME, "Schermafdruk_20230514_101112.png": TIME,
    "Schermafdruk van 2023-05-14 10-11-12.png": TIME,
    "Schermata 2023-05-14 alle 10.11.12.png": TIME,
    "Снимок экрана 2023-05-14 в 10.11.12.png": TIME, "Снимок экрана 2023-05-14 101112.png": TIME,
    "Снимок экрана от 2023-05-14 10-11-12.png": TIME, "Снимок экрана_20230514_101112.png": TIME,
    "スクリーンショット 2023-05-14 10.11.12.png": TIME,
    "スクリーンショット 2023-05-14 101112.png": TIME,
    "スクリーンショット_20230514_101112.png": TIME,
    "スクリーンショット 2023-05-14 10-11-12.png": TIME, "屏幕截图 2023-05-14 101112.png": TIME,
    "스크린샷 2023-05-14 101112.png": TIME, "Zrzut ekranu z 2023-05-14 10-11-12.png": TIME,
    "Skärmbild 2023-05-14 kl. 10.11.12.png": TIME, "Skærmbillede 2023-05-14 kl. 10.11.12.png": TIME,
    "Captura de ecrã 2023-05-14, às 10.11.12.png": TIME,
    "Näyttökuva 2023-05-14 kello 10.11.12.png": TIME,
    "צילום מסך 2023-05-14 ב-10.11.12.png": TIME, "لقطة الشاشة ٢٠٢٣-٠٥-١٤ في ١٠.١١.١٢.png": TIME,
    "لقطة شاشة ٢٠٢٣-٠٥-١٤ ١٠-١١-١٢.png": TIME,
    "لقطة الشاشة \u200f2023-05-14 \u200f10.11.12.png": TIME,
    # The user's own form of dates
    "Photo on 5-14-23 at 10.11 AM.jpg": "2023-05-14T10:11:00",
    "Photo on 5-14-23 at 10.11 PM #2.jpg": "2023-05-14T22:11:00",
    "Photo on 14-05-2023 at 10.11.jpg": "2023-05-14T10:11:00",
    "Foto am 14.05.23 um 10.11.jpg": "2023-05-14T10:11:00",
    "Foto am 03.04.98 um 10.11.jpg": "1998-04-03T10:11:00",
    "Minecraft 14.05.2023 10_11_12.png": TIME, "Halo 5_14_2023 10_11_12 AM.png": TIME,
    "Halo 5_14_2023 10_11_12 PM.png": "2023-05-14T22:11:12",
    # Uploads, people, dash cams
    "2023-05-14 10.11.12 Lisbon.jpg": TIME, "2023-05-14 10.11.12 HDR.jpg": TIME,
    "20230514_101112000_iOS.jpg": TIME, "20230514_101112345_iOS 1.heic": TIME,
    "WIN_20230514_10_11_12_Pro.jpg": TIME, "WIN_20230514_10_11_12_Pro (2).jpg": TIME,
    "2023-05-14 10.11.12.jpg": TIME, "2023-05-14 10.11.12-1.jpg": TIME,
    "2023-05-14T10:11:12.jpg": TIME, "2023.05.14_10.11.12.jpg": TIME, "2023-05-14.jpg": DAY,
    "2023-05-14 Lisbon.jpg": DAY, "2023-05-14_Lisbon.jpg": DAY, "2023-05-14 (2).jpg": DAY,
    "2023_0514_101112_001.JPG": TIME, "20230514101112_000123F.JPG": TIME,
    "NO20230514-101112-000123F.JPG": TIME, "20230514_101112_NF.jpg": TIME,
    "REC_2023_05_14_10_11_12_F.jpg": TIME, "1923-05-14.jpg": "1923-05-14",
    "photo_1@14-05-2023_10-11-12.jpg": TIME, "photo_5@03-04-2023_10-11-12.jpg":
    "2023-04-03T10:11:12", "DSC_0001_BURST20230514101112345.JPG": TIME,
    "230514_101112_001_FH.JPG": TIME, "FILE230514-101112F.JPG": TIME, "FILE230514-101112.JPG": TIME,
}  # fmt: skip


@pytest.mark.parametrize(("name", "taken"), NAMES.items())
def test_names_with_dates(name: str, taken: str) -> None:
    assert str(from_name(name.encode())) == taken


@pytest.mark.parametrize("compose", ["NFC", "NFD"])
@pytest.mark.parametrize(
    ("before", "words", "after"),
    [
        ("스크린샷 ", (" 오전 ", " 오후 "), ""),
        ("截屏", (" 上午", " 下午"), ""),
        ("截圖 ", (" 上午", " 下午"), ""),
        ("スクリーンショット ", (" 午前", " 午後"), ""),
        ("Screenshot ", (" at ", " at "), " %p"),
        ("Captura de pantalla ", (" a las ",) * 2, " %p"),
        ("WhatsApp Image ", (" at ", " at "), " %p"),
        ("Capture d’écran ", (" à ", " à "), " %p"),
    ],
)
@given(time=st.datetimes(datetime(1990, 1, 1), datetime(2099, 12, 31)))
def test_halves_of_the_day(
    compose: Any, before: str, words: tuple[str, str], after: str, time: datetime
) -> None:
    clock = f"{time.hour % 12 or 12}{time:.%M.%S}"
    half = ("AM", "PM")[time.hour >= 12]
    name = f"{before}{time:%Y-%m-%d}{words[time.hour >= 12]}{clock}{after.replace('%p', half)}.png"
    found = from_name(unicodedata.normalize(compose, name).encode())
    assert found and found.time == time.replace(microsecond=0)


@pytest.mark.parametrize("word", ["ÖS", "du.", "अपराह्न", "หลังเที่ยง", "PTG", "ch"])
def test_a_word_that_nobody_knows_leaves_the_day(word: str) -> None:
    """It may be a half of the day, unless the clock has 24 hours."""
    assert str(from_name(f"Bild 2023-05-14 {word} 1.02.03.png".encode())) == DAY
    named = from_name(f"Bild 2023-05-14 {word} 13.02.03.png".encode())
    assert str(named) == "2023-05-14T13:02:03"


@pytest.mark.parametrize(
    "word", ["μ.μ.", "CH", "ip.", "em", "du.", "odp.", "ÖS", "م", "po pod.", "nachm.", "अपराह्न"]
)
@pytest.mark.parametrize("before", ["Bild ", "WhatsApp Image ", "Screenshot "])
@pytest.mark.parametrize("after", ["", " (2)", " 2"])
def test_a_word_behind_the_clock_that_nobody_knows(word: str, before: str, after: str) -> None:
    for hour, clock in (("1", ""), ("01", ""), ("13", "T13:02:03")):
        name = f"{before}2023-05-14 at {hour}.02.03 {word}{after}.png"
        assert str(from_name(name.encode())) == f"{DAY}{clock}"


@pytest.mark.parametrize(
    "name",
    [
        "Screenshot from 2023-05-14 10-11-12 Lisbon.png", "2023-05-14 10.11.12 Lisbon.png",
        "Bildschirmfoto 2023-05-14 um 10.11.12 Kopie.png",
        "Screenshot 2023-05-14 at 10.11.12 copy 2.png",
        "photo_2023-05-14_10-11-12 Anna.jpg", "Screenshot_20230514_101112 em.png",
    ],
)  # fmt: skip
def test_a_word_behind_a_clock_of_24_hours(name: str) -> None:
    assert str(from_name(name.encode())) == TIME


@pytest.mark.parametrize("form", FORMS, ids=lambda form: form.example)
def test_the_table_of_forms_is_true(form: object) -> None:
    example, source = getattr(form, "example"), getattr(form, "source")  # noqa: B009
    assert str(from_name(example.encode()))[:10] == DAY and source


@pytest.mark.parametrize(
    "name",
    [
        "Invoice_20230514_000123.jpg", "INV-20230514-0001.png", "RE20230514001.jpg",
        "invoice-2023-0514.jpg", "Rechnung 20230514.jpg", "20230514.jpg", "20230514101112.jpg",
        "20230514-000123.jpg", "RG_2023_05_0014.jpg", "order-202305141011.jpg", "2023-05.jpg",
        "DOC-20230514-000123.jpg", "2023051410.jpg", "+12023051410.jpg", "0176-20230514.jpg",
        "invoice-2023-05-14-000123.jpg", "P20230514000123.jpg", "photo_2023.jpg",
        "REC-20230514-000123.jpg",
        "1920x1080.png", "wallpaper-2048x1536.jpg", "2048-1536.jpg", "1920-1080-24.jpg",
        "3840_2160.png", "20481152.jpg", "19201080_101112.jpg", "IMG_0001.jpg", "DSC01234.jpg",
        "IMG_20231314_101112.jpg", "IMG_20230532_101112.jpg", "IMG_20230229_101112.jpg",
        "IMG_20230514_251112.jpg", "IMG_20230514_1011123.jpg", "IMG_20230514_1011.jpg",
        "IMG_202305141_101112.jpg", "IMG-20231314-WA0001.jpg", "Screenshot_1.png",
        "Screenshot 2023-05-14 at 13.11.12 PM.png", "received_1012345678901234.jpeg",
        "2023-02-30 10.11.12.jpg", "P1010123.JPG", "4111111111111111.jpg", "photo_5231@.jpg",
        "invoice2023-05-14 10.11.12.jpg", "v2023.05.14.10.11.12.png", "截屏2023-05-14 1.png",
        "WIN_20230514_000123.jpg", "20230514_101112000.jpg",
        "Photo on 4-3-23 at 10.11.jpg", "Foto 14-05-23 um 10.11.jpg", "Halo 4_3_2023 10_11_12.png",
        "14.05.23.jpg", "v1.2.23 10.11.12.png", "Rechnung 2023-05-14 000123.pdf.png",
        "230514_101112.jpg", "230514_101112_001.jpg", "FILE230514-000123-2.jpg",
        "photo_5@03-04-23_10-11-12.jpg", "3.14.2023-05-141.jpg", "v2023.05.1.png",
        "192.168.2023.05.png", "", ".jpg",
    ],
)  # fmt: skip
def test_names_without_dates(name: str) -> None:
    assert from_name(name.encode()) is None


COMPACT = st.sampled_from([
    "IMG_%Y%m%d_%H%M%S", "PXL_%Y%m%d_%H%M%S123", "%Y%m%d_%H%M%S", "Screenshot_%Y%m%d-%H%M%S_App",
    "Screenshot_%Y-%m-%d-%H-%M-%S", "Screenshot from %Y-%m-%d %H-%M-%S", "%Y-%m-%d %H.%M.%S",
    "WhatsApp Image %Y-%m-%d at %H.%M.%S", "signal-%Y-%m-%d-%H%M%S", "photo_%Y-%m-%d_%H-%M-%S",
    "%Y_%m%d_%H%M%S_001", "NO%Y%m%d-%H%M%S-000001F", "Screenshot %Y-%m-%d at %I.%M.%S %p",
])  # fmt: skip
TAIL = st.sampled_from(["", "(1)", " (2)", "~3", "-edited", ".MP"])


@given(st.datetimes(datetime(1990, 1, 1), datetime(2099, 12, 31)), COMPACT, TAIL)
def test_any_time_in_a_known_form(time: datetime, form: str, tail: str) -> None:
    assume(not (tail and form.endswith("001")))
    assume(time.year >= 2000 or not form.startswith("%Y_%m%d"))  # dash cams are younger
    found = from_name(f"{time.strftime(form)}{tail}.jpg".encode())
    assert found and found.time == time.replace(microsecond=0)


@given(st.dates(date(1990, 1, 1), date(2099, 12, 31)), st.integers(0, 9999))
def test_any_day_of_whatsapp(day: date, number: int) -> None:
    assert str(from_name(f"IMG-{day:%Y%m%d}-WA{number:04}.jpg".encode())) == day.isoformat()


@given(st.from_regex(r"\A[+]?[0-9]{1,20}\Z"))
def test_digits_alone_are_no_date(digits: str) -> None:
    """Telephone numbers, of accounts, of orders, of cards, of pictures."""
    assert from_name(f"{digits}.jpg".encode()) is None


@given(
    st.sampled_from(["invoice", "Rechnung", "INV", "RE", "order", "No.", "ticket", "scan", "doc"]),
    st.sampled_from(["", "-", "_", " "]),
    st.from_regex(r"\A[0-9]{4,8}([-_][0-9]{1,6})?\Z"),
)
def test_numbers_of_invoices_are_no_dates(word: str, dash: str, number: str) -> None:
    assert from_name(f"{word}{dash}{number}.jpg".encode()) is None


@given(
    st.sampled_from(["", "wallpaper-", "Screenshot_", "IMG_", "photo "]),
    st.integers(100, 20000),
    st.sampled_from(["x", "X", "×", "-", "_", "by"]),
    st.integers(100, 20000),
)
def test_resolutions_are_no_dates(word: str, width: int, between: str, height: int) -> None:
    assert from_name(f"{word}{width}{between}{height}.png".encode()) is None


@given(st.from_regex(r"\A[+]?[0-9]{1,3}[- ]?[(]?[0-9]{2,4}[)]?[- ][0-9]{3,4}[- ][0-9]{3,5}\Z"))
def test_telephone_numbers_are_no_dates(number: str) -> None:
    assert from_name(f"{number}.jpg".encode()) is None


@given(st.binary(max_size=255))
def test_no_name_raises(name: bytes) -> None:
    from_name(name)


def test_patterns_name_only_what_is_read() -> None:
    known = {"year", "month", "day", "hour", "minute", "second", "fraction", "half", "dash",
             "milliseconds", "earlier", "word", "before", "after", "colon", "first", "middle",
             "last"}  # fmt: skip
    for form in FORMS:
        assert set(re.compile(form.pattern).groupindex) <= known
