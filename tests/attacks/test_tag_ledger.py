"""A damaged row of the tags' ledger, or one that vanishes, costs its own picture and no other."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest

from csearchd.tags import ledger, tagged_folders
from support.photos import write_photos
from support.user import User
from tags.bench import Bench
from tags.pictures import make

NAMES = ("cat", "horse", "coffee")
XDG = "user.xdg.tags"


def flipped(data: bytes) -> bytes:
    middle = len(data) // 2
    return data[:middle] + bytes([data[middle] ^ 0x55]) + data[middle + 1 :]


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    one = Bench(tmp_path / "library")
    yield one
    one.close()


DAMAGES = {
    "original": "x'0123'",
    "words": "'[\"a'",
    "removed": "'{}'",
    "mark": "x'ff'",
    "root": "CAST(x'ff' AS TEXT)",
    "model": "7",
    "written": "'soon'",
    "digest": "'text'",
    "carrier": "'xattq'",
    "path": "7",
    "intended": "x'c1'",
}


@pytest.mark.parametrize("column", DAMAGES)
def test_a_damaged_column_costs_its_own_row(bench: Bench, tmp_path: Path, column: str) -> None:
    one, other = make(tmp_path, "jpg", 1), make(tmp_path, "jpg", 2)
    bench.write("xattr", ["sky"], one, other)
    entry = bench.entry("xattr", one)
    assert entry is not None
    with bench.library.write() as database:
        database.execute(
            f"UPDATE tag_ledger SET {column} = {DAMAGES[column]} WHERE id = ?", (entry.row,)
        )
    files = ledger.all_files(bench.library)
    entries = {found.row: found for found in ledger.entries(bench.library, files)}
    assert len(entries) == 2
    # Bytes that mean nothing are seen by whoever needs them
    assert entries[entry.row].damaged or column in ("original", "mark", "model")
    assert [found.damaged for found in entries.values() if found.row != entry.row] == [False]
    assert ledger.lost_entries(bench.library) == [] and ledger.by_mark(bench.library, "-") is None
    assert bench.undo("xattr", other) == ["written"]


@pytest.mark.parametrize("column, value", [("mode", "CAST(x'ff' AS TEXT)"), ("path", "7")])
def test_a_damaged_folder_costs_itself(
    bench: Bench, tmp_path: Path, column: str, value: str
) -> None:
    one, other = tmp_path / "one", tmp_path / "other"
    for directory in (one, other):
        directory.mkdir()
        tagged_folders.add(bench.library, bytes(directory), "xattr")
    with bench.library.write() as database:
        database.execute(f"UPDATE tag_folders SET {column} = {value} WHERE path = ?", (bytes(one),))
    assert tagged_folders.read(bench.library) == {bytes(other): "xattr"}
    assert tagged_folders.count_skipped(bench.library, {bytes(other): "xattr"}) == {bytes(other): 0}


def test_undo_names_what_is_damaged_and_does_all_else(user: User) -> None:
    paths = write_photos(user.pictures, NAMES)
    user.config.parent.mkdir(parents=True, exist_ok=True)
    user.config.write_text("[tags]\nconfidence = 1\n")
    for path in paths:
        os.setxattr(path, XDG, b"mine")
    user.csearchctl("tags", "write", "--mode", "xattr", user.pictures)
    user.csearchctl("stop")
    database = sqlite3.connect(user.data / "library.sqlite")
    rows = database.execute("SELECT id, path, original FROM tag_ledger ORDER BY path").fetchall()
    database.execute(
        "UPDATE tag_ledger SET original = ? WHERE id = ?", (flipped(rows[0][2]), rows[0][0])
    )
    database.execute("UPDATE tag_ledger SET words = '[' WHERE id = ?", (rows[1][0],))
    database.commit()
    database.close()
    done = user.csearchctl("tags", "undo", user.pictures, check=2)
    assert b"1 picture restored; 2 left alone" in done.stdout
    for _, path, _ in rows[:2]:
        assert b"%b: left alone: the library's record" % path in done.stderr
    assert os.getxattr(rows[2][1], XDG) == b"mine"
    assert "Traceback" not in user.log()
    written = user.csearchctl("tags", "write", "--mode", "xattr", user.pictures, check=2)
    assert b"1 picture tagged" in written.stdout


def test_rows_of_files_that_vanish_meanwhile(bench: Bench, tmp_path: Path) -> None:
    """As for a directory that is left out from now on."""
    path = make(tmp_path, "jpg")
    bench.write("xattr", ["sky"], path)
    ask = bench.tagger._ask

    def vanishing(op: str, **arguments: object) -> dict[str, object]:
        with bench.library.write() as database:
            database.execute("DELETE FROM files")
        return ask(op, **arguments)

    bench.tagger._ask = vanishing  # type: ignore[method-assign]
    assert bench.undo("xattr", path) == ["written"]
    assert os.listxattr(path) == []
    assert ledger.lost_entries(bench.library) == []
