"""Which file names are pictures, by their suffix.

The suffix only decides whether a file is read, and whether it is camera raw, since many raw formats
are TIFFs with a small preview in front. Everything else is decided by the file's content. The
daemon's scan uses this module without Pillow.
"""

from __future__ import annotations

import os
import re
from collections import defaultdict
from collections.abc import Collection
from importlib.util import find_spec

_FAMILIES: dict[str, tuple[bytes, ...]] = {
    "JPEG": (b".jpg", b".jpeg", b".jpe", b".jfif", b".pjpeg", b".pjp", b".mpo", b".insp"),
    "PNG": (b".png", b".apng"),
    "WebP": (b".webp",),
    "GIF": (b".gif",),
    "TIFF": (b".tif", b".tiff"),
    "BMP": (b".bmp", b".dib"),
    "JPEG 2000": (b".jp2", b".j2k", b".j2c", b".jpc", b".jpf", b".jpx"),
    "PNM": (b".pnm", b".ppm", b".pgm", b".pbm"),
    "AVIF": (b".avif", b".avifs"),
    "HEIF": (b".heic", b".heics", b".heif", b".heifs", b".hif"),
    "raw": (
        b".3fr", b".arw", b".cr2", b".cr3", b".crw", b".dcr", b".dng", b".erf", b".fff", b".gpr",
        b".iiq", b".kdc", b".mef", b".mos", b".mrw", b".nef", b".nrw", b".orf", b".pef", b".raf",
        b".rw2", b".rwl", b".sr2", b".srf", b".srw", b".x3f",
    ),
}  # fmt: skip

RAW_SUFFIXES = frozenset(_FAMILIES["raw"])
JPEG_SUFFIXES = frozenset(_FAMILIES["JPEG"])
# Of Google's camera: PXL_1.RAW-01.COVER.jpg and PXL_1.RAW-02.ORIGINAL.dng
_ROLE = re.compile(rb"\.raw-\d+(\.\w+)*$")


def families() -> dict[bytes, str]:
    """Suffix, in lower case with its dot → family of formats, of all that can be decoded here."""
    known = {suffix: family for family, suffixes in _FAMILIES.items() for suffix in suffixes}
    if jpeg_xl_installed():
        known[b".jxl"] = "JPEG XL"
    return known


def jpeg_xl_installed() -> bool:
    """Whether Pillow's JPEG XL plugin (pillow-jxl-plugin) is installed. It is not imported."""
    return find_spec("pillow_jxl") is not None


def suffix(name: bytes) -> bytes:
    """The suffix of a file name or path, in lower case with its dot; b"" without one."""
    return os.path.splitext(name)[1].lower()


def sidecar_names(name: bytes) -> tuple[bytes, ...]:
    """The names that XMP sidecars of a picture's file can have, such as photo.jpg.xmp, photo.xmp.

    The first one counts most.
    """
    stem = os.path.splitext(name)[0]
    return name + b".xmp", name + b".XMP", stem + b".xmp", stem + b".XMP"


def is_sidecar(name: bytes) -> bool:
    """Whether a file of this name may be a picture's sidecar."""
    return suffix(name) == b".xmp"


def is_raw(name: bytes) -> bool:
    """Whether a file of this name is camera raw."""
    return suffix(name) in RAW_SUFFIXES


def developed_names(names: Collection[bytes]) -> dict[bytes, list[bytes]]:
    """Those of `names` that are camera raw → the JPEGs of the same name, which may show the same.

    Cameras write both, and programs that develop a raw file.
    """
    raw = [name for name in names if is_raw(name)]
    if not raw:
        return {}
    developed: defaultdict[bytes, list[bytes]] = defaultdict(list)
    for name in names:
        if suffix(name) in JPEG_SUFFIXES:
            developed[_shot(name)].append(name)
    return {name: sorted(developed[_shot(name)]) for name in raw if _shot(name) in developed}


def _shot(name: bytes) -> bytes:
    """What the names of files of one shot have in common."""
    return _ROLE.sub(b"", os.path.splitext(name)[0].lower())
