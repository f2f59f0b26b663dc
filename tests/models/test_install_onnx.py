"""`csearchctl model install` of models that are published for onnxruntime, without torch and the
onnx package."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from csearchd.models.image_tower import OnnxTower
from csearchd.models.installed import load_model, verify_checksums
from csearchd.models.text_tower import TextTower
from models.hub import COMMIT, Hub, serving
from models.installing import Home, assert_one_error
from models.published import publish_pair
from models.tiny_hub import CONFIGURATION, NAME, tiny_hub
from models.tiny_model import PREPROCESSING, make_tiny_weights
from support.user import User, wait_for

FOLDER = "ViT-B-32-256-datacomp_s34b_b86k"
BLOCKED = ("torch", "open_clip", "onnx", "onnxscript", "safetensors", "timm")
PROGRAM = f"""
import sys
for name in {BLOCKED!r}:
    sys.modules[name] = None
from csearchd.models import install
sys.exit(install.main())
"""


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Any:
    return make_tiny_weights(str(tmp_path_factory.mktemp("weights") / "tiny"), CONFIGURATION).eval()


@pytest.fixture
def hub(clip: Any, tmp_path: Path) -> Hub:
    return tiny_hub(tmp_path / "published" / NAME, clip)


def assert_same_vectors(home: Home, name: str, clip: Any) -> None:
    """The installed towers give what open_clip's give."""
    from open_clip.tokenizer import SimpleTokenizer

    model = load_model(os.path.join(home.models, name))
    verify_checksums(model)
    text = "two parrots on a branch"
    pixels = np.random.default_rng(0).integers(0, 256, (1, 256, 256, 3), np.uint8)
    mean, std = (torch.tensor(PREPROCESSING[key]).view(3, 1, 1) for key in ("mean", "std"))
    with torch.inference_mode():
        words = clip.encode_text(SimpleTokenizer()([text]), normalize=True)[0].numpy()
        picture = (torch.from_numpy(pixels).permute(0, 3, 1, 2) / 255 - mean) / std
        seen = clip.encode_image(picture, normalize=True)[0].numpy()
    assert TextTower(model, 1).embed([text])[0] @ words > 0.998
    assert OnnxTower(model.directory).encode(pixels)[0].astype(np.float32) @ seen > 0.999


def test_a_model_of_immichs_is_installed(hub: Hub, clip: Any, tmp_path: Path) -> None:
    home = Home(str(tmp_path / "home"))
    with serving(hub) as served:
        code, out, err = home.install(NAME, hub=served.address, program=PROGRAM)
    assert code == 0, err
    assert out == f"{NAME} is installed; to use it: csearchctl model use {NAME}\n"
    model = load_model(os.path.join(home.models, NAME))
    assert (model.arch, model.weights, model.licence) == ("tiny", "random", "apache-2.0")
    assert model.source == f"immich-app/{NAME}@{COMMIT}"
    assert_same_vectors(home, NAME, clip)
    assert not os.path.exists(os.path.join(home.downloads, NAME))


def test_a_model_of_rclips_is_installed(clip: Any, tmp_path: Path) -> None:
    visual, textual = tmp_path / "visual.onnx", tmp_path / "textual.onnx"
    publish_pair(clip, str(visual), str(textual))
    files = {f"{FOLDER}/{path.name}": path.read_bytes() for path in (visual, textual)}
    home = Home(str(tmp_path / "home"))
    with serving(Hub(files, repository="yurijmikhalevich/rclip-models")) as served:
        code, _, err = home.install("ViT-B-32-256", hub=served.address, program=PROGRAM)
    assert code == 0, err
    model = load_model(os.path.join(home.models, "ViT-B-32-256"))
    assert (model.arch, model.weights) == ("ViT-B-32-256", "datacomp_s34b_b86k")
    assert model.source == f"yurijmikhalevich/rclip-models@{COMMIT}"
    assert_same_vectors(home, "ViT-B-32-256", clip)


def test_damaged_towers_leave_nothing_but_the_download(hub: Hub, tmp_path: Path) -> None:
    home = Home(str(tmp_path / "home"))
    hub.files["visual/model.onnx"] = hub.files["visual/model.onnx"][:-1000]
    with serving(hub) as served:
        result = home.install(NAME, hub=served.address, program=PROGRAM)
    assert_one_error(result, "model.onnx", progress=True)
    assert home.left() == []


def test_the_service_changes_to_an_installed_model(user: User, hub: Hub) -> None:
    user.take_photos()
    user.csearchctl("add", user.pictures)
    user.settle()
    with serving(hub) as served:
        user.environment["HF_ENDPOINT"] = served.address
        user.csearchctl("model", "install", NAME)
    user.csearchctl("model", "use", NAME)
    wait_for(lambda: user.status()["model"] == NAME, "the change of model")
    assert user.settle()["failed"] == 0
    assert user.search("-g", "a cat")
