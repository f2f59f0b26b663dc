"""Installing models: from a hub, from a checkpoint, and everything that can go wrong."""

from __future__ import annotations

import json
import os
import signal
import time
from typing import Any

import numpy as np
import open_clip
import pytest
import torch
from safetensors.torch import load_file

from csearchd.errors import ModelError
from csearchd.models import installed
from csearchd.models.architectures import architecture_configuration
from csearchd.models.assemble import staged
from csearchd.models.catalogue import UNKNOWN_LICENCE, known_licence, restriction
from csearchd.models.export.checkpoint import place_weights
from csearchd.models.installed import load_model, verify_checksums
from csearchd.models.preprocess import Preprocess
from csearchd.models.text_tower import TextTower
from models.hub import COMMIT, Hub, serving
from models.installing import CLOSED, Home, assert_one_error
from models.tiny_model import PREPROCESSING, TINY_CONFIGURATION, make_tiny_weights

SMALL = "ViT-S-32-alt"  # open_clip's smallest architecture of its own


@pytest.fixture
def home(tmp_path: Any) -> Home:
    return Home(str(tmp_path))


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory: pytest.TempPathFactory) -> str:
    """Random weights of SMALL, half precision, as safetensors."""
    directory = str(tmp_path_factory.mktemp("checkpoint"))
    make_tiny_weights(directory, architecture_configuration(SMALL))
    return os.path.join(directory, installed.WEIGHTS)


@pytest.mark.parametrize("form", ["safetensors", "pt"])
def test_a_checkpoint_is_imported(home: Home, tmp_path: Any, form: str) -> None:
    # open_clip's own architectures take a minute; this one is as ordinary, and tiny.
    configuration = tmp_path / "tiny-clip.json"
    halves = {**PREPROCESSING, "mean": [0.5] * 3, "std": [0.5] * 3}
    content = {"model_cfg": TINY_CONFIGURATION, "preprocess_cfg": halves}
    configuration.write_text(json.dumps(content if form == "pt" else TINY_CONFIGURATION))
    make_tiny_weights(str(tmp_path / "made"))
    path = str(tmp_path / "made" / installed.WEIGHTS)
    original = load_file(path)
    if form == "pt":  # as open_clip's training writes it
        path = str(tmp_path / "epoch_9.pt")
        state = {f"module.{name}": tensor for name, tensor in original.items()}
        torch.save({"epoch": 9, "name": "run", "state_dict": state}, path)
    arguments = ("--import", "--config", str(configuration), "--weights", path)
    code, out, err = home.install(*arguments, "--name", "own model")
    assert code == 0, err
    assert out == "own model is installed; to use it: csearchctl model use own model\n"
    assert home.left() == ["own model"]
    model = load_model(os.path.join(home.models, "own model"))
    verify_checksums(model)
    assert (model.arch, model.weights) == ("tiny-clip", os.path.basename(path))
    expected = halves if form == "pt" else PREPROCESSING
    assert Preprocess.of_model(model.directory).mean == tuple(expected["mean"])
    clip, _, _ = open_clip.create_model_and_transforms(f"local-dir:{model.directory}")
    assert torch.equal(clip.text_projection.half(), original["text_projection"])
    text = "two parrots on a branch"
    with torch.inference_mode():
        tokens = open_clip.get_tokenizer(f"local-dir:{model.directory}")([text])
        expected = clip.eval().encode_text(tokens, normalize=True).numpy()[0]
    found = TextTower(model, 1).embed([text])[0]
    assert np.dot(found, expected) >= 0.998


def test_a_published_checkpoint_is_installed(home: Home, tmp_path: Any) -> None:
    architectures = str(tmp_path / "architectures")
    os.mkdir(architectures)
    with open(os.path.join(architectures, "tiny-clip.json"), "w", encoding="utf-8") as file:
        json.dump(TINY_CONFIGURATION, file)
    entry = {"hf_hub": "someone/tiny/", **PREPROCESSING}
    program = (
        "import sys; from csearchd.models import architectures, install\n"
        "import open_clip\n"
        f"architectures._configurations_directory = lambda: {architectures!r}\n"
        f"open_clip.get_pretrained_cfg = lambda arch, weights: {entry!r}\n"
        "sys.exit(install.main(sys.argv[1:]))\n"
    )
    make_tiny_weights(str(tmp_path / "made"))
    with open(str(tmp_path / "made" / installed.WEIGHTS), "rb") as file:
        content = file.read()
    with serving(Hub({installed.WEIGHTS: content}, repository="someone/tiny")) as hub:
        code, _, err = home.install("tiny-clip:made", program=program, hub=hub.address)
    assert code == 0, err
    said = f"someone/tiny: downloading {len(content) / 1e6:.0f} MB (licence: mit)"
    assert said in err.splitlines()
    model = load_model(os.path.join(home.models, "tiny-clip-made"))
    assert (model.source, model.licence) == (f"someone/tiny@{COMMIT}", "mit")
    verify_checksums(model)
    assert not os.path.exists(os.path.join(home.downloads, "tiny-clip-made"))


