"""Image towers that are no plain transformers are exported by PyTorch."""

from __future__ import annotations

import logging
import os
import subprocess
import sys
from collections import Counter
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import pytest
import torch
from safetensors.torch import save_file

from csearchd.models.conversion.pictures import comparison_pixels, sample_pixels
from csearchd.models.export import image
from csearchd.models.export.export import load_clip
from csearchd.models.export.image import (
    ImageBranch,
    use_quantised_image_tower,
    write_image_tower,
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
    directory = tmp_path / "model"
    configuration = {**TINY_CONFIGURATION, "vision_cfg": {**VISION, "pool_type": "avg"}}
    clip = make_tiny_weights(str(directory), configuration).eval()
    tensors = {name: tensor.contiguous() for name, tensor in clip.state_dict().items()}
    save_file(tensors, directory / WEIGHTS)
    os.link(directory / WEIGHTS, tmp_path / "downloaded")
    preprocess = Preprocess.of_model(str(directory))
    branch = ImageBranch(clip, preprocess).eval()
    write_image_tower(branch, preprocess, str(directory))
    assert not is_plain_image_tower(clip.visual)
    pixels = comparison_pixels(preprocess)
    with torch.inference_mode():
        expected = branch(torch.from_numpy(pixels)).numpy()
    before = set(os.listdir(directory))
    use_quantised_image_tower(
        clip.visual, preprocess, str(directory), pixels, expected, float("inf"), portable=True
    )
    assert set(os.listdir(directory)) == before
    graph = onnx.load(directory / IMAGE_TOWER, load_external_data=False).graph
    assert any(item.data_type == onnx.TensorProto.UINT8 for item in graph.initializer)
    assert not any(item.external_data for item in graph.initializer)
    tower = OnnxTower(str(directory))
    assert tower.arithmetic == "int8"
    assert (tower.encode(pixels).astype(np.float32) * expected).sum(axis=1).min() > 0.998


def test_normalisation_is_part_of_convolutions(tmp_path: Path) -> None:
    """onnxruntime fuses them when it loads the graph, which still refers to the model's weights."""
    vision = {"timm_model_name": "fasternet_t0", "timm_pool": "avg", "timm_proj": ""}
    configuration = {**TINY_CONFIGURATION, "vision_cfg": {**vision, "image_size": 96}}
    directory = str(tmp_path / "model")
    make_tiny_weights(directory, configuration)
    clip, preprocess = load_clip(directory, "tiny"), Preprocess.of_model(directory)
    branch = ImageBranch(clip, preprocess).eval()
    write_image_tower(branch, preprocess, directory)
    source, fused = os.path.join(directory, IMAGE_TOWER), str(tmp_path / "fused.onnx")
    options = onnxruntime.SessionOptions()
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_ENABLE_BASIC
    options.optimized_model_filepath = fused
    onnxruntime.InferenceSession(source, options, providers=["CPUExecutionProvider"])
    operators = Counter(node.op_type for node in onnx.load(fused).graph.node)
    assert operators["Conv"] and not operators["BatchNormalization"]
    assert operators["Cast"] <= 2 and operators["Expand"] <= 1
    assert os.path.getsize(source) < os.path.getsize(fused) / 10
    pixels = sample_pixels(preprocess)
    with torch.inference_mode():
        expected = branch(torch.from_numpy(pixels)).numpy()
    found = OnnxTower(directory).encode(pixels).astype(np.float32)
    lengths = np.linalg.norm(found, axis=1)  # they were rounded to 16 bits
    assert ((found * expected).sum(axis=1) / lengths).min() > 0.9999


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
