"""csearchctl uninstall stops the service, and with --purge removes every trace."""

from __future__ import annotations

import fcntl
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


def test_what_others_have_made_stays(settled_in: User) -> None:
    """Others' files in csearch's directories, which may be links to directories of more."""
    home = settled_in.home
    settled_in.csearchctl("stop")
    disk = home / "disk"
    settled_in.data.rename(disk)
    settled_in.data.symlink_to(disk)
    mine = {
        disk / "thesis.txt",
        disk / "models" / "portrait" / "notes.txt",
        home / ".cache" / "csearch" / "vectors-of-mine.txt",
        settled_in.config.parent / "config.toml~",
        settled_in.address.parent / "results" / "dogs" / "dog.jpg",
        home / ".local" / "bin" / "of-others" / "csearch",
    }
    for path in mine:
        path.parent.mkdir(parents=True, exist_ok=True)
        if path.name == "csearch":  # another program of that name, on a disk that isn't mounted
            path.symlink_to("/gone/codesearch/csearch")
        else:
            path.write_text("mine")
    (settled_in.address.parent / "results" / "dogs" / "1 cat.jpg").symlink_to(
        settled_in.pictures / "cat.jpg"
    )
    pipe = home / ".cache" / "thumbnails" / "pipe.png"
    os.mkfifo(pipe)
    linked = home / ".cache" / "thumbnails" / "linked.png"
    linked.symlink_to(thumbnail(settled_in, "ours", "csearch").rename(home / "kept.png"))
    edited = thumbnail(settled_in, "edited", "csearch-like viewer")
    settled_in.environment["PATH"] += f":{home / '.local' / 'bin' / 'of-others'}"

    told = settled_in.csearchctl("uninstall", "--purge", "--dry-run").stdout.decode()
    assert "thesis.txt" in told and f"would delete {settled_in.data}\n" not in told
    said = settled_in.csearchctl("uninstall", "--purge", "--yes").stdout.decode()
    assert (
        f"{settled_in.data} stays, for csearch hasn't made what is in it: models, thesis.txt"
        in said
    )
    stays = {*mine, pipe, linked, edited, home / "kept.png", settled_in.data}
    stays.add(settled_in.address.parent / "results" / "dogs" / "1 cat.jpg")
    assert everything(settled_in) == {str(path.relative_to(home)) for path in stays}
    assert sorted(os.listdir(settled_in.pictures)) == NAMES


def test_a_linked_directory_goes_with_its_link(settled_in: User) -> None:
    settled_in.csearchctl("stop")
    disk = settled_in.home / "disk"
    settled_in.data.rename(disk)
    settled_in.data.symlink_to(disk)
    said = settled_in.csearchctl("uninstall", "--purge", "--yes").stdout
    assert b"Every trace of csearch is removed" in said
    assert not disk.exists() and everything(settled_in) == set()


def test_what_cannot_be_deleted_does_not_keep_the_rest(settled_in: User) -> None:
    """A second run removes what the first one couldn't."""
    links = settled_in.home / ".local" / "bin"
    links.chmod(0o500)
    done = settled_in.csearchctl("uninstall", "--purge", "--yes", check=2, plain=True)
    assert b"cannot be deleted" in done.stderr and not settled_in.data.exists()
    links.chmod(0o700)
    settled_in.csearchctl("uninstall", "--purge", "--yes")
    assert everything(settled_in) == set()


def test_nothing_goes_while_a_service_has_the_library(user: User) -> None:
    """One that was started after the other was stopped."""
    user.csearchctl("start")
    user.csearchctl("stop")
    with open(user.data / "lock", "wb") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        done = user.csearchctl("uninstall", "--purge", "--yes", check=2)
    assert b"was started again meanwhile" in done.stderr
    assert (user.data / "library.sqlite").exists()
    damaged = user.data / "damaged" / "library.sqlite-wal"
    damaged.parent.mkdir()
    damaged.touch()
    user.csearchctl("uninstall", "--purge", "--yes")
    assert everything(user) == set(), "a library that was moved away as advised goes, too"


def test_bases_of_nobody_lead_to_nothing(user: User) -> None:
    """Empty and relative variables are ignored, and another's directories are left alone."""
    other = user.home / "csearch"
    other.mkdir()
    (other / "library.txt").write_text("mine")
    user.environment |= {"XDG_DATA_HOME": ".", "XDG_CACHE_HOME": "", "XDG_CONFIG_HOME": "x/.."}
    user.csearchctl("uninstall", "--purge", "--yes")
    assert everything(user) == {"csearch/library.txt"}
