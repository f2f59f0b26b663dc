"""Dates in the names that cameras, phones and programs give to pictures.

A name counts only where it is of a known form, since most numbers in names are something else:
invoices (Invoice_20230514_000123), resolutions (2048x1536), telephone numbers (2023051410). Eight
digits alone are no date, and neither are fourteen. What follows the date, such as "(1)", "-edited"
or "_HDR", may be anything that doesn't begin with a digit. A word behind the clock of a screenshot
may be one for a half of the day that isn't known here: then the name tells the day alone.
"""

from __future__ import annotations

import os
import re
import unicodedata
from datetime import datetime, timedelta
from typing import NamedTuple

from csearchd.metadata.dates.moment import Moment, Unit, from_parts, in_order
from csearchd.metadata.texts.screenshots import SCREENSHOT

_DAY = r"(?P<year>(?:19|20)\d\d)(?P<month>\d\d)(?P<day>\d\d)"
_SHORT_DAY = r"(?P<year>[0-4]\d)(?P<month>\d\d)(?P<day>\d\d)"  # of this century
_CLOCK = r"(?P<hour>[01]\d|2[0-3])(?P<minute>[0-5]\d)(?P<second>[0-5]\d)"
_FRACTION = r"(?P<fraction>\d{3})?"
_DASHED = r"(?P<year>(?:1[89]|20)\d\d)(?P<dash>[-_.])(?P<month>\d\d)(?P=dash)(?P<day>\d\d)"
_COLON = "[-_.:hm\ua789]"  # U+A789 stands for a colon where names can't have one
_SPACED = rf"(?P<hour>\d\d?)(?P<colon>{_COLON})(?P<minute>[0-5]\d){_COLON}(?P<second>[0-5]\d)"
_HALF = r"(?:\s?(?P<half>[AP])\.?\s?M\b|\s(?P<after>[^\W\d_][^\d_()]{0,15}))?"
_COPY = {"copy", "kopie", "copie", "copia", "cópia", "kopia", "kopio", "kopi", "копия", "edited"}
# Between a day and its clock: the half of the day, or a word that may mean one, or "at"
_BETWEEN = (
    r"[\s_]{0,3}(?P<earlier>오전|오후|上午|下午|午前|午後)[\s_]{0,3}"
    r"|,?[\s_-]{1,3}(?P<word>[^\d\s_-]{1,12}(?:\s[^\d\s_-]{1,6})?)[\s_-]{1,3}"
)
_AFTERNOON = ("P", "오후", "下午", "午後")
_AT = {  # as macOS and WhatsApp write it
    "at", "um", "om", "à", "a las", "a la(s)", "a les", "alle", "alle ore", "às", "à(s)", "kl",
    "klo", "kello", "klokken", "o", "о", "в", "u", "v", "w", "la", "saat", "lúc", "pukul", "στις",
    "ב", "في",
}  # fmt: skip
_EPOCH = r"(?P<milliseconds>1\d{12})(?!\d)"


class Form(NamedTuple):
    """A form of names: an example, and where it is from."""

    pattern: str  # for the whole beginning of a name, whatever its case
    example: str
    source: str
    is_utc: bool = False


