"""Reads QR codes with zxing-cpp: what one says becomes a line of words."""

from __future__ import annotations

import unicodedata

import numpy as np
import zxingcpp
from PIL import Image

from csearchd.library.texts.lines import TextLine
from csearchd.reader.scripts import script_of

_SIDES = (1600, 6000)  # of the longer side, at which codes are sought until there are some
_MOST = 200  # codes of a picture: a sheet of labels
_LENGTH = 4000  # characters of a line: the largest code has some more digits


def codes(picture: Image.Image) -> list[TextLine]:
    """The QR codes in an sRGB picture that hold text."""
    for side in _SIDES:
        grey = picture.convert("L")
        grey.thumbnail((side, side), Image.Resampling.BILINEAR, 2.0)
        found = zxingcpp.read_barcodes(np.asarray(grey), formats=zxingcpp.BarcodeFormat.QRCode)
        if found or max(picture.size) <= side:
            break
    extent = np.array(grey.size, float)
    lines = []
    for code in found[:_MOST]:
        text = unicodedata.normalize("NFC", " ".join(code.text.split()))[:_LENGTH]
        place = code.position
        corners = [place.top_left, place.top_right, place.bottom_right, place.bottom_left]
        box = np.array([(corner.x, corner.y) for corner in corners]) / extent
        if text:
            lines.append(
                TextLine(text, tuple(box.clip(0, 1).ravel().tolist()), 1.0, script_of(text))
            )
    return lines
