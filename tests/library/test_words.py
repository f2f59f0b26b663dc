"""The index of words follows every change of the library, and costs little."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest

from csearchd.library import listings, moves
from csearchd.library.library import Library
from csearchd.library.listings import FileStat, Listing
from csearchd.library.removal.forgetting import forget_path
from csearchd.library.words import index as words_index
from csearchd.library.words import schema
from csearchd.library.words.sources import SOURCES, Source, entry
from csearchd.library.words.tokens import words, words_of_name
from support.steps import counted


@pytest.fixture
def library(tmp_path: Path) -> Iterator[Library]:
    library = Library(str(tmp_path / "library.db"))
    yield library
    library.close()


def put(library: Library, path: str, *names: str) -> None:
    files = [FileStat(os.fsencode(name), 1, 1, 1, n + 1) for n, name in enumerate(names)]
    listings.apply(library, Listing(os.fsencode(path), files, [], os.urandom(8)))


def found(library: Library, *alternatives: str) -> list[int] | None:
    with library.read() as database:
        groups = [tuple(each.split()) for each in alternatives]
        return library.words.entries(database, groups, 100)


def indexed(library: Library) -> dict[int, str]:
    with library.read() as database:
        return dict(database.execute("SELECT rowid, text FROM words"))


def file(library: Library, path: str) -> int:
    found = listings.file_at(library, os.fsencode(path))
    assert found is not None
    return found


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("IMG_4711.jpg", ["img", "4711"]),
        ("IMG4711.JPG", ["img4711", "img", "4711"]),
        ("FullMoonParty.jpg", ["fullmoonparty", "full", "moon", "party"]),
        ("snake_case-name.tar.png", ["snake", "case", "name", "tar"]),
        ("1000268201_693b08cb0e.jpg", ["1000268201", "693b08cb0e"]),
        ("Stra\u00dfe M\u00fcller.png", ["strasse", "muller"]),
        ("Stra\u00dfe Mu\u0308ller.png", ["strasse", "muller"]),
        (
            "O\u0323\u0301la\u0301 \u05e9\u05b8\u05dc\u05d5\u05b9\u05dd.png",
            ["ola", "\u05e9\u05dc\u05d5\u05dd"],
        ),
        ("\u6d77\u8fba.jpg", ["\u6d77", "\u8fba", "\u6d77\u8fba"]),
        ("\udcff moon.jpg", ["moon"]),
        ("moon", ["moon"]),
        (".jpg", ["jpg"]),
        ("___.jpg", []),
    ],
)
def test_words_of_names(name: str, expected: list[str]) -> None:
    assert words_of_name(os.fsencode(name)) == expected


def test_the_same_words_in_all_spellings() -> None:
    wide, decomposed = "\uff4d\uff4f\uff4f\uff4e caf\u00e9", "Moon CAFE\u0301"
    assert words(wide) == words(decomposed) == ["moon", "cafe"]


def test_files_and_folders_are_followed(library: Library) -> None:
    put(library, "/a", "moon.jpg", "sun.jpg")
    moon = file(library, "/a/moon.jpg")
    assert found(library, "moon") == [entry(Source.NAME, moon)]
    moves.move_file(library, b"/a/moon.jpg", b"/a/star.jpg")
    assert found(library, "moon") == []
    assert found(library, "star") == [entry(Source.NAME, moon)]
    put(library, "/a", "sun.jpg")
    assert found(library, "star") == []
    assert found(library, "moon", "star", "sun") == [
        entry(Source.NAME, file(library, "/a/sun.jpg"))
    ]


def test_a_renamed_folder_is_one_entry(library: Library) -> None:
    put(library, "/a/holidays", *(f"{number}.jpg" for number in range(1000)))
    folder = library.tree.find(b"/a/holidays")
    assert folder is not None and found(library, "holidays") == [entry(Source.FOLDER, folder)]
    before = indexed(library)
    with library.read() as database, counted(database) as steps:
        moves.move_directory(library, b"/a/holidays", b"/a/crete")
    after = indexed(library)
    changed = {number for number in before | after if before.get(number) != after.get(number)}
    assert changed == {entry(Source.FOLDER, folder)} and after[entry(Source.FOLDER, folder)]
    assert steps.count < 10_000


def test_metadata_are_followed(library: Library) -> None:
    put(library, "/a", "x.jpg")
    number = file(library, "/a/x.jpg")

    def store(title: str | None, description: str | None) -> None:
        with library.write() as database:
            database.execute(
                "INSERT OR REPLACE INTO metadata (file, title, description) VALUES (?, ?, ?)",
                (number, title, description),
            )

    store("Old harbour", "with boats")
    assert found(library, "old harbour") == [entry(Source.TITLE, number)]
    assert found(library, "boats") == [entry(Source.DESCRIPTION, number)]
    store("New harbour", None)
    assert found(library, "old") == found(library, "boats") == []
    put(library, "/a")
    assert found(library, "harbour") == []
    assert set(indexed(library)) == {
        entry(Source.FOLDER, directory)
        for directory in library.tree.below(1)
        if library.tree.name(directory)
    }


def test_a_rollback_takes_the_entries_with_it(library: Library) -> None:
    with pytest.raises(ZeroDivisionError), library.write():
        put(library, "/a", "moon.jpg")
        raise ZeroDivisionError
    assert found(library, "moon") == []


def test_parts_of_words(library: Library) -> None:
    put(library, "/a", "fullmoon.jpg", "training.jpg", "moonlight.jpg", "train.jpg")
    with library.read() as database:
        assert sorted(library.words.wholes(database, "moon")) == ["fullmoon", "moonlight"]
        assert library.words.wholes(database, "rain") == []
        assert library.words.wholes(database, "oon") == []


def test_forgetting_leaves_no_word(library: Library, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(words_index, "_MOST_AT_ONCE", 3)
    put(library, "/secret", *(f"{letter}hiddenplace.jpg" for letter in "abcdefgh"))
    put(library, "/a", "publicplace.jpg")
    while found(library, "hhiddenplace") == []:
        with library.write():
            pass
    forget_path(library, b"/secret")
    with library.read() as database:
        assert library.words.wholes(database, "place") == ["publicplace"]
        assert database.execute("SELECT word FROM vocabulary").fetchall() == [("publicplace",)]
        for table in ("words_data", "word_parts_data"):
            blocks = b"".join(row[0] for row in database.execute(f"SELECT block FROM {table}"))
            assert b"hidden" not in blocks and b"hid" not in blocks


def test_forgetting_with_a_damaged_index(library: Library) -> None:
    put(library, "/a", "moon.jpg", "sun.jpg")
    with library.write() as database:
        database.execute("UPDATE word_parts_data SET block = x'00' WHERE id > 9")
    assert forget_path(library, b"/a/sun.jpg") == 1
    catch_up(library)
    assert found(library, "moon") and not found(library, "sun")


def test_what_was_there_before_the_index_is_written_later(library: Library) -> None:
    put(library, "/a", "moon.jpg", "sun.jpg")
    before = indexed(library)
    with library.write() as database:
        database.execute("DELETE FROM words")
        for statement in schema.FILL.split(";"):
            database.execute(statement)
    put(library, "/a", "moon.jpg", "star.jpg")
    assert found(library, "moon") == [] and found(library, "star")
    catch_up(library)
    assert found(library, "moon") and not found(library, "sun")
    assert len(indexed(library)) == len(before)


def catch_up(library: Library) -> None:
    more = True
    while more:
        with library.write() as database:
            more = library.words.catch_up(database)


def test_a_damaged_index_costs_nothing_else_and_is_made_anew(library: Library) -> None:
    put(library, "/a", "moon.jpg")
    with library.write() as database:
        database.execute("UPDATE words_data SET block = x'00' WHERE id > 9")
    put(library, "/b", "sun.jpg")  # which can't be added to it
    found(library, "moon")
    assert library.words.damaged and file(library, "/b/sun.jpg")
    catch_up(library)
    assert found(library, "moon") and found(library, "sun")
    assert not library.words.damaged


def test_an_index_made_anew_has_the_tables_of_migrated_libraries(library: Library) -> None:
    before = definitions(library)
    library.words.damaged = True
    catch_up(library)
    assert definitions(library) == before


def definitions(library: Library) -> dict[str, str]:
    """What SQLite has of each table and index, less its blanks."""
    with library.read() as database:
        rows = database.execute("SELECT name, sql FROM sqlite_master WHERE sql IS NOT NULL")
        return {name: " ".join(sql.split()) for name, sql in rows}


@pytest.mark.parametrize("source", Source)
def test_migrations_bring_the_triggers_of_every_source(library: Library, source: Source) -> None:
    kind, made = SOURCES[source], " ".join(definitions(library).values())
    for change in ("AFTER INSERT ON", f"AFTER UPDATE OF {kind.text} ON", "AFTER DELETE ON"):
        assert f"{change} {kind.table}" in made
    for row in ("new", "old"):
        assert f"INSERT INTO words_due SELECT {row}.{kind.id} * 16 + {int(source)} " in made


def test_another_program_may_write_to_the_library(library: Library) -> None:
    """The triggers need nothing of ours."""
    put(library, "/a", "moon.jpg")
    other = sqlite3.connect(library.path)
    other.execute("UPDATE files SET name = ?", (b"star.jpg",))
    other.commit()
    other.close()
    put(library, "/b", "sun.jpg")
    assert found(library, "star") and not found(library, "moon")


def test_so_many_files_that_others_would_wait(
    library: Library, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(words_index, "_MOST_AT_ONCE", 3)
    put(library, "/a", *(f"moon{number}.jpg" for number in range(7)))
    assert len(found(library, "moon") or []) < 7
    for _ in range(2):
        with library.write():
            pass
    assert len(found(library, "moon") or []) == 7


def test_batches(library: Library, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(words_index, "_BATCH", 2)
    put(library, "/a", *(f"moon{number}.jpg" for number in range(7)))
    with library.write() as database:
        database.execute("DELETE FROM words")
        for statement in schema.FILL.split(";"):
            database.execute(statement)
    catch_up(library)
    entries = found(library, "moon")
    assert entries is not None and len(entries) == 7
