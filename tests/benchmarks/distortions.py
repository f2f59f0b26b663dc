"""Photos as they get distorted: by cameras, editors, messengers and screenshots, in grades.

Each distortion takes a photo, RGB, and gives one. What is random in it depends on the seed alone.
Lengths are those of photos whose shorter side has 224 pixels.
"""

from __future__ import annotations

import io
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
from PIL import Image, ImageDraw, ImageEnhance, ImageFilter, ImageFont
from screens import screenshot

Photo = Image.Image


@dataclass(frozen=True)
class Distortion:
    """What it does, its strengths, weakest first, and how they are named."""

    apply: Callable[[Photo, float, int], Photo]  # photo, strength, seed
    strengths: tuple[float, ...]
    unit: str


def _blur(photo: Photo, radius: float, seed: int) -> Photo:
    return photo.filter(ImageFilter.GaussianBlur(radius * _scale(photo)))


def _noise(photo: Photo, deviation: float, seed: int) -> Photo:
    pixels = np.asarray(photo, np.float32)
    noise = np.random.default_rng(seed).normal(0, deviation, pixels.shape)
    return Image.fromarray((pixels + noise).round().clip(0, 255).astype(np.uint8))


def _jpeg(photo: Photo, quality: float, seed: int) -> Photo:
    return Image.open(io.BytesIO(jpeg_bytes(photo, int(quality)))).convert("RGB")


def _crop(photo: Photo, share: float, seed: int) -> Photo:
    """A part of the photo that has so much of its width and height."""
    width, height = (max(1, round(side * share)) for side in photo.size)
    left, top = np.random.default_rng(seed).uniform(size=2) * (
        photo.width - width,
        photo.height - height,
    )
    return photo.crop((int(left), int(top), int(left) + width, int(top) + height))


def _rotate(photo: Photo, degrees: float, seed: int) -> Photo:
    """Clockwise, on black."""
    return photo.rotate(-degrees, Image.Resampling.BICUBIC, expand=degrees % 90 == 0)


def _grey(photo: Photo, share: float, seed: int) -> Photo:
    return ImageEnhance.Color(photo).enhance(1 - share)


def _brightness(photo: Photo, factor: float, seed: int) -> Photo:
    return ImageEnhance.Brightness(photo).enhance(factor)


def _contrast(photo: Photo, factor: float, seed: int) -> Photo:
    return ImageEnhance.Contrast(photo).enhance(factor)


def _reduce(photo: Photo, side: float, seed: int) -> Photo:
    """To a shorter side of so many pixels."""
    factor = side / min(photo.size)
    return photo.resize((max(1, round(photo.width * factor)), max(1, round(photo.height * factor))))


def _watermark(photo: Photo, opacity: float, seed: int) -> Photo:
    """White words in rows all over the photo."""
    size = max(8, round(24 * _scale(photo)))
    font = ImageFont.load_default(size)
    mask = Image.new("L", photo.size)
    draw = ImageDraw.Draw(mask)
    for row, top in enumerate(range(0, photo.height, 2 * size)):
        for left in range(-3 * size * (row % 2), photo.width, 7 * size):
            draw.text((left, top), "© SAMPLE", fill=round(255 * opacity), font=font)
    return Image.composite(Image.new("RGB", photo.size, "white"), photo, mask)


def _scale(photo: Photo) -> float:
    return min(photo.size) / 224


def jpeg_bytes(photo: Photo, quality: int = 95) -> bytes:
    out = io.BytesIO()
    photo.save(out, "JPEG", quality=quality)
    return out.getvalue()


DISTORTIONS: Mapping[str, Distortion] = {
    "blur": Distortion(_blur, (1, 2, 4, 8), "radius, pixels of 224"),
    "noise": Distortion(_noise, (10, 20, 40, 80), "deviation, of 255"),
    "jpeg": Distortion(_jpeg, (50, 20, 10, 5), "quality"),
    "crop": Distortion(_crop, (0.9, 0.7, 0.5, 0.35), "of each side is left"),
    "rotation": Distortion(_rotate, (5, 15, 45, 90, 180, 270), "degrees, clockwise"),
    "grey": Distortion(_grey, (0.5, 0.8, 1), "of the colour is gone"),
    "darker": Distortion(_brightness, (0.5, 0.25, 0.1, 0.05), "of the brightness is left"),
    "brighter": Distortion(_brightness, (1.5, 2, 3), "times as bright"),
    "contrast": Distortion(_contrast, (0.5, 0.25, 0.1, 0.05), "of the contrast is left"),
    "reduced": Distortion(_reduce, (128, 64, 32, 16), "pixels, shorter side"),
    "watermark": Distortion(_watermark, (0.25, 0.5, 1), "opacity"),
    "screenshot": Distortion(screenshot, (0.67, 0.5, 0.33, 0.2), "of the screenshot's area"),
}
TRUNCATED = (0.9, 0.7, 0.5, 0.3)  # of the JPEG's bytes are left
