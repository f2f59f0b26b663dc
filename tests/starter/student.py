"""The architecture of the starter model, and its files in open_clip's `local-dir:` form."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import torch
from joint import DIM
from open_clip import CLIP
from safetensors.torch import save_file

SIDE = 144
MEAN, STD = (0.5, 0.5, 0.5), (0.25, 0.25, 0.25)

MODEL_CONFIG: dict[str, Any] = {
    "embed_dim": DIM,
    "vision_cfg": {
        "image_size": SIDE,
        "timm_model_name": "fasternet_t0",
        "timm_model_pretrained": False,
        "timm_pool": "avg",
        "timm_proj": "",
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
    "size": [SIDE, SIDE],
    "mode": "RGB",
    "mean": list(MEAN),
    "std": list(STD),
    "interpolation": "bicubic",
    "resize_mode": "squash",
    "fill_color": 0,
}


def build() -> CLIP:
    """The untrained model, as open_clip's factory would make it."""
    config = {k: dict(v) if isinstance(v, dict) else v for k, v in MODEL_CONFIG.items()}
    return CLIP(**config)


def pixels_to_input(batch: torch.Tensor) -> torch.Tensor:
    """A batch in 0..1 as the image tower wants it."""
    mean, std = torch.tensor(MEAN).view(3, 1, 1), torch.tensor(STD).view(3, 1, 1)
    return ((batch - mean) / std).contiguous(memory_format=torch.channels_last)


def export(model: CLIP, folder: Path) -> None:
    """Write half-precision weights and the configuration that open_clip's factory reads."""
    folder.mkdir(parents=True, exist_ok=True)
    state = {
        name: (t.half() if t.is_floating_point() else t).contiguous()
        for name, t in model.state_dict().items()
    }
    weights = folder / "open_clip_model.safetensors"
    save_file(state, weights, metadata={"format": "pt"})
    weights.chmod(0o644)  # safetensors lets only the owner read
    config = {"model_cfg": MODEL_CONFIG, "preprocess_cfg": PREPROCESS_CONFIG}
    (folder / "open_clip_config.json").write_text(json.dumps(config, indent=2) + "\n")
