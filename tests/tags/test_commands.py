"""`csearchctl tags` with the real service and the real tagger."""

from __future__ import annotations

import json
import os
import re
import signal
import sqlite3
import subprocess
import time
from pathlib import Path

import pytest

from csearchd.metadata.keyword_paths import leaf
from csearchd.tags.writers.safe_write import TEMPORARY
from support.photos import write_drawn, write_photos
from support.user import User, wait_for
from tags.pictures import need_exiftool

XDG = "user.xdg.tags"
PLAIN = ("camera", "gravel", "brick")  # photos that get tags
WRITE = ("tags", "write", "--mode", "sidecar")


def tagged(user: User) -> list[Path]:
    """The pictures with tags of any kind."""
    return [
        path
        for path in sorted(user.pictures.rglob("*.jpg"))
        if XDG in os.listxattr(path)
        or path.with_name(path.name + ".xmp").exists()
        or b"urn:csearch" in path.read_bytes()
    ]


def state(user: User) -> dict[Path, tuple[bytes, int, list[str]]]:
    return {
        path: (path.read_bytes(), path.stat().st_mtime_ns, os.listxattr(path))
        for path in sorted(user.pictures.rglob("*"))
        if path.is_file()
    }


@pytest.mark.parametrize("mode", ["xattr", "sidecar", "embedded"])
def test_write_and_undo(user: User, mode: str) -> None:
    """Nothing is encoded again or tagged twice, and an undo restores every file."""
    if mode == "embedded":
        need_exiftool()
    user.take_photos()
    (user.pictures / "inner").mkdir()
    write_photos(user.pictures / "inner", PLAIN)
    before = state(user)
    user.csearchctl("add", user.pictures)
    encoded = user.settle()["encoded"]
    done = user.csearchctl("tags", "write", "--mode", mode, user.pictures)
    assert tagged(user)
    assert f"{len(tagged(user))} pictures tagged" in done.stdout.decode()
    user.settle()
    after = state(user)
    again = user.csearchctl("tags", "write", "--mode", mode, user.pictures)
    assert "0 pictures tagged" in again.stdout.decode()
    assert state(user) == after
    status = user.settle()
    assert status["encoded"] == encoded
    user.csearchctl("tags", "undo", user.pictures)
    assert state(user) == before
    assert user.settle()["encoded"] == encoded
    with sqlite3.connect(user.data / "library.sqlite") as database:
        assert database.execute("SELECT count(*) FROM tag_ledger").fetchone() == (0,)
    database.close()


def test_preview_writes_nothing_and_tells_what_write_would_write(user: User) -> None:
    user.take_photos()
    before = state(user)
    text = user.csearchctl("tags", "preview", user.pictures)
    assert re.search(rb"Pictures/.*\.jpg: [a-z]+/.* [5-9]\d%", text.stdout)
    lines = user.csearchctl("tags", "preview", "--json", user.pictures).stdout.splitlines()
    found = {Path(row["path"]): row["tags"] for row in map(json.loads, lines)}
    assert set(found) == set(user.pictures.iterdir())
    words = {path: [tag["tag"] for tag in tags] for path, tags in found.items() if tags}
    assert all(0.6 <= tag["confidence"] <= 1 for tags in found.values() for tag in tags)
    assert state(user) == before
    user.csearchctl("tags", "write", "--mode", "xattr", user.pictures)
    written = {path: os.getxattr(path, XDG).decode().split(",") for path in tagged(user)}
    assert written == {path: [leaf(word) for word in chosen] for path, chosen in words.items()}
    user.settle()
    again = user.csearchctl("tags", "preview", user.pictures)
    assert again.stdout == b"", "the tags are there already"


