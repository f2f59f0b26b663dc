"""The table of vectors and its code file: whatever happens, the answer is the database's."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from csearchd.library.library import Library
from csearchd.library.scan import best
from csearchd.library.vectors.table import VectorTable
from support.user import wait_for

DIMENSIONS = 24


def unit(seed: int, count: int = 1) -> NDArray[np.float16]:
    vectors = np.random.default_rng(seed).normal(size=(count, DIMENSIONS))
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    return vectors.astype(np.float16)


class Place:
    """A library with one model, opened and reopened as a daemon would."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.cache = directory / "cache"
        self.open()

    def open(self) -> None:
        self.library = Library(str(self.directory / "library.sqlite"), str(self.cache))
        self.model = self.library.model_row("f" * 64, "model", DIMENSIONS)
        self.table = self.library.load_vectors(self.model, DIMENSIONS)

    def close(self) -> None:
        self.library.close()

    def kill(self) -> None:
        """What a SIGKILL leaves: nothing is said to anybody any more."""
        self.table._file.close()
        self.library._database.close()
        self.library._tables.clear()
        self.library.close()  # the files that nothing is written to

    def store(self, content: int, vector: NDArray[np.float16]) -> None:
        """As library.contents does it."""
        self.store_only(content, vector)
        self.table.add(content, vector)

    def store_only(self, content: int, vector: NDArray[np.float16]) -> None:
        with self.library.write() as database:
            database.execute(
                "INSERT OR IGNORE INTO contents (id, scheme, identity) VALUES (?, 1, ?)",
                (content, str(content)),
            )
            database.execute(
                "INSERT INTO vectors VALUES (?, ?, ?, 1) ON CONFLICT (model, content) "
                "DO UPDATE SET vector = excluded.vector",
                (self.model, content, vector.tobytes()),
            )

    def drop(self, content: int) -> None:
        self.drop_only(content)
        self.table.remove(content)

    def drop_only(self, content: int) -> None:
        with self.library.write() as database:
            database.execute("DELETE FROM vectors WHERE content = ?", (content,))

    def check(self, wanted: NDArray[np.bool_] | None = None, top: int = 5) -> None:
        """The table answers as an exact scan over the database's vectors would."""
        with self.library.read() as database:
            rows = database.execute("SELECT content, vector FROM vectors").fetchall()
        rows = [row for row in rows if wanted is None or (row[0] < len(wanted) and wanted[row[0]])]
        query = unit(99)[0].astype(np.float32)
        query /= np.linalg.norm(query)
        scores = {
            row[0]: float(np.frombuffer(row[1], "<f2").astype(np.float32) @ query) for row in rows
        }
        want = sorted(scores, key=lambda content: (-scores[content], content))[:top]
        contents, found = self.table.search(query, wanted, top)
        assert found.tolist() == pytest.approx([scores[content] for content in want], abs=1e-4)
        assert [scores[c] for c in contents.tolist()] == pytest.approx(found.tolist(), abs=1e-4)
        assert len(set(contents.tolist())) == len(want)


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Place]:
    place = Place(tmp_path)
    yield place
    place.close()


CHANGES = st.lists(
    st.tuples(
        st.sampled_from(["store", "store", "drop", "reopen", "kill", "settle", "lost"]),
        st.integers(1, 12),
        st.integers(0, 1000),
    ),
    max_size=40,
)


@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(changes=CHANGES, mask=st.none() | st.lists(st.booleans(), min_size=13, max_size=13))
def test_any_history_gives_the_exact_answer(
    tmp_path: Path, changes: list[tuple[str, int, int]], mask: list[bool] | None
) -> None:
    shutil.rmtree(tmp_path / "case", ignore_errors=True)
    (tmp_path / "case").mkdir()
    place = Place(tmp_path / "case")
    for action, content, seed in changes:
        if action == "store":
            place.store(content, unit(seed)[0])
        elif action == "drop":
            place.drop(content)
        elif action == "settle":
            place.library._flush_caches()
        elif action == "lost":  # killed between the commit and the code file
            (place.store_only if seed % 2 else lambda c, _: place.drop_only(c))(
                content, unit(seed)[0]
            )
            place.kill()
            place.open()
        else:
            place.close() if action == "reopen" else place.kill()
            place.open()
        place.check()
    place.check(np.array(mask) if mask else None)
    place.close()


def fill(place: Place, count: int = 300) -> None:
    for content, vector in enumerate(unit(5, count), 1):
        place.store(content, vector)


