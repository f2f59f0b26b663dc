"""open_clip's preprocessing for inference, up to normalisation, without torch.

It computes only the part of the picture that the centre crop keeps, so that a picture of 1×20,000
pixels costs no more than any other.
"""

from __future__ import annotations

import json
import math
import os
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from csearch.protocol.system_errors import in_words

_CLIP_MEAN = (0.48145466, 0.4578275, 0.40821073)
_CLIP_STD = (0.26862954, 0.26130258, 0.27577711)
# The first is the default. "random" is for training: open_clip takes bicubic then.
_INTERPOLATIONS = ("bicubic", "bilinear", "random")
_RESIZE_MODES = ("shortest", "longest", "squash")
_MAX_SIDE = 10_000  # pixels


@dataclass(frozen=True)
class Preprocess:
    """How pictures are prepared for a model; the fields are those of open_clip's PreprocessCfg."""

    height: int
    width: int
    mean: tuple[float, ...]
    std: tuple[float, ...]
    interpolation: str
    resize_mode: str
    fill_color: int

    @classmethod
    def of_model(cls, directory: str) -> Preprocess:
        """Reads open_clip_config.json in a model's `directory`. Raises OSError, ValueError,
        KeyError or TypeError."""
        with open(os.path.join(directory, "open_clip_config.json"), encoding="utf-8") as file:
            config: dict[str, Any] = json.load(file)
        chosen = {k: v for k, v in config.get("preprocess_cfg", {}).items() if v is not None}
        # open_clip ignores the configured size and takes that of the tower.
        height, width = _size(config["model_cfg"]["vision_cfg"].get("image_size", 224))
        std = _three(chosen.get("std", _CLIP_STD))
        if 0.0 in std:
            raise ValueError("std is 0")
        return cls(
            height=height,
            width=width,
            mean=_three(chosen.get("mean", _CLIP_MEAN)),
            std=std,
            interpolation=_one_of(_INTERPOLATIONS, chosen, "interpolation"),
            resize_mode=_one_of(_RESIZE_MODES, chosen, "resize_mode"),
            fill_color=int(chosen.get("fill_color", 0)),
        )

    def min_size(self, width: int, height: int) -> tuple[int, int]:
        """The size (width, height) below which a decoder must not reduce a picture of `width` and
        `height` pixels."""
        if self.resize_mode == "longest":
            scale = min(self.width / width, self.height / height, 1.0)
            return max(1, int(width * scale)), max(1, int(height * scale))
        return self.width, self.height

    def fit(self, image: Image.Image) -> NDArray[np.uint8]:
        """Resizes and crops `image`, of mode RGB, to the tower's size: uint8 of shape (height,
        width, 3).

        Equal to open_clip's image_transform (open_clip/transform.py, 3.3) before ToTensor.
        """
        width, height = image.size
        resized = self._resized_size(width, height)
        box, size = [], []
        for source, scaled, wanted in zip(
            (width, height), resized, (self.width, self.height), strict=True
        ):
            kept = min(scaled, wanted)
            start = round((scaled - kept) / 2.0)
            box += [start * source / scaled, (start + kept) * source / scaled]
            size.append(kept)
        method = (
            Image.Resampling.BILINEAR
            if self.interpolation == "bilinear"
            else Image.Resampling.BICUBIC
        )
        region = (box[0], box[2], min(box[1], width), min(box[3], height))
        fitted = image.resize((size[0], size[1]), method, region)
        if fitted.size != (self.width, self.height):
            canvas = Image.new("RGB", (self.width, self.height), (self.fill_color,) * 3)
            canvas.paste(fitted, ((self.width - size[0]) // 2, (self.height - size[1]) // 2))
            fitted = canvas
        return np.array(fitted, dtype=np.uint8)

    def _resized_size(self, width: int, height: int) -> tuple[int, int]:
        """The size (width, height) to which open_clip resizes the whole picture before cropping."""
        if self.resize_mode == "squash":
            return self.width, self.height
        if self.resize_mode == "shortest" and self.width == self.height:
            # torchvision's Resize truncates the longer side.
            short, long = sorted((width, height))
            longer = int(self.width * long / short)
            return (self.width, longer) if width <= height else (longer, self.width)
        ratios = width / self.width, height / self.height
        ratio = max(ratios) if self.resize_mode == "longest" else min(ratios)
        return max(1, round(width / ratio)), max(1, round(height / ratio))


def fault_of(error: Exception) -> str:
    """What an error of `Preprocess.of_model` tells a user."""
    if isinstance(error, OSError):
        return in_words(error)
    if isinstance(error, KeyError):
        return f"{error.args[0]} is missing"
    return "an entry is of the wrong type" if isinstance(error, TypeError) else str(error)


def _size(value: object) -> tuple[int, int]:
    """Height and width in pixels. Raises ValueError."""
    sides = value if isinstance(value, list) else [value, value]
    whole = [side for side in sides if type(side) is int and 1 <= side <= _MAX_SIDE]
    if len(whole) != 2 or len(sides) != 2:
        raise ValueError(f"image_size is {value}, not one or two whole numbers of pixels")
    return whole[0], whole[1]


def _one_of(known: tuple[str, ...], settings: Mapping[str, object], name: str) -> str:
    """A setting that is one of the `known`. Raises ValueError."""
    value = settings.get(name) or known[0]
    if value not in known:
        raise ValueError(f"{name} is {value!r}, not one of {', '.join(known)}")
    return str(value)


def _three(value: float | list[float] | tuple[float, ...]) -> tuple[float, ...]:
    """A number for each colour. Raises ValueError or TypeError."""
    three = (float(value),) * 3 if isinstance(value, (int, float)) else tuple(map(float, value))
    if len(three) != 3 or not all(map(math.isfinite, three)):
        raise ValueError(f"{value} is not one number for each colour")
    return three
