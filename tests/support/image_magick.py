"""ImageMagick, a second decoder of pictures."""

from __future__ import annotations

import io
import shutil
import subprocess

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image


def _program() -> str:
    """The program; without it, the test is skipped."""
    found = shutil.which("magick") or shutil.which("convert")
    if found is None:
        pytest.skip("ImageMagick is not installed")
    return found


def shown(data: bytes, format: str) -> NDArray[np.uint8] | None:
    """How it shows the first picture of a file, upright and on white: uint8 (height, width, 3).

    `format` is its name of the format. None where it can't read the file.
    """
    command = [_program(), f"{format}:-[0]", "-auto-orient", "-background", "white", "-flatten"]
    done = subprocess.run(
        [*command, "-colorspace", "sRGB", "-depth", "8", "ppm:-"], input=data, capture_output=True
    )
    if done.returncode or not done.stdout:
        return None
    return np.asarray(Image.open(io.BytesIO(done.stdout)).convert("RGB"))


def written(image: Image.Image, format: str, *options: str) -> bytes:
    """The file that it writes of a picture in a format, with options."""
    stream = io.BytesIO()
    image.save(stream, "PNG")
    command = [_program(), "png:-", *options, f"{format}:-"]
    return subprocess.run(command, input=stream.getvalue(), capture_output=True, check=True).stdout
