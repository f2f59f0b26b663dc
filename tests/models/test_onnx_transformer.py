"""open_clip's transformers as onnxruntime's own operators."""

from __future__ import annotations

import platform
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime
import open_clip
import pytest
import torch

from csearchd.models.conversion.files import read_onnx
from csearchd.models.conversion.graph import Graph
from csearchd.models.conversion.pictures import sample_pixels
from csearchd.models.conversion.quantisation import candidates
from csearchd.models.conversion.writing import write_onnx
from csearchd.models.export.image import ImageBranch
from csearchd.models.export.text import TextBranch
from csearchd.models.export.transformer import (
    is_plain_image_tower,
    is_plain_text_tower,
    write_image_graph,
    write_text_graph,
)
from csearchd.models.preprocess import Preprocess
from models.tiny_model import TINY_CONFIGURATION, make_tiny_weights

PLAIN: dict[str, Any] = {
    "image_size": [64, 96],
    "layers": 3,
    "width": 192,
    "head_width": 32,
    "patch_size": 16,
}

KINDS = [  # whether weights are unsigned; signed ones overflow on x86 processors without VNNI
    True,
    pytest.param(
        False,
        marks=pytest.mark.skipif(
            platform.machine() == "x86_64" and "vnni" not in Path("/proc/cpuinfo").read_text(),
            reason="this processor has no VNNI",
        ),
    ),
]


def made(directory: Path, vision: dict[str, Any], **more: Any) -> tuple[Any, Preprocess]:
    configuration = {**TINY_CONFIGURATION, "vision_cfg": {**PLAIN, **vision}, **more}
    clip = make_tiny_weights(str(directory), configuration).eval()
    return clip, Preprocess.of_model(str(directory))


def session_of(source: Path, unsigned: bool) -> onnxruntime.InferenceSession:
    """Runs the graph at `source` with 8-bit weights."""
    graph = next(candidates.quantised(lambda: Graph(read_onnx(str(source))), portable=unsigned))
    small = str(source.with_name("small.onnx"))
    write_onnx(graph.finished(), small)
    onnx.checker.check_model(small)
    return onnxruntime.InferenceSession(small, providers=["CPUExecutionProvider"])


@pytest.mark.parametrize("unsigned", KINDS)
@pytest.mark.parametrize(
    ("vision", "more"), [({}, {}), ({"no_ln_pre": True}, {"quick_gelu": True})]
)
def test_its_vectors_are_open_clips(
    tmp_path: Path, vision: dict[str, Any], more: dict[str, Any], unsigned: bool
) -> None:
    clip, preprocess = made(tmp_path, vision, **more)
    with torch.inference_mode():
        for parameter in clip.visual.parameters():  # some begin as zeros
            parameter += torch.randn_like(parameter) * 0.02
        pixels = sample_pixels(preprocess)
        expected = ImageBranch(clip, preprocess)(torch.from_numpy(pixels)).numpy()
    assert is_plain_image_tower(clip.visual)
    write_image_graph(clip.visual, preprocess, str(tmp_path / "tower.onnx"))
    session = session_of(tmp_path / "tower.onnx", unsigned)
    for count in (1, len(pixels)):
        (found,) = session.run(None, {"pixels": pixels[:count]})
        assert np.allclose(np.linalg.norm(found, axis=1), 1, atol=1e-5)
        # Narrow towers with random weights lose most by 8 bits; a fault loses far more.
        assert (found * expected[:count]).sum(axis=1).min() > 0.995


@pytest.mark.parametrize(
    "vision",
    [
        {"ls_init_value": 0.1},
        {"pool_type": "avg"},
        {"attentional_pool": True, "attn_pooler_heads": 2},
        {"act_kwargs": {"approximate": "tanh"}},
        {"timm_model_name": "vit_tiny_patch16_224", "timm_pool": "token", "image_size": 224},
    ],
)
def test_others_are_left_to_the_exporter(tmp_path: Path, vision: dict[str, Any]) -> None:
    clip, _ = made(tmp_path, vision)
    assert not is_plain_image_tower(clip.visual)


def test_open_clips_default_is_plain() -> None:
    with torch.device("meta"):
        clip = open_clip.create_model("ViT-B-32-256", device="meta")
    assert is_plain_image_tower(clip.visual)
    assert is_plain_text_tower(TextBranch(clip))


@pytest.mark.parametrize("unsigned", KINDS)
@pytest.mark.parametrize("more", [{}, {"quick_gelu": True}])
@pytest.mark.parametrize("tokens", [[49406, 49407], [49406, 320, 1929, 530, 49407, 320, 49407]])
def test_a_texts_vector_is_open_clips(
    tmp_path: Path, more: dict[str, Any], unsigned: bool, tokens: list[int]
) -> None:
    """Also where the end's token comes twice: the first is meant."""
    clip, _ = made(tmp_path, {}, **more)
    with torch.inference_mode():
        for parameter in clip.transformer.parameters():
            parameter += torch.randn_like(parameter) * 0.02
        padded = torch.tensor([tokens + [0] * (clip.context_length - len(tokens))])
        expected = clip.encode_text(padded, normalize=True)[0].numpy()
    branch = TextBranch(clip)
    assert is_plain_text_tower(branch)
    write_text_graph(branch, str(tmp_path / "tower.onnx"))
    session = session_of(tmp_path / "tower.onnx", unsigned)
    rows = clip.token_embedding.weight.detach()[tokens][None].numpy()
    (found,) = session.run(None, {"tokens": np.array([tokens]), "embeddings": rows})
    assert found.shape == (1, len(expected))
    assert found[0] @ expected / np.linalg.norm(found) > 0.995


@pytest.mark.parametrize("text", [{"no_causal_mask": True}, {"ls_init_value": 0.1}])
def test_other_text_towers_are_left_to_the_exporter(tmp_path: Path, text: dict[str, Any]) -> None:
    texts = {**TINY_CONFIGURATION["text_cfg"], **text}
    clip, _ = made(tmp_path, {}, text_cfg=texts)
    assert not is_plain_text_tower(TextBranch(clip))
