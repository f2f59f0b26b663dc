"""8-bit towers stay accurate where a few channels are far larger than the others, as in trained
ones."""

from __future__ import annotations

import copy
import functools
import itertools
import os
import shutil
import time
import types
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime
import open_clip
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from onnx import TensorProto, helper, numpy_helper
from safetensors.torch import load_file, save_file

from csearchd.errors import ModelError
from csearchd.models.conversion.convert import convert_model
from csearchd.models.conversion.files import read_onnx
from csearchd.models.conversion.graph import Graph
from csearchd.models.conversion.pictures import photo_pixels
from csearchd.models.conversion.prompts import comparison_prompts
from csearchd.models.conversion.quantisation import candidates, outliers
from csearchd.models.conversion.quantisation.image import QUANTISED_COSINE as IMAGE_COSINE
from csearchd.models.conversion.quantisation.products import constant_products
from csearchd.models.conversion.quantisation.text import QUANTISED_COSINE as TEXT_COSINE
from csearchd.models.conversion.sources import find_source
from csearchd.models.conversion.writing import write_onnx
from csearchd.models.export import export, image
from csearchd.models.hub.disk_space import conversion_room
from csearchd.models.image_tower import OnnxTower
from csearchd.models.installed import WEIGHTS, Model
from csearchd.models.preprocess import Preprocess
from csearchd.models.text_tower import TextTower
from models.published import publish_pair
from models.tiny_model import TINY_CONFIGURATION, make_tiny_weights

WIDTH = 256
VISION = {"image_size": 64, "layers": 3, "width": WIDTH, "head_width": 64, "patch_size": 16}
TEXT = {**TINY_CONFIGURATION["text_cfg"], "width": WIDTH, "heads": 4, "layers": 3}
PLAIN: dict[str, Any] = {"embed_dim": WIDTH, "vision_cfg": VISION, "text_cfg": TEXT}
OTHER: dict[str, Any] = {  # towers that PyTorch exports, since csearch has no graph for them
    **PLAIN,
    "vision_cfg": {**VISION, "pool_type": "avg", "ls_init_value": 1.0},
    "text_cfg": {**TEXT, "ls_init_value": 1.0},
}
OUTLIERS = 4  # channels in each LayerNorm of a block


@dataclass(frozen=True)
class Made:
    """A model with outliers."""

    directory: str  # in open_clip's form
    clip: Any


def with_outliers(directory: Path, configuration: dict[str, Any], gain: float) -> Made:
    """A model of whose channels a few are `gain` times as large as the others in each block."""
    make_tiny_weights(str(directory), configuration)
    path = directory / WEIGHTS
    tensors = load_file(path)
    generator = torch.Generator().manual_seed(0)
    for name in sorted(tensors):
        if name.endswith(("ln_1.weight", "ln_2.weight")):
            tensors[name][torch.randperm(WIDTH, generator=generator)[:OUTLIERS]] *= gain
    save_file(tensors, path)
    return Made(str(directory), export.load_clip(str(directory), "tiny"))


@pytest.fixture(autouse=True)
def speed_is_no_matter(monkeypatch: pytest.MonkeyPatch) -> None:
    """Small towers get 8-bit weights, too; by this clock whatever runs later takes less time."""
    ticks = itertools.count()
    monkeypatch.setattr(time, "thread_time", lambda: -float(next(ticks) ** 2))
    monkeypatch.setattr(image, "_LARGE", 0)


def exported(made: Made) -> Model:
    return export.export_model(
        made.directory, name="t", arch="t", weights="made", licence="MIT", portable=True
    )


def published(made: Made, directory: Path, *, half: bool = False) -> Model:
    """It takes no more room than is asked for."""
    files = [str(directory / name) for name in ("visual.onnx", "textual.onnx")]
    publish_pair(copy.deepcopy(made.clip).half() if half else made.clip, *files)
    target = directory / "converted"
    target.mkdir()
    taken = []
    opened = onnxruntime.InferenceSession

    def open_and_measure(*arguments: Any, **options: Any) -> Any:
        taken.append(sum(path.stat().st_size for path in target.rglob("*") if path.is_file()))
        return opened(*arguments, **options)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(onnxruntime, "InferenceSession", open_and_measure)
        model = convert_model(find_source(files), str(target), name="t", licence="MIT")
    assert max(taken) <= conversion_room(*map(os.path.getsize, files))
    return model


