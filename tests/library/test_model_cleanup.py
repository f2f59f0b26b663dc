"""Vectors of models that are gone: kept for a while, then deleted, the others never."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest

from csearchd.library import clock
from csearchd.library.library import Library
from csearchd.library.model_cleanup import delete_unused_vectors
from library.test_clock import DAY, Time
from models.tiny_model import make_tiny_model
from support.photos import write_drawn
from support.user import User, wait_for


def vectors(library: Library) -> dict[int, int]:
    with library.read() as database:
        return dict(database.execute("SELECT model, count(*) FROM vectors GROUP BY model"))


def test_what_is_deleted_and_when(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    world = Time()
    monkeypatch.setattr(clock, "time", world)
    library = Library(str(tmp_path / "library.sqlite"))
    here, back, gone = (library.model_row(name, name, 2) for name in ("here", "back", "gone"))
    with library.write() as database:
        rows = [(number, str(number)) for number in range(25)]
        database.executemany("INSERT INTO contents (id, scheme, identity) VALUES (?, 1, ?)", rows)
        for model in (here, back, gone):
            made = [(model, row[0]) for row in rows]
            database.executemany("INSERT INTO vectors VALUES (?, ?, x'00000000', 2)", made)
        library.add_to_counter("encoded", 150)
    assert delete_unused_vectors(library, ["here"], 30 * DAY) == 0
    world.pass_by(29 * DAY)
    assert delete_unused_vectors(library, ["here", "back"], 30 * DAY) == 0
    world.pass_by(2 * DAY)
    assert [delete_unused_vectors(library, ["here"], 30 * DAY, limit=10) for _ in range(4)] == [
        10,
        10,
        5,
        0,
    ]
    assert vectors(library) == {here: 25, back: 25}
    assert library.counters["encoded"] == 100
    assert library.model_row("gone", "gone", 3)  # come back, with other dimensions even
    library.close()


def test_only_what_a_removed_model_made_goes(user: User) -> None:
    user.config.parent.mkdir(parents=True, exist_ok=True)
    user.config.write_text("[library]\nkeep_days = 0\n")
    for name, seed in (("tiny", 1), ("other", 2)):
        make_tiny_model(str(user.data / "models" / name), seed=seed)
    write_drawn(user.pictures, 3)
    user.start()
    user.csearchctl("add", user.pictures)
    for name in ("tiny", "other", "starter"):
        user.csearchctl("model", "use", name)
        wait_for(lambda name=name: user.status()["model"] == name, "the model")
    assert user.settle()["encoded"] == 9
    user.csearchctl("model", "remove", "tiny")

    def encoded_after_a_start() -> int:  # which looks at once, and again after minutes
        user.csearchctl("stop")
        user.start()
        return int(user.status()["encoded"])

    wait_for(lambda: encoded_after_a_start() == 6, "the vectors to go")
    user.csearchctl("model", "use", "other")
    wait_for(lambda: user.status()["model"] == "other", "the model")
    assert user.settle()["encoded"] == 6
    user.csearchctl("stop")
    database = sqlite3.connect(user.data / "library.sqlite")
    found = database.execute("SELECT name, gone FROM models ORDER BY name").fetchall()
    database.close()
    assert found == [("other", None), ("starter", None)]
