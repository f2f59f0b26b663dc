"""Folders that are kept tagged, also when they are renamed."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from csearchd.library import listings
from csearchd.library.library import Library
from csearchd.library.listings import FileStat, Listing
from csearchd.library.moves import move_directory, swap
from csearchd.system.inode_identity import inode_identity
from csearchd.tags import tagged_folders
from csearchd.tags.folder_tracker import FolderTracker
from csearchd.watch.directory_listing import read_listing
from csearchd.watch.rules import Rules
from support.steps import counted


@pytest.fixture
def library(tmp_path: Path) -> Iterator[Library]:
    one = Library(str(tmp_path / "library.sqlite"), str(tmp_path))
    yield one
    one.close()


def know(library: Library, directory: Path) -> bytes:
    """The library knows the directory from now on."""
    directory.mkdir(parents=True, exist_ok=True)
    listing = read_listing(os.fsencode(directory), Rules(False, ()))
    assert listing is not None
    listings.apply(library, listing)
    return os.fsencode(directory)


def read(library: Library, directory: bytes, count: int, failure: str | None = None) -> None:
    """Adds a number of pictures to the directory, with visits for the mode "xattr"."""
    files = [FileStat(b"%d.jpg" % number, 1, 1, 1, 1) for number in range(count)]
    listings.apply(library, Listing(directory, files, [], b"read"))
    with library.write() as database:
        database.execute("INSERT OR IGNORE INTO contents (id, scheme, identity) VALUES (1, 1, '')")
        where = (library.tree.find(directory),)
        database.execute("UPDATE files SET due = 0, content = 1 WHERE directory = ?", where)
        database.execute(
            "INSERT INTO tag_visits SELECT id, 'xattr', 1, 'edition', ? FROM files "
            "WHERE directory = ?",
            (failure, *where),
        )


def test_what_is_due_and_what_was_left_alone(library: Library, tmp_path: Path) -> None:
    """The query is made often, so it must not depend on the size of the library."""
    album, inner, other = (
        know(library, tmp_path / path) for path in ("album", "album/inner", "other")
    )
    read(library, album, 3, "it is read-only")
    read(library, inner, 2)
    read(library, other, 3000)
    kept = {album: "xattr", inner: "sidecar"}
    for path, mode in kept.items():
        tagged_folders.add(library, path, mode)
    with library.read() as database, counted(database) as steps:
        assert tagged_folders.count_skipped(library, kept) == {album: 3, inner: 0}
        assert tagged_folders.count_skipped(library, {inner: "xattr", album: "sidecar"}) == {
            inner: 0,
            album: 0,
        }
        assert tagged_folders.due_files(library, album, "xattr", "edition") == []
        assert len(tagged_folders.due_files(library, album, "xattr", "another")) == 3
        assert len(tagged_folders.due_files(library, inner, "sidecar", "edition")) == 2
    assert 0 < steps.count < 3000
    tagged_folders.remove(library, inner)
    assert len(tagged_folders.due_files(library, album, "xattr", "another")) == 5


def test_moves_that_were_seen(library: Library, tmp_path: Path) -> None:
    one, other, third = (know(library, tmp_path / "album" / name) for name in ("a", "b", "c"))
    album, folder = os.fsencode(tmp_path / "album"), os.fsencode(tmp_path / "folder")
    tagged_folders.add(library, one, "xattr")
    tagged_folders.add(library, other, "sidecar")
    assert swap(library, one, other, True)
    assert tagged_folders.read(library) == {one: "sidecar", other: "xattr"}
    assert move_directory(library, one, third)
    assert tagged_folders.read(library) == {other: "xattr", third: "sidecar"}
    assert move_directory(library, album, folder)
    assert tagged_folders.read(library) == {folder + b"/b": "xattr", folder + b"/c": "sidecar"}


def test_moves_that_nobody_saw(library: Library, tmp_path: Path) -> None:
    if inode_identity(os.fsencode(tmp_path)) is None:
        pytest.skip("the file system of temporary files doesn't say when a file was made")
    looks: list[bytes] = []

    def look(path: bytes) -> tuple[int, int] | None:
        looks.append(path)
        return inode_identity(path) if answers else None

    answers, following = True, FolderTracker(library, look)
    old, lost = know(library, tmp_path / "old"), know(library, tmp_path / "lost")
    for path in (old, lost):
        tagged_folders.add(library, path, "xattr")
    (tmp_path / "old").rename(tmp_path / "new")
    (tmp_path / "lost").rename(tmp_path / "unknown")
    answers = False  # its server hangs
    assert following.update(True) == [] and not following.unverified
    answers = True
    assert following.update(True) == []
    assert tagged_folders.read(library) == {old: "xattr", lost: "xattr"}
    know(library, tmp_path / "old")  # another one with its name
    for _ in range(3):
        assert following.update(False) == [] and following.unverified == {old}
    new = know(library, tmp_path / "new")
    assert following.update(False) == [(old, new)] and not following.unverified
    assert tagged_folders.read(library) == {new: "xattr", lost: "xattr"}
    looks.clear()
    assert following.update(True) == []
    assert sorted(looks) == [lost, new]  # nothing else has come


def test_another_directory_is_not_taken_for_one_that_is_gone(
    library: Library, tmp_path: Path
) -> None:
    """Its inode number may be reused, but the user agreed to tags in the old folder only."""
    following = FolderTracker(library, inode_identity)
    old = know(library, tmp_path / "old")
    tagged_folders.add(library, old, "xattr")
    for number in range(50):
        shutil.rmtree(tmp_path / "old", ignore_errors=True)
        know(library, tmp_path / f"other-{number}")
    assert following.update(True) == []
    assert tagged_folders.read(library) == {old: "xattr"}
    know(library, tmp_path / "old")  # come back, from a backup
    for strange in ({old}, set(), set()):
        assert following.update(True) == [] and following.unverified == strange
    assert tagged_folders.read(library) == {old: "xattr"}
    (tmp_path / "old").rename(tmp_path / "new")
    new = know(library, tmp_path / "new")
    assert following.update(True) == [(old, new)]
