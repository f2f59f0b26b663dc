"""What comes after a commit: it fails no write, keeps no search waiting, reaches every table."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from csearchd.errors import LibraryError
from csearchd.library import contents, listings
from csearchd.library.catalogue import DUE, INDEXED, NO_FILE
from csearchd.library.contents import Outcome
from csearchd.library.library import Library
from csearchd.library.listings import FileStat, Listing
from csearchd.library.metadata.details import details
from csearchd.library.removal.forgetting import forget_path
from csearchd.library.tree import DirectoryTree
from csearchd.library.vectors.table import VectorTable

DIMENSIONS = 8


def opened(directory: Path) -> Library:
    return Library(str(directory / "library.sqlite"), str(directory / "cache"))


@pytest.fixture
def library(tmp_path: Path) -> Iterator[Library]:
    library = opened(tmp_path)
    yield library
    library.close()


def model(library: Library, letter: str = "f") -> int:
    return library.model_row(letter * 64, letter, DIMENSIONS)


def table_of(library: Library, letter: str = "f") -> VectorTable:
    return library.load_vectors(model(library, letter), DIMENSIONS)


def axis(number: int) -> NDArray[np.float16]:
    vector = np.zeros(DIMENSIONS, np.float16)
    vector[number] = 1
    return vector


def list_files(library: Library, *names: str) -> None:
    files = [FileStat(name.encode(), 9, 9, 9, number) for number, name in enumerate(names)]
    listings.apply(library, Listing(b"/p", files, (), repr(names).encode()))


def outcomes(library: Library, number: int) -> list[Outcome]:
    """What an encoder makes of all files that are due: each shows `axis(number)`."""
    with library.read() as database:
        jobs = list(contents.due(database))
    found: list[Outcome] = []
    for job in jobs:
        stat = dict(zip(("size", "mtime_ns", "ctime_ns", "inode"), job.stat, strict=True))
        said = {"keywords": [job.name.decode()]}
        about = {"scheme": 1, "identity": job.name, **stat, "metadata": said}
        found.append(Outcome(job, about, axis(number).tobytes()))
    return found


def read(library: Library, number: int, letter: str = "f") -> None:
    contents.store(library, model(library, letter), outcomes(library, number))


def best(table: VectorTable, number: int) -> list[int]:
    return table.search(axis(number).astype(np.float32), None, 1)[0].tolist()


def no_search_waits(library: Library) -> bool:
    """Whether another thread could have the lock that searches take."""

    def is_free() -> bool:
        taken = library.memory_lock.acquire(timeout=0)
        if taken:
            library.memory_lock.release()
        return taken

    with ThreadPoolExecutor(1) as other:
        return other.submit(is_free).result()


def fail(*_: object) -> None:
    raise ValueError("broken on purpose")


def test_a_listener_that_raises_fails_no_write(
    library: Library, caplog: pytest.LogCaptureFixture
) -> None:
    told: list[str] = []
    library.on_commit(fail)
    library.on_commit(lambda: told.append("told"))
    catalogue = library.catalogue
    list_files(library, "a.jpg")
    assert told and library.catalogue.count(DUE) == 1
    assert library.catalogue is catalogue  # nothing was taken back
    assert "broken on purpose" in caplog.text


def test_what_follows_a_commit_is_done_though_a_part_of_it_fails(
    library: Library,
) -> None:
    done: list[str] = []
    failures: list[tuple[str, str]] = []
    library.report_failure = lambda name, error: failures.append((name, str(error)))
    with library.write() as database:
        library.write_after_commit(fail)
        library.write_after_commit(lambda: done.append("file"))
        library.after_commit(fail)
        library.after_commit(lambda: done.append("memory"))
        database.execute("INSERT INTO settings VALUES ('name', 'value')")
    assert done == ["file", "memory"] and library.setting("name") == "value"
    assert failures == [("following a commit", "broken on purpose")] * 2


def test_memory_is_that_of_the_database_after_a_step_that_failed(
    library: Library, monkeypatch: pytest.MonkeyPatch
) -> None:
    list_files(library, "a.jpg", "b.jpg")
    monkeypatch.setattr(library.photo_metadata, "put", fail)
    read(library, 1)
    assert (library.catalogue.count(DUE), library.catalogue.count(INDEXED)) == (0, 2)


def test_memory_that_could_not_be_read_is_read_before_the_next_write(
    library: Library, monkeypatch: pytest.MonkeyPatch
) -> None:
    list_files(library, "a.jpg")
    with monkeypatch.context() as patch:
        patch.setattr(library.photo_metadata, "put", fail)
        patch.setattr("csearchd.library.library.DirectoryTree", fail)
        read(library, 1)
    list_files(library, "a.jpg", "b.jpg")
    assert (library.catalogue.count(DUE), library.catalogue.count(INDEXED)) == (1, 1)


@pytest.mark.parametrize("restart", [False, True])
def test_a_vector_that_did_not_reach_its_table_does_so_later(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, restart: bool
) -> None:
    library = opened(tmp_path)
    table = table_of(library)
    list_files(library, "a.jpg")
    with monkeypatch.context() as patch:
        patch.setattr(table, "add", fail)
        read(library, 1)
        assert not best(table, 1)
        library.flush_caches()  # which must not drop the note of what is missing
    if restart:
        monkeypatch.setattr(table, "add", fail)
        library.close()
        library = opened(tmp_path)
        table = table_of(library)
    else:
        library.flush_caches()
    assert best(table, 1) == [1]
    library.close()


def test_files_are_written_while_no_search_has_to_wait(
    library: Library, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Vectors that come, more rows than there is room for, and vectors that go."""
    table_of(library)
    free: list[bool] = []

    def looking(call: Callable[..., Any]) -> Callable[..., Any]:
        def wrapped(*arguments: Any) -> Any:
            free.append(no_search_waits(library))
            return call(*arguments)

        return wrapped

    for name in ("pwrite", "fdatasync", "posix_fallocate", "ftruncate", "replace", "open"):
        monkeypatch.setattr(os, name, looking(getattr(os, name)))
    list_files(library, "a.jpg", "b.jpg")
    read(library, 1)
    forget_path(library, b"/p/a.jpg")
    list_files(library)
    with library.write() as database:
        database.execute("UPDATE contents SET orphaned = 1")
    assert contents.purge(library, 0) == 1
    library.flush_caches()
    assert len(free) > 10 and all(free)


