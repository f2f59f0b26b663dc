"""Two that take each other's place: whoever looks sees them before or after, never in between."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from csearchd.library import listings, roots
from csearchd.library.library import Library
from csearchd.library.listings import FileStat, Listing
from csearchd.library.moves import swap
from csearchd.library.tree import TOP
from csearchd.watch.debounce import Debounce

DIRECTORIES = (b"/a", b"/a/x", b"/a/x/y", b"/b", b"/b/x", b"/c")
FILES = tuple(f"{os.fsdecode(path)}/{name}".encode() for path in DIRECTORIES for name in "pq")


class Looks:
    """A lock that calls `look` in front of whoever comes next: each time that it is released."""

    def __init__(self, look: Callable[[], None]) -> None:
        self._lock = threading.RLock()
        self._depth = 0
        self._look = look

    def __enter__(self) -> None:
        self._lock.acquire()
        self._depth += 1

    def __exit__(self, *_: object) -> None:
        if self._depth == 1:
            self._look()
        self._depth -= 1
        self._lock.release()


@pytest.fixture
def library(tmp_path: Path) -> Iterator[Library]:
    library = Library(str(tmp_path / "library.sqlite"))
    for path in DIRECTORIES:
        inner = [os.path.basename(p) for p in DIRECTORIES if os.path.dirname(p) == path]
        number = 100 * DIRECTORIES.index(path)
        files = [FileStat(name, 1, 1, 1, number + name[0]) for name in (b"p", b"q")]
        listings.apply(library, Listing(path, files, inner, b"1"))
    yield library
    library.close()


def seen(library: Library) -> frozenset[tuple[bytes, int]]:
    """Every path that a reader can come to, with what is there."""
    tree, catalogue = library.tree, library.catalogue
    directories = tree.below(TOP)
    found = [(tree.path(directory), directory) for directory in directories]
    files = catalogue.state.nonzero()[0].tolist()
    found += [(tree.path(int(catalogue.directory[file])) + b"/", file) for file in files]
    return frozenset(found)


def agrees(library: Library) -> bool:
    """Whether memory is what was committed."""
    tree, catalogue = library.tree, library.catalogue
    with library.read() as database:
        directories = database.execute("SELECT id, parent, name FROM directories").fetchall()
        files = database.execute("SELECT id, directory FROM files").fetchall()
    return all(
        number == TOP or (tree.parent(number), tree.name(number)) == (parent, name)
        for number, parent, name in directories
    ) and all(catalogue.directory[file] == directory for file, directory in files)


PAIRS = st.tuples(st.sampled_from(DIRECTORIES), st.sampled_from(DIRECTORIES), st.just(True)) | (
    st.tuples(st.sampled_from(FILES), st.sampled_from(FILES), st.just(False))
)


@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(swaps=st.lists(PAIRS, min_size=1, max_size=4))
def test_readers_see_it_done_or_not_at_all(
    library: Library, swaps: list[tuple[bytes, bytes, bool]]
) -> None:
    memory = library.memory_lock
    for one, other, directories in swaps:
        looks: list[frozenset[tuple[bytes, int]]] = []
        library.memory_lock = Looks(lambda looks=looks: looks.append(seen(library)))  # type: ignore[assignment]
        before = seen(library)
        holders = [path if directories else os.path.dirname(path) for path in (one, other)]
        known = all(library.tree.find(path) is not None for path in holders)
        nested = one == other or (one + b"/").startswith(other + b"/")
        nested |= (other + b"/").startswith(one + b"/")
        done = swap(library, one, other, directories)
        library.memory_lock = memory
        assert done == (known and not nested)
        after = seen(library)
        assert set(looks) <= {before, after}
        assert done or before == after
        assert agrees(library)


def test_the_tags_ledger_follows(library: Library) -> None:
    paths = [b"/a/p", b"/a/x/q", b"/a/0", b"/b/p", b"/b0/p"]
    with library.write() as database:
        database.executemany(
            "INSERT INTO tag_ledger (path, carrier) VALUES (?, 'sidecar')",
            [(path,) for path in paths],
        )
    assert swap(library, b"/a", b"/b", True)
    with library.read() as database:
        rows = database.execute("SELECT path FROM tag_ledger ORDER BY id").fetchall()
    assert [row[0] for row in rows] == [b"/b/p", b"/b/x/q", b"/b/0", b"/a/p", b"/b0/p"]


def test_a_root_stays_where_it_is(library: Library) -> None:
    roots.add(library, b"/a/x")
    before = seen(library)
    assert not swap(library, b"/a", b"/b", True)
    assert seen(library) == before


def test_what_rests_is_held_while_its_directory_is_exchanged() -> None:
    """Somebody who asks all the time gets the same answer, under one name or the other."""
    debounce = Debounce()
    debounce.hold(b"/a/x", b"p", 1.0)
    debounce.hold(b"/b", b"q", 2.0)
    looks = []
    debounce._lock = Looks(lambda: looks.append(set(debounce._held)))  # type: ignore[assignment]
    debounce.swap(b"/a", b"/b")
    assert looks == [{b"/b/x", b"/a"}]
    assert debounce.holds(b"/b/x", b"p") and debounce.holds(b"/a", b"q")


def test_readers_meet_no_name_that_is_none(library: Library) -> None:
    """As the service does it: one thread exchanges, another one asks the disk about every path."""
    over = threading.Event()
    wrong: list[bytes] = []

    def ask() -> None:
        while not over.is_set():
            with library.memory_lock:
                paths = [path for path, _ in seen(library)]
            wrong.extend(path for path in paths if b"\0" in path)

    reader = threading.Thread(target=ask)
    reader.start()
    try:
        for _ in range(60):
            assert swap(library, b"/a", b"/b", True)
    finally:
        over.set()
        reader.join()
    assert not wrong