def check(model: Model, clip: Any) -> None:
    """Both towers of `model` have 8-bit weights, and nearly the vectors of `clip`."""
    assert model.text_quantised
    texts = comparison_prompts()[::3]
    tokens = open_clip.tokenizer.SimpleTokenizer(context_length=77)(texts)
    with torch.inference_mode():
        expected = clip.encode_text(tokens, normalize=True).numpy()
    found = TextTower(model, threads=1).embed(texts)
    assert (found * expected).sum(axis=1).min() >= TEXT_COSINE - 1e-4
    tower, preprocess = OnnxTower(model.directory), Preprocess.of_model(model.directory)
    assert tower.arithmetic == "int8"
    pixels = photo_pixels(preprocess)
    mean, std = (
        torch.tensor(numbers).view(3, 1, 1) for numbers in (preprocess.mean, preprocess.std)
    )
    pictures = (torch.from_numpy(pixels).permute(0, 3, 1, 2) / 255 - mean) / std
    with torch.inference_mode():
        expected = clip.encode_image(pictures, normalize=True).numpy()
    vectors = tower.encode(pixels).astype(np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    assert (vectors * expected).sum(axis=1).min() >= IMAGE_COSINE - 1e-4


@pytest.mark.parametrize(("configuration", "gain"), [(PLAIN, 8), (PLAIN, 20), (OTHER, 20)])
def test_a_checkpoint_with_outliers_gets_8_bit_weights(
    tmp_path: Path, configuration: dict[str, Any], gain: int
) -> None:
    made = with_outliers(tmp_path, configuration, gain)
    check(exported(made), made.clip)


@pytest.mark.parametrize("gain", [8, 20])
def test_published_towers_with_outliers_get_8_bit_weights(tmp_path: Path, gain: int) -> None:
    made = with_outliers(tmp_path / "made", PLAIN, gain)
    check(published(made, tmp_path), made.clip)


def test_half_precision_towers_with_outliers_get_8_bit_weights(tmp_path: Path) -> None:
    made = with_outliers(tmp_path / "made", PLAIN, 8)
    check(published(made, tmp_path, half=True), made.clip)


def test_weights_in_bfloat16_get_8_bit_weights(tmp_path: Path) -> None:
    """numpy has no such type."""
    made = with_outliers(tmp_path, OTHER, 8)
    path = tmp_path / WEIGHTS
    save_file({name: tensor.bfloat16() for name, tensor in load_file(path).items()}, path)
    check(exported(made), export.load_clip(made.directory, "tiny"))


def test_a_full_disk_is_noticed_before_the_conversion(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = with_outliers(tmp_path / "made", PLAIN, 8)
    monkeypatch.setattr(shutil, "disk_usage", lambda _: types.SimpleNamespace(free=30_000_000))
    for convert in (exported, functools.partial(published, directory=tmp_path)):
        with pytest.raises(ModelError, match=r"has 30 MB free; \d+ MB are needed"):
            convert(made)


def save_product(path: Path, weight: Any, bias: Any) -> None:
    """A graph of one product: `taken` (rows, columns) to `given`."""
    constants = [numpy_helper.from_array(a, n) for a, n in ((weight, "weight"), (bias, "bias"))]
    nodes = [
        helper.make_node("MatMul", ["taken", "weight"], ["product"]),
        helper.make_node("Add", ["product", "bias"], ["given"]),
    ]
    taken = helper.make_tensor_value_info("taken", TensorProto.FLOAT, ["rows", len(weight)])
    given = helper.make_tensor_value_info("given", TensorProto.FLOAT, ["rows", len(bias)])
    graph = helper.make_graph(nodes, "product", [taken], [given], constants)
    imports = [helper.make_opsetid("", 17)]
    onnx.save(helper.make_model(graph, opset_imports=imports, ir_version=8), path)


def run(path: Path, taken: Any) -> Any:
    session = onnxruntime.InferenceSession(os.fspath(path), providers=["CPUExecutionProvider"])
    return session.run(["given"], {"taken": taken})[0]


@settings(max_examples=25, deadline=None)
@given(
    seed=st.integers(0, 1000),
    columns=st.integers(32, 200),
    count=st.integers(0, 16),
    gain=st.floats(1, 1000),
)
def test_a_product_is_exact_whatever_the_outliers(
    tmp_path_factory: pytest.TempPathFactory, seed: int, columns: int, count: int, gain: float
) -> None:
    directory, random = tmp_path_factory.mktemp("product"), np.random.default_rng(seed)
    weight = random.standard_normal((columns, 40)).astype(np.float32)
    bias = random.standard_normal(40).astype(np.float32)
    taken = random.standard_normal((30, columns)).astype(np.float32)
    taken[:, random.permutation(columns)[: min(count, columns // 4)]] *= gain
    save_product(directory / "float.onnx", weight, bias)

    def make() -> Graph:
        return Graph(read_onnx(str(directory / "float.onnx")))

    largest = {"taken": np.abs(taken).max(axis=0)}
    (graph,) = candidates.quantised(make, portable=True, largest=largest)
    write_onnx(graph.finished(), str(directory / "small.onnx"))
    onnx.checker.check_model(str(directory / "small.onnx"))
    expected, found = (run(directory / name, taken) for name in ("float.onnx", "small.onnx"))
    ordinary = np.sqrt(columns)  # the size of a result without outliers
    assert np.abs(found - expected).max() < 0.1 * ordinary + 1e-5 * np.abs(expected).max()


def test_what_is_even_is_not_smoothed(tmp_path: Path) -> None:
    save_product(tmp_path / "one.onnx", np.eye(32, dtype=np.float32), np.zeros(32, np.float32))
    products = constant_products(Graph(read_onnx(str(tmp_path / "one.onnx"))))
    assert outliers.smoothing(products, {"taken": np.ones(32, np.float32)}) == {}
