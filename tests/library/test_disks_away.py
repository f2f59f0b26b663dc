"""What the library holds of a disk that is away, by tables of mounts; real ones: tests/watch."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from csearchd.library import contents, listings, roots
from csearchd.library.catalogue import DUE, INDEXED
from csearchd.library.library import Library
from csearchd.library.listings import FileStat, Listing
from csearchd.library.removal.forgetting import forget_path
from csearchd.library.volumes import disks
from csearchd.library.volumes.unmounted import unmounted_roots
from csearchd.library.volumes.volumes import Volumes
from csearchd.system.filesystem import Mount

TOP = Mount(b"/", "ext4", b"0:1", b"/", b"/dev/a", b"1", b"")


def mounted(*points: bytes) -> Volumes:
    """A server's directory, which has a name anywhere, at these points."""
    server = [
        Mount(point, "nfs4", b"0:9", b"/", b"server:/x", b"%d" % number, b"1")
        for number, point in enumerate(points, 2)
    ]
    return Volumes([TOP, *server])


def settle(library: Library, *points: bytes) -> list[bytes]:
    return disks.reconcile(library, mounted(*points), lambda path: path.startswith(b"/top/"))


@pytest.fixture
def path(tmp_path: Path) -> str:
    return str(tmp_path / "library.sqlite")


@pytest.fixture
def library(path: str) -> Iterator[Library]:
    """A root on the server with a picture that is read and one that is due."""
    library = Library(path)
    roots.add(library, b"/m/p")
    settle(library, b"/m")
    files = [FileStat(b"x.jpg", 1, 2, 3, 4), FileStat(b"y.jpg", 1, 2, 3, 5)]
    listings.apply(library, Listing(b"/m/p", files, [], b"digest"))
    with library.write() as database:
        database.execute("INSERT INTO contents (id, scheme, identity) VALUES (1, 1, x'00')")
        database.execute("UPDATE files SET content = 1, due = 0 WHERE name = x'782e6a7067'")
        library.catalogue.put(1, 2, 1, INDEXED)
    yield library
    library.close()


def count(library: Library) -> tuple[int, int, int, int]:
    """Known and due in memory; due, and lacking a vector, in the database."""
    with library.read() as reader:
        due = len(list(contents.due(reader)))
        missing = len(contents.without_vector(reader, 1, 0, 9))
        assert missing == contents.count_without_vector(reader, 1)
    return library.catalogue.count(INDEXED), library.catalogue.count(DUE), due, missing


def test_no_work_is_pending_while_it_is_away(library: Library, path: str) -> None:
    assert count(library) == (1, 1, 1, 1)
    settle(library)
    assert count(library) == (0, 0, 0, 0)
    library.close()
    again = Library(path)
    assert count(again) == (0, 0, 0, 0)
    with again.read() as reader:
        (away,) = unmounted_roots(reader)
    assert (away.path, away.files) == (b"/m/p", 2) and roots.roots(again) == []
    assert listings.retry_failed(again) == 0
    assert settle(again, b"/n") == [b"/n/p"]
    assert roots.roots(again) == [b"/n/p"]
    assert again.catalogue.count(INDEXED) == 2
    # What was due is found to be so by the next listing, the rest isn't.
    files = [FileStat(b"x.jpg", 1, 2, 3, 4), FileStat(b"y.jpg", 1, 2, 3, 5)]
    assert listings.apply(again, Listing(b"/n/p", files, [], b"digest"))
    assert count(again) == (1, 1, 1, 1)
    again.close()


def test_it_is_not_orphaned(library: Library) -> None:
    settle(library)
    with library.write() as database:
        listings.mark_orphans(library, database, [1])
        assert database.execute("SELECT orphaned FROM contents").fetchall() == [(None,)]


def test_a_file_on_it_is_looked_up_and_forgotten(library: Library) -> None:
    settle(library)
    assert contents.known_below(library, b"/m/p/x.jpg") == {1}
    assert contents.known_below(library, b"/m/p/y.jpg") == set()
    assert forget_path(library, b"/m/p/x.jpg") == 1
    assert contents.known_below(library, b"/m/p/x.jpg") == set()
    settle(library, b"/n")
    files = [FileStat(b"x.jpg", 1, 2, 3, 4), FileStat(b"y.jpg", 1, 2, 3, 5)]
    assert listings.apply(library, Listing(b"/n/p", files, [], b"digest")), "it is compared again"
    assert listings.file_at(library, b"/n/p/x.jpg")


def test_made_a_root_again_at_its_new_place(library: Library) -> None:
    settle(library)
    roots.add(library, b"/n/p")
    settle(library, b"/n")
    assert roots.roots(library) == [b"/n/p"]
    with library.read() as reader:
        assert unmounted_roots(reader) == []
        assert reader.execute("SELECT count(*) FROM files").fetchone() == (0,)
        # Its content is recognised when it is read.
        assert reader.execute("SELECT count(*) FROM contents").fetchone() == (1,)


def test_nested_roots_come_back_together(library: Library) -> None:
    roots.add(library, b"/m/p/deep/er")
    settle(library, b"/m")
    settle(library)
    assert roots.roots(library) == []
    settle(library, b"/elsewhere/n")
    assert roots.roots(library) == [b"/elsewhere/n/p", b"/elsewhere/n/p/deep/er"]
