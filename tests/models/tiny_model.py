"""A model with random weights, small enough to be made within a test, in open_clip's own form."""

from __future__ import annotations

import json
import os
from typing import Any

TINY_CONFIGURATION: dict[str, Any] = {
    "embed_dim": 64,
    "vision_cfg": {"image_size": 64, "layers": 1, "width": 64, "head_width": 32, "patch_size": 16},
    "text_cfg": {"context_length": 77, "vocab_size": 49408, "width": 64, "heads": 2, "layers": 2},
}
PREPROCESSING: dict[str, Any] = {
    "mean": [0.48145466, 0.4578275, 0.40821073],
    "std": [0.26862954, 0.26130258, 0.27577711],
    "interpolation": "bicubic",
    "resize_mode": "shortest",
}


def make_tiny_weights(
    directory: str, configuration: dict[str, Any] = TINY_CONFIGURATION, seed: int = 0
) -> Any:
    """Writes `open_clip_config.json` and `open_clip_model.safetensors`; returns the model."""
    import open_clip
    import torch
    from safetensors.torch import save_file

    os.makedirs(directory, exist_ok=True)
    with open(os.path.join(directory, "open_clip_config.json"), "w", encoding="utf-8") as file:
        json.dump({"model_cfg": configuration, "preprocess_cfg": PREPROCESSING}, file)
    torch.manual_seed(seed)
    model = open_clip.create_model(f"local-dir:{directory}", load_weights=False)
    tensors = {key: value.half().contiguous() for key, value in model.state_dict().items()}
    save_file(tensors, os.path.join(directory, "open_clip_model.safetensors"))
    return model


def make_tiny_model(
    directory: str, configuration: dict[str, Any] = TINY_CONFIGURATION, seed: int = 0
) -> None:
    """Makes `directory` a complete model that the service can use. Takes seconds."""
    from csearchd.models.export.export import export_model

    make_tiny_weights(directory, configuration, seed)
    name = os.path.basename(os.path.abspath(directory))
    export_model(directory, name=name, arch="tiny", weights="random", licence="MIT")
