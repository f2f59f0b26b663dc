"""Readers beside a transaction: memory is ahead of what is committed."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from csearchd.library import contents, listings, moves, roots
from csearchd.library.library import Library
from csearchd.library.listings import FileStat, Listing
from support.steps import counted


@pytest.fixture
def library(tmp_path: Path) -> Iterator[Library]:
    library = Library(str(tmp_path / "library.db"))
    yield library
    library.close()


def test_a_directory_that_is_being_listed_first_is_not_seen_yet(library: Library) -> None:
    with ThreadPoolExecutor(1) as another, library.write() as database:
        listings.directory_row(library, database, b"/pictures")
        assert another.submit(listings.was_scanned, library, b"/pictures").result() is False


def test_other_names_of_files_are_found_without_reading_all(library: Library) -> None:
    for number in range(20):
        files = [FileStat(b"%d.jpg" % i, 1, 1, 1, number * 1000 + i) for i in range(1000)]
        listings.apply(library, Listing(b"/%d" % number, files, [], b"1"))
    with library.read() as database, counted(database) as steps:
        found = listings.directories_with_inodes(library, [5, 3007, 9999999])
    assert sorted(found) == [b"/0", b"/3"]
    assert 0 < steps.count < 1000


def test_failures_leave_out_what_is_being_removed(library: Library) -> None:
    listings.apply(library, Listing(b"/a", [FileStat(b"x.jpg", 1, 1, 1, 1)], [], b"1"))
    listings.apply(library, Listing(b"/b", [], [], b"", failure="Permission denied"))
    with library.write() as database:
        database.execute("UPDATE files SET due = 0, failure = 'is empty'")
    assert listings.failures(library) == [(b"/a/x.jpg", "is empty"), (b"/b", "Permission denied")]
    with ThreadPoolExecutor(1) as another, library.write():
        listings.remove(library, b"/a")
        listings.remove(library, b"/b")
        assert another.submit(listings.failures, library).result() == []


def test_inode_numbers_that_do_not_last_are_not_compared(library: Library) -> None:
    def files(inode: int, digest: bytes) -> Listing:
        return Listing(b"/a", [FileStat(b"x.jpg", 1, 2, 3, inode)], [], digest)

    listings.apply(library, files(0, b"1"))
    with library.write() as database:  # the encoder tells the number that it saw
        database.execute("UPDATE files SET due = 0, inode = 77")
    listings.apply(library, files(0, b"2"))
    with library.read() as reader:
        assert reader.execute("SELECT due FROM files").fetchall() == [(0,)]
    listings.apply(library, files(5, b"3"))
    with library.read() as reader:
        assert reader.execute("SELECT due FROM files").fetchall() == [(1,)]


def test_the_directory_of_all_can_be_a_root_and_leaves_like_any_other(library: Library) -> None:
    roots.add(library, b"/")
    for path in (b"/", b"/a", b"/a/b", b"/pictures"):
        listings.apply(library, Listing(path, [FileStat(b"x.jpg", 1, 1, 1, 1)], [], b"1"))
    listings.mark_scanned(library, b"/")
    roots.add(library, b"/pictures")
    assert roots.remove(library, b"/")
    with library.read() as reader:
        assert reader.execute("SELECT count(*) FROM files").fetchone() == (0,)
    assert roots.roots(library) == [b"/pictures"] and not listings.was_scanned(library, b"/")
    listings.apply(library, Listing(b"/", [FileStat(b"x.jpg", 1, 1, 1, 1)], [], b"1"))
    assert listings.remove(library, b"/") == 1


def test_a_directory_that_was_listed_too_late_is_removed(library: Library) -> None:
    """It was found, then excluded, then listed: the listing of what it is in hasn't changed."""
    above = Listing(b"/a", [], [], b"1")
    listings.apply(library, above)
    listings.apply(library, Listing(b"/a/b/c", [FileStat(b"x.jpg", 1, 1, 1, 1)], [], b"1"))
    assert listings.apply(library, above)
    assert library.tree.find(b"/a/b") is None and listings.file_at(library, b"/a/b/c/x.jpg") is None
    assert not listings.apply(library, above)


def test_what_leads_to_a_directory_that_was_asked_for_is_kept(library: Library) -> None:
    files = [FileStat(b"x.jpg", 1, 1, 1, 1)]
    listings.apply(library, Listing(b"/a/.b/c", files, [], b"1"))
    listings.apply(library, Listing(b"/a", [], [], b"1", kept={b".b"}))
    assert not listings.apply(library, Listing(b"/a", [], [], b"1", kept={b".b"}))
    assert listings.file_at(library, b"/a/.b/c/x.jpg")
    assert listings.apply(library, Listing(b"/a", [], [], b"1"))
    assert listings.file_at(library, b"/a/.b/c/x.jpg") is None


def test_a_root_that_is_excluded_where_it_is_changes_nothing(library: Library) -> None:
    roots.add(library, b"/a/b")
    listings.apply(library, Listing(b"/a/b", [FileStat(b"x.jpg", 1, 1, 1, 1)], [], b"1"))
    assert listings.apply(library, Listing(b"/a", [], [], b"1"))
    assert not listings.apply(library, Listing(b"/a", [], [], b"1"))
    assert listings.file_at(library, b"/a/b/x.jpg")


@pytest.mark.parametrize("failure", [None, "cannot be read"])
def test_a_file_that_could_not_be_read_is_tried_again_once_moved(
    library: Library, failure: str | None
) -> None:
    """A change of its mode leaves nothing but a new ctime, as the move does."""
    listings.apply(library, Listing(b"/a", [FileStat(b"x.jpg", 1, 2, 3, 4)], [], b"1"))
    with library.write() as database:
        database.execute("UPDATE files SET due = 0, failure = ?", (failure,))
    assert moves.move_file(library, b"/a/x.jpg", b"/a/y.jpg")
    listings.apply(library, Listing(b"/a", [FileStat(b"y.jpg", 1, 2, 5, 4)], [], b"2"))
    with library.read() as reader:
        rows = reader.execute("SELECT ctime_ns, due, failure FROM files").fetchall()
    assert rows == [(5, failure is not None, None)]


@pytest.mark.parametrize("unreached", [False, True])
def test_a_file_whose_directory_could_not_be_entered_is_tried_again_when_that_is_listed(
    library: Library, unreached: bool
) -> None:
    listing = Listing(b"/a", [FileStat(b"x.jpg", 1, 2, 3, 4)], [], b"1")
    listings.apply(library, listing)
    with library.read() as reader:
        jobs = list(contents.due(reader))
    outcomes = [contents.Outcome(job, failure="forbidden", unreached=unreached) for job in jobs]
    contents.store(library, 1, outcomes)
    listings.apply(library, listing)  # nothing of it has changed
    with library.read() as reader:
        rows = reader.execute("SELECT due, failure FROM files").fetchall()
    assert rows == [(1, None) if unreached else (0, "forbidden")]
