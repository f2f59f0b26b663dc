"""The tiles of the search window have pictures, of every format that the service reads."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from pillow_heif import register_heif_opener

from support.desktop import Desktop, needs
from support.raw import dng
from support.search_window import APPLICATION, COMMAND, search_window
from support.user import wait_for

pytestmark = needs()

_COLOURS = {"pink.heic": (200, 30, 160), "green.dng": (30, 160, 60), "orange.jpg": (220, 130, 20)}


def plain(name: str) -> Image.Image:
    return Image.new("RGB", (640, 480), _COLOURS[name])


@pytest.fixture
def pictures(screen: Desktop) -> Path:
    register_heif_opener()
    folder: Path = screen.user.home / "formats"
    folder.mkdir(exist_ok=True)
    plain("pink.heic").save(folder / "pink.heic")
    plain("orange.jpg").save(folder / "orange.jpg")
    (folder / "green.dng").write_bytes(dng(plain("green.dng")))
    return folder


def share(screen: Desktop, file: Path, name: str) -> float:
    """How much of the screen has about the colour of that picture."""
    screen.picture(file)
    with Image.open(file) as shot:
        pixels = np.asarray(shot.convert("RGB")).astype(int)
    return float((np.abs(pixels - _COLOURS[name]).max(axis=2) < 24).mean())


def test_every_format_has_its_tile(screen: Desktop, pictures: Path, tmp_path: Path) -> None:
    with search_window(screen, *COMMAND, "--in", str(pictures), "folder:formats"):
        for name in _COLOURS:
            screen.wait_for_text(APPLICATION, name)
            wait_for(lambda n=name: share(screen, tmp_path / "shot.png", n) > 0.01, name)


def test_what_cannot_be_shown_keeps_nothing_else_waiting(
    screen: Desktop, pictures: Path, tmp_path: Path
) -> None:
    """A picture that was damaged after it had been read."""
    screen.user.csearch("--in", pictures, "folder:formats")
    (pictures / "orange.jpg").write_bytes(b"nonsense")
    with search_window(screen, *COMMAND, "folder:formats"):
        screen.wait_for_text(APPLICATION, "orange.jpg")
        wait_for(lambda: share(screen, tmp_path / "shot.png", "pink.heic") > 0.01, "the other's")