def test_a_restrictive_licence_is_said_before_an_import(home: Home, tmp_path: Any) -> None:
    make_tiny_weights(str(tmp_path / "made"))
    weights = str(tmp_path / "made" / installed.WEIGHTS)
    path = tmp_path / "MobileCLIP2-S9.json"
    path.write_text(json.dumps(TINY_CONFIGURATION))
    arguments = ("--import", "--config", str(path), "--weights", weights, "--name", "mine")
    code, _, err = home.install(*arguments)
    assert code == 0, err
    first = err.splitlines()[0]
    assert first.startswith("mine: its licence, apple-amlr, allows non-commercial research alone")
    assert load_model(os.path.join(home.models, "mine")).licence == "apple-amlr"


def test_licences_that_restrict() -> None:
    for arch in open_clip.list_models():
        restricted = arch.startswith(("MobileCLIP", "nllb-clip"))
        assert (known_licence(arch) != UNKNOWN_LICENCE) is restricted
        assert (restriction(known_licence(arch)) is not None) is restricted
    assert restriction("CC-BY-NC-4.0") == "forbids commercial use"
    assert restriction("apache-2.0") is None


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (None, "No such file"),
        ("[1]", "no JSON object"),
        ('{"model_cfg": 1}', "no configuration"),
        ('{"embed_dim": 64}', "no configuration of two towers"),
        ('{"model_cfg": {"text_cfg": {}, "vision_cfg": 1}}', "no configuration of two towers"),
        ('{"text_cfg": {}, "vision_cfg": {"layers": "many"}}', "own"),
        ('{"text_cfg": {}, "vision_cfg": {"patch_size": 0}}', "own"),
        (
            '{"model_cfg": {"text_cfg": {}, "vision_cfg": {}}, "preprocess_cfg": {"std": 0}}',
            "no proper configuration: std is 0",
        ),
    ],
)
def test_a_configuration_that_is_none(
    home: Home, checkpoint: str, tmp_path: Any, content: str | None, words: str
) -> None:
    path = tmp_path / "own.json"
    if content is not None:
        path.write_text(content)
    arguments = ("--import", "--config", str(path), "--weights", checkpoint, "--name", "mine")
    assert_one_error(home.install(*arguments), words, progress=True)
    assert home.left() == []


def test_a_name_is_taken_only_once(home: Home, checkpoint: str) -> None:
    name = installed.WEIGHTS.removesuffix(".safetensors")  # that of the file, as none is given
    os.makedirs(os.path.join(home.models, name))
    result = home.install("--import", "--arch", SMALL, "--weights", checkpoint)
    assert_one_error(result, "already", f"csearchctl model remove {name}")
    assert home.left() == [name]


def test_weights_of_another_architecture(home: Home, checkpoint: str) -> None:
    result = home.install("--import", "--arch", "ViT-S-16-alt", "--weights", checkpoint)
    assert_one_error(result, "not those of ViT-S-16-alt", progress=True)
    assert home.left() == []


@pytest.mark.parametrize("suffix", ["safetensors", "pt"])
def test_a_file_that_is_no_checkpoint(home: Home, tmp_path: Any, suffix: str) -> None:
    path = str(tmp_path / f"photo.{suffix}")
    with open(path, "wb") as file:
        file.write(os.urandom(1000))
    result = home.install("--import", "--arch", SMALL, "--weights", path)
    assert_one_error(result, "safetensors", progress=True)
    assert home.left() == []


class Program:
    """Runs when it is unpickled: what a hostile checkpoint holds."""

    def __init__(self, mark: str) -> None:
        self.mark = mark

    def __reduce__(self) -> tuple[Any, tuple[str, str]]:
        return open, (self.mark, "w")


