"""Roots are watched: the library follows the disk without being asked to."""

from __future__ import annotations

import io
import os
import shutil
import time
from pathlib import Path

from PIL import Image

from support.kernel import exchange
from support.photos import drawn, write_drawn
from support.raw import dng
from support.user import User, wait_for
from watch.following import known, wait_until_equal


def passes(user: User) -> tuple[int, int]:
    """Image-tower passes, and files recognised."""
    status = user.status()
    return status["encoded"], status["reused"]


def found(user: User, folder: Path, *names: bytes, seconds: float = 90) -> None:
    """Waits until exactly these are known below `folder`."""
    want = set(names)
    wait_for(lambda: known(user, folder) == want, f"{want}, not {known(user, folder)}", seconds)


def test_what_is_said_of_it(watching: User) -> None:
    status = watching.status()
    (root,) = status["roots"]
    assert root["watch"] == "watched"
    assert abs(time.time() - root["reconciled"]) < 1000
    assert root["directories"] == status["watch"]["directories"] >= 2
    assert root["lost"] == 0
    text = watching.csearchctl("status").stdout.decode()
    assert f"{root['directories']} directories watched, last scan " in text, text
    assert status["watch"]["lost"] == 0 and not status["notes"]


def test_new_changed_and_deleted_files(watching: User, folder: Path) -> None:
    write_drawn(folder, 2, first=10)
    found(watching, folder, b"drawn-00010.jpg", b"drawn-00011.jpg")
    encoded, _ = passes(watching)
    (folder / "drawn-00010.jpg").write_bytes(drawn(12))
    wait_for(lambda: passes(watching)[0] == encoded + 1, "the encoding of a changed file")
    (folder / "drawn-00011.jpg").unlink()
    found(watching, folder, b"drawn-00010.jpg")


