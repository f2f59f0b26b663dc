"""What is known of a picture, in words for people, and in the query's that find others like it."""

from __future__ import annotations

import os
from datetime import datetime
from typing import TYPE_CHECKING

from gi.repository import GLib

from texts import _

if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import TypeAlias

    from bus.service import Values

    Word: TypeAlias = tuple[str, str]  # what is shown, and what is added to the query
    Fact: TypeAlias = tuple[str, str, Word | None]

_STARS = 5
_LONG = 0.3  # seconds, from which on cameras write exposures as decimals
_FORMATS = ("%Y-%m-%dT%H:%M:%S", "%Y-%m-%dT%H:%M", "%Y-%m-%d", "%Y-%m", "%Y")
_SURE = {
    "strong": _("“{words}” matches well"),
    "fair": _("“{words}” matches"),
    "weak": _("“{words}” hardly matches"),
}


def told(path: bytes, details: Values) -> Iterator[Fact]:
    """Heading, text and perhaps a word that searches, of whatever is known."""
    if details.get("dated"):
        taken = details["taken"]
        day = taken[:10]
        date = _date(taken)
        if details.get("date_doubtful"):
            date = _("{date} (doubtful)").format(date=date)
        yield _("Taken"), date, (day, f"on:{day}")
    elif "mtime_ns" in details:
        yield _("File Changed"), _date_of(details["mtime_ns"]), None
    if place := details.get("place"):
        yield _("Place"), "", (place, filter_word("near", place))
    elif "latitude" in details and "longitude" in details:
        at = f"{details['latitude']:.4f},{details['longitude']:.4f}"
        yield _("Place"), "", (at, f'near:"{at},5km"')
    if camera := _camera(details):
        model = details.get("model") or camera
        yield _("Camera"), "", (camera, filter_word("camera", model))
    if lens := details.get("lens"):
        yield _("Lens"), "", (lens, filter_word("lens", lens))
    exposure = list(_exposure(details))
    if iso := details.get("iso"):
        told = ", ".join([*exposure, f"ISO {iso}"]) if exposure else ""
        yield _("Exposure"), told, (f"ISO {iso}", f"iso:{iso}")
    elif exposure:
        yield _("Exposure"), ", ".join(exposure), None
    if (rating := details.get("rating", 0)) > 0:
        stars = "★" * rating + "☆" * (_STARS - rating)
        yield _("Rating"), "", (stars, f"rating:{rating}")
    yield _("Picture"), _size(details), None
    folder = os.path.dirname(path)
    name = GLib.filename_display_basename(os.fsdecode(folder))
    yield _("Folder"), "", (_displayed(folder), filter_word("folder", name))


def filter_word(name: str, value: str) -> str:
    """A filter of the query language."""
    if any(sign.isspace() or sign == '"' for sign in value):
        value = '"' + value.replace('"', '""') + '"'
    return f"{name}:{value}"


def reasons(why: Values) -> list[str]:
    """A line for each part of the query, and one for what else the picture shows of it."""
    lines = []
    for part in why.get("parts", []):
        if sure := _SURE.get(part.get("confidence", "")):
            lines.append(sure.format(words=part["text"]))
    if terms := why.get("terms"):
        lines.append(_("It shows: {words}").format(words=", ".join(map(last, terms))))
    return lines


def last(word: str) -> str:
    """The word at the end of a hierarchical one."""
    return word.rpartition("/")[2]


def _date(taken: str) -> str:
    """A moment, or as much of it as is known, as people write it here."""
    for form in _FORMATS:
        try:
            moment = datetime.strptime(taken, form)
        except ValueError:
            continue
        if "H" in form:
            return moment.strftime("%c")
        if "d" in form:
            return moment.strftime("%x")
        return moment.strftime("%B %Y") if "m" in form else taken
    return taken


def _date_of(nanoseconds: int) -> str:
    try:
        return datetime.fromtimestamp(nanoseconds // 10**9).strftime("%c")
    except (OverflowError, OSError, ValueError):  # a time beyond the calendar
        return "?"


def _camera(details: Values) -> str:
    """Make and model; many models begin with the make's name."""
    make, model = details.get("make", ""), details.get("model", "")
    first = make.split()[0].casefold() if make else ""
    return model if first and model.casefold().startswith(first) else f"{make} {model}".strip()


def _exposure(details: Values) -> Iterator[str]:
    """How long, how wide open and how near, with decimals as people write them here."""
    if seconds := details.get("exposure"):
        time = f"1/{1 / seconds:.0f}" if seconds < _LONG else f"{seconds:n}"
        yield _("{time} s").format(time=time)
    if aperture := details.get("aperture"):
        yield f"f/{aperture:n}"
    if length := details.get("focal_length"):
        yield _("{length} mm").format(length=f"{length:n}")


def _size(details: Values) -> str:
    parts = []
    if width := details.get("width"):
        parts.append(f"{width} × {details['height']}")
    if size := details.get("size"):
        parts.append(GLib.format_size(size))
    if form := details.get("format"):
        parts.append(form)
    text = " · ".join(parts)
    if details.get("incomplete"):
        text = "\n".join((text, _("Incomplete: a part of the picture is missing")))
    return text


def _displayed(folder: bytes) -> str:
    home = os.fsencode(GLib.get_home_dir())
    if folder == home or folder.startswith(home + b"/"):
        folder = b"~" + folder[len(home) :]
    name: str = GLib.filename_display_name(os.fsdecode(folder))
    return name
