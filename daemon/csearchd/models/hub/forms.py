"""How published models are laid out in repositories, and what csearch fetches of them.

A model for onnxruntime is always brought into the form that the organisation immich-app publishes:
`config.json` (open_clip's configuration of the architecture), `visual/model.onnx`,
`visual/preprocess_cfg.json`, `textual/model.onnx`, `textual/tokenizer.json`, and
`tokenizer_config.json` and `special_tokens_map.json` beside the latter. Towers over 2 GB, the limit
of an ONNX file, have their weights in further files beside it, one for each tensor.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Mapping
from typing import Any

from csearchd.errors import ModelError
from csearchd.models.hub.download import Wanted
from csearchd.models.hub.repository import Repository

CONFIG = "config.json"
IMAGE_TOWER = "visual/model.onnx"
PREPROCESSING = "visual/preprocess_cfg.json"
TEXT_TOWER = "textual/model.onnx"
TOKENIZER = "textual/tokenizer.json"
NEEDED = (CONFIG, IMAGE_TOWER, PREPROCESSING, TEXT_TOWER, TOKENIZER)
OTHER_RUNTIMES = (".armnn", ".rknn")

_VIT_B_32_256: dict[str, Any] = {  # rclip's repository has its towers alone
    "embed_dim": 512,
    "vision_cfg": {"image_size": 256, "layers": 12, "width": 768, "patch_size": 32},
    "text_cfg": {
        "context_length": 77,
        "vocab_size": 49408,
        "width": 512,
        "heads": 8,
        "layers": 12,
    },
}
_VIT_B_32_256_PREPROCESSING: dict[str, Any] = {
    "size": [256, 256],
    "mode": "RGB",
    "mean": [0.48145466, 0.4578275, 0.40821073],
    "std": [0.26862954, 0.26130258, 0.27577711],
    "interpolation": "bicubic",
    "resize_mode": "shortest",
    "fill_color": 0,
}


def immich_files(repository: Repository) -> list[Wanted]:
    """The files of a model in immich-app's form. Raises ModelError if one is missing."""
    wanted = [
        Wanted(file, name)
        for name, file in repository.files.items()
        if name == CONFIG
        or (re.match("(visual|textual)/[^/]+$", name) and not name.endswith(OTHER_RUNTIMES))
    ]
    _check_complete(repository, wanted)
    return wanted


def rclip_files(repository: Repository, folder: str) -> list[Wanted]:
    """The towers that rclip's repository has in `folder`. Raises ModelError if one is missing."""
    wanted = []
    for name, file in repository.files.items():
        directory, _, base = name.rpartition("/")
        tower, _, suffix = base.partition(".")
        if directory != folder or tower not in ("visual", "textual"):
            continue
        if suffix.startswith("onnx"):  # with weights in a further file, that keeps its name
            wanted.append(Wanted(file, f"{tower}/{'model.onnx' if suffix == 'onnx' else base}"))
    _check_complete(repository, wanted, (IMAGE_TOWER, TEXT_TOWER))
    return wanted


def complete_rclip(directory: str) -> None:
    """Writes what rclip's repository lacks beside its towers: the configuration of ViT-B-32-256.
    Its tokenizer is CLIP's, which needs no file. Raises OSError."""
    _write_json(os.path.join(directory, CONFIG), _VIT_B_32_256)
    _write_json(os.path.join(directory, PREPROCESSING), _VIT_B_32_256_PREPROCESSING)


def weights_file(repository: Repository, names: tuple[str, ...]) -> list[Wanted]:
    """The first of the checkpoints `names` that `repository` has. Raises ModelError if it has
    none."""
    for name in names:
        if name in repository.files:
            return [Wanted(repository.files[name], name)]
    raise ModelError(f"{repository.name} holds no weights: none of {', '.join(names)} is there")


def _check_complete(
    repository: Repository, wanted: list[Wanted], needed: tuple[str, ...] = NEEDED
) -> None:
    missing = sorted(set(needed) - {one.target for one in wanted})
    if missing:
        raise ModelError(
            f"{repository.name} holds no model for onnxruntime: {', '.join(missing)} is missing"
        )


def _write_json(path: str, content: Mapping[str, Any]) -> None:
    with open(path, "w", encoding="utf-8") as file:
        json.dump(content, file, indent=2)
