"""open_clip's image transformer as onnxruntime's own operators."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime
import open_clip
import pytest
import torch
from tiny_model import TINY_CONFIGURATION, make_tiny_weights

from csearchd.encode.onnx_image import ImageBranch, sample_pixels
from csearchd.encode.onnx_transformer import is_plain_transformer, transformer_graph
from csearchd.encode.preprocess import Preprocess

PLAIN: dict[str, Any] = {
    "image_size": [64, 96],
    "layers": 3,
    "width": 192,
    "head_width": 32,
    "patch_size": 16,
}


def made(directory: Path, vision: dict[str, Any], **more: Any) -> tuple[Any, Preprocess]:
    configuration = {**TINY_CONFIGURATION, "vision_cfg": {**PLAIN, **vision}, **more}
    clip = make_tiny_weights(str(directory), configuration).eval()
    return clip, Preprocess.of_model(str(directory))


@pytest.mark.parametrize("unsigned", [False, True])
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
    assert is_plain_transformer(clip.visual)
    model = transformer_graph(clip.visual, preprocess, unsigned=unsigned)
    onnx.checker.check_model(model)
    session = onnxruntime.InferenceSession(
        model.SerializeToString(), providers=["CPUExecutionProvider"]
    )
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
    assert not is_plain_transformer(clip.visual)


def test_open_clips_default_is_plain() -> None:
    with torch.device("meta"):
        visual = open_clip.create_model("ViT-B-32-256", device="meta").visual
    assert is_plain_transformer(visual)