def test_searches_go_on_while_memory_is_read_anew(
    library: Library, monkeypatch: pytest.MonkeyPatch
) -> None:
    list_files(library, "a.jpg")
    free: list[bool] = []

    def look(rows: Any) -> DirectoryTree:
        free.append(no_search_waits(library))
        return DirectoryTree(rows)

    monkeypatch.setattr("csearchd.library.library.DirectoryTree", look)
    with pytest.raises(LibraryError), library.write():
        raise sqlite3.DatabaseError("broken on purpose")
    assert free == [True]


def test_contents_that_go_leave_every_table(library: Library) -> None:
    """A new content may get the number of one that went."""
    tables = [table_of(library, letter) for letter in "fe"]
    list_files(library, "a.jpg")
    read(library, 1)
    with library.write() as database:
        row = model(library, "e"), axis(2).tobytes()
        database.execute("INSERT INTO vectors VALUES (?, 1, ?, 1)", row)
    tables[1].change([(1, axis(2))])
    assert [best(table, 1) for table in tables] == [[1], [1]]
    forget_path(library, b"/p/a.jpg")
    assert [best(table, 1) for table in tables] == [[], []]
    list_files(library, "b.jpg")
    read(library, 3)
    assert [best(table, 3) for table in tables] == [[1], []]


@pytest.mark.parametrize("way", ["purge", "forget", "store"])
def test_a_model_that_was_let_go_meanwhile_fails_no_write(library: Library, way: str) -> None:
    """Its encoder's last pictures may still come, and so may a purge."""
    table_of(library, "f")
    list_files(library, "a.jpg")
    read(library, 1)
    if way == "purge":
        list_files(library)
        with library.write() as database:
            database.execute("UPDATE contents SET orphaned = 1")
    late = outcomes(library, 1)
    library.unload_vectors(model(library, "f"))
    library.unload_vectors(model(library, "f"))
    if way == "purge":
        assert contents.purge(library, 0) == 1
    elif way == "forget":
        assert forget_path(library, b"/p/a.jpg") == 1
    else:
        contents.store(library, model(library, "f"), late)
    assert library.catalogue.count(INDEXED) == (way == "store")


def test_a_model_whose_table_came_meanwhile_gets_its_vectors(library: Library) -> None:
    """Those that an encoder made before the model began to serve."""
    list_files(library, "a.jpg")
    made = outcomes(library, 1)
    table = table_of(library)
    contents.store(library, model(library), made)
    assert best(table, 1) == [1]


def test_details_are_of_one_state_of_the_library(library: Library) -> None:
    """A file goes, and another gets its number, between two statements."""
    list_files(library, "a.jpg", "b.jpg")
    read(library, 1)
    files = np.flatnonzero(library.catalogue.state != NO_FILE).tolist()
    changes = [lambda: list_files(library, "a.jpg"), lambda: list_files(library, "c.jpg")]
    with library.read() as database:
        for number, change in enumerate(changes):
            shown = dict(database.execute("SELECT id, name FROM files"))
            seen: list[str] = []

            def trace(
                statement: str, seen: list[str] = seen, change: Callable[[], None] = change
            ) -> None:
                seen.append(statement)
                if "file_keywords" in statement:
                    change()
                    read(library, 1)

            database.set_trace_callback(trace)
            found = details(database, files)
            database.set_trace_callback(None)
            assert any("file_keywords" in statement for statement in seen)
            words = {file: told["keywords"] for file, told in found.items()}
            assert words == {file: [name.decode()] for file, name in shown.items()}, number


def test_a_library_with_a_table_may_be_closed_twice(library: Library) -> None:
    table_of(library)
    library.close()
    library.close()


def test_a_probe_without_room_costs_nothing_of_what_is_in_memory(library: Library) -> None:
    facts = library.load_photo_metadata()
    (pages,) = library._database.execute("PRAGMA page_count").fetchone()
    library._database.execute(f"PRAGMA max_page_count = {pages}")
    with pytest.raises(LibraryError, match="is full"):
        library.probe()
    assert library.photo_metadata is facts
    library._database.execute("PRAGMA max_page_count = 4294967294")
    library.probe()
    assert library.setting("probe") is None
