"""csearchctl uninstall stops the service, and with --purge removes every trace."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pexpect
import pytest
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from support.user import SECONDS, User

PHOTOS = ("cat", "coffee", "gravel", "rocket")
NAMES = [f"{name}.jpg" for name in PHOTOS]


def everything(user: User) -> set[str]:
    """All files and links, but for the pictures and what the tests themselves write."""
    return {
        str(path.relative_to(user.home))
        for path in user.home.rglob("*")
        if (path.is_symlink() or not path.is_dir()) and path.parent != user.pictures
    }


def thumbnail(user: User, name: str, software: str) -> Path:
    path = user.home / ".cache" / "thumbnails" / "large" / f"{name}.png"
    path.parent.mkdir(parents=True, exist_ok=True)
    texts = PngInfo()
    texts.add_text("Software", software)
    Image.new("RGB", (8, 8)).save(path, pnginfo=texts)
    return path


@pytest.fixture
def settled_in(user: User) -> User:
    """Somebody who has used all of csearch."""
    user.take_photos(PHOTOS)
    user.config.parent.mkdir(parents=True, exist_ok=True)
    user.config.write_text("[search]\nthreads = 1\n")
    user.csearchctl("add", user.pictures)
    user.settle()
    user.csearchctl("install", "--all")
    assert user.search("a cat", "-g")
    links = user.home / ".local" / "bin"
    links.mkdir()
    (links / "csearch").symlink_to(Path(sys.executable).parent / "csearch")
    (links / "csearchctl").symlink_to("/gone/.venv/bin/csearchctl")
    thumbnail(user, "ours", "csearch")
    return user


def test_uninstall_stops_a_service_without_systemd(user: User) -> None:
    user.csearchctl("install", "--all")
    user.csearchctl("start")
    said = user.csearchctl("uninstall").stdout
    assert b"The search service has stopped." in said and b"--purge" in said
    assert not user.pids("csearchd")
    user.csearchctl("start")
    assert b"The search service has stopped." in user.csearchctl("uninstall").stdout


def test_purge_removes_every_trace(settled_in: User) -> None:
    other = thumbnail(settled_in, "other", "GNOME::ThumbnailFactory")
    mine = settled_in.home / ".local" / "bin" / "mine"
    mine.symlink_to("/gone/mine")
    told = settled_in.csearchctl("uninstall", "--purge", "--dry-run").stdout.decode()
    for path in (settled_in.data, settled_in.config.parent, settled_in.address.parent):
        assert f"would delete {path}\n" in told
    assert "would delete 1 thumbnail that csearch has made" in told
    assert settled_in.pids("csearchd") and settled_in.data.exists()

    settled_in.csearchctl("uninstall", "--purge", "--yes")
    assert not settled_in.pids("csearchd")
    left = {str(path.relative_to(settled_in.home)) for path in (other, mine)}
    assert everything(settled_in) == left
    assert sorted(os.listdir(settled_in.pictures)) == NAMES


def test_nothing_goes_without_an_answer(settled_in: User) -> None:
    before = everything(settled_in)
    done = settled_in.csearchctl("uninstall", "--purge", check=2)
    assert b"give --yes" in done.stderr
    assert everything(settled_in) >= before and settled_in.pids("csearchd")


def test_written_tags_are_asked_about(settled_in: User) -> None:
    pictures = settled_in.pictures
    settled_in.csearchctl("tags", "write", "--mode", "sidecar", pictures)
    sidecars = len(os.listdir(pictures)) - len(NAMES)
    assert sidecars
    done = settled_in.csearchctl("uninstall", "--purge", "--yes", check=2)
    assert b"--undo-tags or --keep-tags" in done.stderr and settled_in.data.exists()

    terminal = pexpect.spawn(
        sys.executable,
        ["-P", "-m", "csearch.control", "uninstall", "--purge"],
        env={**settled_in.environment, "TERM": "xterm"},
        timeout=SECONDS,
    )
    terminal.expect(f"written tags for {sidecars} picture")
    terminal.expect("Take them back first")
    terminal.sendline("n")
    terminal.expect("Delete all this")
    terminal.sendline("n")
    terminal.expect("nothing was removed")
    terminal.expect(pexpect.EOF)
    terminal.close()
    assert terminal.exitstatus == 2 and settled_in.data.exists()
    assert len(os.listdir(pictures)) == len(NAMES) + sidecars, "the tags stay, as was said"

    settled_in.csearchctl("uninstall", "--purge", "--yes", "--undo-tags")
    assert sorted(os.listdir(pictures)) == NAMES
    assert not settled_in.data.exists()


def test_options_of_purge_alone_are_refused(user: User) -> None:
    assert b"--purge" in user.csearchctl("uninstall", "--yes", check=2).stderr
