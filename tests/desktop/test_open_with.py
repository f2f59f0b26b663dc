"""The window in "Open With": offered for pictures, never their default, and what it opens."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from support.desktop import Desktop, needs
from support.user import User, wait_for

APPLICATION = "org.csearch.Window"
VIEWER = """\
[Desktop Entry]
Type=Application
Name=Viewer
Exec=true %F
MimeType=image/jpeg;image/png;
"""

needs_caches = pytest.mark.skipif(
    not (shutil.which("gio") and shutil.which("update-desktop-database")),
    reason="needs gio (libglib2.0-bin) and update-desktop-database (desktop-file-utils)",
)


@pytest.fixture
def system(user: User) -> Path:
    """Applications of the system, with a viewer for JPEG and PNG."""
    directory = user.home / "system" / "applications"
    directory.mkdir(parents=True)
    (directory / "viewer.desktop").write_text(VIEWER)
    subprocess.run(["update-desktop-database", directory], check=True)
    # The types themselves are those of this machine.
    (directory.parent / "mime").symlink_to("/usr/share/mime")
    user.environment["XDG_DATA_DIRS"] = str(directory.parent)
    return directory


def told(user: User, kind: str) -> str:
    command = ["gio", "mime", kind]
    environment = {**user.environment, "LC_ALL": "C.UTF-8"}
    return subprocess.run(command, env=environment, capture_output=True, text=True).stdout


@needs_caches
def test_no_default_is_taken_over(user: User, system: Path) -> None:
    viewer = "Default application for “image/jpeg”: viewer.desktop"
    assert viewer in told(user, "image/jpeg")
    user.csearchctl("install", "--all")
    assert viewer in told(user, "image/jpeg") and APPLICATION not in told(user, "image/jpeg")
    assert APPLICATION not in told(user, "image/png")

    (system / "mimeapps.list").write_text("[Default Applications]\nimage/jpeg=viewer.desktop\n")
    assert (
        "installs 1 file: search window (1)" in user.csearchctl("install", "--all").stdout.decode()
    )
    assert viewer in told(user, "image/jpeg") and APPLICATION in told(user, "image/jpeg")
    assert APPLICATION not in told(user, "image/png"), "of which nobody has said the default"

    (system / "mimeapps.list").unlink()
    findings = user.csearchctl("doctor", check=None).stdout.decode()
    assert "from another version" not in findings
    user.csearchctl("uninstall")
    assert viewer in told(user, "image/jpeg") and APPLICATION not in told(user, "image/jpeg")
    assert not (user.home / ".local" / "share" / "applications").exists()


@needs_caches
def test_a_default_that_is_gone_is_none(user: User, system: Path) -> None:
    lists = user.home / ".config" / "mimeapps.list"
    lists.write_text("[Default Applications]\nimage/jpeg=gone.desktop;\nimage/png=viewer.desktop\n")
    user.csearchctl("install", "--all")
    assert APPLICATION not in told(user, "image/jpeg")
    assert APPLICATION in told(user, "image/png")


@pytest.fixture
def window(screen: Desktop) -> Iterator[Desktop]:
    screen.user.csearchctl("install", "--all")
    yield screen
    screen.keys("windowactivate", "--sync", screen.window("Picture Search"))
    screen.keys("key", "ctrl+q")
    wait_for(lambda: not screen.accessible("texts", APPLICATION), "the end of the window")


@pytest.fixture(scope="module")
def opened(screen: Desktop) -> list[Path]:
    spaced = screen.user.pictures / "a cup.jpg"
    shutil.copy(screen.user.pictures / "coffee.jpg", spaced)
    return [spaced, screen.user.pictures / "cat.jpg"]


@needs()
def test_files_that_are_opened_find_similar_ones(window: Desktop, opened: list[Path]) -> None:
    """As desktops open them that call applications over D-Bus."""
    at = ("/org/csearch/Window", "org.freedesktop.Application")
    uris = [path.as_uri() for path in opened]
    window.bus.call(at, "Open", "asa{sv}", uris, {}, destination=APPLICATION)
    texts = window.wait_for_text(APPLICATION, "Search without cat.jpg")
    assert "Search without a cup.jpg" in texts
    window.wait_for_text(APPLICATION, "rocket.jpg")


@needs()
@needs_caches
def test_files_on_the_command_line_find_similar_ones(window: Desktop, opened: list[Path]) -> None:
    """As desktops open them that run its command."""
    entry = window.user.home / ".local/share/applications" / f"{APPLICATION}.desktop"
    window.run("gio", "launch", str(entry), *map(str, opened))
    texts = window.wait_for_text(APPLICATION, "rocket.jpg")
    assert "cat.jpg" not in texts, "a picture that is searched with isn't found"
