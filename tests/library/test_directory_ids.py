"""Large ids of directories are replaced by small ones, and nothing is lost by that."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from csearchd.library import listings, roots
from csearchd.library.catalogue import DUE
from csearchd.library.library import Library
from csearchd.library.listings import FileStat, Listing

LARGE = 5_000_000
FILES = [FileStat(b"1.jpg", 1, 1, 1, 1), FileStat(b"2.jpg", 1, 1, 1, 2)]
REFERENCES = ("directories.parent", "files.directory", "roots.directory", "disks.directory")


def path_of(directory: Path) -> str:
    return str(directory / "library.sqlite")


@pytest.fixture
def number(tmp_path: Path) -> int:
    """The id of the root /p/a in a library that is closed, with pictures in it and in /p/a/b."""
    library = Library(path_of(tmp_path))
    listings.apply(library, Listing(b"/p/a", FILES, [b"b"], b"1"))
    listings.apply(library, Listing(b"/p/a/b", FILES, [], b"2"))
    roots.add(library, b"/p/a")
    number = library.tree.find(b"/p/a")
    library.close()
    assert number
    return number


def renumber(directory: Path, old: int, *columns: str) -> None:
    with closing(sqlite3.connect(path_of(directory))) as database:
        for table, column in (name.split(".") for name in columns):
            database.execute(f"UPDATE {table} SET {column} = {LARGE} WHERE {column} = {old}")
        database.commit()


def test_a_sound_directory_keeps_what_is_in_it(tmp_path: Path, number: int) -> None:
    renumber(tmp_path, number, "directories.id", *REFERENCES)
    for _ in range(2):
        library = Library(path_of(tmp_path))
        assert library.remarks == []
        assert (library.tree.find(b"/p/a") or LARGE) < 100
        assert library.catalogue.count(DUE) == 4
        assert roots.roots(library) == [b"/p/a"]
        assert len(library.tree.mask([1])) < LARGE
        library.close()


def test_a_damaged_id_costs_one_listing(tmp_path: Path, number: int) -> None:
    """Files and subdirectories refer to the id that the directory had."""
    renumber(tmp_path, number, "directories.id")
    library = Library(path_of(tmp_path))
    assert roots.roots(library) == []
    listings.apply(library, Listing(b"/p/a", FILES, [b"b"], b"1"))
    listings.apply(library, Listing(b"/p/a/b", FILES, [], b"2"))
    assert library.catalogue.count(DUE) == 4
    with library.read() as database:
        assert not database.execute("PRAGMA foreign_key_check").fetchall()
    library.close()
    assert Library(path_of(tmp_path)).remarks == []
