"""Files that are written slowly: each is read once it is whole, not whenever its writer pauses."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from inotify_simple import INotify, flags

from csearchd.indexing import growing_files
from csearchd.indexing.growing_files import GrowingFiles
from csearchd.library.contents import Job
from csearchd.watch.debounce import OPEN_SECONDS, Debounce
from support.photos import drawn
from support.user import User, wait_for
from watch.following import known

PAUSE = 2.5  # seconds between parts: longer than an open file rests


class Reads:
    """How often a file in a directory was read, between changes."""

    def __init__(self, folder: Path) -> None:
        self._inotify = INotify(nonblocking=True)
        self._inotify.add_watch(folder, flags.ACCESS | flags.MODIFY)
        self._last = flags.MODIFY

    def count(self, name: str) -> int:
        """Since the last call."""
        found = 0
        for event in self._inotify.read(timeout=0):
            if event.name == name:
                kind = event.mask & (flags.ACCESS | flags.MODIFY)
                found += kind == flags.ACCESS != self._last
                self._last = kind
        return found


@pytest.fixture
def parts() -> Iterator[bytes]:
    """A picture in seven parts."""
    whole = drawn(20, (1600, 1200))
    size = len(whole) // 7 + 1
    return (whole[start : start + size] for start in range(0, len(whole), size))


def test_one_that_stays_open_is_read_once(
    watching: User, folder: Path, parts: Iterator[bytes]
) -> None:
    encoded, reads = watching.settle()["encoded"], Reads(folder)
    with (folder / "slow.jpg").open("wb") as file:
        for part in parts:
            file.write(part)
            file.flush()
            time.sleep(PAUSE)  # as its writer does
        assert reads.count("slow.jpg") == 0
        assert watching.status()["pending"] == 1
    wait_for(lambda: known(watching, folder) == {b"slow.jpg"}, "the picture")
    assert watching.settle()["encoded"] == encoded + 1
    assert reads.count("slow.jpg") == 1


def test_one_that_is_closed_after_each_part_is_read_again_when_it_rests(
    watching: User, folder: Path, parts: Iterator[bytes]
) -> None:
    reads = Reads(folder)
    for part in parts:
        with (folder / "slow.jpg").open("ab") as file:
            file.write(part)
        time.sleep(PAUSE)
    watching.csearch("anything", "--in", folder, "--wait")
    assert watching.settle()["failed"] == 0
    assert reads.count("slow.jpg") <= 3
    line = watching.csearch("name:slow", "--in", folder, "--format", "{incomplete}").stdout
    assert line == b"no\n"


def test_how_long_one_rests(monkeypatch: pytest.MonkeyPatch) -> None:
    now = [1000.0]
    monkeypatch.setattr(growing_files.time, "monotonic", lambda: now[0])
    files = GrowingFiles()

    def job(size: int, inode: int = 7) -> Job:
        return Job(1, 1, b"a.jpg", (size, size, 0, inode), 0)

    assert files.rest(job(10)) == 0
    files.note_read(job(10))
    now[0] += 5
    assert files.rest(job(10)) == files.rest(job(9)) == files.rest(job(20, inode=8)) == 0
    assert files.rest(job(20)) == 4
    now[0] += 3
    assert files.rest(job(20)) == 1
    assert files.rest(job(30)) == 6  # twice the last pause
    now[0] += 6
    assert files.rest(job(30)) == 0
    files.note_read(job(30))
    now[0] += 100
    assert files.rest(job(40)) == 0  # a later change is another matter
    files.note_read(job(40))
    assert files.rest(job(50)) == 4


def test_how_long_an_open_one_is_held() -> None:
    debounce, asked = Debounce(), list[bytes]()

    def is_open(path: bytes) -> bool:
        asked.append(path)
        return True

    debounce.hold(b"/a", b"x", 102.0)  # it has changed at 100
    assert not debounce.keep_open_files(b"/a", 101.0, is_open)
    assert not asked
    assert not debounce.keep_open_files(b"/a", 102.0, is_open)
    assert asked == [b"/a/x"] and not debounce.release(b"/a", 103.0)
    assert debounce.keep_open_files(b"/a", 100 + OPEN_SECONDS, is_open)
    assert len(asked) == 1 and debounce.release(b"/a", 100 + OPEN_SECONDS)
    debounce.hold(b"/a", b"x", 102.0)
    debounce.mark_complete(b"/a", b"x", 101.0)
    debounce.keep_open_files(b"/a", 101.0, is_open)
    assert len(asked) == 1 and debounce.release(b"/a", 101.0)


def test_one_that_is_not_open_is_asked_for_once() -> None:
    debounce, asked = Debounce(), list[bytes]()
    debounce.hold(b"/a", b"x", 102.0)
    for now in (102.0, 103.0, 104.0):  # its directory isn't listed yet
        assert debounce.keep_open_files(b"/a", now, asked.append)
    assert asked == [b"/a/x"] and debounce.release(b"/a", 104.0)
