"""Camera raw beside a JPEG: one picture where they show the same shot, else two."""

from __future__ import annotations

import io
from pathlib import Path

import pytest
from PIL import ExifTags, Image, ImageEnhance

from csearchd.formats.suffixes import developed_names
from support.photos import photo
from support.raw import dng
from support.user import User, wait_for
from watch.following import known


def jpeg(image: Image.Image, taken: str = "") -> bytes:
    stream = io.BytesIO()
    exif = Image.Exif()
    if taken:
        exif.get_ifd(ExifTags.IFD.Exif)[ExifTags.Base.DateTimeOriginal] = taken
    image.save(stream, "JPEG", quality=90, exif=exif)
    return stream.getvalue()


SAME = photo("astronaut").resize((320, 320))
OTHER = photo("coffee").resize((320, 240))
FLAT = Image.new("RGB", (320, 320), (90, 90, 90))
IN_2019, IN_2023 = "2019:01:02 03:04:05", "2023:05:14 10:11:12"
DEVELOPED = jpeg(ImageEnhance.Contrast(SAME.resize((400, 400))).enhance(1.6))

# A raw file, a JPEG, and whether both are shown.
PAIRS = {
    "the camera's own": (("A.dng", dng(SAME)), ("A.JPG", jpeg(SAME)), False),
    "developed": (("b.DNG", dng(SAME)), ("b.jpeg", DEVELOPED), False),
    "black and white": (("w.dng", dng(SAME)), ("W.jpg", jpeg(SAME.convert("L"))), False),
    "on its side": (("o.dng", dng(SAME.rotate(90), 6)), ("o.jpg", jpeg(SAME)), False),
    "a phone's": (
        ("P.RAW-02.ORIGINAL.dng", dng(SAME)), ("P.RAW-01.COVER.jpg", jpeg(SAME)), False,
    ),
    "another picture": (("c.dng", dng(SAME)), ("C.JPG", jpeg(OTHER)), True),
    "a truncated one": (("d.dng", dng(SAME)), ("d.jpg", jpeg(SAME)[:-900]), True),
    "of the same second": (
        ("s.dng", dng(SAME, 1, IN_2023)), ("s.jpg", jpeg(OTHER, IN_2023)), False,
    ),
    "of another year": (("y.dng", dng(FLAT, 1, IN_2023)), ("y.jpg", jpeg(SAME, IN_2019)), True),
    "of the year in its name": (
        ("20230514_101112.dng", dng(FLAT)), ("20230514_101112.jpg", jpeg(SAME, IN_2019)), False,
    ),
    "of another name": (("e.dng", dng(SAME)), ("e-2.jpg", jpeg(SAME)), True),
}  # fmt: skip


@pytest.mark.parametrize("what", PAIRS)
def test_pairs(watching: User, folder: Path, what: str) -> None:
    raw, developed, both = PAIRS[what]
    for name, data in (raw, developed):
        (folder / name).write_bytes(data)
    want = {developed[0].encode(), *([raw[0].encode()] if both else [])}
    wait_for(lambda: known(watching, folder) == want, f"{want}", 90)
    assert watching.settle()["failed"] == 0


def test_raw_stands_for_itself_where_the_jpeg_is_junk(watching: User, folder: Path) -> None:
    (folder / "a.dng").write_bytes(dng(SAME))
    (folder / "a.jpg").write_bytes(b"junk")
    wait_for(lambda: known(watching, folder) == {b"a.dng"}, "the raw file", 90)
    (folder / "a.jpg").write_bytes(jpeg(SAME))
    wait_for(lambda: known(watching, folder) == {b"a.jpg"}, "the JPEG", 90)
    images = watching.settle()["images"]
    (folder / "a.jpg").unlink()
    wait_for(lambda: known(watching, folder) == {b"a.dng"}, "the raw file", 90)
    assert watching.settle()["images"] == images


def test_a_pair_stays_one_over_a_restart(user: User) -> None:
    (user.pictures / "a.dng").write_bytes(dng(SAME))
    (user.pictures / "a.jpg").write_bytes(jpeg(SAME))
    assert user.search("anything", "--in", user.pictures) == [user.pictures / "a.jpg"]
    user.csearchctl("add", user.pictures)
    before = user.settle()
    user.csearchctl("stop")
    user.start()
    assert user.search("anything", "--in", user.pictures) == [user.pictures / "a.jpg"]
    after = user.settle()
    assert (after["images"], after["encoded"]) == (before["images"], before["encoded"]) == (1, 1)


def test_names_of_one_shot() -> None:
    names = (
        b"a.nef", b"A.JPG", b"b.cr2", b"b.png", b"PXL_1.RAW-02.ORIGINAL.dng",
        b"PXL_1.RAW-01.MP.COVER.jpg", b"PXL_2.RAW-02.ORIGINAL.dng", b"c.dng", b"c.jpeg", b"c.jpg",
    )  # fmt: skip
    assert developed_names(names) == {
        b"a.nef": [b"A.JPG"],
        b"PXL_1.RAW-02.ORIGINAL.dng": [b"PXL_1.RAW-01.MP.COVER.jpg"],
        b"c.dng": [b"c.jpeg", b"c.jpg"],
    }
