"""The architecture of the starter model, and its files in open_clip's `local-dir:` form."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import torch
import trunk
from open_clip import CLIP
from safetensors.torch import load_file, save_file

WEIGHTS = "open_clip_model.safetensors"
DIMENSIONS = 256
MODEL_CONFIG: dict[str, Any] = {
    "embed_dim": DIMENSIONS,
    "vision_cfg": {
        "image_size": trunk.SIDE,
        "timm_model_name": trunk.ARCHITECTURE,
        "timm_model_pretrained": False,
        "timm_pool": "avg",
        "timm_proj": "mlp",
        "timm_drop": 0.2,
    },
    "text_cfg": {
        "context_length": 77,
        "vocab_size": 49408,
        "width": 128,
        "heads": 4,
        "layers": 4,
        "mlp_ratio": 2.0,
    },
}
PREPROCESS_CONFIG: dict[str, Any] = {
    "size": [trunk.SIDE, trunk.SIDE],
    "mode": "RGB",
    "mean": [trunk.MEAN] * 3,
    "std": [trunk.STD] * 3,
    "interpolation": "bicubic",
    "resize_mode": "squash",
    "fill_color": 0,
}


def build(text: Path) -> CLIP:
    """The model as open_clip's factory would make it, with the trunk's ImageNet weights, and with
    the text tower of the model in the directory `text`."""
    model = CLIP(**_config())
    model.visual.trunk = trunk.load_trunk()
    weights = load_file(text / WEIGHTS)
    missing = model.load_state_dict(
        {name: value for name, value in weights.items() if not name.startswith("visual.")},
        strict=False,
    ).missing_keys
    assert all(name.startswith("visual.") for name in missing), missing
    return model


def head() -> torch.nn.Module:
    """The head alone, untrained."""
    with torch.device("meta"):
        visual = CLIP(**_config()).visual
    head: torch.nn.Module = visual.head.to_empty(device="cpu")
    for layer in (head.mlp.fc1, head.mlp.fc2):
        layer.reset_parameters()
    return head


def _config() -> dict[str, Any]:
    return {k: dict(v) if isinstance(v, dict) else v for k, v in MODEL_CONFIG.items()}


def fold(layer: torch.nn.Linear, mean: torch.Tensor, std: torch.Tensor) -> None:
    """Makes a layer for standardised features one for the features themselves."""
    with torch.no_grad():
        layer.weight /= std
        layer.bias -= layer.weight @ mean


def export(model: CLIP, folder: Path) -> None:
    """Write half-precision weights and the configuration that open_clip's factory reads."""
    folder.mkdir(parents=True, exist_ok=True)
    state = {
        name: (t.half() if t.is_floating_point() else t).contiguous()
        for name, t in model.state_dict().items()
    }
    weights = folder / WEIGHTS
    save_file(state, weights, metadata={"format": "pt"})
    weights.chmod(0o644)  # safetensors lets only the owner read
    config = {"model_cfg": MODEL_CONFIG, "preprocess_cfg": PREPROCESS_CONFIG}
    (folder / "open_clip_config.json").write_text(json.dumps(config, indent=2) + "\n")
