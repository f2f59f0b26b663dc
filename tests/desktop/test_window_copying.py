"""Copying pictures from the search window: whole files, or none."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from support.desktop import Desktop, needs
from support.photos import write_photos
from support.search_window import APPLICATION, COMMAND, press, search_window, shown, type_folder
from support.served import served
from support.user import wait_for

pytestmark = needs()

LARGE = 400_000_000  # bytes: enough to be seen on their way


@pytest.fixture
def source(screen: Desktop) -> Iterator[Path]:
    """Two pictures."""
    folder = screen.user.home / "copied"
    write_photos(folder, ("cat", "rocket"))
    yield folder
    (folder / "cat.jpg").unlink()


def begin(screen: Desktop, source: Path, target: Path) -> None:
    """Copies both, one of which has become large, until a part of it is there."""
    wait_for(lambda: len(shown(screen)) == 2, "the pictures")
    os.truncate(source / "cat.jpg", LARGE)
    screen.keys("key", "Down", "ctrl+a")
    screen.wait_for_text(APPLICATION, "2 selected")
    press(screen, "Copy to…")
    type_folder(screen, "Copy to a Folder", target, "Copy Here")


def is_begun(target: Path) -> bool:
    return any(path.stat().st_size > 1_000_000 for path in target.iterdir())


def test_copying_goes_on_when_the_window_is_closed(
    screen: Desktop, source: Path, tmp_path: Path
) -> None:
    target, mount = tmp_path / "target", tmp_path / "mount"
    target.mkdir()
    with served(target, mount) as server:
        with search_window(screen, *COMMAND, "--in", str(source), "type:jpeg"):
            begin(screen, source, mount)
            wait_for(lambda: is_begun(target), "a part")
            os.kill(server, signal.SIGSTOP)
            try:
                screen.keys("key", "ctrl+w")
                wait_for(lambda: "Picture Search" not in screen.titles(), "the window's end")
                assert not (target / "cat.jpg").exists(), "it isn't whole"
            finally:
                os.kill(server, signal.SIGCONT)
            wait_for(lambda: (target / "cat.jpg").exists(), "the copy")
            wait_for(lambda: not screen.accessible("tree", APPLICATION), "the end")
        assert (target / "cat.jpg").stat().st_size == LARGE
        assert sorted(path.name for path in target.iterdir()) == ["cat.jpg", "rocket.jpg"]


def test_what_is_broken_off_leaves_no_part(screen: Desktop, source: Path, tmp_path: Path) -> None:
    target = tmp_path / "target"
    target.mkdir()
    with search_window(screen, *COMMAND, "--in", str(source), "type:jpeg"):
        begin(screen, source, target)
        wait_for(lambda: is_begun(target), "a part")
        screen.keys("key", "ctrl+q")
        wait_for(lambda: not screen.accessible("tree", APPLICATION), "the end")
    for copy in target.iterdir():
        assert copy.name in ("cat.jpg", "rocket.jpg")
        assert copy.stat().st_size == (source / copy.name).stat().st_size
