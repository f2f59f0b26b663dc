"""A change of model while what is gone is purged: neither notices the other."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from csearchd.library import contents
from csearchd.library.library import Library
from csearchd.library.vectors.table import VectorTable
from csearchd.models.active_model import ActiveModel, Models
from csearchd.models.installed import STARTER, Model
from models.tiny_model import make_tiny_model
from support.faults import fault, start_with
from support.photos import write_drawn
from support.user import User, wait_for

PURGE = """
from csearchd.library import contents
before = contents.purge

def purge(library, keep, *arguments):
    while faulty():  # until the model has been changed
        time.sleep(0.01)
    while not (count := before(library, keep, *arguments)):
        if os.path.exists(FAULT + "-purged"):
            return 0
        time.sleep(0.1)  # files that have gone within this second are kept
    open(FAULT + "-purged", "a").write(f"{count}\\n")
    return count

contents.purge = purge
"""


def test_a_switch_of_models_during_a_purge(user: User) -> None:
    user.config.parent.mkdir(parents=True, exist_ok=True)
    user.config.write_text("[library]\nkeep_days = 0\n")
    make_tiny_model(str(user.data / "models" / "tiny"))
    photos = write_drawn(user.pictures, 3)
    user.start()
    user.csearchctl("add", user.pictures)
    assert user.settle()["encoded"] == 3
    user.csearchctl("stop")

    for gone in photos[:2]:
        gone.unlink()
    fault(user).touch()
    start_with(user, PURGE)
    user.csearchctl("model", "use", "tiny")
    wait_for(lambda: user.status()["model"] == "tiny", "the new model")
    fault(user).unlink()
    wait_for((user.home / "fault-purged").exists, "the purge")
    status = user.settle()
    assert status["tasks"] == [] and "Traceback" not in user.log()
    assert (status["images"], status["encoded"]) == (1, 2)
    assert len(user.search("anything", "-g")) == 1


@pytest.fixture
def library(tmp_path: Path) -> Library:
    return Library(str(tmp_path / "library.sqlite"), str(tmp_path / "cache"))


def test_a_table_that_is_searched_no_more_may_be_changed(library: Library) -> None:
    row = library.model_row("one", "one", 2)
    table = library.load_vectors(row, 2)
    with library.write() as database:
        database.execute(
            "INSERT INTO contents (id, scheme, identity, orphaned) VALUES (1, 1, 1, 0)"
        )
        database.execute("INSERT INTO vectors VALUES (?, 1, x'003c0000', 1)", (row,))
    table.add(1, np.array([1, 0], np.float16))
    library.unload_vectors(row)
    assert contents.purge(library, 0) == 1
    table.add(2, np.array([1, 0], np.float16))
    library.close()


def test_a_change_that_came_to_nothing_leaves_no_table_behind(
    library: Library, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its vectors would not be kept up to date, and be searched at the next change."""
    make_tiny_model(str(tmp_path / "models" / "tiny"))
    models = Models(library, str(tmp_path / "models"), 1)
    tiny = models.use("tiny")
    original = Models._load

    def load(self: Models, model: Model) -> ActiveModel:
        active_model = original(self, model)
        self.use(STARTER)  # the user has changed their mind
        return active_model

    with monkeypatch.context() as patched:
        patched.setattr(Models, "_load", load)
        models.activate(tiny)
    assert models.active_model.model.name == STARTER

    row = models.row(tiny)
    with library.write() as database:
        database.execute("INSERT INTO contents (id, scheme, identity) VALUES (1, 1, 1)")
        vector = np.eye(1, tiny.dimensions, dtype="<f2").tobytes()
        database.execute("INSERT INTO vectors VALUES (?, 1, ?, 1)", (row, vector))
    table: VectorTable = library.load_vectors(row, tiny.dimensions)
    assert table.has(np.array([1], np.int32)).all()
    library.close()
