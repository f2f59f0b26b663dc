"""Names for the vectors that a model gives to pictures: by its image tower and how it is fed.

A text tower, or a setting of it, may change without a change of these vectors.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

from csearchd.models.installed import file_checksum
from csearchd.models.preprocess import Preprocess

_CHUNK = 1 << 20  # bytes
_VISUAL = "visual."  # how the image tower's tensors are called in open_clip's checkpoints
_WRAPPED = "module."  # before the names of all tensors, if several processes trained the model
# Settings of open_clip's image towers that matter for training alone, or are Preprocess's.
_UNIMPORTANT = (
    "image_size",
    "patch_dropout",
    "timm_drop",
    "timm_drop_path",
    "timm_model_pretrained",
)


def of_published_tower(files: Sequence[str], preprocess: Preprocess) -> str:
    """For an image tower that is published as ONNX `files`. Raises ModelError."""
    return _digest([file_checksum(path) for path in files], asdict(preprocess))


def of_checkpoint(
    weights: str,
    configuration: Mapping[str, Any],
    defaults: Mapping[str, Any],
    preprocess: Preprocess,
) -> str:
    """For the image tower of open_clip's checkpoint in the safetensors file `weights`.

    `configuration`: open_clip's `model_cfg`; `defaults`: of what its `vision_cfg` doesn't name.
    Raises OSError, ValueError or KeyError if it is no such file.
    """
    vision = {
        name: value
        for name, value in configuration["vision_cfg"].items()
        if name not in _UNIMPORTANT and (name not in defaults or value != defaults[name])
    }
    shared = [configuration.get("embed_dim"), bool(configuration.get("quick_gelu"))]
    return _digest(_tensors_checksum(weights), vision, shared, asdict(preprocess))


def _tensors_checksum(path: str) -> str:
    """sha256 of the image tower's tensors in a safetensors file, with their names, types and
    shapes; of all tensors where their names don't tell which are the image tower's."""
    digest = hashlib.sha256()
    with open(path, "rb") as file:
        length = int.from_bytes(file.read(8), "little")
        header = json.loads(file.read(length))
        header.pop("__metadata__", None)
        names = sorted((name.removeprefix(_WRAPPED), name) for name in header)
        visual = [pair for pair in names if pair[0].startswith(_VISUAL)]
        for name, stored in visual or names:
            entry = header[stored]
            begin, end = entry["data_offsets"]
            digest.update(json.dumps([name, entry["dtype"], entry["shape"]]).encode())
            file.seek(8 + length + begin)
            left = end - begin
            while left and (chunk := file.read(min(left, _CHUNK))):
                digest.update(chunk)
                left -= len(chunk)
    return digest.hexdigest()


def _digest(*parts: object) -> str:
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()
