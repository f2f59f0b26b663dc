"""Vectors of pictures are known by what makes them: the image tower and its preprocessing."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from safetensors.numpy import save_file

from csearchd.library.library import Library
from csearchd.models.active_model import Models
from csearchd.models.identity import fingerprints
from csearchd.models.installed import Model, load_model, starter_directory, write_description
from csearchd.models.preprocess import Preprocess
from models.tiny_model import TINY_CONFIGURATION
from support.photos import write_drawn
from support.user import User, wait_for

PREPROCESS = Preprocess(64, 64, (0.5,) * 3, (0.5,) * 3, "bicubic", "shortest", 0)
DEFAULTS = {"layers": 12, "mlp_ratio": 4.0}

Change = Callable[[dict[str, Any], dict[str, Any]], object]


def tensors() -> dict[str, Any]:
    numbers = np.random.default_rng(0)
    names = ("visual.conv1.weight", "visual.proj", "transformer.weight", "logit_scale")
    return {name: numbers.normal(size=(4, 3)).astype(np.float16) for name in names}


def of(path: Path, change: Change, preprocess: Preprocess = PREPROCESS) -> str:
    """The fingerprint of a checkpoint, after `change` has changed its tensors or its
    configuration."""
    weights = tensors()
    configuration = {
        name: dict(value) if isinstance(value, dict) else value
        for name, value in TINY_CONFIGURATION.items()
    }
    change(weights, configuration)
    save_file(weights, path / "weights", metadata={"format": "pt"})
    return fingerprints.of_checkpoint(str(path / "weights"), configuration, DEFAULTS, preprocess)


def other(weights: dict[str, Any], name: str) -> None:
    weights[name] = weights[name] + np.float16(1)


@pytest.mark.parametrize(
    "change",
    [
        lambda weights, _: other(weights, "transformer.weight"),
        lambda weights, _: other(weights, "logit_scale"),
        lambda weights, _: weights.pop("transformer.weight"),
        lambda weights, _: weights.update({"a.new.one": np.zeros(5, np.float32)}),
        lambda _, configuration: configuration["text_cfg"].update(layers=3),
        lambda _, configuration: configuration.update(init_logit_bias=-10),
        lambda _, configuration: configuration.update(custom_text=True),
        lambda _, configuration: configuration.update(quick_gelu=False),
        lambda _, configuration: configuration["vision_cfg"].update(patch_dropout=0.5),
        lambda _, configuration: configuration["vision_cfg"].update(mlp_ratio=4.0),
        lambda _, configuration: configuration.update(
            vision_cfg=dict(reversed(configuration["vision_cfg"].items()))
        ),
    ],
)
def test_what_pictures_do_not_depend_on(tmp_path: Path, change: Change) -> None:
    assert of(tmp_path, change) == of(tmp_path, lambda *_: None)


@pytest.mark.parametrize(
    "change",
    [
        lambda weights, _: other(weights, "visual.proj"),
        lambda weights, _: weights.update({"visual.proj": weights["visual.proj"].T.copy()}),
        lambda weights, _: weights.update({"visual.more": weights["visual.proj"]}),
        lambda _, configuration: configuration["vision_cfg"].update(layers=2),
        lambda _, configuration: configuration["vision_cfg"].update(mlp_ratio=2.0),
        lambda _, configuration: configuration.update(quick_gelu=True),
    ],
)
def test_what_pictures_depend_on(tmp_path: Path, change: Change) -> None:
    assert of(tmp_path, change) != of(tmp_path, lambda *_: None)


def named(weights: dict[str, Any], wrapper: str, tower: str) -> None:
    """Gives tensors the names of a checkpoint in another form."""
    for name in list(weights):
        weights[wrapper + name.replace("visual.", tower)] = weights.pop(name)


@pytest.mark.parametrize("wrapper", ["", "module.", "_orig_mod."])
@pytest.mark.parametrize("tower", ["visual.", "image_encoder.", "vision_model."])
def test_towers_differ_whatever_their_tensors_are_called(
    tmp_path: Path, wrapper: str, tower: str
) -> None:
    def changed(weights: dict[str, Any], _: object) -> None:
        other(weights, "visual.proj")
        named(weights, wrapper, tower)

    assert of(tmp_path, changed) != of(tmp_path, lambda weights, _: named(weights, wrapper, tower))


def test_a_wrapped_checkpoint_is_the_same_model(tmp_path: Path) -> None:
    def wrapped(weights: dict[str, Any], _: object) -> None:
        other(weights, "transformer.weight")
        named(weights, "module.", "visual.")

    assert of(tmp_path, wrapped) == of(tmp_path, lambda *_: None)


@pytest.mark.parametrize("setting", ["height", "mean", "interpolation", "resize_mode"])
def test_pictures_depend_on_how_they_are_prepared(tmp_path: Path, setting: str) -> None:
    values = {"height": 32, "mean": (0.4,) * 3, "interpolation": "x", "resize_mode": "x"}
    changed = replace(PREPROCESS, **{setting: values[setting]})
    assert of(tmp_path, lambda *_: None, changed) != of(tmp_path, lambda *_: None)


def test_a_published_tower_is_known_by_its_files(tmp_path: Path) -> None:
    files = [str(tmp_path / name) for name in ("a", "b")]
    for path in files:
        Path(path).write_text(path)
    first = fingerprints.of_published_tower(files, PREPROCESS)
    assert fingerprints.of_published_tower(files, replace(PREPROCESS, height=32)) != first
    Path(files[1]).write_text("other")
    assert fingerprints.of_published_tower(files, PREPROCESS) != first


@pytest.fixture
def library(tmp_path: Path) -> Library:
    return Library(str(tmp_path / "library.sqlite"), str(tmp_path / "cache"))


def test_vectors_of_an_older_version_stay(library: Library) -> None:
    """It knew a fingerprint of both towers, from which all that follows is led to the same row."""
    row = library.model_row("both", "old", 2)
    assert library.model_row("both", "new", 2, "image") == row
    assert library.model_row("text-changed", "new", 2, "image") == row
    assert library.model_row("both", "old", 2) == row
    assert library.model_row("text-changed", "newer", 2) == row
    assert library.model_row("another", "another", 2, "another image") != row
    library.close()


def variant(models: Path, name: str, **changes: Any) -> Model:
    """The starter with other entries in its description."""
    shutil.copytree(starter_directory(), models / name)
    changed = replace(load_model(str(models / name)), name=name, **changes)
    write_description(changed)
    return changed


def test_another_text_tower_serves_at_once(tmp_path: Path, library: Library) -> None:
    other = variant(tmp_path, "other", fingerprint="abc")
    models = Models(library, str(tmp_path), 1)
    before = models.active_model
    models.use("other")
    after = models.active_model
    assert (after.model, after.row, after.table) == (other, before.row, before.table)
    assert after.tower is not before.tower and models.next_model is None
    models.use("starter")
    assert models.active_model.row == before.row and library.tables.keys() == {before.row}
    # Chosen while the service didn't run: the change is completed, and keeps the vectors.
    library.set("next_model", "other")
    again = Models(library, str(tmp_path), 1)
    assert again.next_model == other
    again.activate(other)
    assert again.active_model.model == other and library.tables.keys() == {before.row}
    library.close()


def test_a_model_installed_again_with_other_text_weights_costs_nothing(user: User) -> None:
    models = user.data / "models"
    models.mkdir(parents=True)
    write_drawn(user.pictures, 5)
    # As an older version left it, which had no fingerprint of the image tower.
    variant(models, "model", fingerprint="abc", image_fingerprint="")
    user.search("anything", "--in", user.pictures)
    user.csearchctl("model", "use", "model")
    wait_for(lambda: user.status()["model"] == "model", "the model")
    before = user.settle()
    user.csearchctl("stop")
    shutil.rmtree(models / "model")
    variant(models, "model", fingerprint="abc", image_fingerprint="def", text_cosine=0.5)
    user.start()
    variant(models, "second", fingerprint="ghi", image_fingerprint="def")
    user.csearchctl("model", "use", "second")
    after = user.settle()
    assert (after["model"], after["encoded"]) == ("second", before["encoded"])
    assert after["next_model"] is None
    assert len(user.search("anything", "--in", user.pictures)) == 5
    assert os.listdir(models)
