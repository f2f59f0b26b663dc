"""Random crops, drawn once so that teacher and student look at exactly the same pixels."""

from __future__ import annotations

import math

import numpy as np
import torch
from PIL import Image

Box = tuple[float, float, float, float]


def random_box(width: int, height: int, rng: np.random.Generator) -> Box:
    """A box of 35 to 100 % of the area, its sides' ratio off by a third at most."""
    for _ in range(10):
        area = width * height * rng.uniform(0.35, 1.0)
        ratio = math.exp(rng.uniform(math.log(3 / 4), math.log(4 / 3)))
        w, h = math.sqrt(area * ratio), math.sqrt(area / ratio)
        if w <= width and h <= height:
            x, y = rng.uniform(0, width - w), rng.uniform(0, height - h)
            return (x, y, x + w, y + h)
    return (0.0, 0.0, float(width), float(height))


def cut(image: Image.Image, box: Box | None, side: int, flip: bool = False) -> np.ndarray:
    """The box of the image as `side` x `side` x 3 bytes; without a box, all of it squashed."""
    pixels = np.asarray(image.resize((side, side), Image.Resampling.BICUBIC, box=box))
    return pixels[:, ::-1] if flip else pixels


def jitter(batch: torch.Tensor, amount: float = 0.25) -> torch.Tensor:
    """Brightness, contrast and saturation, a little off for each picture of a batch in 0..1."""
    brightness, contrast, saturation = 1 + (torch.rand(3, len(batch), 1, 1, 1) * 2 - 1) * amount
    batch = batch * brightness
    batch = batch.mean((1, 2, 3), keepdim=True).lerp(batch, contrast)
    return batch.mean(1, keepdim=True).lerp(batch, saturation).clamp_(0, 1)
