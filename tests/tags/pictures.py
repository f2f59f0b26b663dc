"""Pictures of every format that is written, with metadata that must survive."""

from __future__ import annotations

import io
import json
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pillow_heif
import pytest
from PIL import Image

from support import releases

KINDS = ("jpg", "png", "webp", "lossless.webp", "tif", "heic", "avif")
OURS = ("XMP-dc:Subject", "XMP-digiKam:TagsList", "XMP-lr:HierarchicalSubject", "IPTC:Keywords")


def need(program: str, package: str) -> None:
    if not shutil.which(program):
        pytest.skip(f"{program} is not installed (Debian: {package})")


def need_any(programs: Sequence[str], packages: str) -> str:
    """The first of the programs that is installed; skips where none is."""
    found = releases.first(programs)
    if found is None:
        pytest.skip(f"none of {', '.join(programs)} is installed (Debian: {packages})")
    return found


def need_exiftool() -> None:
    need("exiftool", "libimage-exiftool-perl")


def make(directory: Path, kind: str, seed: int = 1) -> Path:
    """A picture with EXIF data."""
    pillow_heif.register_heif_opener()
    pixels = np.random.default_rng(seed).integers(0, 256, (48, 64, 3), dtype=np.uint8)
    image = Image.fromarray(pixels)
    exif = Image.Exif()
    exif[271] = "Maker"
    exif[306] = "2020:01:02 03:04:05"
    path = directory / f"picture-{seed}.{kind}"
    options: dict[str, Any] = {"lossless": True} if kind.startswith("lossless") else {}
    image.save(path, exif=exif, **options)
    return path


def exiftool(*arguments: object) -> str:
    done = subprocess.run(["exiftool", *map(str, arguments)], check=True, capture_output=True)
    return done.stdout.decode(errors="surrogateescape")


def fields(path: Path) -> dict[str, Any]:
    """The metadata that exiftool reads, without properties of the file and positions in it."""
    (found,) = json.loads(exiftool("-j", "-a", "-G1", "-n", "-b", path))
    hidden = ("System:", "ExifTool:", "SourceFile", "XMP-csearch:")
    layout = ("StripOffsets", "MediaData", "WebP_Flags", "FileType", "IPTCDigest")
    return {
        key: value
        for key, value in found.items()
        if not key.startswith(hidden) and not any(name in key for name in layout)
    }


def foreign(path: Path) -> dict[str, Any]:
    """The same without the fields that hold csearch's tags."""
    return {key: value for key, value in fields(path).items() if key not in OURS}


def pixels(path: Path) -> bytes:
    pillow_heif.register_heif_opener()
    with Image.open(io.BytesIO(path.read_bytes())) as image:
        return image.convert("RGB").tobytes()
