"""Views of a photo that training sees: crops, distorted the way photos in a library are.

Strengths are in pixels of the view before it is brought to the trunk's size, as a person or a
program would distort the photo itself.
"""

from __future__ import annotations

import io
import math
from collections.abc import Callable

import numpy as np
from PIL import Image, ImageDraw, ImageEnhance, ImageFilter

Distortion = Callable[[Image.Image, np.random.Generator], Image.Image]


def whole(image: Image.Image, side: int) -> np.ndarray:
    """The photo as the product sees it: squashed to a square, bytes (side, side, 3)."""
    return np.asarray(image.resize((side, side), Image.Resampling.BICUBIC))


def random_view(image: Image.Image, side: int, rng: np.random.Generator) -> np.ndarray:
    """A crop, perhaps mirrored, with up to two distortions; bytes (side, side, 3)."""
    view = image.crop(_random_box(image.size, rng))
    if rng.random() < 0.5:
        view = view.transpose(Image.Transpose.FLIP_LEFT_RIGHT)
    count = rng.choice(3, p=(0.2, 0.65, 0.15))
    for index in rng.choice(len(_DISTORTIONS), count, replace=False, p=_SHARES):
        view = _DISTORTIONS[index](view, rng)
    return whole(view, side)


def _random_box(size: tuple[int, int], rng: np.random.Generator) -> tuple[int, int, int, int]:
    """30 to 100 % of the area, the ratio of its sides off by a third at most."""
    width, height = size
    area = width * height * rng.uniform(0.3, 1.0)
    ratio = math.exp(rng.uniform(-0.29, 0.29)) * width / height
    w = min(width, round(math.sqrt(area * ratio)))
    h = min(height, round(math.sqrt(area / ratio)))
    x, y = rng.integers(width - w + 1), rng.integers(height - h + 1)
    return (int(x), int(y), int(x) + w, int(y) + h)


def _blur(image: Image.Image, rng: np.random.Generator) -> Image.Image:
    return image.filter(ImageFilter.GaussianBlur(rng.uniform(0.7, 3.2)))


def _noise(image: Image.Image, rng: np.random.Generator) -> Image.Image:
    pixels = np.asarray(image, np.float32)
    noisy = pixels + rng.standard_normal(pixels.shape, np.float32) * rng.uniform(10, 60)
    return Image.fromarray(noisy.clip(0, 255).astype(np.uint8))


def _grey(image: Image.Image, rng: np.random.Generator) -> Image.Image:
    return image.convert("L").convert("RGB")


def _turn(image: Image.Image, rng: np.random.Generator) -> Image.Image:
    """By a quarter mostly, else upside down or a little askew."""
    kind = rng.random()
    if kind < 0.25:
        return image.rotate(rng.uniform(-30, 30), Image.Resampling.BILINEAR, fillcolor=(0, 0, 0))
    quarter = (Image.Transpose.ROTATE_90, Image.Transpose.ROTATE_270, Image.Transpose.ROTATE_180)
    return image.transpose(quarter[rng.choice(3, p=(0.42, 0.42, 0.16))])


def _compress(image: Image.Image, rng: np.random.Generator) -> Image.Image:
    coded = io.BytesIO()
    image.save(coded, "JPEG", quality=int(rng.integers(4, 40)))
    return Image.open(coded).convert("RGB")


def _light(image: Image.Image, rng: np.random.Generator) -> Image.Image:
    image = ImageEnhance.Brightness(image).enhance(math.exp(rng.uniform(-1.6, 0.7)))
    image = ImageEnhance.Contrast(image).enhance(math.exp(rng.uniform(-1.2, 0.6)))
    return ImageEnhance.Color(image).enhance(rng.uniform(0.3, 1.6))


def _shrink(image: Image.Image, rng: np.random.Generator) -> Image.Image:
    scale = rng.uniform(32, 112) / max(image.size)
    size = (max(1, round(image.width * scale)), max(1, round(image.height * scale)))
    return image.resize(size, Image.Resampling.BILINEAR)


def _screenshot(image: Image.Image, rng: np.random.Generator) -> Image.Image:
    """The photo on a quarter to two thirds of a screen, among bars, boxes and lines."""
    share = math.sqrt(rng.uniform(0.25, 0.66))
    width, height = round(image.width / share), round(image.height / share)
    light = bool(rng.random() < 0.6)
    ground = tuple(int(v) for v in rng.integers(*((200, 256) if light else (10, 70)), 3))
    screen = Image.new("RGB", (width, height), ground)
    draw = ImageDraw.Draw(screen)
    ink = tuple(int(v) for v in rng.integers(*((0, 90) if light else (150, 255)), 3))
    for _ in range(rng.integers(5, 25)):
        x, y = int(rng.integers(width)), int(rng.integers(height))
        draw.rectangle((x, y, x + int(rng.integers(10, width)), y + 2), fill=ink)
    draw.rectangle((0, 0, width, int(rng.integers(4, max(5, height // 10)))), fill=ink)
    x = int(rng.integers(width - image.width + 1))
    screen.paste(image, (x, int(rng.integers(height - image.height + 1))))
    return screen


def _watermark(image: Image.Image, rng: np.random.Generator) -> Image.Image:
    image, draw_over = image.copy(), Image.new("RGB", image.size, (255, 255, 255))
    mask = Image.new("L", image.size, 0)
    draw = ImageDraw.Draw(mask)
    for _ in range(rng.integers(1, 7)):
        place = (int(rng.integers(image.width)), int(rng.integers(image.height)))
        word = "".join(rng.choice(list("SAMPLEPHOTO©2019"), 9))
        draw.text(place, word, fill=int(rng.integers(70, 200)), font_size=image.height // 8)
    image.paste(draw_over, (0, 0), mask)
    return image


_SHARED: list[tuple[Distortion, float]] = [
    (_blur, 0.17),
    (_noise, 0.20),
    (_grey, 0.12),
    (_turn, 0.19),
    (_compress, 0.06),
    (_light, 0.10),
    (_shrink, 0.08),
    (_screenshot, 0.05),
    (_watermark, 0.03),
]
_DISTORTIONS = [distortion for distortion, _ in _SHARED]
_SHARES = [share for _, share in _SHARED]
