"""One damaged row costs itself: all others work, and log, status and doctor name it."""

from __future__ import annotations

import os
import resource
import shutil
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest

from csearchd.library import concepts
from csearchd.library.library import Library
from support.photos import write_drawn
from support.user import SECONDS, User, wait_for

COUNT = 6


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Iterator[User]:
    """A user with a library of two directories and concepts, whose service is stopped."""
    with User(tmp_path_factory.mktemp("r")) as user:
        pictures = write_drawn(user.pictures / "a", COUNT // 2)
        write_drawn(user.pictures / "b", COUNT // 2, first=10)
        user.start()
        user.csearchctl("add", user.pictures)
        user.settle()
        user.csearchctl("teach", "our thing", pictures[0])
        user.csearchctl("teach", "another", pictures[1])
        user.csearchctl("tags", "on", "--mode", "sidecar", user.pictures / "a")
        wait_for(lambda: not user.status()["tags"]["waiting"], "no tags to write")
        user.settle()
        user.csearchctl("tags", "undo", user.pictures / "a", check=None)
        user.csearchctl("stop")
        shutil.copytree(user.data, user.home / "kept")
        yield user


@pytest.fixture
def user(whole: User) -> User:
    """The same, with the library as it was."""
    whole.end()
    shutil.rmtree(whole.data)
    shutil.copytree(whole.home / "kept", whole.data)
    (whole.home / "csearchd.log").unlink(missing_ok=True)
    return whole


def damage(user: User, *statements: str) -> None:
    with closing(sqlite3.connect(user.data / "library.sqlite")) as database:
        database.executescript("PRAGMA foreign_keys = OFF;" + ";".join(statements))


def said(user: User) -> str:
    """What status, doctor and log say, if they all do."""
    notes: list[str] = user.status()["notes"]
    doctor = user.csearchctl("doctor", check=None).stdout.decode()
    found = [note for note in notes if note in doctor and note in user.log()]
    return "\n".join(found)


def works(user: User, images: int = COUNT, restarted: bool = False) -> None:
    """Everything but the damaged row does. Only what read that row before the service noticed it,
    and `restarted` without it, may have failed."""

    def log() -> str:
        return user.log().rpartition("ready with")[2] if restarted else user.log()

    assert "Traceback" not in log()
    assert user.settle()["images"] == images
    assert len(user.search("anything", "-g")) == images
    assert len(user.search("anything", "--in", user.pictures)) == images
    for filters in ("iso:>0", "camera:x", "after:2000", "tag:x"):
        user.csearch("-g", f"x {filters}", check=None)
    user.csearchctl("concepts")
    user.csearchctl("roots")
    user.csearchctl("dupes", check=None)
    assert "Traceback" not in log()


PARENT = "(SELECT id FROM directories WHERE name = CAST('Pictures' AS BLOB))"
A = "(SELECT id FROM directories WHERE name = x'61')"
ONE = "(SELECT min(id) FROM files)"

DAMAGE = {
    "an unknown parent": (f"UPDATE directories SET parent = 999999 WHERE id = {A}", "directory a"),
    "a cycle of parents": (
        f"UPDATE directories SET parent = {A} WHERE id = {A}",
        "directory a",
    ),
    "a directory's name that is text": (
        f"UPDATE directories SET name = 'text' WHERE id = {A}",
        "directory text",
    ),
    "a directory's name with a slash": (
        f"UPDATE directories SET name = x'612f62' WHERE id = {A}",
        "directory a/b",
    ),
    "a parent that is text": (
        f"UPDATE directories SET parent = 'x' WHERE id = {A}",
        "directory a",
    ),
    "a directory's huge number": (
        f"UPDATE directories SET id = 1000000000000 WHERE id = {A}",
        "directory a",
    ),
    "a short vector": ("UPDATE vectors SET vector = x'00ff' WHERE content = 1", "drawn-"),
    "a vector of no numbers": (
        "UPDATE vectors SET vector = CAST(replace(hex(zeroblob(256)), '0', 'x') AS BLOB) "
        "WHERE content = 1",
        "drawn-",
    ),
    "a vector that is text": ("UPDATE vectors SET vector = 'abc' WHERE content = 1", "drawn-"),
    "a setting of garbage": ("INSERT OR REPLACE INTO settings VALUES ('clock', 'x y')", "clock"),
    "a setting that is a blob": (
        "INSERT OR REPLACE INTO settings VALUES ('model', x'ff00')",
        "setting model",
    ),
    "a root of no directory": ("INSERT INTO roots VALUES (999999, 0)", "999999"),
    "a disk of no directory": (
        "INSERT INTO disks VALUES (999999, 'x', x'2f', CAST('/somewhere' AS BLOB))",
        "/somewhere",
    ),
    "a concept without a name": ("INSERT INTO concepts (name) VALUES (x'ff')", "concept"),
    "an example of no content": (
        "UPDATE concept_examples SET counter = 7 WHERE concept = 1",
        "our thing",
    ),
    "a kept folder of another mode": (
        "INSERT OR REPLACE INTO tag_folders VALUES (CAST('/x' AS BLOB), 'odd', 1, 1)",
        "/x",
    ),
    "a counter of text": ("UPDATE counters SET value = 'many' WHERE name = 'encoded'", "encoded"),
    "a file's directory that is text": (
        f"UPDATE files SET directory = 'abc' WHERE id = {ONE}",
        "picture drawn-",
    ),
    "a file of no directory": (
        f"UPDATE files SET directory = 1000000000000 WHERE id = {ONE}",
        "picture drawn-",
    ),
    "a file's name that is text": (
        f"UPDATE files SET name = 'text' WHERE id = {ONE}",
        "picture text",
    ),
    "a file of no content": (
        f"UPDATE files SET content = 1000000000000 WHERE id = {ONE}",
        "content of drawn-",
    ),
    "a file's huge number": (
        f"UPDATE files SET id = 1000000000000 WHERE id = {ONE}",
        "picture drawn-",
    ),
    "a place of text": (
        f"UPDATE metadata SET latitude = 'north' WHERE file = {ONE}",
        "metadata of drawn-",
    ),
    "a date of garbage": (
        f"UPDATE metadata SET taken = 'yesterday' WHERE file = {ONE}",
        "metadata of drawn-",
    ),
    "a keyword that is a blob": ("INSERT INTO keywords (text) VALUES (x'ff')", "keyword"),
    "a content's width of text": (
        "UPDATE contents SET width = 'wide' WHERE id = 1",
        "content of drawn-",
    ),
}


@pytest.mark.parametrize("kind", DAMAGE)
def test_a_damaged_row_is_named_and_left_out(user: User, kind: str) -> None:
    statement, name = DAMAGE[kind]
    damage(user, statement)
    for opened in range(2):
        library = Library(str(user.data / "library.sqlite"))
        (model,) = {row[0] for row in _rows(library, "SELECT id FROM models")}
        library.load_vectors(model, 256)
        remarks = "\n".join(map(str, library.remarks))
        assert ("damaged" in remarks and name in remarks) == (not opened), remarks
        assert len(library.load_photo_metadata().timestamp)
        assert not _rows(library, "PRAGMA foreign_key_check")
        for (directory,) in _rows(library, "SELECT directory FROM files"):
            assert directory in library.tree
        assert [concept.name for concept in concepts.read(library)] == ["another", "our thing"]
        roots = [library.tree.path(row[0]) for row in _rows(library, "SELECT directory FROM roots")]
        assert roots == [bytes(user.pictures)]
        library.close()


def _rows(library: Library, statement: str) -> list[tuple[int, ...]]:
    with library.read() as database:
        return database.execute(statement).fetchall()


@pytest.mark.parametrize("damaged", ["directories", "pictures"])
def test_all_else_works(user: User, damaged: str) -> None:
    """The kinds of damage together, those of directories apart: they take their files along."""
    shutil.rmtree(user.home / ".cache" / "csearch")  # what searches read is made of the rows
    kinds = [
        kind
        for kind in DAMAGE
        if ("director" in kind or "parent" in kind) == (damaged == "directories")
        and "huge" not in kind
        and kind not in ("a file's directory that is text", "a cycle of parents")
    ]
    damage(user, *(DAMAGE[kind][0] for kind in kinds))
    user.start()
    text = said(user)
    assert "damaged" in text, user.status()["notes"]
    works(user)
    user.csearchctl("stop")
    user.start()
    assert not any("damaged" in note for note in user.status()["notes"])


def test_a_large_library_is_checked_when_it_serves(user: User) -> None:
    """The number from which on a library is large is another one here."""
    (user.home / "sitecustomize.py").write_text(
        "import sys\n"
        "if 'csearchd' in sys.orig_argv:\n"
        "    from csearchd.library.integrity import rows\n"
        "    rows._MAX_CHECKED = 0\n"
    )
    before = user.environment.get("PYTHONPATH")
    user.environment["PYTHONPATH"] = os.pathsep.join(filter(None, [str(user.home), before]))
    try:
        damage(user, f"UPDATE files SET name = 'text' WHERE id = {ONE}")
        user.start()
        wait_for(lambda: "picture text" in user.log(), "the damage to be noticed")
        wait_for(lambda: user.log().count("ready with") == 2, "the service to start again")
        assert "picture text" in said(user)
        works(user, restarted=True)
        assert user.log().count("has damaged rows") == 1
    finally:
        user.environment["PYTHONPATH"] = before or ""


def test_the_parent_of_a_root_costs_nothing(user: User) -> None:
    damage(user, f"UPDATE directories SET parent = 999999 WHERE id = {PARENT}")
    user.start()
    status = user.settle()
    assert [root["path"] for root in status["roots"]] == [str(user.pictures)]
    assert (status["images"], status["encoded"]) == (COUNT, COUNT)
    works(user)


def test_text_that_is_no_utf8_costs_nothing(user: User) -> None:
    damage(
        user,
        f"UPDATE metadata SET make = CAST(x'4eff' AS TEXT) WHERE file = {ONE}",
        "UPDATE models SET name = CAST(x'ff' AS TEXT)",
        "INSERT INTO keywords (text) VALUES (CAST(x'ff' AS TEXT))",
        "INSERT OR REPLACE INTO settings VALUES ('odd', CAST(x'ff' AS TEXT))",
        "UPDATE contents SET format = CAST(x'ff' AS TEXT) WHERE id = 1",
    )
    user.start()
    works(user)
    user.csearch("-g", "--json", "x")


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        (lambda text: "a = " + "[" * 5000 + "]" * 5000, "is not TOML"),
        (lambda text: "a = " + "9" * 5000, "is not TOML"),
        (lambda text: "[a" + ".a" * 20000 + "]", "config.toml"),
    ],
)
def test_a_configuration_that_cannot_be_parsed_is_named(
    user: User, change: Callable[[str], str], complaint: str
) -> None:
    user.config.parent.mkdir(parents=True, exist_ok=True)
    user.config.write_text(change(""))
    try:
        daemon = user.start(wait=False)
        assert daemon.wait(SECONDS) == 1
        assert complaint in user.log() and "Traceback" not in user.log()
        done = user.csearchctl("doctor", check=1).stdout.decode()
        assert str(user.config) in done and "Traceback" not in done
    finally:
        user.config.unlink()


