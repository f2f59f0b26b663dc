"""Forgetting: put aside at once, deleted in steps with what nothing else needs."""

from __future__ import annotations

from pathlib import Path

from csearchd.library import contents, listings, roots
from csearchd.library.catalogue import DUE
from csearchd.library.library import Library
from csearchd.library.listings import FileStat, Listing
from csearchd.library.metadata import stored_labels
from csearchd.library.removal import purging
from csearchd.library.removal.forgetting import Forgetting, forget_path
from csearchd.library.roots import is_below
from csearchd.search.places.geocoder import Geocoder
from csearchd.serve.folder_names import FolderNames
from csearchd.serve.handlers.filter_values import FilterValues
from csearchd.serve.suggestions.choices import Choices
from support.looked_at import look


def library_with(path: Path, *directories: bytes, files: int = 3) -> Library:
    library = Library(str(path / "library.sqlite"))
    for directory in directories:
        names = [b"%d.jpg" % number for number in range(files)]
        stats = [FileStat(name, 1, 1, 1, number) for number, name in enumerate(names, 1)]
        inside = [each[len(directory) + 1 :] for each in directories if is_below(each, directory)]
        below = [name for name in inside if name and b"/" not in name]
        listings.apply(library, Listing(directory, stats, below, directory))
    return library


def count(library: Library, table: str) -> int:
    with library.read() as database:
        return int(database.execute(f"SELECT count(*) FROM {table}").fetchone()[0])


def purge(library: Library) -> int:
    """Deletes what was put aside. Returns the number of steps."""
    steps = 0
    while (files := purging.next_files(library)) is not None:
        library.set("note", str(steps))  # somebody else writes
        purging.delete(library, files)
        steps += 1
    purging.finish(library)
    return steps


def test_what_is_put_aside_is_gone_at_once_and_deleted_in_short_steps(
    tmp_path, monkeypatch
) -> None:
    monkeypatch.setattr(purging, "_FILES", 2)
    library = library_with(tmp_path, b"/a/b", b"/a", b"/c")
    process = Forgetting(library, b"/a")
    assert process.put_aside() == 6 and process.known
    assert library.tree.find(b"/a") is None
    assert library.catalogue.count(DUE) == 3
    assert count(library, "files") == 9 and purging.count(library) == 6
    with library.read() as database:
        assert [job.name for job in contents.due(database)] == [b"0.jpg", b"1.jpg", b"2.jpg"]
    assert purge(library) >= 3
    assert count(library, "files") == 3 and purging.count(library) == 0
    assert count(library, "words") == 4, "three files and a directory"
    assert not purging.is_due(library) and count(library, "forgotten") == 0
    library.close()


def test_what_comes_back_meanwhile_is_kept(tmp_path, monkeypatch) -> None:
    monkeypatch.setattr(purging, "_FILES", 2)
    library = library_with(tmp_path, b"/a")
    Forgetting(library, b"/a").put_aside()
    files = purging.next_files(library)
    assert files is not None and len(files.ids) == 2
    assert [path[:3] for path in files.paths] == [b"/a/", b"/a/"]
    purging.delete(library, files)
    library.close()
    library = library_with(tmp_path, b"/a", files=5)  # the next service, which lists it again
    assert purging.is_due(library) and purging.count(library) == 1
    purge(library)
    assert count(library, "files") == 5 and library.catalogue.count(DUE) == 5
    library.close()


def test_a_single_file(tmp_path) -> None:
    library = library_with(tmp_path, b"/a")
    process = Forgetting(library, b"/a/1.jpg")
    assert process.put_aside() == 1
    files = purging.next_files(library)
    assert files is not None and files.paths == [b"/a/1.jpg"]
    purge(library)
    assert process.put_aside() == 0 and count(library, "files") == 2
    assert library.catalogue.count(DUE) == 2 and count(library, "directories") == 2
    library.close()


def test_roots_below_keep_their_files_and_the_root_itself_its_row(tmp_path) -> None:
    library = library_with(tmp_path, b"/home/me", b"/home/me/Pictures/2020", b"/home/me/Pictures")
    roots.add(library, b"/home/me/Pictures")
    process = Forgetting(library, b"/home/me")
    assert process.put_aside() == 3 and process.kept == [b"/home/me/Pictures"]
    assert forget_path(library, b"/home/me/Pictures") == 6
    assert roots.roots(library) == [b"/home/me/Pictures"]
    with library.read() as database:
        assert database.execute("PRAGMA foreign_key_check").fetchall() == []
    library.close()


def test_written_tags_are_known_by_their_path_until_the_file_comes_back(tmp_path) -> None:
    library = library_with(tmp_path, b"/a", b"/b")
    with library.write() as database:
        database.execute(
            "INSERT INTO tag_ledger (file, path, carrier) SELECT id, name, 'xattr' FROM files"
        )
    Forgetting(library, b"/a").put_aside()
    with library.read() as database:
        (known,) = database.execute("SELECT count(file) FROM tag_ledger").fetchone()
    assert known == 3 and count(library, "tag_ledger") == 6
    library.close()


def test_nothing_refers_to_what_is_gone(tmp_path) -> None:
    library = library_with(tmp_path, b"/a")
    with library.write() as database:
        database.execute("INSERT INTO contents (id, scheme, identity) VALUES (7, 1, x'07')")
        database.execute("UPDATE files SET content = 7, due = 0")
        database.execute("INSERT INTO metadata (file, title) SELECT id, 'sunset' FROM files")
        database.execute("INSERT INTO signatures VALUES (7, x'00')")
    assert forget_path(library, b"/a") == 3
    assert [count(library, table) for table in ("contents", "metadata", "signatures")] == [0, 0, 0]
    with library.read() as database:
        assert database.execute("PRAGMA foreign_key_check").fetchall() == []
    assert forget_path(library, b"/a") is None
    library.close()


def test_words_of_what_is_put_aside_are_not_offered(tmp_path) -> None:
    library = library_with(tmp_path, b"/a", b"/b", files=1)
    for number, path in enumerate(("/a/0.jpg", "/b/0.jpg")):
        look(library, path, number)
    with library.write() as database:
        stored_labels.store(library, database, 1, library.keywords, ["beach", "boat"])
        stored_labels.store(library, database, 2, library.keywords, ["beach"])
    assert library.keywords.beginning("b", 9) == ["beach", "boat"]
    names = FolderNames(library)
    places = Geocoder(library.cache.directory)
    choices = Choices(library, FilterValues(library, places, names), places)
    assert [(each["value"], each["count"]) for each in choices.of("tag", "b") or ()] == [
        ("beach", 2), ("boat", 1),
    ]  # fmt: skip
    Forgetting(library, b"/a").put_aside()
    assert library.keywords.beginning("b", 9) == ["beach"]
    assert [each["count"] for each in choices.of("tag", "b") or ()] == [1]
    library.close()
