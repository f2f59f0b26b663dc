"""Without PyTorch: what needs it says so, and all else works."""

from __future__ import annotations

import os
import shutil
from dataclasses import replace

import pytest

from csearch.protocol.origin import install_command
from csearchd.models.installed import (
    IMAGE_TOWER,
    Model,
    load_model,
    starter_directory,
    write_description,
)
from support.packages import TORCH, hide
from support.photos import write_drawn
from support.user import User, wait_for

COMMAND = install_command("torch").partition(" ")[2]  # without the Python that runs it


def earlier_model(user: User) -> Model:
    """An installed model whose image tower isn't exported, as some were."""
    directory = user.data / "models" / "earlier"
    shutil.copytree(starter_directory(), directory)
    (directory / IMAGE_TOWER).unlink()
    starter = load_model(starter_directory())
    sums = {name: sum for name, sum in starter.checksums.items() if name != IMAGE_TOWER}
    model = replace(
        starter, name="earlier", fingerprint="e" * 64, checksums=sums, directory=str(directory)
    )
    write_description(model)
    return model


def torch_notes(user: User) -> list[str]:
    return [note for note in user.status()["notes"] if "PyTorch" in note]


def doctor(user: User) -> str:
    done = user.csearchctl("doctor", check=None)
    assert done.returncode == 0, done.stdout
    return done.stdout.decode()


def test_the_main_job_needs_no_torch(user: User) -> None:
    hide(user, TORCH)
    write_drawn(user.pictures, 3)
    assert len(user.search("a red circle", "--in", user.pictures)) == 3
    user.csearchctl("add", user.pictures)
    assert torch_notes(user) == []
    for line in doctor(user).splitlines():
        if "PyTorch" in line:
            assert line.startswith("ok    torch") and line.endswith(COMMAND)
    assert user.status()["failed"] == 0


def test_a_model_without_an_image_tower_answers_and_pictures_wait(user: User) -> None:
    earlier_model(user)
    write_drawn(user.pictures, 3)
    user.csearchctl("add", user.pictures)
    user.csearchctl("model", "use", "earlier")
    wait_for(lambda: user.status()["model"] == "earlier", "the model")
    user.settle()
    user.csearchctl("stop")

    hide(user, TORCH)
    assert len(user.search("a red circle", "--in", user.pictures)) == 3
    (said,) = torch_notes(user)
    assert said.startswith("the model earlier has no image.onnx") and said.endswith(COMMAND)
    (line,) = [line for line in doctor(user).splitlines() if line.startswith("warn  models")]
    assert line.endswith(said)

    write_drawn(user.pictures, 2, first=3)
    wait_for(lambda: user.status()["pending"], "new pictures")
    wait_for(lambda: "reading pictures with it needs PyTorch" in user.log(), "an attempt to read")
    status = user.status()
    assert (status["failed"], status["images"]) == (0, 3)
    assert len(user.search("a red circle", "--in", user.pictures)) == 3
    assert torch_notes(user) == [said]
    user.csearchctl("stop")

    hide(user, ())
    user.csearchctl("start")
    assert torch_notes(user) == []
    wait_for(lambda: user.status()["images"] == 5, "the pictures that have waited")
    assert user.settle()["failed"] == 0


def test_a_model_that_could_read_nothing_is_not_chosen(user: User) -> None:
    earlier_model(user)
    hide(user, TORCH)
    done = user.csearchctl("model", "use", "earlier", check=2)
    assert done.stderr.count(b"\n") == 1
    assert b"has no image.onnx" in done.stderr and COMMAND.encode() in done.stderr
    assert user.status()["next_model"] is None


def test_a_damaged_image_tower_is_named(user: User) -> None:
    directory = user.data / "models" / "damaged"
    shutil.copytree(starter_directory(), directory)
    write_description(replace(earlier_model(user), name="damaged", directory=str(directory)))
    (directory / IMAGE_TOWER).write_bytes(b"?")
    write_drawn(user.pictures, 1)
    hide(user, TORCH)
    user.csearchctl("model", "use", "damaged")
    user.csearchctl("add", user.pictures)
    (said,) = wait_for(lambda: torch_notes(user), "a note")
    assert f"{directory}/image.onnx cannot be loaded" in said and COMMAND in said


@pytest.mark.parametrize(
    "arguments",
    [
        ("install", "ViT-L-14"),
        ("install", "ViT-B-32:openai"),
        ("import", "--arch", "ViT-B-32", "--weights", "mine.pt"),
    ],
)
def test_a_checkpoint_needs_torch(user: User, arguments: tuple[str, ...]) -> None:
    (user.home / "mine.pt").write_bytes(b"weights")
    hide(user, TORCH)
    done = user.csearchctl("model", *arguments, check=2)
    assert done.stderr.count(b"\n") == 1
    assert b"needs PyTorch" in done.stderr and done.stderr.endswith(COMMAND.encode() + b"\n")
    assert not (user.data / "models").exists() or not os.listdir(user.data / "models")
