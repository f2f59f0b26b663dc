"""The identity of HEIC and AVIF: kept by edits of metadata, changed by what changes pixels."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import numpy as np
import pillow_heif
import pytest
from PIL import Image

from csearchd.errors import MalformedError
from csearchd.formats import heif
from csearchd.formats.identity import identity

KINDS = ("heic", "avif")


def picture(path: Path, seed: int = 1) -> bytes:
    pillow_heif.register_heif_opener()
    pixels = np.random.default_rng(seed).integers(0, 256, (64, 64, 3), dtype=np.uint8)
    Image.fromarray(pixels).save(path)
    return path.read_bytes()


@pytest.mark.parametrize("kind", KINDS)
def test_edits_by_exiftool_keep_the_identity(kind: str, tmp_path: Path) -> None:
    if not shutil.which("exiftool"):
        pytest.skip("exiftool is not installed (Debian: libimage-exiftool-perl)")
    path = tmp_path / f"a.{kind}"
    before = identity(picture(path), "HEIF", 1)
    for edit in ("-XMP-dc:Subject=beach", "-EXIF:Artist=Somebody", "-XMP-dc:Subject=", "-all="):
        content = path.read_bytes()
        subprocess.run(["exiftool", "-q", "-overwrite_original", edit, path], check=True)
        assert path.read_bytes() != content
        assert identity(path.read_bytes(), "HEIF", 1) == before, edit


@pytest.mark.parametrize("kind", KINDS)
def test_pixels_and_properties_count(kind: str, tmp_path: Path) -> None:
    data = picture(tmp_path / f"a.{kind}")
    before = identity(data, "HEIF", 1)
    assert identity(picture(tmp_path / f"b.{kind}", 2), "HEIF", 1) != before
    place = data.index(b"ispe") + 15  # the height
    assert (
        identity(data[:place] + bytes([data[place] ^ 1]) + data[place + 1 :], "HEIF", 1) != before
    )
    assert identity(data, "HEIF", 6) != before
    assert identity(data[:-1] + bytes([data[-1] ^ 1]), "HEIF", 1) != before


@pytest.mark.parametrize("kind", KINDS)
def test_what_is_cut_anywhere_is_the_whole_file(kind: str, tmp_path: Path) -> None:
    data = picture(tmp_path / f"a.{kind}")
    list(heif.pixel_parts(data))
    for size in range(0, len(data) - 1, 7):
        with pytest.raises(MalformedError):
            list(heif.pixel_parts(data[:size]))
