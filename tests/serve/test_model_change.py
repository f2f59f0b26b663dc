"""A change of model: the old one answers until the new one has read everything."""

from __future__ import annotations

import itertools
import os
import shutil
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from models.tiny_model import make_tiny_model
from support.photos import write_drawn
from support.user import User, wait_for


def test_the_old_model_serves_until_the_new_one_is_complete(user: User) -> None:
    make_tiny_model(str(user.data / "models" / "tiny"))
    write_drawn(user.pictures, 100)
    before = user.search("anything", "--in", user.pictures)
    user.csearchctl("pause")
    user.csearchctl("model", "use", "tiny")
    status = user.status()
    assert status["model"] == "starter"
    assert status["next_model"] == {"name": "tiny", "done": 0, "total": 100}
    assert user.search("anything", "--in", user.pictures) == before

    user.csearchctl("stop")  # the change goes on after a restart
    user.start()
    assert user.status()["state"] == "paused"
    user.csearchctl("resume")
    wait_for(lambda: user.status()["model"] == "tiny", "the new model")
    status = user.settle()
    assert (status["next_model"], status["images"], status["encoded"]) == (None, 100, 200)
    assert len(user.search("anything", "--in", user.pictures, "-t", 200)) == 100

    user.csearchctl("model", "use", "starter")  # what it once encoded is still there
    wait_for(lambda: user.status()["model"] == "starter", "the old model")
    assert user.status()["encoded"] == 200
    assert user.search("anything", "--in", user.pictures) == before


def test_other_weights_of_the_same_name_read_everything_anew(user: User) -> None:
    """As when a new version of the program brings a better built-in model: the old vectors mean
    nothing to the new text tower."""
    directory = user.data / "models" / "tiny"
    make_tiny_model(str(directory), seed=1)
    write_drawn(user.pictures, 30)
    user.start()
    user.csearchctl("model", "use", "tiny")
    wait_for(lambda: user.status()["model"] == "tiny", "the model")
    first = user.search("a red circle", "--in", user.pictures, "-t", 30)
    before = user.status()["encoded"]
    user.csearchctl("stop")

    shutil.rmtree(directory)
    make_tiny_model(str(directory), seed=2)
    user.start()
    wait_for(lambda: user.status()["encoded"] == before + 30, "all of them read anew")
    assert user.settle()["model"] == "tiny"
    second = user.search("a red circle", "--in", user.pictures, "-t", 30)
    assert len(second) == 30 and second != first

    (user.home / "other").mkdir()
    with User(user.home / "other") as other:  # who never had the old weights
        shutil.copytree(directory, other.data / "models" / "tiny")
        other.environment["XDG_RUNTIME_DIR"] = str(other.runtime)
        other.start()
        other.csearchctl("model", "use", "tiny")
        assert other.search("a red circle", "--in", user.pictures, "-t", 30) == second


def with_a_tiny_model(user: User) -> Path:
    """Three pictures, and a model that serves; its directory."""
    directory = user.data / "models" / "tiny"
    make_tiny_model(str(directory))
    write_drawn(user.pictures, 3)
    user.start()
    user.csearchctl("model", "use", "tiny")
    wait_for(lambda: user.status()["model"] == "tiny", "the new model")
    return directory


def test_a_model_that_has_gone_is_replaced_by_the_built_in_one(user: User) -> None:
    directory = with_a_tiny_model(user)
    user.csearchctl("stop")
    (directory / "text.onnx").unlink()
    assert len(user.search("anything", "--in", user.pictures)) == 3
    assert user.status()["model"] == "starter"
    assert "text.onnx is missing" in user.log()
    (said,) = [note for note in user.status()["notes"] if "text.onnx is missing" in note]
    assert "csearchctl model remove tiny" in said
    user.csearchctl("model", "use", "starter")
    assert not any("text.onnx" in note for note in user.status()["notes"])


def test_a_model_that_goes_while_it_serves_is_said(user: User) -> None:
    configuration = with_a_tiny_model(user) / "open_clip_config.json"
    configuration.write_bytes(b"\xff" * 5000)
    said = user.csearch("x", "--in", user.pictures, check=1).stderr.decode()
    assert "csearchctl model remove tiny" in said and len(said) < 1000


def test_a_model_that_cannot_encode_is_said_and_blames_no_picture(user: User) -> None:
    directory = user.data / "models" / "tiny"
    make_tiny_model(str(directory))
    write_drawn(user.pictures, 3)
    user.search("anything", "--in", user.pictures)
    weights = directory / "open_clip_model.safetensors"
    weights.write_bytes(weights.read_bytes()[: 1 << 20])
    user.csearchctl("model", "use", "tiny")

    def said() -> bool:  # beside whatever else there is to say on a busy machine
        return any(os.fspath(directory) in note for note in user.status()["notes"])

    wait_for(said, "a note")
    status = user.status()
    assert (status["model"], status["failed"]) == ("starter", 0)
    assert len(user.search("anything", "--in", user.pictures)) == 3
    user.csearchctl("model", "use", "starter")
    wait_for(lambda: not said(), "no note")


def test_a_search_is_of_one_model_while_they_change(user: User) -> None:
    make_tiny_model(str(user.data / "models" / "tiny"))
    write_drawn(user.pictures, 20)
    user.search("anything", "--in", user.pictures)
    ended = threading.Event()

    def ask() -> list[object]:
        errors: list[object] = []
        with user.connect() as client:
            for number in itertools.count():
                reply = client.ask(
                    op="search", query=f"{number} - a circle", scopes=None, top=10, why=True
                )
                if reply["type"] == "error":
                    errors.append(reply)
                if ended.is_set():
                    break
        return errors

    with ThreadPoolExecutor() as pool:
        asking = pool.submit(ask)
        try:
            for name in ("tiny", "starter") * 10:
                user.csearchctl("model", "use", name)
                wait_for(lambda name=name: user.status()["model"] == name, name)
        finally:
            ended.set()
        assert not asking.result()
