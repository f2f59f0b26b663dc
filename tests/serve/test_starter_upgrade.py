"""A new version whose starter has another image tower but the same text tower."""

from __future__ import annotations

import os
import shutil
import tomllib
from dataclasses import replace
from pathlib import Path

import pytest

from csearchd.library.library import Library
from csearchd.models.active_model import Models
from csearchd.models.installed import Model, file_checksum, load_model, write_description
from models.tiny_model import make_tiny_model
from support.photos import write_drawn
from support.user import User, wait_for


def upgrade(directory: Path) -> Model:
    """Gives the model in `directory` another image tower; the new description."""
    from safetensors.torch import load_file, save_file

    old = load_model(str(directory))
    weights = directory / "open_clip_model.safetensors"
    tensors = load_file(weights)
    image = [name for name in tensors if name.startswith("visual.")]
    save_file({n: t.flip(0) if n in image else t for n, t in tensors.items()}, weights)
    new = replace(
        old,
        fingerprint="f" * 64,
        image_fingerprint="e" * 64,
        succeeds=old.fingerprint,
        checksums={**old.checksums, weights.name: file_checksum(str(weights))},
    )
    write_description(new)
    return new


@pytest.fixture
def tiny(user: User) -> Path:
    """A library of 40 pictures, read with the model in this directory, and nothing running."""
    directory = user.data / "models" / "tiny"
    make_tiny_model(str(directory))
    write_drawn(user.pictures, 40)
    user.start()
    user.csearchctl("model", "use", "tiny")
    wait_for(lambda: user.status()["model"] == "tiny", "the model")
    user.search("a red circle", "--in", user.pictures, "-t", 40)
    return directory


def test_old_vectors_answer_until_the_new_ones_are_there(user: User, tiny: Path) -> None:
    before = user.search("a red circle", "--in", user.pictures, "-t", 40)
    encoded = user.settle()["encoded"]
    user.csearchctl("pause")
    user.csearchctl("stop")
    upgrade(tiny)

    user.start()
    for _ in range(2):  # the change goes on after a restart
        assert user.search("a red circle", "--in", user.pictures, "-t", 40) == before
        status = user.status()
        assert status["model"] == "tiny"
        assert status["next_model"] == {"name": "tiny", "done": 0, "total": 40}
        user.csearchctl("stop")
        user.start()
    user.csearchctl("resume")
    wait_for(lambda: user.status()["next_model"] is None, "the new vectors")
    assert user.settle()["encoded"] == encoded + 40
    after = user.search("a red circle", "--in", user.pictures, "-t", 40)
    assert len(after) == 40 and after != before

    user.csearchctl("stop")  # and the old ones never come back
    user.start()
    assert user.search("a red circle", "--in", user.pictures, "-t", 40) == after
    assert user.settle()["encoded"] == encoded + 40


def test_pictures_that_come_meanwhile_are_found(user: User, tiny: Path) -> None:
    user.settle()
    user.csearchctl("stop")
    upgrade(tiny)
    (user.pictures / "new").mkdir()
    write_drawn(user.pictures / "new", 3)
    found = user.search("a red circle", "--in", user.pictures, "-t", 50, "--wait")
    assert len(found) == 43


@pytest.mark.parametrize(
    ("settings", "vectors", "serves", "coming"),
    [
        ({}, {"old"}, "old", "tiny"),  # as the version before left it
        ({}, {"old", "new"}, "new", None),
        ({}, set(), "new", None),
        ({"active_fingerprint": "old"}, {"old", "new"}, "old", "tiny"),
        ({"active_fingerprint": "new"}, {"old", "new"}, "new", None),
        ({"active_fingerprint": "new"}, {"old"}, "new", None),
        ({"active_fingerprint": "old"}, set(), "new", None),
        ({"active_fingerprint": "old", "next_model": "other"}, {"old"}, "old", "other"),
    ],
)
def test_which_vectors_answer(
    tmp_path: Path, settings: dict[str, str], vectors: set[str], serves: str, coming: str | None
) -> None:
    directory = tmp_path / "models" / "tiny"
    make_tiny_model(str(directory))
    model = replace(load_model(str(directory)), fingerprint="new", succeeds="old")
    write_description(model)
    shutil.copytree(directory, directory.with_name("other"))
    write_description(
        replace(model, name="other", succeeds="", directory=str(directory.with_name("other")))
    )
    library = Library(str(tmp_path / "library.sqlite"))
    for name, value in {"model": "tiny", **settings}.items():
        library.set(name, value)
    rows = {name: library.model_row(name, "tiny", 64) for name in ("old", "new")}
    with library.write() as database:
        database.execute("INSERT INTO contents (id, scheme, identity) VALUES (1, 1, 'one')")
        for name in vectors:
            values = (rows[name], bytes(128))
            database.execute("INSERT INTO vectors VALUES (?, 1, ?, 1)", values)
    models = Models(library, os.fspath(directory.parent), 1)
    assert models.active_model.model.fingerprint == serves
    assert (models.next_model.name if models.next_model else None) == coming
    library.close()


def test_the_starter_succeeds_the_one_before() -> None:
    """Whose text tower it kept: libraries that it has read stay searchable."""
    from csearchd.models.installed import starter_directory

    with open(os.path.join(starter_directory(), "model.toml"), "rb") as file:
        description = tomllib.load(file)
    assert description["succeeds"] != description["fingerprint"]