def test_the_users_vocabulary_and_settings_decide(user: User) -> None:
    user.take_photos()
    user.config.parent.mkdir(parents=True, exist_ok=True)
    own = user.config.with_name("vocabulary.txt")
    own.write_text("-*\nmy cat: a cat\nmy rocket: a rocket launch\nother: something else\n")
    user.config.write_text("[tags]\nconfidence = 1\nmost = 1\n")
    text = user.csearchctl("tags", "preview", user.pictures).stdout.decode()
    assert re.search(r"rocket\.jpg: my rocket \d+%$", text, re.MULTILINE)
    assert not re.search(r", |/dog", text.replace(str(user.pictures), ""))
    own.write_text("oops, this: is wrong\n")
    user.csearchctl("reload")
    wrong = user.csearchctl("tags", "preview", user.pictures, check=2).stderr.decode()
    assert f"{own}, line 1:" in wrong and "Traceback" not in wrong


def test_a_kept_folder(user: User) -> None:
    write_photos(user.pictures, ("cat", "horse", "coffee"))
    user.csearchctl("add", user.pictures)
    user.settle()
    user.csearchctl("tags", "on", "--mode", "xattr", user.pictures)
    wait_for(lambda: tagged(user), "tags")
    write_photos(user.pictures / "later", ("cat", "horse", "coffee"))
    wait_for(lambda: [p for p in tagged(user) if p.parent.name == "later"], "tags of what is new")
    assert user.settle()["encoded"] == 3

    refused = user.csearchctl("tags", "undo", user.pictures / "later", check=2)
    assert b"is kept tagged" in refused.stderr
    user.csearchctl("tags", "off", user.pictures / "later", check=2)
    user.csearchctl("tags", "off", user.pictures)
    assert tagged(user)
    user.csearchctl("tags", "on", "--mode", "xattr", user.pictures)
    undone = user.csearchctl("tags", "undo", "--all")
    assert b"is no longer kept tagged" in undone.stdout
    assert not tagged(user)


def kept(user: User) -> list[str]:
    """The names of the folders that are kept tagged."""
    return [os.path.basename(folder["path"]) for folder in user.status()["tags"]["folders"]]


@pytest.mark.parametrize("watched", [True, False])
def test_a_kept_folder_gets_another_name(user: User, watched: bool) -> None:
    album, renamed = user.pictures / "album", user.pictures / "renamed"
    write_photos(album, ("cat",))
    user.csearchctl("add", user.pictures)
    user.settle()
    user.csearchctl("tags", "on", "--mode", "xattr", album)
    wait_for(lambda: kept(user) == ["album"], "the folder")
    if not watched:
        user.csearchctl("stop")
    album.rename(renamed)
    album.mkdir()  # another one: nobody asked for tags there
    if not watched:
        for number in range(1500):  # to be scanned first: it takes a while until all is known
            (user.pictures / f"another-{number}").mkdir()
        user.start()
    wait_for(lambda: kept(user) == ["renamed"], "its new name")
    write_photos(album, ("horse", "moon"))
    write_photos(renamed / "later", ("horse", "moon"))
    wait_for(lambda: [p for p in tagged(user) if p.parent.name == "later"], "tags of what is new")
    assert not [path for path in tagged(user) if path.parent == album]
    user.csearchctl("tags", "off", renamed)
    assert not kept(user)


def test_a_folder_that_is_no_root_is_watched_from_then_on(user: User) -> None:
    told = user.csearchctl("tags", "on", "--mode", "xattr", user.pictures)
    assert b"tagged and watched" in told.stdout
    write_photos(user.pictures / "later", ("cat", "horse", "coffee"))
    wait_for(lambda: tagged(user), "tags of what is new")
    user.csearchctl("remove", user.pictures)
    assert "is kept tagged (xattr, not watched" in user.csearchctl("status").stdout.decode()


def test_undo_of_one_file(user: User) -> None:
    write_photos(user.pictures, PLAIN)
    user.csearchctl("tags", "write", "--mode", "sidecar", user.pictures)
    first, *rest = tagged(user)
    user.csearchctl("tags", "undo", first)
    assert tagged(user) == rest != []
    moved = user.home / "moved"
    user.pictures.rename(moved)
    user.csearchctl("tags", "undo", moved)
    assert not list(moved.glob("*.xmp"))


