"""The files in memory: counts that are kept, and the copy in the cache."""

from __future__ import annotations

import os
import shutil
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from csearchd.library import listings
from csearchd.library.cache_token import Cache
from csearchd.library.catalogue import DUE, FAILED, INDEXED, NO_FILE, Catalogue
from csearchd.library.library import Library
from csearchd.library.listings import FileStat, Listing


def opened(directory: Path) -> Library:
    return Library(str(directory / "library.sqlite"), str(directory / "cache"))


def check(library: Library) -> None:
    """Memory is what the database alone would give; the counts are those of the columns."""
    catalogue = library.catalogue
    with library.read() as database:
        fresh = Catalogue(database, Cache(None))
    size = min(len(fresh.state), len(catalogue.state))
    for column in ("directory", "content", "state"):
        assert getattr(fresh, column)[:size].tolist() == getattr(catalogue, column)[:size].tolist()
        assert not getattr(fresh, column)[size:].any()
        assert not getattr(catalogue, column)[size:].any()
    scope = np.arange(8) % 2 == 0
    for state in (DUE, INDEXED, FAILED):
        files = catalogue.state == state
        assert catalogue.count(state) == np.count_nonzero(files)
        inside = files & catalogue.files_in(scope)
        assert catalogue.count(state, scope) == np.count_nonzero(inside)
    for chosen in (None, catalogue.files_in(scope)):
        files = catalogue.state != NO_FILE if chosen is None else chosen
        held = set(catalogue.content[files].tolist()) - {0}
        assert set(np.flatnonzero(catalogue.contents_of(chosen)).tolist()) == held
    some = np.array([2, 5, 999], np.int32)
    having = np.flatnonzero(np.isin(catalogue.content, some))
    assert catalogue.files_with(some).tolist() == having.tolist()


CHANGES = st.lists(
    st.tuples(
        st.sampled_from(["list", "read", "fail", "remove", "flush", "reopen", "kill"]),
        st.integers(0, 3),
        st.integers(0, 15),
    ),
    max_size=25,
)


@settings(
    max_examples=50, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(changes=CHANGES)
def test_any_history_gives_what_the_database_has(
    tmp_path: Path, changes: list[tuple[str, int, int]]
) -> None:
    shutil.rmtree(tmp_path / "case", ignore_errors=True)
    (tmp_path / "case").mkdir()
    library = opened(tmp_path / "case")
    for action, place, number in changes:
        path = b"/p%d" % place
        if action == "list":
            names = [b"%d.jpg" % bit for bit in range(4) if number >> bit & 1]
            files = [FileStat(name, 1, 1, 1, 1) for name in names]
            listings.apply(library, Listing(path, files, [], b"%d" % number))
        elif action in ("read", "fail"):
            with library.write() as database:
                database.execute(
                    "INSERT OR IGNORE INTO contents (id, scheme, identity) VALUES (?, 1, ?)",
                    (number + 1, str(number)),
                )
                failure = "is empty" if action == "fail" else None
                rows = database.execute(
                    "UPDATE files SET due = 0, content = ?, failure = ? WHERE id % 4 = ? "
                    "RETURNING id, directory",
                    (number + 1, failure, place),
                ).fetchall()
                for file, directory in rows:
                    state = FAILED if failure else INDEXED
                    library.catalogue.put(file, directory, number + 1, state)
        elif action == "remove":
            listings.remove(library, path)
        elif action == "flush":
            library._flush_caches()
        else:
            library.close() if action == "reopen" else library._database.close()
            library = opened(tmp_path / "case")
        check(library)
    library.close()


@pytest.mark.parametrize("damage", ["changed", "truncated", "another's", "gone"])
def test_a_damaged_copy_is_not_used(tmp_path: Path, damage: str) -> None:
    library = opened(tmp_path)
    files = [FileStat(b"%d.jpg" % number, 1, 1, 1, 1) for number in range(100)]
    listings.apply(library, Listing(b"/p", files, [], b"1"))
    library.close()
    copy = tmp_path / "cache" / "files"
    whole = copy.read_bytes()
    if damage == "gone":
        copy.unlink()
    else:
        copy.write_bytes(
            {
                "changed": whole[:-1] + b"\x03",
                "truncated": whole[:-9],
                "another's": whole[:8] + b"0" * 32 + whole[40:],
            }[damage]
        )
    library = opened(tmp_path)
    check(library)
    library.close()


def test_a_start_reads_the_copy(tmp_path: Path) -> None:
    library = opened(tmp_path)
    listings.apply(library, Listing(b"/p", [FileStat(b"a.jpg", 1, 1, 1, 1)], [], b"1"))
    library.close()
    library = opened(tmp_path)
    statements: list[str] = []
    library._database.set_trace_callback(statements.append)
    library._load_memory()
    assert library.catalogue.count(DUE) == 1
    assert not any("FROM files" in text and "changed_files" not in text for text in statements)
    library._database.set_trace_callback(None)
    library.close()


def test_no_search_waits_while_files_in_the_cache_are_made_safe(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A disk may take seconds for that."""
    library = opened(tmp_path)
    free: list[bool] = []

    def is_free() -> bool:
        taken = library.memory_lock.acquire(timeout=0)
        if taken:
            library.memory_lock.release()
        return taken

    def look(*arguments: object) -> None:
        with ThreadPoolExecutor(1) as other:
            free.append(other.submit(is_free).result())

    library.load_vectors(library.model_row("f" * 64, "model", 8), 8)
    monkeypatch.setattr(os, "fdatasync", look)
    monkeypatch.setattr(os, "replace", lambda *names: (look(), os.rename(*names)))
    library._flush_caches()
    library.close()
    assert len(free) > 3 and all(free)
