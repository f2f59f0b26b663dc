"""Titles and descriptions that no person wrote: what cameras and programs put into every picture.

The phrases are those that photographs on Wikimedia Commons and in public collections of EXIF
samples have by the thousand. Words that a person might say of a picture aren't among them.
"""

from __future__ import annotations

import re

from csearchd.spelling import folded

_PHRASES = frozenset(
    {
        "binary comment", "charset=ascii", "created by imlib", "created with gimp", "default",
        "default title", "digital camera", "dcf 1.0", "dvc 10.1 hdmi", "exif_jpeg_picture",
        "exif jpeg", "iclarified", "image description", "minolta dsc", "my beautiful picture",
        "no description", "null", "samsung", "untitled", "user comment", "user comments", "ascii",
    }
)  # fmt: skip
# "OLYMPUS DIGITAL CAMERA", "SAMSUNG CAMERA PICTURES", "SONY DSC", "<Digimax i5, Samsung #1>"
_CAMERA = re.compile(
    r"(?:[A-Z0-9.&-]+ ){0,4}(?:DIGITAL (?:STILL )?CAMERA|CAMERA PICTURES?|DSC(?: PICTURE)?)"
    r"|(?:[A-Z][\w.&-]* ){0,3}Digital (?:Still ?)?Camera"
    r"|<[\w .-]+, \w+ #\d+>|<[A-Z][\w .-]+ / [A-Z][\w .-]+>"
)
# A file's place on the camera's card, or its name
_PLACE = re.compile(
    r"(?:[A-Za-z]:|\.)?[\\/]?DCIM[\\/].*|(?:DSCF?|DSCN|DCFC|IMG|PICT|DJI|GOPR)_?\d{3,6}(?:\.\w{3,4})?",
    re.IGNORECASE,
)
# Modes of phones by Huawei, Honor and Xiaomi, such as "oznor", "hdrpl", "sdr_HDRB", "btfhdr"
_MODE = re.compile(
    r"(?:bty|cof|dav|edf|nor|ptr|qrf|rpt|sdr|rbt|fbt|btr|mon|frem|mde|rhdr|hdrpl|btf|ozno?r"
    r"|frontbhdp|fshbty|cuva|fptr|maker:yes)(?:_?(?:hdr|HDRB|MB|hdrpl|mdn|mde|soft|WO|cuva|h))*"
)
_PROGRAM = re.compile(
    r"CREATOR: gd-jpeg.*|Processed (?:with|By) \S.*|AppleMark|LEAD Technologies.*"
)
_PATTERNS = (_CAMERA, _PLACE, _MODE, _PROGRAM)


def is_invented(text: str, *camera: str | None) -> bool:
    """Whether a camera or a program says this of any picture; `camera` are its make and model."""
    text = " ".join(text.split())
    plain = folded(text).strip(" .")
    names = [folded(name) for name in camera if name]
    return (
        plain in _PHRASES
        or plain in (*names, " ".join(names))
        or any(pattern.fullmatch(text) for pattern in _PATTERNS)
    )