def test_a_picture_that_has_changed_gets_no_words_of_what_it_was(user: User) -> None:
    (cat,) = write_photos(user.pictures, ("cat",))
    (moon,) = write_photos(user.home, ("moon",))
    user.csearchctl("add", user.pictures)
    user.settle()
    user.csearchctl("pause")
    moon.rename(cat)
    wait_for(lambda: user.status()["pending"] == 1, "the change")
    done = user.csearchctl("tags", "write", "--mode", "xattr", user.pictures, check=2)
    assert b"cat.jpg: left alone: it has changed, and was not read since" in done.stderr
    assert not tagged(user)
    user.csearchctl("resume")
    assert user.csearchctl("tags", "write", "--mode", "xattr", user.pictures).stdout


def test_what_is_left_alone_is_listed(user: User) -> None:
    (path,) = write_drawn(user.pictures, 1)
    path.write_bytes(path.read_bytes()[:30])
    write_photos(user.pictures, ("cat",))
    done = user.csearchctl("tags", "write", "--mode", "xattr", user.pictures, check=2)
    assert f"{path}: left alone: it can't be read" in done.stderr.decode()
    assert b"1 left alone" in done.stdout


def test_embedded_without_exiftool(user: User) -> None:
    write_photos(user.pictures, ("cat",))
    user.environment["PATH"] = str(user.home)
    done = user.csearchctl("tags", "write", "--mode", "embedded", user.pictures, check=2)
    assert b"apt install libimage-exiftool-perl" in done.stderr
    user.csearchctl("tags", "write", "--mode", "sidecar", user.pictures)


def test_wrong_arguments(user: User) -> None:
    user.csearchctl("tags", "write", user.pictures, check=2)
    user.csearchctl("tags", "write", "--mode", "xattr", user.home / "nowhere", check=2)
    user.csearchctl("tags", "undo", check=2)
    assert b"not kept tagged" in user.csearchctl("tags", "off", user.pictures, check=2).stderr


def test_a_tagger_that_is_killed_again_and_again(user: User) -> None:
    for number in range(40):
        write_photos(user.pictures / f"{number}", ("cat", "horse", "moon"))
    user.csearchctl("add", user.pictures)
    user.settle()
    before = state(user)
    with user.connect() as client:
        client.send(id=1, op="tags-write", path=bytes(user.pictures), mode="sidecar")
        killed = 0
        deadline = time.monotonic() + 60
        while killed < 5 and time.monotonic() < deadline:
            client.socket.settimeout(60)
            reply = client.receive()
            if reply is None or reply["type"] in ("result", "error"):
                break
            for pid in user.pids("csearchd.tags"):
                if list(user.pictures.rglob("*.xmp")):
                    os.kill(pid, signal.SIGKILL)
                    killed += 1
    user.csearchctl("tags", "write", "--mode", "sidecar", user.pictures)
    done = user.csearchctl("tags", "write", "--mode", "sidecar", user.pictures)
    assert b"0 pictures tagged" in done.stdout
    assert tagged(user)
    assert not list(user.pictures.rglob(os.fsdecode(TEMPORARY) + "*"))
    user.csearchctl("tags", "undo", user.pictures)
    assert state(user) == before


def many(user: User, count: int) -> None:
    """Files that are tagged slowly."""
    user.pictures.mkdir(exist_ok=True)
    (path,) = write_photos(user.home, ("cat",))
    for number in range(count):
        (user.pictures / f"{number:03}.jpg").write_bytes(path.read_bytes())
    user.config.parent.mkdir(parents=True, exist_ok=True)
    user.config.write_text("[tags]\nconfidence = 1\n")
    user.csearchctl("add", user.pictures)
    user.settle()


