"""Image towers that are no plain transformers are converted to 8-bit weights by onnxruntime."""

from __future__ import annotations

import logging
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import onnx
import pytest
import torch
from safetensors.torch import save_file

from csearchd.models.export import image
from csearchd.models.export.image import (
    ImageBranch,
    sample_pixels,
    write_image_tower,
    write_quantised_image_tower,
)
from csearchd.models.export.text import quiet
from csearchd.models.export.transformer import is_plain_image_tower
from csearchd.models.image_tower import OnnxTower
from csearchd.models.installed import IMAGE_TOWER, WEIGHTS
from csearchd.models.preprocess import Preprocess
from models.tiny_model import TINY_CONFIGURATION, make_tiny_weights

VISION = {"image_size": 64, "layers": 2, "width": 192, "head_width": 32, "patch_size": 16}


def test_weights_with_other_links_are_converted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As those have that were downloaded into a cache; in float32, to which the graph refers."""
    monkeypatch.setattr(image, "_LARGE", 0)
    directory, target = tmp_path / "model", tmp_path / "target"
    target.mkdir()
    configuration = {**TINY_CONFIGURATION, "vision_cfg": {**VISION, "pool_type": "avg"}}
    clip = make_tiny_weights(str(directory), configuration).eval()
    tensors = {name: tensor.contiguous() for name, tensor in clip.state_dict().items()}
    save_file(tensors, directory / WEIGHTS)
    os.link(directory / WEIGHTS, tmp_path / "downloaded")
    os.link(directory / WEIGHTS, target / WEIGHTS)
    preprocess = Preprocess.of_model(str(directory))
    write_image_tower(ImageBranch(clip, preprocess).eval(), preprocess, str(directory))
    assert not is_plain_image_tower(clip.visual)
    assert write_quantised_image_tower(
        clip.visual, preprocess, str(directory), str(target), unsigned=True
    )
    assert sorted(os.listdir(target)) == [IMAGE_TOWER, WEIGHTS]
    graph = onnx.load(target / IMAGE_TOWER, load_external_data=False).graph
    assert any(item.data_type == onnx.TensorProto.UINT8 for item in graph.initializer)
    tower = OnnxTower(str(target))
    assert tower.arithmetic == "int8"
    pixels = sample_pixels(preprocess)
    with torch.inference_mode():
        expected = ImageBranch(clip, preprocess)(torch.from_numpy(pixels)).numpy()
    assert (tower.encode(pixels).astype(np.float32) * expected).sum(axis=1).min() > 0.995


def test_what_is_logged_after_an_export_is_one_line() -> None:
    """The exporters' own logging doesn't leave a handler behind that writes to a closed file."""
    program = (
        "import logging\n"
        "from csearchd.models.export.text import quiet\n"
        "with quiet():\n"
        "    logging.warning('not shown')\n"
        "logging.getLogger('csearchd').warning('shown')\n"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "shown\n")


def test_handlers_that_were_there_stay() -> None:
    before = logging.root.handlers[:]
    with quiet():
        logging.root.addHandler(logging.NullHandler())
    assert logging.root.handlers == before