@pytest.mark.parametrize(
    "change",
    [
        lambda text: text.replace("dimensions = ", "dimensions = 1"),
        lambda text: "a = " + "[" * 5000 + "]" * 5000,
        lambda text: text.replace("dimensions = ", "dimensions = " + "9" * 5000),
        lambda text: text.replace('fingerprint = "', 'fingerprint = "../\\u0000'),
    ],
)
def test_a_model_that_cannot_be_used_is_named_and_the_starter_serves(
    user: User, change: Callable[[str], str]
) -> None:
    from csearchd.models.installed import starter_directory

    mine = user.data / "models" / "mine"
    shutil.copytree(starter_directory(), mine)
    description = mine / "model.toml"
    description.write_text(change(description.read_text()))
    damage(user, "INSERT OR REPLACE INTO settings VALUES ('model', 'mine')")
    user.start()
    works(user)
    assert any("mine" in note for note in user.status()["notes"])


@pytest.mark.parametrize("files", [16, 40])
def test_too_few_open_files_are_told(user: User, files: int) -> None:
    daemon = user.start(
        wait=False,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_NOFILE, (files, files)),
    )
    assert daemon.wait(SECONDS) == 1
    assert f"only {files} files" in user.log() and "Traceback" not in user.log()


def test_few_open_files_are_made_more(user: User) -> None:
    user.start(preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_NOFILE, (16, 1024)))
    works(user)
    assert Path(f"/proc/{user.pids('csearchd')[0]}/limits").exists()