def idle(user: User) -> bool:
    return not user.pids("csearchd.tags") and not user.status()["tags"]["waiting"]


def sidecars(user: User) -> int:
    return len(list(user.pictures.glob("*.xmp")))


def tagging(user: User) -> tuple[subprocess.Popen[bytes], int]:
    """A command that has 300 pictures tagged, of which some are, and the tagger's process."""
    many(user, 300)
    command = user.begin("csearch.control", *WRITE, user.pictures)
    wait_for(lambda: sidecars(user), "the first tags")
    (tagger,) = user.pids("csearchd.tags")
    return command, tagger


def test_ctrl_c_ends_after_the_file_in_hand(user: User) -> None:
    command, tagger = tagging(user)
    os.kill(tagger, signal.SIGSTOP)
    written = sidecars(user)
    assert user.status()["tags"]["waiting"]
    command.send_signal(signal.SIGINT)
    _, told = command.communicate(timeout=60)
    assert command.returncode == 2 and b"run the same command again" in told
    wait_for(lambda: not user.status()["tags"]["waiting"], "the service hearing of it")
    os.kill(tagger, signal.SIGCONT)
    wait_for(lambda: idle(user), "the tagger's end")
    assert sidecars(user) < written + 10 < 300
    assert b"pictures tagged" in user.csearchctl(*WRITE, user.pictures).stdout
    assert sidecars(user) == 300


def test_a_tagger_that_is_told_to_end_finishes_the_file_in_hand(user: User) -> None:
    command, tagger = tagging(user)
    os.kill(tagger, signal.SIGTERM)
    wait_for(lambda: tagger not in user.pids("csearchd.tags"), "its end")
    assert not list(user.pictures.glob(os.fsdecode(TEMPORARY) + "*"))
    command.communicate(timeout=120)
    assert command.returncode == 0, "another tagger does the rest"
    assert sidecars(user) == 300


def test_what_a_crash_leaves_is_removed_at_the_next_start(user: User) -> None:
    """Daemon and tagger are killed at once, as if the power failed; the next start cleans up."""
    many(user, 300)
    command = user.begin("csearch.control", *WRITE, user.pictures)
    names = os.fsdecode(TEMPORARY) + "*"

    def killed() -> bool:
        taggers = user.pids("csearchd.tags")
        for pid in taggers:
            os.kill(pid, signal.SIGSTOP)
        found = bool(list(user.pictures.glob(names)))
        for pid in taggers:
            os.kill(pid, signal.SIGKILL if found else signal.SIGCONT)
        return found

    wait_for(killed, "a tagger that has a temporary file")
    for pid in user.pids("csearchd"):
        os.kill(pid, signal.SIGKILL)
    command.communicate(timeout=60)
    assert list(user.pictures.glob(names))
    user.start()
    wait_for(lambda: not list(user.pictures.glob(names)), "the removal")
    wait_for(lambda: idle(user), "the tagger's end")
    with sqlite3.connect(user.data / "library.sqlite") as database:
        query = "SELECT count(*) FROM tag_ledger WHERE intended IS NOT NULL"
        assert database.execute(query).fetchone() == (0,)
    database.close()
    user.csearchctl("tags", "undo", "--all")
    assert not list(user.pictures.glob("*.xmp"))


def test_an_interrupted_command_goes_on_later(user: User) -> None:
    for number in range(30):
        write_photos(user.pictures / f"{number}", ("cat", "horse"))
    user.csearchctl("add", user.pictures)
    user.settle()
    before = state(user)
    with user.connect() as client:
        client.send(id=1, op="tags-write", path=bytes(user.pictures), mode="sidecar")
        wait_for(lambda: list(user.pictures.rglob("*.xmp")), "the first tags")
    user.csearchctl("tags", "write", "--mode", "sidecar", user.pictures)
    assert len(tagged(user)) % 30 == 0 and tagged(user)
    user.csearchctl("tags", "undo", "--all")
    assert state(user) == before
