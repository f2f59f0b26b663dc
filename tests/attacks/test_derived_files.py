"""Damaged files in the cache: each is made anew, which is said, and answers stay right."""

from __future__ import annotations

import json
import os
import random
import shutil
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from csearchd.library.cache_token import Cache
from csearchd.library.library import Library
from csearchd.library.listings import FileStat, Listing, apply
from csearchd.library.vectors.table import VectorTable
from csearchd.models.installed import load_model, starter_directory
from csearchd.models.text_tower import TextTower
from csearchd.scoring.tag_classifier import embed_texts
from support.user import User, wait_for

DIMENSIONS = 24
COUNT = 300
COLUMNS = ("content", "scale", "high", "low", "check")

Damage = Callable[[bytearray], None]


def random_block(data: bytearray) -> None:
    size = min(64, len(data) // 4)
    data[size : 2 * size] = random.Random(1).randbytes(size)


def one_bit(data: bytearray) -> None:
    data[len(data) // 50] ^= 4


def all_random(data: bytearray) -> None:
    data[:] = random.Random(2).randbytes(len(data))


def zeros(data: bytearray) -> None:
    data[:] = bytes(len(data))


def zero_block(data: bytearray) -> None:
    data[8:40] = bytes(32)


def half(data: bytearray) -> None:
    del data[len(data) // 2 :]


def a_byte_less(data: bytearray) -> None:
    del data[-1:]


def longer(data: bytearray) -> None:
    data.extend(b"more")


def much_longer(data: bytearray) -> None:
    data.extend(bytes(2 * len(data)))


def empty(data: bytearray) -> None:
    data.clear()


DAMAGES: tuple[Damage, ...] = (
    random_block, one_bit, all_random, zeros, zero_block, half, a_byte_less, longer, much_longer,
    empty,
)  # fmt: skip


def damage_file(file: Path, damage: Damage) -> None:
    """In place, as a bad disk or another program would."""
    data = bytearray(file.read_bytes())
    damage(data)
    with file.open("r+b") as stream:
        stream.write(data)
        stream.truncate()


def units(seed: int) -> NDArray[np.float16]:
    vectors = np.random.default_rng(seed).normal(size=(COUNT, DIMENSIONS))
    return (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float16)


class Shelf:
    """A library of one model whose service is stopped and started."""

    def __init__(self, directory: Path, seed: int = 1) -> None:
        directory.mkdir(exist_ok=True)
        self.directory = directory
        self.vectors = units(seed)
        self.start()
        files = [FileStat(b"%d.jpg" % number, 1, 1, 1, 1) for number in range(COUNT)]
        apply(self.library, Listing(b"/p", files, [], b"1"))
        contents = range(1, COUNT + 1)
        with self.library.write() as database:
            for content in contents:
                database.execute(
                    "INSERT INTO contents (id, scheme, identity) VALUES (?, 1, ?)",
                    (content, str(content)),
                )
                vector = self.vectors[content - 1].tobytes()
                row = (self.model, content, vector)
                database.execute("INSERT INTO vectors VALUES (?, ?, ?, 1)", row)
        self.table.change(zip(contents, self.vectors, strict=True))

    def start(self) -> None:
        self.library = Library(
            str(self.directory / "library.sqlite"), str(self.directory / "cache")
        )
        self.model = self.library.model_row("f" * 64, "model", DIMENSIONS)
        self.table: VectorTable = self.library.load_vectors(self.model, DIMENSIONS)

    def stop(self) -> None:
        self.library.close()

    def kill(self) -> None:
        """What a SIGKILL leaves: nothing is said to anybody any more."""
        self.table._file.close()
        for database in (self.library._database, *self.library._readers):
            database.close()

    def file(self, name: str) -> Path:
        (codes,) = (self.directory / "cache").glob("vectors-*")
        return self.directory / "cache" / "files" if name == "files" else codes / name

    def check(self) -> None:
        for number in range(0, COUNT, 50):
            query = self.vectors[number].astype(np.float32)
            contents, scores = self.table.search(query, None, 10)
            exact = self.vectors.astype(np.float32) @ query
            assert contents[0] == number + 1 and len(self.table) == COUNT
            assert scores.tolist() == pytest.approx(
                sorted(exact)[: -len(scores) - 1 : -1], abs=1e-3
            )
        assert self.library.catalogue.count(1) == COUNT

    @property
    def damaged(self) -> list[str]:
        return [str(remark) for remark in self.library.cache.damaged]


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Of a stopped library."""
    shelf = Shelf(tmp_path_factory.mktemp("whole"))
    shelf.stop()
    return shelf.directory


@pytest.fixture
def shelf(whole: Path, tmp_path: Path) -> Iterator[Shelf]:
    """A running library."""
    shutil.copytree(whole, tmp_path / "shelf")
    shelf = Shelf.__new__(Shelf)
    shelf.directory, shelf.vectors = tmp_path / "shelf", units(1)
    shelf.start()
    assert not shelf.damaged
    yield shelf
    shelf.stop()


@pytest.mark.parametrize("name", [*COLUMNS, "head", "files"])
@pytest.mark.parametrize("damage", DAMAGES)
def test_damage_is_found_at_the_next_start(
    shelf: Shelf, name: str, damage: Damage, caplog: pytest.LogCaptureFixture
) -> None:
    shelf.stop() if damage is not random_block else shelf.kill()
    damage_file(shelf.file(name), damage)
    shelf.start()
    shelf.check()
    if name != "head" or damage not in (half, a_byte_less, longer, much_longer):  # blanks alone
        (text,) = shelf.damaged
        assert "was damaged" in text and str(shelf.directory / "cache") in text
        assert text in caplog.text
    shelf.stop()
    shelf.start()
    shelf.check()
    assert not shelf.damaged


def test_files_of_an_older_version_are_not_called_damaged(shelf: Shelf) -> None:
    shelf.stop()
    head = json.loads(shelf.file("head").read_text())
    shelf.file("head").write_text(json.dumps({**head, "format": 1}).ljust(512))
    shelf.file("check").unlink()
    shelf.start()
    shelf.check()
    assert not shelf.damaged


@pytest.mark.parametrize("name", COLUMNS)
@pytest.mark.parametrize("damage", [random_block, zeros, half, much_longer, empty])
def test_damage_while_the_service_runs_is_mended_in_place(
    shelf: Shelf, name: str, damage: Damage
) -> None:
    with shelf.library.write() as database:
        database.execute("DELETE FROM vectors WHERE content = 7")
    shelf.table.change([(7, None)])
    shelf.vectors[6] = 0
    damage_file(shelf.file(name), damage)
    shelf.library.verify_vectors()
    (text,) = shelf.damaged
    assert str(shelf.file(name).parent) in text
    assert shelf.table._file.damaged_rows() is None
    contents, _ = shelf.table.search(shelf.vectors[0].astype(np.float32), None, COUNT)
    assert sorted(contents.tolist()) == [n for n in range(1, COUNT + 1) if n != 7]
    shelf.library.verify_vectors()
    assert shelf.damaged == [text]


BAD_VECTORS = (
    "UPDATE vectors SET vector = x'00ff' WHERE content = 7",
    "UPDATE vectors SET vector = 'text' WHERE content = 8",
    "UPDATE vectors SET content = 'text' WHERE content = 9",
)


@pytest.mark.parametrize("runs", [False, True])
def test_damaged_vectors_of_the_database_cost_themselves_alone(shelf: Shelf, runs: bool) -> None:
    """Though the cache, which is to be made of them, is damaged too; each is told once."""
    if not runs:
        shelf.stop()
    with closing(sqlite3.connect(shelf.directory / "library.sqlite")) as database:
        database.executescript("PRAGMA foreign_keys = OFF;" + ";".join(BAD_VECTORS))
    damage_file(shelf.file("high"), all_random)
    if runs:
        assert shelf.library.verify_vectors()
    else:
        shelf.start()
    assert [str(remark)[:9] for remark in shelf.library.remarks] == ["3 vectors"]
    assert shelf.table._file.damaged_rows() is None
    query = shelf.vectors[0].astype(np.float32)
    contents, _ = shelf.table.search(query, None, COUNT)
    left = [n for n in range(1, COUNT + 1) if n not in (7, 8, 9)]
    assert sorted(contents.tolist()) == left
    with shelf.library.read() as database:
        rows = database.execute("SELECT content FROM vectors ORDER BY content").fetchall()
    assert [row[0] for row in rows] == left
    assert not shelf.library.verify_vectors()


def test_damage_behind_the_last_row_is_mended(shelf: Shelf) -> None:
    shelf.file("content").write_bytes(shelf.file("content").read_bytes()[:-4] + b"\1\0\0\0")
    shelf.library.verify_vectors()
    assert len(shelf.damaged) == 1
    assert shelf.table._file.damaged_rows() is None


@pytest.mark.parametrize(
    ("one", "other"),
    [("high", "low"), ("scale", "content"), ("check", "high"), ("files", "high"), ("head", "low")],
)
def test_files_that_were_exchanged(shelf: Shelf, one: str, other: str) -> None:
    shelf.stop()
    first, second = shelf.file(one).read_bytes(), shelf.file(other).read_bytes()
    shelf.file(one).write_bytes(second)
    shelf.file(other).write_bytes(first)
    shelf.start()
    shelf.check()
    assert shelf.damaged


@pytest.mark.parametrize("names", [(name,) for name in COLUMNS] + [COLUMNS, ("head", "files")])
def test_files_of_another_library(shelf: Shelf, tmp_path: Path, names: tuple[str, ...]) -> None:
    """Of the right size, and whole in themselves."""
    other = Shelf(tmp_path / "other", seed=2)
    other.stop()
    shelf.stop()
    for name in names:
        shutil.copy(other.file(name), shelf.file(name))
    shelf.start()
    shelf.check()


def test_files_of_another_time(shelf: Shelf, tmp_path: Path) -> None:
    """All but the head are from a backup: each of their rows is whole in itself."""
    shelf.stop()
    for name in COLUMNS:
        shutil.copy(shelf.file(name), tmp_path / name)
    shelf.start()
    shelf.vectors[:100] = units(3)[:100]
    with shelf.library.write() as database:
        for content in range(1, 101):
            database.execute(
                "UPDATE vectors SET vector = ? WHERE content = ?",
                (shelf.vectors[content - 1].tobytes(), content),
            )
    shelf.table.change((content, shelf.vectors[content - 1]) for content in range(1, 101))
    shelf.check()
    shelf.stop()
    for name in COLUMNS:
        shutil.copy(tmp_path / name, shelf.file(name))
    shelf.start()
    shelf.check()
    assert shelf.damaged


@pytest.mark.parametrize("cut", range(1, 21, 2))
def test_a_kill_between_two_writes_is_no_damage(
    shelf: Shelf, monkeypatch: pytest.MonkeyPatch, cut: int
) -> None:
    """Rows that come, go and change, one write after the other until the service is killed."""
    changes = [(1, 2), (2, None), (3, 4), (COUNT + 1, 5)]
    with shelf.library.write() as database:
        database.execute(
            "INSERT INTO contents (id, scheme, identity) VALUES (?, 1, 'new')", (COUNT + 1,)
        )
        for content, vector in changes:
            if vector is None:
                database.execute("DELETE FROM vectors WHERE content = ?", (content,))
            else:
                database.execute(
                    "INSERT OR REPLACE INTO vectors VALUES (?, ?, ?, 1)",
                    (shelf.model, content, shelf.vectors[vector].tobytes()),
                )
    left = iter(range(cut))
    write = os.pwrite

    def killed(*arguments: object) -> int:
        if next(left, None) is None:
            raise ValueError("killed here")
        return write(*arguments)  # type: ignore[arg-type]

    with monkeypatch.context() as patch:
        patch.setattr(os, "pwrite", killed)
        shelf.table.change(
            (content, None if vector is None else shelf.vectors[vector])
            for content, vector in changes
        )
    shelf.kill()
    shelf.start()
    assert not shelf.damaged
    contents, _ = shelf.table.search(shelf.vectors[5].astype(np.float32), None, 2)
    assert sorted(contents.tolist()) == [6, COUNT + 1]
    assert len(shelf.table) == COUNT


@pytest.mark.parametrize("damage", [*DAMAGES, None])
def test_kept_vectors_of_words(tmp_path: Path, damage: Damage | None) -> None:
    model = load_model(starter_directory())
    tower = TextTower(model, 1)
    texts = [["a dog"], ["a cat", "two cats"], ["the sea"]]
    cache = Cache(str(tmp_path))
    first = embed_texts(texts, model, tower, cache)
    (kept,) = tmp_path.iterdir()
    if damage is None:
        other = embed_texts([["a house"], ["a tree"], ["a hill"]], model, tower, Cache(None))
        np.save(kept.open("wb"), other)
    else:
        damage_file(kept, damage)
    np.testing.assert_array_equal(embed_texts(texts, model, tower, cache), first)
    assert len(cache.damaged) == 1 and kept.name in str(cache.damaged[0])
    again = Cache(str(tmp_path))
    np.testing.assert_array_equal(embed_texts(texts, model, tower, again), first)
    assert not again.damaged


def results(user: User) -> list[tuple[Path, ...]]:
    return [tuple(user.search(words, "-g")) for words in ("a cat", "a rocket", "coffee")]


def test_the_service_repairs_what_was_damaged_and_says_so(user: User) -> None:
    """While it was stopped, and while it ran, until a kill."""
    user.take_photos()
    user.start()
    user.csearchctl("add", user.pictures)
    user.settle()
    before = results(user)
    cache = user.home / ".cache" / "csearch"
    (high,) = cache.glob("vectors-*/high")
    (terms,) = cache.glob("terms-*")
    user.csearchctl("stop")
    damage_file(high, all_random)
    damage_file(terms, all_random)
    damage_file(cache / "files", random_block)
    daemon = user.start()
    assert results(user) == before
    notes = " ".join(user.status()["notes"])
    told = user.csearchctl("doctor", check=None).stdout.decode()
    for file in (high.parent, terms, cache / "files"):
        assert f"{file} was damaged" in notes and f"{file} was damaged" in told, notes
        assert f"{file} was damaged" in user.log()
    damage_file(high, zeros)
    user.csearchctl("rescan")
    assert results(user) == before
    damage_file(high, zeros)
    daemon.kill()
    daemon.wait()
    user.start()
    assert results(user) == before
    assert f"{high.parent} was damaged" in " ".join(user.status()["notes"])
    user.csearchctl("stop")
    user.start()
    assert results(user) == before
    assert not user.status()["notes"]


def test_a_file_that_is_cut_while_it_is_searched(user: User) -> None:
    """That ends the service (SIGBUS); it comes back and is right."""
    user.take_photos()
    user.start()
    user.csearchctl("add", user.pictures)
    user.settle()
    before = results(user)
    (high,) = (user.home / ".cache" / "csearch").glob("vectors-*/high")
    os.truncate(high, 0)
    user.csearch("a horse", "-g", check=None)
    assert wait_for(lambda: results(user) == before, "right answers")
    assert "was damaged" in " ".join(user.status()["notes"])