def test_a_checkpoint_is_never_run(tmp_path: Any) -> None:
    path, mark = str(tmp_path / "hostile.pt"), str(tmp_path / "mark")
    torch.save({"state_dict": {"weight": Program(mark)}}, path)
    with pytest.raises(ModelError, match="weights only"):
        place_weights(path, str(tmp_path), link=False)
    assert not os.path.exists(mark)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["ViT-B-32-256"], ["no network", CLOSED]),
        (["vit-l-14"], ["no network"]),
        (["ViT-B-16-SigLIP"], ["no model", "ViT-B-16-SigLIP2"]),
        (["ViT-B-16-SigLIP:webli"], ["tokenizer of its own"]),
        (["coca_ViT-B-32:laion2b_s13b_b90k"], ["not supported"]),
        (["ViT-B-32-265"], ["did you mean", "ViT-B-32-256"]),
        (["ViT-B-32-265:openai"], ["similar ones", "ViT-B-32-256"]),
        (["RN50"], ["ARCHITECTURE:WEIGHTS", "ViT-B-32-256"]),
        (["--import", "--arch", "ViT-B-16-SigLIP", "--weights", "/none"], ["tokenizer.json"]),
        (["--import", "--arch", "ViT-B-23", "--weights", "/none"], ["similar ones", "ViT-B-32"]),
        (["--import", "--arch", "ViT-B-32", "--weights", "/none"], ["/none does not exist"]),
        (["--import", "--arch", "ViT-B-32", "--weights", "/"], ["/ is not a file"]),
        (["--import", "--arch", SMALL, "--weights", __file__, "--name", "a/b"], ["name"]),
        (["--import", "--arch", SMALL, "--weights", __file__, "--name", "starter"], ["name"]),
    ],
)
def test_refusals_are_one_line_and_quick(
    home: Home, arguments: list[str], words: list[str]
) -> None:
    began = time.monotonic()
    assert_one_error(home.install(*arguments), *words)
    assert time.monotonic() - began < 20  # no waiting for retries
    assert home.left() == []


def test_weights_that_open_clip_has_not(home: Home) -> None:
    with serving(Hub({})) as hub:
        result = home.install("ViT-B-32:none", hub=hub.address)
    assert_one_error(result, "no weights 'none' for ViT-B-32; it has: openai, ")
    assert home.left() == []


def test_published_weights_of_another_architecture_are_refused(home: Home, checkpoint: str) -> None:
    with open(checkpoint, "rb") as file:
        files = {installed.WEIGHTS: file.read()}
    with serving(Hub(files)) as hub:
        result = home.install("RN50:yfcc15m", hub=hub.address)
    assert_one_error(result, "not those of RN50", progress=True)
    assert home.left() == []


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupted_installation_leaves_nothing(
    home: Home, checkpoint: str, number: signal.Signals
) -> None:
    process = home.start("--import", "--arch", SMALL, "--weights", checkpoint)
    deadline = time.monotonic() + 60
    while not home.left() and time.monotonic() < deadline:
        time.sleep(0.01)
    assert home.left() == [f".{os.path.splitext(os.path.basename(checkpoint))[0]}.part"]
    process.send_signal(number)
    out, err = process.communicate(timeout=60)
    assert process.returncode == 130, err
    assert out == ""
    assert err.splitlines()[-1].startswith("interrupted: nothing was installed")
    assert "Traceback" not in err
    assert home.left() == []


def test_what_a_killed_installation_left_is_cleared_away(tmp_path: Any) -> None:
    part = tmp_path / ".m.part"
    (part / "deep").mkdir(parents=True)
    (part / "old").write_text("x")
    with staged(str(tmp_path), "m") as directory:
        assert os.listdir(directory) == []
        (tmp_path / ".m.part" / "new").write_text("y")
    assert os.listdir(tmp_path) == ["m"]
    assert os.listdir(tmp_path / "m") == ["new"]


def test_two_installations_of_one_model(tmp_path: Any) -> None:
    with staged(str(tmp_path), "m") as directory:
        (tmp_path / ".m.part" / "new").write_text("y")
        with pytest.raises(ModelError, match="by another process"), staged(str(tmp_path), "m"):
            pass
        assert os.listdir(directory) == ["new"]
    assert os.listdir(tmp_path) == ["m"]


def test_a_full_disk_is_one_line(home: Home, checkpoint: str) -> None:
    program = (
        "import errno, os, shutil, sys\n"
        "from csearchd.models import install\n"
        "def full(*_): raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), '/some/file')\n"
        "shutil.copyfile = full\n"
        "sys.exit(install.main(sys.argv[1:]))\n"
    )
    arguments = ("--import", "--arch", SMALL, "--weights", checkpoint)
    result = home.install(*arguments, program=program)
    assert_one_error(result, "/some/file", "make room", progress=True)
    assert home.left() == []


def test_too_little_room_is_said_before_the_download(home: Home) -> None:
    program = (
        "import shutil, sys, types\n"
        "from csearchd.models import install\n"
        "shutil.disk_usage = lambda _: types.SimpleNamespace(free=10_000_000)\n"
        "sys.exit(install.main(sys.argv[1:]))\n"
    )
    folder = "ViT-B-32-256-datacomp_s34b_b86k"
    towers = {f"{folder}/{name}.onnx": bytes(4_000_000) for name in ("visual", "textual")}
    with serving(Hub(towers)) as hub:
        result = home.install("ViT-B-32-256", program=program, hub=hub.address)
    # 8 to download, 10 for copies of the image tower, and 4 for both in 8 bits.
    assert_one_error(result, "10 MB free; 22 MB are needed", home.models)
    assert hub.ranges == []
    assert home.left() == []