@pytest.mark.parametrize("name", ["content", "scale", "high", "low", "head"])
@pytest.mark.parametrize("damage", ["truncated", "longer", "gone", "empty"])
def test_a_damaged_code_file_is_made_anew(place: Place, name: str, damage: str) -> None:
    fill(place)
    place.close()
    (directory,) = place.cache.glob("vectors-*")
    file = directory / name
    if damage == "gone":
        file.unlink()
    elif damage == "empty":
        file.write_bytes(b"")
    else:
        whole = file.read_bytes()
        file.write_bytes(whole[: len(whole) // 2] if damage == "truncated" else whole * 2)
    place.open()
    assert len(place.table) == 300
    place.check()


def test_a_code_file_of_another_library_is_made_anew(place: Place, tmp_path: Path) -> None:
    fill(place, 20)
    place.close()
    (tmp_path / "other").mkdir()
    other = Place(tmp_path / "other")
    for content in range(1, 21):
        other.store(content, unit(content + 100)[0])
    other.close()
    (theirs,), (ours,) = other.cache.glob("vectors-*"), place.cache.glob("vectors-*")
    shutil.rmtree(ours)
    shutil.copytree(theirs, ours)
    place.open()
    place.check()


def test_after_a_power_failure_nothing_unsafe_is_trusted(place: Place) -> None:
    fill(place, 20)
    place.kill()
    (directory,) = place.cache.glob("vectors-*")
    head = json.loads((directory / "head").read_text())
    assert head["safe"] is False
    (directory / "head").write_text(json.dumps({**head, "boot": "another"}).ljust(512))
    (directory / "high").write_bytes(bytes((directory / "high").stat().st_size))
    place.open()
    place.check()


def test_safe_rows_outlive_a_boot(place: Place) -> None:
    fill(place, 20)
    place.close()
    (directory,) = place.cache.glob("vectors-*")
    head = json.loads((directory / "head").read_text())
    (directory / "head").write_text(json.dumps({**head, "boot": "another"}).ljust(512))
    before = (directory / "high").stat().st_mtime_ns
    place.open()
    place.check()
    assert (directory / "high").stat().st_mtime_ns == before  # nothing was written again


def test_a_cache_that_cannot_be_written_is_said_and_done_without(tmp_path: Path) -> None:
    (tmp_path / "cache").write_text("no directory")
    place = Place(tmp_path)
    fill(place, 20)
    place.check()
    assert "cache" in str(place.table.last_error)
    place.close()


def full(call: Callable[..., int], broken: set[int]) -> Callable[..., int]:
    """A system call to which some descriptors are files on a full disk."""

    def wrapped(descriptor: int, *rest: Any) -> int:
        if descriptor in broken:
            raise OSError(28, "No space left on device")
        return call(descriptor, *rest)

    return wrapped


@pytest.mark.parametrize("before", [0, 20])
def test_a_disk_that_fills_up_later(
    place: Place, monkeypatch: pytest.MonkeyPatch, before: int
) -> None:
    fill(place, before)
    broken = set(place.table._file._files.values())
    for name in ("pwrite", "posix_fallocate"):  # a full disk under the cache alone can't be had
        monkeypatch.setattr(os, name, full(getattr(os, name), broken))
    place.store(21, unit(21)[0])
    if before:
        place.drop(3)
    place.check()
    assert "No space left" in str(place.table.last_error)


def test_another_process_with_the_same_cache_keeps_its_file(place: Place, tmp_path: Path) -> None:
    fill(place, 20)
    (directory,) = place.cache.glob("vectors-*")
    second = VectorTable(DIMENSIONS, str(directory))
    assert second.last_error
    second.add(1, unit(1)[0])
    place.check()


def test_rows_are_used_again(place: Place) -> None:
    fill(place, 100)
    for content in range(1, 51):
        place.drop(content)
    place.close()
    place.open()
    for content in range(201, 251):
        place.store(content, unit(content)[0])
    assert len(place.table) == place.table._used == 100
    place.check()


def test_equal_vectors_have_equal_scores(place: Place) -> None:
    for content in range(1, 40):
        place.store(content, unit(7)[0])
    contents, scores = place.table.search(unit(8)[0].astype(np.float32), None, 39)
    assert contents.tolist() == list(range(1, 40))
    assert len(set(scores.tolist())) == 1


def test_a_change_of_model_removes_the_codes_of_the_old_one(place: Place) -> None:
    fill(place, 5)
    other = place.library.model_row("e" * 64, "other", 8)
    table = place.library.load_vectors(other, 8)
    table.add(1, np.ones(8, np.float16))
    place.check()
    place.library.unload_vectors(place.model)
    files = list(place.cache.glob("vectors-*/*"))
    assert {path.parent.name for path in files} == {f"vectors-{'e' * 16}"}


def test_notes_of_a_model_that_no_table_has_do_not_pile_up(place: Place) -> None:
    """Else the cache would be written again and again, though nothing changes."""
    unused = place.library.model_row("a" * 64, "unused", DIMENSIONS)
    with place.library.write() as database:
        rows = [(number, str(number)) for number in range(1, 1201)]
        database.executemany("INSERT INTO contents (id, scheme, identity) VALUES (?, 1, ?)", rows)
        vectors = [(unused, row[0], unit(row[0])[0].tobytes()) for row in rows]
        database.executemany("INSERT INTO vectors VALUES (?, ?, ?, 1)", vectors)
    place.library.flush_caches()
    token = derived(place.library)
    place.library.flush_caches()
    assert derived(place.library) == token
    place.library.load_vectors(unused, DIMENSIONS)
    with place.library.write() as database:  # released, but killed before its codes went
        place.library._tables.pop(unused).close()
        database.execute("DELETE FROM vectors WHERE model = ? AND content > 3", (unused,))
    place.library.flush_caches()
    assert len(place.library.load_vectors(unused, DIMENSIONS)) == 3


def derived(library: Library) -> list[tuple[str, str]]:
    with library.read() as database:
        return database.execute("SELECT * FROM derived ORDER BY name").fetchall()


def test_low_bytes_count_as_memory_only_while_searches_come(place: Place) -> None:
    place.store(1, unit(1)[0])
    place.table.search(unit(2)[0].astype(np.float32), None, 1)
    (low,) = place.cache.glob("*/low")
    assert resident(low) > 0
    wait_for(lambda: resident(low) == 0, "memory that is given back")


def resident(file: Path) -> int:
    """KB that are resident of this process's mapping of a file (smaps, proc(5))."""
    lines = iter(Path("/proc/self/smaps").read_bytes().splitlines())
    for line in lines:
        if line.endswith(bytes(file)):
            return int(next(part for part in lines if part.startswith(b"Rss:")).split()[1])
    return 0


@pytest.mark.parametrize("count", [1, 10, 4000])
def test_the_best_of_many(count: int) -> None:
    scores = np.random.default_rng(1).normal(size=200_000).astype(np.float32)
    scores[:50_000] = 3  # more equal ones than wanted
    found = best(scores, count)
    assert len(found) == count
    assert np.sort(scores[found]).tolist() == np.sort(scores)[-count:].tolist()


def test_the_space_of_deleted_vectors_is_given_back(place: Place) -> None:
    for content, vector in enumerate(unit(5, 2000), 1):
        place.store_only(content, vector)
    file = place.directory / "library.sqlite"
    place.library.vacuum()
    before = file.stat().st_size
    with place.library.write() as database:
        database.execute("DELETE FROM vectors")
        database.execute("DELETE FROM contents")
    place.library.vacuum()
    with place.library.read() as database:
        assert database.execute("PRAGMA freelist_count").fetchone() == (0,)
    assert file.stat().st_size < before


def test_all_from_a_score_on_are_those_of_the_exact_scan() -> None:
    """Also where the high bytes alone could not tell, and for rows of different lengths."""
    chance = np.random.default_rng(9)
    table = VectorTable(DIMENSIONS)
    vectors = chance.normal(size=(5000, DIMENSIONS)).astype(np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    vectors[::3] *= 0.7
    contents = np.arange(1, len(vectors) + 1, dtype=np.int32)
    table.extend(contents, vectors)
    table.remove(17)
    wanted = np.ones(len(vectors), np.bool_)  # the last content is newer than the mask
    wanted[::5] = False
    query = vectors[1] / np.linalg.norm(vectors[1])
    exact = np.einsum("ij,j->i", table.vectors(contents), query)
    meant = (contents % 5 > 0) & (contents != 17) & (contents < len(vectors))
    for least in (-2.0, -0.1, 0.0, 0.2, float(exact[41]), 2.0):
        found = table.at_least(query, wanted, least)
        assert sorted(found) == contents[meant & (exact >= least)].tolist()
    assert not len(VectorTable(DIMENSIONS).at_least(query, wanted, 0.0))
