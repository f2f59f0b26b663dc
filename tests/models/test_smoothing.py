"""8-bit towers stay accurate where a few channels are far larger than the others, as in trained
ones."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime
import open_clip
import pytest
import torch
from safetensors.torch import load_file, save_file

from csearchd.models.conversion.pictures import sample_pixels
from csearchd.models.conversion.prompts import comparison_prompts
from csearchd.models.export import export
from csearchd.models.export.image import ImageBranch
from csearchd.models.export.smoothing import recorded_maxima, smooth
from csearchd.models.export.text import TextBranch
from csearchd.models.export.transformer import image_graph, text_graph
from csearchd.models.installed import WEIGHTS
from csearchd.models.preprocess import Preprocess
from models.tiny_model import TINY_CONFIGURATION, make_tiny_weights

WIDTH = 256
CONFIGURATION: dict[str, Any] = {
    "embed_dim": WIDTH,
    "vision_cfg": {
        "image_size": 64,
        "layers": 3,
        "width": WIDTH,
        "head_width": 64,
        "patch_size": 16,
    },
    "text_cfg": {**TINY_CONFIGURATION["text_cfg"], "width": WIDTH, "heads": 4, "layers": 3},
}
OUTLIERS = 4  # channels in each LayerNorm of a block


def with_outliers(directory: Path, gain: float) -> Any:
    """A model of whose channels a few are `gain` times as large as the others in each block."""
    make_tiny_weights(str(directory), CONFIGURATION)
    path = directory / WEIGHTS
    tensors = load_file(path)
    generator = torch.Generator().manual_seed(0)
    for name in sorted(tensors):
        if name.endswith(("ln_1.weight", "ln_2.weight")):
            tensors[name][torch.randperm(WIDTH, generator=generator)[:OUTLIERS]] *= gain
    save_file(tensors, path)
    return export.load_clip(str(directory), "tiny")


def run(model: onnx.ModelProto, inputs: dict[str, Any]) -> Any:
    session = onnxruntime.InferenceSession(
        model.SerializeToString(), providers=["CPUExecutionProvider"]
    )
    (vectors,) = session.run(None, inputs)
    return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)


@pytest.mark.parametrize("gain", [8, 20])
def test_outliers_cost_little_accuracy(tmp_path: Path, gain: int) -> None:
    clip = with_outliers(tmp_path, gain)
    preprocess = Preprocess.of_model(os.fspath(tmp_path))
    pixels = sample_pixels(preprocess)
    tokens = open_clip.tokenizer.SimpleTokenizer(context_length=77)(comparison_prompts()[::20])
    rows = clip.token_embedding(tokens).detach().numpy()

    def lost() -> tuple[float, float]:
        """1 - the least cosine of the 8-bit towers' vectors, of texts and of pictures."""
        graph = text_graph(TextBranch(clip), unsigned=True)
        parts = [
            run(graph, {"tokens": text[None], "embeddings": row[None]})
            for text, row in zip(tokens.numpy(), rows, strict=True)
        ]
        text = (np.concatenate(parts) * texts).sum(axis=1).min()
        graph = image_graph(clip.visual, preprocess, unsigned=True)
        image = (run(graph, {"pixels": pixels}) * pictures).sum(axis=1).min()
        return 1 - text, 1 - image

    def vectors() -> tuple[Any, Any]:
        with torch.inference_mode():
            found = clip.encode_text(tokens, normalize=True).numpy()
            return found, ImageBranch(clip, preprocess)(torch.from_numpy(pixels)).numpy()

    with recorded_maxima(clip) as maxima:
        texts, pictures = vectors()
    before = lost()
    smooth(clip, maxima)
    for found, expected in zip(vectors(), (texts, pictures), strict=True):
        assert (found * expected).sum(axis=1).min() > 0.99999  # the same function
    after = lost()
    assert after[0] < before[0] / 3 and after[1] < before[1] / 3
    if gain == 8:
        assert before[0] > 1 - export.QUANTISED_COSINE
        assert after[0] <= 1 - export.QUANTISED_COSINE
        assert after[1] <= 1 - export.IMAGE_COSINE


def test_a_tower_with_outliers_gets_8_bit_weights(tmp_path: Path) -> None:
    with_outliers(tmp_path, 8)
    model = export.export_model(
        os.fspath(tmp_path), name="t", arch="t", weights="made", licence="MIT", portable=True
    )
    assert model.text_quantised
    assert model.text_cosine >= export.QUANTISED_COSINE