def test_a_file_that_is_being_written_is_not_read(watching: User, folder: Path) -> None:
    whole = drawn(20, (400, 300))
    before = watching.status()["failed"]
    with (folder / "slow.jpg").open("wb") as file:
        for start in range(0, len(whole), len(whole) // 6 + 1):
            file.write(whole[start : start + len(whole) // 6 + 1])
            file.flush()
            time.sleep(0.7)
            status = watching.status()
            assert status["failed"] == before
            assert start == 0 or status["pending"] == 1
    found(watching, folder, b"slow.jpg")
    assert watching.status()["failed"] == before


def test_a_file_that_nobody_closes_is_read_when_it_rests(watching: User, folder: Path) -> None:
    with (folder / "open.jpg").open("wb") as file:
        file.write(drawn(21))
        file.flush()
        found(watching, folder, b"open.jpg")


def test_a_directory_is_renamed_without_a_picture_being_read(watching: User, folder: Path) -> None:
    write_drawn(folder / "a" / "deep", 3, first=30)
    wait_until_equal(watching, folder)
    before = passes(watching)
    (folder / "a").rename(folder / "b")
    found(watching, folder, *(b"b/deep/drawn-000%d.jpg" % number for number in (30, 31, 32)))
    (folder / "b" / "deep").rename(folder / "deep")
    wait_until_equal(watching, folder)
    write_drawn(folder / "deep", 1, first=33)  # its new place is watched
    wait_until_equal(watching, folder)
    encoded, reused = passes(watching)
    assert (encoded, reused) == (before[0] + 1, before[1])


def test_a_file_is_renamed_without_being_read(watching: User, folder: Path) -> None:
    (folder / "other").mkdir()
    paths = write_drawn(folder, 3, first=40)
    wait_until_equal(watching, folder)
    watching.settle()
    before = passes(watching)
    paths[0].rename(folder / "renamed.jpg")
    paths[1].rename(folder / "other" / "moved.jpg")
    paths[2].replace(folder / "renamed.jpg")
    found(watching, folder, b"renamed.jpg", b"other/moved.jpg")
    watching.settle()
    assert passes(watching) == before


def test_camera_raw_gets_its_proper_name(watching: User, folder: Path) -> None:
    wrong, proper = folder / "olympus.jpg", folder / "olympus.orf"
    data = dng(Image.open(io.BytesIO(drawn(5))))
    wrong.write_bytes(b"IIRO" + data[4:])  # as in an ORF
    wait_for(lambda: watching.status()["failed"] == 1, "what is no JPEG")
    wrong.rename(proper)
    wait_for(lambda: watching.search("type:raw", "--in", folder, check=None) == [proper], "raw")
    assert watching.status()["failed"] == 0


def test_camera_raw_and_a_jpeg_exchange_their_names(watching: User, folder: Path) -> None:
    (jpeg,) = write_drawn(folder, 1, first=6)
    raw = folder / "olympus.orf"
    raw.write_bytes(b"IIRO" + dng(Image.open(io.BytesIO(drawn(5))))[4:])
    wait_for(lambda: watching.search("type:raw", "--in", folder, check=None) == [raw], "raw")
    exchange(jpeg, raw)
    wait_for(lambda: watching.status()["failed"] == 1, "what is no JPEG")
    assert watching.search("type:raw", "--in", folder, check=1) == []
    jpeg.unlink()
    wait_for(lambda: watching.status()["failed"] == 0, "the end of it")


def test_atomic_saves_backups_and_swapped_names(watching: User, folder: Path) -> None:
    first, second = write_drawn(folder, 2, first=45)
    wait_until_equal(watching, folder)
    first.rename(folder / "x.tmp")
    second.rename(first)
    (folder / "x.tmp").rename(second)
    shutil.copy(first, folder / "new.tmp")
    first.rename(folder / "drawn-00045.jpg~")
    (folder / "new.tmp").rename(first)
    wait_until_equal(watching, folder)
    watching.settle()
    assert watching.status()["failed"] == 0


def test_a_directory_becomes_a_file_and_a_directory_again(watching: User, folder: Path) -> None:
    thing = folder / "thing.jpg"
    write_drawn(thing, 2, first=50)
    wait_until_equal(watching, folder)
    shutil.rmtree(thing)
    thing.write_bytes(drawn(50))
    found(watching, folder, b"thing.jpg")
    thing.unlink()
    write_drawn(thing, 1, first=51)
    found(watching, folder, b"thing.jpg/drawn-00051.jpg")


def test_a_tree_is_copied_moved_out_and_back_and_removed(watching: User, folder: Path) -> None:
    for number in range(12):
        write_drawn(watching.home / "outside" / f"{number}" / "x", 5, first=60)
    shutil.copytree(watching.home / "outside", folder / "in")
    wait_until_equal(watching, folder)
    (folder / "in").rename(watching.home / "out")
    found(watching, folder)
    (watching.home / "out").rename(folder / "back")
    wait_until_equal(watching, folder)
    encoded, _ = passes(watching)
    shutil.rmtree(folder / "back")
    found(watching, folder)
    assert passes(watching)[0] == encoded


def test_nosearch_takes_effect_at_once(watching: User, folder: Path) -> None:
    write_drawn(folder / "private" / "deep", 2, first=60)
    write_drawn(folder / "public", 1, first=60)
    wait_until_equal(watching, folder)
    directories = watching.status()["watch"]["directories"]
    (folder / "private" / ".nosearch").touch()
    found(watching, folder, b"public/drawn-00060.jpg")
    assert watching.status()["watch"]["directories"] == directories - 1
    (folder / "private" / ".nosearch").unlink()
    wait_until_equal(watching, folder)


def test_excluded_directories_cost_no_watches(watching: User, folder: Path) -> None:
    watching.settle()
    directories = watching.status()["watch"]["directories"]
    for name in (".git", "node_modules", ".cache"):
        write_drawn(folder / name / "a" / "b", 1, first=60)
    (folder / "plain").mkdir()
    count = lambda: watching.status()["watch"]["directories"]  # noqa: E731
    wait_for(lambda: count() == directories + 1, "the watch of a new directory")
    (folder / "plain").rename(folder / "node_modules" / "plain")
    wait_for(lambda: count() == directories, "its end")
    (folder / "node_modules" / "plain").rename(folder / "plain")
    write_drawn(folder / "plain", 1, first=61)
    wait_for(lambda: b"plain/drawn-00061.jpg" in known(watching, folder), "a file in it")
    assert count() == directories + 1


def test_names_that_are_any_bytes(watching: User, folder: Path) -> None:
    top = os.fsencode(folder)
    for number, name in enumerate([b"\xff\xfe.jpg", b"new\nline.jpg", b"x" * 251 + b".jpg"]):
        path = os.path.join(top, b"\xe9" * (number + 1), name)
        os.mkdir(os.path.dirname(path))
        with open(path, "wb") as file:
            file.write(drawn(60 + number))
    wait_until_equal(watching, folder)
    os.rename(os.path.join(top, b"\xe9"), os.path.join(top, b"\xe8"))
    wait_until_equal(watching, folder)


def test_a_change_through_another_name_of_a_file(watching: User, folder: Path) -> None:
    (first,) = write_drawn(folder / "a", 1, first=70)
    (folder / "b").mkdir()
    os.link(first, folder / "b" / "link.jpg")
    wait_until_equal(watching, folder)
    first.write_bytes(drawn(71)[:200])
    wait_for(lambda: watching.status()["failed"] == 2, "the failure of both names")
    first.write_bytes(drawn(71))
    wait_until_equal(watching, folder)
