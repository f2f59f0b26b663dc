"""Model directories: what is read from them, and what is said of damaged ones."""

from __future__ import annotations

import dataclasses
import os

import pytest

from csearchd.errors import ModelError
from csearchd.models import installed
from csearchd.models.installed import Model


@pytest.fixture
def models_dir(tmp_path: os.PathLike[str]) -> str:
    return str(tmp_path)


def make_model(models_dir: str, name: str) -> Model:
    """A directory that looks like a model: files with a few bytes, and a right description."""
    directory = os.path.join(models_dir, name)
    os.mkdir(directory)
    for file in installed.FILES:
        with open(os.path.join(directory, file), "w", encoding="utf-8") as stream:
            stream.write(f"{name} {file}")
    model = Model(
        name=name,
        arch="ViT-B-32",
        weights='odd "tag" \\ of ünicode',
        licence="MIT",
        dimensions=512,
        context_length=77,
        causal=True,
        text_quantised=True,
        text_cosine=0.999,
        fingerprint="ab" * 32,
        checksums={
            file: installed.file_checksum(os.path.join(directory, file)) for file in installed.FILES
        },
        directory=directory,
        source="someone/model@" + "1" * 40,
    )
    installed.write_description(model)
    return model


def change_description(model: Model, old: str, new: str) -> None:
    path = model.path(installed.DESCRIPTION)
    with open(path, encoding="utf-8") as file:
        content = file.read()
    assert old in content
    with open(path, "w", encoding="utf-8") as file:
        file.write(content.replace(old, new, 1))


def test_a_description_is_read_as_it_was_written(models_dir: str) -> None:
    model = make_model(models_dir, "a")
    assert installed.load_model(model.directory) == model
    installed.verify_checksums(model)


def test_a_description_of_an_older_version_has_no_source(models_dir: str) -> None:
    model = make_model(models_dir, "a")
    change_description(model, f'source = "{model.source}"', "")
    assert installed.load_model(model.directory) == dataclasses.replace(model, source="")


@pytest.mark.parametrize("file", installed.FILES)
def test_a_missing_or_empty_file_is_named_with_the_remedy(models_dir: str, file: str) -> None:
    model = make_model(models_dir, "a")
    os.truncate(model.path(file), 0)
    with pytest.raises(ModelError, match=f"{file} is empty.*csearchctl model remove a"):
        installed.load_model(model.directory)
    os.remove(model.path(file))
    with pytest.raises(ModelError, match=f"{file} is missing.*csearchctl model remove a"):
        installed.load_model(model.directory)


@pytest.mark.parametrize(
    ("old", "new", "complaint"),
    [
        ("dimensions = 512", "dimensions = true", "dimensions is missing or not of type int"),
        ("dimensions = 512", "dimensions = 0", "dimensions must be from 1 to 65536"),
        ("dimensions = 512", "", "dimensions is missing"),
        ("causal = true", "causal = 1", "causal is missing or not of type bool"),
        ("source = ", "source = 1 # ", "source is missing or not of type str"),
        ("[checksums]", "[sums]", "checksums is missing"),
        ('"text.onnx"', '"other"', "no checksum of text.onnx"),
        ("name = ", "name ", "damaged"),
    ],
)
def test_a_damaged_description_is_named(
    models_dir: str, old: str, new: str, complaint: str
) -> None:
    model = make_model(models_dir, "a")
    change_description(model, old, new)
    with pytest.raises(ModelError, match=complaint) as caught:
        installed.load_model(model.directory)
    assert installed.DESCRIPTION in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_changed_file_fails_its_checksum(models_dir: str) -> None:
    model = make_model(models_dir, "a")
    with open(model.path(installed.WEIGHTS), "a", encoding="utf-8") as file:
        file.write("x")
    installed.load_model(model.directory)  # doesn't hash
    with pytest.raises(ModelError, match=f"{installed.WEIGHTS} is damaged"):
        installed.verify_checksums(model)


def test_installed_models_are_listed_by_name_without_damaged_ones(models_dir: str) -> None:
    made = [make_model(models_dir, name) for name in ("b", "a", "c", ".d.part")]
    os.remove(made[2].path(installed.WEIGHTS))
    names = [model.name for model in installed.installed_models(models_dir)]
    assert [name for name in names if name != installed.STARTER] == ["a", "b"]
    installed.installed_models(os.path.join(models_dir, "none"))  # nothing was ever installed


def test_a_model_is_found_by_its_name(models_dir: str) -> None:
    model = make_model(models_dir, "a")
    assert installed.find_model(models_dir, "a") == model
    for wrong in ("b", "", "..", "../a", "a/"):
        with pytest.raises(ModelError, match=r"is installed; installed are: .*a"):
            installed.find_model(models_dir, wrong)


def test_removing_takes_damaged_models_but_nothing_else(models_dir: str) -> None:
    model = make_model(models_dir, "a")
    os.remove(model.path(installed.DESCRIPTION))
    kept = make_model(models_dir, "b")
    installed.remove_model(models_dir, "a")
    assert not os.path.exists(model.directory)
    for name in ("starter", "a", "", "..", "../" + os.path.basename(models_dir), "."):
        with pytest.raises(ModelError):
            installed.remove_model(models_dir, name)
    assert installed.load_model(kept.directory) == kept


@pytest.mark.parametrize("name", ["", ".", "..", ".x", "a/b", "a\0b", "starter", "a\nb"])
def test_names_that_no_model_can_have(name: str) -> None:
    with pytest.raises(ModelError):
        installed.check_name(name)


def test_an_unreadable_description_says_so(models_dir: str) -> None:
    model = make_model(models_dir, "a")
    os.remove(model.path(installed.DESCRIPTION))
    with pytest.raises(ModelError, match=r"model\.toml is missing"):
        installed.load_model(model.directory)
    os.mkdir(model.path(installed.DESCRIPTION))
    with pytest.raises(ModelError, match="can't be read"):
        installed.load_model(model.directory)
