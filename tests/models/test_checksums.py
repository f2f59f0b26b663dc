"""A damaged file of a model is noticed when it is used, and read no more often than it changes."""

from __future__ import annotations

import os
import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from csearchd.errors import ModelError
from csearchd.models import installed
from csearchd.models.assemble import staged
from csearchd.models.identity import checksums
from csearchd.models.identity.checksums import LEDGER, Verifier
from csearchd.models.installed import Model, file_checksum, load_model, starter_directory
from csearchd.models.text_tower import TextTower
from support.photos import write_drawn
from support.user import User, wait_for

TEXT_FILES = ("text.onnx", "tokenizer.json", "vocabulary.bin")


def copied(models: Path, name: str = "copy") -> Model:
    """The starter under another name."""
    directory = models / name
    shutil.copytree(starter_directory(), directory)
    description = directory / installed.DESCRIPTION
    description.write_text(description.read_text().replace('"starter"', f'"{name}"', 1))
    return load_model(str(directory))


def flip(path: str | Path) -> None:
    """Changes one bit in the middle of a file."""
    with open(path, "r+b") as file:
        middle = file.seek(os.path.getsize(path) // 2)
        (byte,) = file.read(1)
        file.seek(middle)
        file.write(bytes([byte ^ 1]))


@pytest.fixture
def read(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The names of files that have been read whole."""
    names: list[str] = []
    original = checksums.file_checksum

    def counted(path: str) -> str:
        names.append(os.path.basename(path))
        return original(path)

    monkeypatch.setattr(checksums, "file_checksum", counted)
    return names


def test_files_are_read_once_until_they_change(tmp_path: Path, read: list[str]) -> None:
    model = copied(tmp_path)
    Verifier(str(tmp_path)).check_text_side(model)
    assert sorted(read) == sorted(TEXT_FILES)
    del read[:]
    Verifier(str(tmp_path)).check_text_side(model)  # of a later start
    assert read == []
    os.utime(model.path("text.onnx"), ns=(1, 1))
    Verifier(str(tmp_path)).check_text_side(model)
    assert read == ["text.onnx"]


@pytest.mark.parametrize("content", ["", "{", "[]", "null", '{"a": 3}'])
def test_a_damaged_ledger_is_made_anew(tmp_path: Path, read: list[str], content: str) -> None:
    model = copied(tmp_path)
    (tmp_path / LEDGER).write_text(content)
    for _ in range(2):
        Verifier(str(tmp_path)).check_text_side(model)
    assert sorted(read) == sorted(TEXT_FILES)


def test_no_ledger_can_be_written(tmp_path: Path) -> None:
    Verifier(str(tmp_path / "none")).check_text_side(copied(tmp_path))


def test_models_share_a_ledger(tmp_path: Path, read: list[str]) -> None:
    one, other = copied(tmp_path, "one"), copied(tmp_path, "other")
    first, second = Verifier(str(tmp_path)), Verifier(str(tmp_path))
    first.check_text_side(one)
    second.check_text_side(other)
    first.check(one, ["open_clip_config.json"])
    del read[:]
    for model in (one, other):
        Verifier(str(tmp_path)).check_text_side(model)
    assert read == []


@pytest.mark.parametrize("name", sorted(load_model(starter_directory()).checksums))
@pytest.mark.parametrize("mtime_stays", [True, False])
def test_a_flipped_bit_is_named_with_the_remedy(
    tmp_path: Path, name: str, mtime_stays: bool
) -> None:
    model = copied(tmp_path)
    verifier = Verifier(str(tmp_path))
    verifier.check(model, model.checksums)
    before = os.stat(model.path(name))
    flip(model.path(name))
    if mtime_stays:
        os.utime(model.path(name), ns=(before.st_atime_ns, before.st_mtime_ns))
    for later in (verifier, Verifier(str(tmp_path))):
        with pytest.raises(ModelError, match=rf"{name} is damaged; .*model remove copy"):
            later.check(model, model.checksums)


def test_the_remedy_for_a_recommended_model_is_one_command(tmp_path: Path) -> None:
    model = copied(tmp_path, "ViT-B-32-256")
    flip(model.path("text.onnx"))
    with pytest.raises(ModelError, match="`csearchctl model install ViT-B-32-256` installs it"):
        Verifier(None).check_text_side(model)


def test_every_file_is_compared_by_someone(tmp_path: Path, read: list[str]) -> None:
    """The token embedding's rows have checksums of their own."""
    model = copied(tmp_path)
    verifier = Verifier(None)
    verifier.check_text_side(model)
    verifier.check_image_side(model)
    assert verifier.is_right(model, installed.BACKGROUND)
    assert set(read) == set(model.checksums)


@pytest.mark.parametrize("name", ["image.onnx.data", "image.onnx_data", "text.onnx.data"])
def test_weights_beside_a_graph_are_compared_with_it_alone(tmp_path: Path, name: str) -> None:
    model = copied(tmp_path)
    Path(model.path(name)).write_bytes(b"weights" * 9)
    model = replace(model, checksums={**model.checksums, name: file_checksum(model.path(name))})
    verifier = Verifier(None)
    flip(model.path(name))
    checks = [verifier.check_image_side, verifier.check_text_side]
    of_tower, other = checks if name.startswith("image") else reversed(checks)
    other(model)
    with pytest.raises(ModelError, match=f"{name} is damaged"):
        of_tower(model)


def test_a_vocabulary_that_is_damaged_later_is_no_answer(tmp_path: Path) -> None:
    model = copied(tmp_path)
    tower = TextTower(model, 1)
    tower.embed(["a dog"])
    path = Path(model.path(installed.VOCABULARY))
    content = path.read_bytes()
    flip(path)
    with pytest.raises(ModelError, match=r"vocabulary\.bin is damaged"):
        tower.embed(["a dog"])
    path.write_bytes(content)
    tower.embed(["a dog"])
    path.unlink()  # as when it is replaced by another version, which isn't mapped
    tower.embed(["a dog"])


def test_a_damaged_model_is_replaced_and_no_other(tmp_path: Path) -> None:
    models = str(tmp_path / "models")
    model = copied(tmp_path / "models")
    with pytest.raises(ModelError, match="already"), staged(models, "copy"):
        pass
    flip(model.path("text.onnx"))
    with pytest.raises(RuntimeError), staged(models, "copy"):
        raise RuntimeError  # the installation fails: what there was stays
    assert os.path.exists(model.path("text.onnx"))
    with staged(models, "copy") as directory:
        shutil.copytree(starter_directory(), directory, dirs_exist_ok=True)
    installed.verify_checksums(load_model(model.directory))
    assert os.listdir(models) == ["copy"]
    os.mkdir(os.path.join(models, "pictures"))  # no model at all
    with pytest.raises(ModelError, match="already"), staged(models, "pictures"):
        pass


@pytest.mark.parametrize("name", sorted(load_model(starter_directory()).checksums))
def test_a_missing_file_is_named_with_the_remedy(tmp_path: Path, name: str) -> None:
    model = copied(tmp_path)
    os.unlink(model.path(name))
    with pytest.raises(ModelError, match=rf"{name} is missing; .*model remove copy"):
        Verifier(None).check(model, [name])


@pytest.mark.parametrize("content", [None, "", "x", 'name = "copy"\n'])
def test_a_damaged_description_is_named_with_the_remedy(
    tmp_path: Path, content: str | None
) -> None:
    model = copied(tmp_path)
    description = Path(model.path(installed.DESCRIPTION))
    description.unlink()
    if content is not None:
        description.write_text(content)
    with pytest.raises(ModelError, match=r"model\.toml.*; .*model remove copy"):
        load_model(model.directory)


@pytest.mark.parametrize("how", ["flip", "cut", "missing"])
@pytest.mark.parametrize("name", [*TEXT_FILES, "image.onnx", "background.npy"])
def test_the_service_says_which_file_and_goes_on(user: User, name: str, how: str) -> None:
    model = copied(user.data / "models")
    write_drawn(user.pictures, 3)
    user.search("anything", "--in", user.pictures)
    user.csearchctl("model", "use", "copy")
    assert user.status()["model"] == "copy"
    user.csearchctl("stop")
    if how == "flip":
        flip(model.path(name))
    elif how == "missing":
        os.unlink(model.path(name))
    else:
        os.truncate(model.path(name), os.path.getsize(model.path(name)) // 2)
    assert len(user.search("anything", "--in", user.pictures)) == 3
    if name == "image.onnx":
        user.take_photos(("cat",))
        user.csearch("--wait", "anything", "--in", user.pictures, check=None)

    def said() -> list[str]:
        state = "missing" if how == "missing" else "damaged"
        return [note for note in user.status()["notes"] if f"{name} is {state}" in note]

    (note,) = wait_for(said, "a note")
    assert "csearchctl model remove copy" in note
    assert "an error in csearchd" not in user.log() and "Traceback" not in user.log()
    assert user.status()["model"] == (
        "copy" if name in ("image.onnx", "background.npy") else "starter"
    )
