"""JPEG 2000 with unusual headers is shown."""

from __future__ import annotations

import io
import struct
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from PIL import Image

from csearchd.encoder.decode import Decoder
from csearchd.encoder.messages import Limits
from csearchd.formats.isobmff import boxes
from csearchd.models.preprocess import Preprocess
from support import image_magick
from support.photos import photo

LIMITS = Limits(pixels=50_000_000, bytes=1 << 30, memory=1 << 30)
PREPROCESS = Preprocess(32, 32, (0.5,) * 3, (0.5,) * 3, "bicubic", "shortest", 0)
DECODER = Decoder(PREPROCESS, LIMITS)
PHOTO = photo("coffee").resize((61, 37))


def saved(image: Image.Image = PHOTO, **options: Any) -> bytes:
    stream = io.BytesIO()
    image.save(stream, "JPEG2000", **options)
    return stream.getvalue()


def box(kind: bytes, content: bytes) -> bytes:
    return struct.pack(">I4s", 8 + len(content), kind) + content


def parts(data: bytes) -> dict[bytes, bytes]:
    return {kind: data[start:end] for kind, start, end in boxes(data, 0, len(data))}


WHOLE = saved()
PARTS = parts(WHOLE)
SIGNATURE, FTYP = box(b"jP  ", PARTS[b"jP  "]), box(b"ftyp", PARTS[b"ftyp"])
HEADER, CODED = box(b"jp2h", PARTS[b"jp2h"]), box(b"jp2c", PARTS[b"jp2c"])
IHDR = PARTS[b"jp2h"][:22]
COLR = PARTS[b"jp2h"][22:]

FILES = {
    "the usual": WHOLE,
    "a codestream": PARTS[b"jp2c"],
    "brand jpx": SIGNATURE + box(b"ftyp", b"jpx \0\0\0\0jpx jp2 jpxb") + HEADER + CODED,
    "no ftyp": SIGNATURE + HEADER + CODED,
    "no header": SIGNATURE + FTYP + CODED,
    "an empty header": SIGNATURE + FTYP + box(b"jp2h", b"") + CODED,
    "no colour": SIGNATURE + FTYP + box(b"jp2h", IHDR) + CODED,
    "the header behind": SIGNATURE + FTYP + CODED + HEADER,
    "boxes between": SIGNATURE + FTYP + box(b"xml ", b"<a/>") + HEADER
    + box(b"uuid", b"x" * 20) + CODED,
    "boxes behind": WHOLE + box(b"xml ", b"<a/>"),
    "reader requirements": SIGNATURE + FTYP + box(b"rreq", b"\1\x80\x80\0\0\0\0") + HEADER + CODED,
    "the colour first": SIGNATURE + FTYP + box(b"jp2h", COLR + IHDR) + CODED,
    "an unknown colour": SIGNATURE + FTYP + box(b"jp2h", IHDR + box(b"colr", b"\4\0\0")) + CODED,
    "a short colour": SIGNATURE + FTYP + box(b"jp2h", IHDR + box(b"colr", b"\1")) + CODED,
    "several colours": SIGNATURE + FTYP
    + box(b"jp2h", IHDR + box(b"colr", b"\2\0\0x") + COLR) + CODED,
    "bits by component": SIGNATURE + FTYP
    + box(b"jp2h", IHDR[:18] + b"\xff" + IHDR[19:] + box(b"bpcc", b"\7\7\7") + COLR) + CODED,
    "a resolution": SIGNATURE + FTYP
    + box(b"jp2h", IHDR + COLR + box(b"res ", box(b"resc", b"\0\1\0\1\0\1\0\1\0\0"))) + CODED,
    "a resolution of nothing": SIGNATURE + FTYP
    + box(b"jp2h", IHDR + COLR + box(b"res ", box(b"resc", b"\0" * 10))) + CODED,
    "a box up to the end": SIGNATURE + FTYP + HEADER + b"\0\0\0\0jp2c" + PARTS[b"jp2c"],
    "a wide length": SIGNATURE + FTYP + HEADER
    + struct.pack(">I4sQ", 1, b"jp2c", 16 + len(PARTS[b"jp2c"])) + PARTS[b"jp2c"],
    "a wrong length": SIGNATURE + FTYP + HEADER + b"\0\0\0\4jp2c" + PARTS[b"jp2c"],
    "rubbish in the header": SIGNATURE + FTYP + box(b"jp2h", b"rubbish!" * 3) + CODED,
}  # fmt: skip


def difference(data: bytes, wanted: Image.Image) -> float:
    info = DECODER.inspect(data, b"x.jp2")
    found = DECODER.decode(data, info)
    assert not found.incomplete
    return float(np.abs(found.pixels.astype(int) - PREPROCESS.fit(wanted.convert("RGB"))).mean())


@pytest.mark.parametrize("what", FILES)
def test_headers(what: str) -> None:
    assert difference(FILES[what], PHOTO) <= 1


MODES: dict[str, Callable[[], Image.Image]] = {
    "grey": lambda: PHOTO.convert("L"),
    "grey with alpha": lambda: PHOTO.convert("LA"),
    "alpha": lambda: PHOTO.convert("RGBA"),
    "16 bits": lambda: Image.fromarray(np.array(PHOTO.convert("L"), np.uint16) * 257),
}


@pytest.mark.parametrize("what", MODES)
def test_modes(what: str) -> None:
    image = MODES[what]()
    wanted = PHOTO.convert("L") if "grey" in what or "bits" in what else PHOTO
    assert difference(saved(image), wanted) <= 1
    assert difference(saved(image, no_jp2=True), wanted) <= 1


OPTIONS = [
    (), ("-depth", "4"), ("-depth", "12"), ("-depth", "16"), ("-colorspace", "gray"),
    ("-monochrome",), ("-alpha", "set"), ("-define", "jp2:number-resolutions=1"),
    ("-define", "jp2:progression-order=RPCL"),
]  # fmt: skip


@pytest.mark.parametrize("container", ["jp2", "j2k"])
@pytest.mark.parametrize("options", OPTIONS, ids=" ".join)
def test_what_image_magick_writes(options: tuple[str, ...], container: str) -> None:
    data = image_magick.written(PHOTO, container, *options)
    theirs = image_magick.shown(data, container)
    assert theirs is not None
    assert difference(data, Image.fromarray(theirs)) <= 6  # 4 bits are shifted