FORMS = (
    Form(
        r"(?:IMG|VID|PANO|BURST|MVIMG|SAVE|DSC|DSC_PANO|CIMG|PIC|COLLAGE|TRIM|EFFECTS|SL_MO|DJI|"
        r"CYMERA|B612|SNOW|POLISH|LRM_EXPORT|CAMERAZOOM|INSHOT|PHOTO|IMAGE|CAM|P(?=_))"
        rf"[-_]?{_DAY}[-_]?{_CLOCK}[-_]?{_FRACTION}",
        "IMG_20230514_101112.jpg",
        "Android's camera ('IMG'_yyyyMMdd_HHmmss); camera apps and editors for it, of ASUS too "
        "(P_20230514_101112.jpg); DJI's drones",
    ),
    Form(
        rf"PXL_{_DAY}_{_CLOCK}{_FRACTION}",
        "PXL_20230514_101112345.MP.jpg",
        "Google Camera for Pixel phones, which name pictures by UTC",
        is_utc=True,
    ),
    Form(
        rf"(?:\d{{5}}[A-Z]*_\d{{5}}|DSC_\d{{4}})_BURST{_DAY}{_CLOCK}{_FRACTION}",
        "00001IMG_00001_BURST20230514101112345_COVER.jpg",
        "Google Camera: bursts and portraits, also 00100sPORTRAIT_00100_BURST…; "
        "Sony's phones (DSC_0001_BURST20230514101112345.JPG)",
    ),
    Form(
        rf"{_DAY}_{_CLOCK}(?:\({_FRACTION}\))?",
        "20230514_101112.jpg",
        "Samsung's, LG's and Sony's cameras; BlackVue dash cams (20230514_101112_NF.jpg)",
    ),
    Form(
        rf"{_DAY}_{_CLOCK}{_FRACTION}_iOS",
        "20230514_101112000_iOS.jpg",
        "OneDrive's camera upload of iPhones, which names pictures by UTC",
        is_utc=True,
    ),
    Form(
        rf"(?:IMG|VID|PTT|STK|DOC|AUD)-{_DAY}-WA\d{{4,}}",
        "IMG-20230514-WA0001.jpg",
        "WhatsApp for Android: the day on which it was sent or received",
    ),
    Form(
        rf"(?P<before>WhatsApp)[\s_-](?:Image|Bild|Imagen|Imagem)[\s_-]{_DASHED}"
        rf"(?:{_BETWEEN}){_SPACED}{_HALF}",
        "WhatsApp Image 2023-05-14 at 10.11.12.jpeg",
        "WhatsApp for desktops and the web",
    ),
    Form(
        rf"(?:{SCREENSHOT})[-_ ]{_DAY}[-_ ]?{_CLOCK}[-_]?{_FRACTION}",
        "Screenshot_20230514-101112_Maps.jpg",
        "Android since 9: SystemUI's SCREENSHOT_FILE_NAME_TEMPLATE with yyyyMMdd-HHmmss; KDE's "
        "Spectacle in all its languages (Bildschirmfoto_20230514_101112.png)",
    ),
    Form(
        rf"(?:(?:{SCREENSHOT})[-_ ]?)?{_DASHED}[-_ ]{_CLOCK}",
        "Screenshot 2023-05-14 101112.png",
        "Windows 11's Snipping Tool in all its languages; 2023-05-14_101112.jpg",
    ),
    Form(
        rf"signal-(?:attachment-)?{_DASHED}[-_ ]{_CLOCK}",
        "signal-2023-05-14-101112.jpg",
        "Signal for Android and desktops; signal-2023-05-14-10-11-12-123.jpg is of the next form",
    ),
    Form(
        rf"(?P<before>C360_|[^\d]{{0,40}}(?:[-_ ]|[^\d\x00-\x7f]))?{_DASHED}"
        rf"(?:T|[^\w]{{1,3}}|_|{_BETWEEN}){_SPACED}(?:[-_.:](?P<fraction>\d{{3}}))?{_HALF}",
        "Screenshot from 2023-05-14 10-11-12.png",
        "GNOME (Screenshot from %Y-%m-%d %H-%M-%S) in all its languages; macOS "
        "(Screenshot 2023-05-14 at 10.11.12 PM.png, 截屏2023-05-14 下午1.02.03.png); "
        "Android before 9 (Screenshot_2023-05-14-10-11-12.png); "
        "Dropbox's camera upload (2023-05-14 10.11.12.jpg); "
        "Telegram for desktops (photo_2023-05-14_10-11-12.jpg); Thinkware's dash cams "
        "(REC_2023_05_14_10_11_12_F.jpg); VLC (vlcsnap-2023-05-14-10h11m12s345.png)",
    ),
    Form(
        r"photo_\d+@(?P<day>\d\d)-(?P<month>\d\d)-(?P<year>20\d\d)_"
        r"(?P<hour>\d\d)-(?P<minute>[0-5]\d)-(?P<second>[0-5]\d)",
        "photo_23@14-05-2023_10-11-12.jpg",
        "Telegram for desktops: exported chats",
    ),
    Form(
        rf"(?P<before>Photo|Foto|Fotó|Фото|写真|照片|사진)[^\d]{{1,12}}(?P<first>\d\d?)"
        rf"(?P<dash>[-_.])(?P<middle>\d\d?)(?P=dash)(?P<last>\d\d|20\d\d)"
        rf"(?:,?\s|{_BETWEEN})(?P<hour>\d\d?)(?P<colon>{_COLON})(?P<minute>[0-5]\d)"
        rf"(?:{_COLON}(?P<second>[0-5]\d))?{_HALF}",
        "Foto am 14.05.23 um 10.11.jpg",
        "macOS' Photo Booth, with the user's form of dates (Photo on 14-05-2023 at 10.11.jpg)",
    ),
    Form(
        rf"(?P<before>.{{0,80}}\s)(?P<first>\d\d?)(?P<dash>[-_.])(?P<middle>\d\d?)(?P=dash)"
        rf"(?P<last>20\d\d)\s{_SPACED}{_HALF}",
        "Minecraft 14.05.2023 10_11_12.png",
        "Windows' Game Bar, with the user's form of dates (Halo 5_14_2023 10_11_12 AM.png)",
    ),
    Form(
        rf"{_DASHED}_(?P<hour>\d\d)-(?P<minute>[0-5]\d)$",
        "2023-05-14_10-11.png",
        "Flameshot (%F_%H-%M)",
    ),
    Form(
        rf"W(?:P|IN)_{_DAY}_(?P<hour>\d\d)_(?P<minute>[0-5]\d)_(?P<second>[0-5]\d)",
        "WP_20230514_10_11_12_Pro.jpg",
        "Windows Phone 8.1 and Windows 10 Mobile; Windows' Camera (WIN_20230514_10_11_12_Pro.jpg)",
    ),
    Form(rf"WP_{_DAY}_\d{{3,}}", "WP_20230514_001.jpg", "Windows Phone 8"),
    Form(
        rf"(?P<year>20\d\d)_(?P<month>\d\d)(?P<day>\d\d)_{_CLOCK}(?:_\d+)?[A-Z]{{0,2}}$",
        "2023_0514_101112_001.JPG",
        "dash cams with Novatek's chips",
    ),
    Form(
        rf"{_DAY}{_CLOCK}_\d{{3,6}}[A-Z]{{0,2}}$",
        "20230514101112_000123F.JPG",
        "Viofo's dash cams",
    ),
    Form(
        rf"{_SHORT_DAY}_{_CLOCK}_\d{{3}}_[FR][HL]$",
        "230514_101112_001_FH.JPG",
        "Nextbase's dash cams",
    ),
    Form(
        rf"FILE{_SHORT_DAY}-{_CLOCK}[FR]?$",
        "FILE230514-101112F.JPG",
        "dash cams of the Mini series",
    ),
    Form(
        rf"(?:NO|EV|PA|LA|TI|IMG){_DAY}-{_CLOCK}-\d{{3,6}}[A-Z]?",
        "NO20230514-101112-000123F.JPG",
        "70mai's dash cams",
    ),
    Form(
        rf"(?:mmexport|wx_camera_|microMsg\.){_EPOCH}",
        "mmexport1684059072123.jpg",
        "WeChat: milliseconds since 1970",
        is_utc=True,
    ),
    Form(
        rf"FB_IMG_{_EPOCH}",
        "FB_IMG_1684059072123.jpg",
        "Facebook for Android: milliseconds since 1970",
        is_utc=True,
    ),
    Form(
        r"(?:(?:photo|image|picture|screenshot)[-_ ])?"
        r"(?P<year>(?:1[89]|20)\d\d)-(?P<month>\d\d)-(?P<day>\d\d)(?=$|[-_ ,]\D|\()",
        "2023-05-14 Lisbon.jpg",
        "people, who write dates as ISO 8601",
    ),
)
_COMPILED = [
    (re.compile(rf"(?:{form.pattern})(?!\d)", re.IGNORECASE), form.is_utc) for form in FORMS
]
_MAX_NAME = 255  # bytes (NAME_MAX, limits.h)


