"""A change of model gives back the memory of the one that served before."""

from __future__ import annotations

import os
import shutil
import weakref
from pathlib import Path

import pytest

from csearchd.indexing.backlog import Backlog
from csearchd.indexing.power_policy import PowerPolicy
from csearchd.library.library import Library
from csearchd.models import active_model
from csearchd.models.active_model import Models
from csearchd.models.installed import DESCRIPTION, starter_directory
from csearchd.watch.debounce import Debounce


@pytest.fixture
def models_directory(tmp_path: Path) -> Path:
    """With the starter under another name and fingerprint."""
    directory = tmp_path / "models" / "other"
    shutil.copytree(starter_directory(), directory)
    description = directory / DESCRIPTION
    lines = description.read_text().splitlines()
    changed = dict.fromkeys(("name", "fingerprint", "image_fingerprint"), '"other"')
    for number, line in enumerate(lines):
        key = line.partition(" = ")[0]
        if key in changed:
            lines[number] = f"{key} = {changed[key]}"
    description.write_text("\n".join(lines) + "\n")
    return directory.parent


def test_nothing_keeps_the_tower_when_memory_is_given_back(
    models_directory: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    library = Library(os.fspath(tmp_path / "library.sqlite"))
    models = Models(library, os.fspath(models_directory), threads=1)
    backlog = Backlog(library, models, Debounce(), PowerPolicy())
    before = weakref.ref(models.active_model.tower)
    gone: list[bool] = []
    monkeypatch.setattr(active_model, "release_free_memory", lambda: gone.append(before() is None))
    models.use("other")
    with library.read() as reader:
        backlog.fill(reader, models.active_model.model, models.active_model.row, True)
    library.close()
    assert models.active_model.model.name == "other"
    assert gone[-1]
