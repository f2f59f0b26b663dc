"""What is read next, and what it costs to find that out."""

from __future__ import annotations

import os
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from csearchd.indexing.backlog import Backlog
from csearchd.indexing.power_policy import PowerPolicy
from csearchd.library import contents, listings
from csearchd.library.library import Library
from csearchd.library.vectors.table import VectorTable
from csearchd.watch.debounce import Debounce
from csearchd.watch.directory_listing import read_listing
from csearchd.watch.rules import Rules


@pytest.fixture
def library(tmp_path: Path) -> Library:
    """With 2000 due files in one directory, and 3 in another one that is older."""
    for name, count in (("few", 3), ("many", 2000)):
        folder = tmp_path / name
        folder.mkdir()
        for number in range(count):
            (folder / f"{number}.jpg").touch()
            os.utime(folder / f"{number}.jpg", (number, 1000 if name == "few" else 2000 + number))
    library = Library(str(tmp_path / "library.sqlite"))
    for name in ("few", "many"):
        listing = read_listing(os.fsencode(tmp_path / name), Rules(False, ()))
        assert listing is not None
        listings.apply(library, listing)
    return library


def test_a_directory_that_is_waited_for_costs_no_look_at_all_that_is_due(
    library: Library, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    looked: list[int] = []
    original = contents.job_of
    monkeypatch.setattr(contents, "job_of", lambda row: (looked.append(row[0]), original(row))[1])
    active_model = SimpleNamespace(model="model", row=1, table=VectorTable(2))
    models: Any = SimpleNamespace(active_model=active_model, next_model=None)
    backlog = Backlog(library, models, Debounce(), PowerPolicy())
    with library.read() as reader:
        backlog.prioritise([os.fsencode(tmp_path / "few")])
        backlog.fill(reader, models.active_model.model, 1, True)
        assert [path for _, path in backlog.queue] == [
            os.fsencode(tmp_path / "few" / f"{number}.jpg") for number in (0, 1, 2)
        ]
        assert len(looked) == 3
        backlog.queue.clear()  # they are in the encoder's hands
        backlog.fill(reader, models.active_model.model, 1, True)  # then the newest of all
        assert len(backlog.queue) == 512 and len(looked) < 3 + 3 + 520
        assert backlog.queue[0][1] == os.fsencode(tmp_path / "many" / "1999.jpg")
        looked.clear()
        backlog.queue.clear()
        backlog.stop_prioritising([os.fsencode(tmp_path / "few")])
        backlog.prioritise([os.fsencode(tmp_path / "many")])
        for refill in range(1, 3):
            backlog.fill(reader, models.active_model.model, 1, True)
            assert len(backlog.queue) == 512
            backlog.queue.clear()
            assert len(looked) <= refill * 2048
    library.close()


def test_what_cannot_be_signed_now_is_tried_again_after_a_mount(library: Library) -> None:
    """And until then nothing is left to do."""
    with library.write() as database:
        database.execute("INSERT INTO models VALUES (1, 'one', 'model', 2, NULL, '')")
        database.execute("UPDATE files SET due = 0, failure = 'is no picture'")
        for file in (1, 2, 3):
            database.execute(
                "INSERT INTO contents (id, scheme, identity) VALUES (?, 1, ?)", (file, b"%d" % file)
            )
            database.execute("INSERT INTO vectors VALUES (1, ?, x'00000000', 1)", (file,))
            database.execute("UPDATE files SET content = id, failure = NULL WHERE id = ?", (file,))
    active_model = SimpleNamespace(model="model", row=1, table=VectorTable(2))
    models: Any = SimpleNamespace(active_model=active_model, next_model=None)
    backlog = Backlog(library, models, Debounce(), PowerPolicy())
    with library.read() as reader:
        for _ in range(2):
            assert backlog.unsigned == 3
            backlog.fill(reader, models.active_model.model, 1, True)
            jobs = [job for job, _ in backlog.queue]
            assert {job.file for job in jobs} == backlog.signing == {1, 2, 3}
            backlog.queue.clear()
            backlog.committed(1, [contents.Outcome(job, unread=True) for job in jobs])
            backlog.fill(reader, models.active_model.model, 1, True)
            assert (backlog.unsigned, backlog.empty) == (0, True)
            backlog.recount()
    library.close()
