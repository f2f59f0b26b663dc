"""Forgetting in steps: what comes in between, and what nothing else needs."""

from __future__ import annotations

from pathlib import Path

from csearchd.library import listings, moves, roots
from csearchd.library.library import Library
from csearchd.library.listings import FileStat, Listing
from csearchd.library.removal import forgetting
from csearchd.library.removal.forgetting import Forgetting, forget_path
from csearchd.library.roots import is_below


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


def test_steps_are_short_and_others_write_in_between(tmp_path, monkeypatch) -> None:
    monkeypatch.setattr(forgetting, "_FILES", 2)
    library = library_with(tmp_path, b"/a/b", b"/a", b"/c")
    process = Forgetting(library, b"/a")
    steps = 0
    while (paths := process.step()) is not None:
        assert len(paths) <= 2
        library.set("note", str(steps))  # somebody else writes
        steps += 1
    process.finish()
    assert steps >= 3 and process.files == 6 and process.known
    assert library.tree.find(b"/a") is None and count(library, "files") == 3
    assert count(library, "words") == 4, "three files and a directory"
    library.close()


def test_a_directory_that_is_moved_out_meanwhile_is_kept(tmp_path, monkeypatch) -> None:
    monkeypatch.setattr(forgetting, "_FILES", 2)
    library = library_with(tmp_path, b"/a/first", b"/a/last", b"/c")
    process = Forgetting(library, b"/a")
    process.step()
    moves.move_directory(library, b"/a/first", b"/c/first")
    while process.step() is not None:
        pass
    process.finish()
    assert process.files == 3
    found = library.tree.find(b"/c/first")
    assert found is not None and count(library, "files") == 6
    library.close()


def test_roots_below_keep_their_files_and_the_root_itself_its_row(tmp_path) -> None:
    library = library_with(tmp_path, b"/home/me", b"/home/me/Pictures/2020", b"/home/me/Pictures")
    roots.add(library, b"/home/me/Pictures")
    process = Forgetting(library, b"/home/me")
    while process.step() is not None:
        pass
    assert process.files == 3 and process.kept == [b"/home/me/Pictures"]
    assert forget_path(library, b"/home/me/Pictures") == 6
    assert roots.roots(library) == [b"/home/me/Pictures"]
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