def from_name(name: bytes) -> Moment | None:
    """The date in the name of a picture's file, with suffix; None where there is none."""
    stem = os.path.splitext(name[:_MAX_NAME])[0].decode("utf-8", "replace")
    stem = unicodedata.normalize("NFC", stem)  # macOS takes letters apart
    stem = "".join(map(_plain, stem))
    for pattern, is_utc in _COMPILED:
        if match := pattern.match(stem):
            return _moment(match.groupdict(), is_utc)
    return None


def _plain(character: str) -> str:
    """A digit of any script as one of ASCII; "" for marks of the direction of writing."""
    if character.isascii():
        return character
    if character.isdecimal():
        return str(unicodedata.decimal(character))
    return "" if unicodedata.category(character) == "Cf" else character


def _moment(parts: dict[str, str | None], is_utc: bool) -> Moment | None:
    if milliseconds := parts.get("milliseconds"):
        seconds, rest = divmod(int(milliseconds), 1000)
        time = datetime(1970, 1, 1) + timedelta(seconds=seconds)
        return Moment(time, milliseconds=rest, offset=0)
    hour = parts.get("hour")
    if last := parts.get("last"):
        day = in_order(parts["first"] or "", parts["middle"] or "", last, parts["dash"] or "")
        if day is None:
            return None
        parts |= {"year": str(day.year), "month": str(day.month), "day": str(day.day)}
    elif len(year := parts["year"] or "") == 2:
        parts |= {"year": f"20{year}"}
    if hour and (half := parts.get("half") or parts.get("earlier")):
        if not 1 <= int(hour) <= 12:
            return None
        hour = str(int(hour) % 12 + 12 * (half.upper() in _AFTERNOON))
    elif (
        hour
        and 1 <= int(hour) <= 12
        and (not _means_at(parts.get("word")) or _may_tell_half(parts))
    ):
        hour = None
    found = from_parts(
        parts["year"] or "", parts["month"], parts["day"],
        hour, parts.get("minute"), parts.get("second"),
        fraction=parts.get("fraction"), offset=0 if is_utc else None,
    )  # fmt: skip
    if found is None or found.unit > Unit.DAY or (hour and int(hour) > 23):
        return None
    return found


def _means_at(word: str | None) -> bool:
    """Whether a word between a day and its clock says nothing of the half of the day."""
    letters = " ".join((word or "").lower().strip(".,–—·").split())
    return not letters or letters in _AT


def _may_tell_half(parts: dict[str, str | None]) -> bool:
    """Whether a word behind the clock may tell the half of the day.

    Programs whose names begin with the date, or have no dots in the clock, take clocks of 24 hours.
    """
    word = (parts.get("after") or "").lower().split(maxsplit=1)
    if not word or word[0] in _COPY:
        return False
    padded = len(parts["hour"] or "") == 2
    return not padded or bool(parts.get("before") and parts.get("colon") in (".", "\ua789"))
