"""What people and programs make of a photo that stays the same picture, and how they call it.

Each edit takes a photo, RGB, and random numbers, and gives the copy.
"""

from __future__ import annotations

import io
from collections.abc import Callable, Mapping

import numpy as np
from PIL import Image, ImageDraw, ImageEnhance, ImageFont, ImageOps

Photo = Image.Image
Edit = Callable[[Photo, np.random.Generator], Photo]


def _resized(photo: Photo, chance: np.random.Generator) -> Photo:
    factor = chance.uniform(0.3, 0.8)
    size = [max(8, round(side * factor)) for side in photo.size]
    return photo.resize((size[0], size[1]), Image.Resampling.LANCZOS)


def _recompressed(photo: Photo, chance: np.random.Generator) -> Photo:
    out = io.BytesIO()
    photo.save(out, "JPEG", quality=int(chance.integers(15, 70)))
    return Image.open(out).convert("RGB")


def _cropped(least: float, most: float) -> Edit:
    """Keeps such a share of the area, of the same shape, anywhere."""

    def edit(photo: Photo, chance: np.random.Generator) -> Photo:
        side = chance.uniform(least, most) ** 0.5
        width, height = (round(length * side) for length in photo.size)
        left = int(chance.integers(0, photo.width - width + 1))
        top = int(chance.integers(0, photo.height - height + 1))
        return photo.crop((left, top, left + width, top + height))

    return edit


def _reshaped(photo: Photo, chance: np.random.Generator) -> Photo:
    """The middle, as a square, 4:5 or 16:9."""
    return ImageOps.fit(photo, _largest(photo, float(chance.choice([1.0, 4 / 5, 16 / 9]))))


def _largest(photo: Photo, ratio: float) -> tuple[int, int]:
    width, height = photo.size
    if width / height > ratio:
        return round(height * ratio), height
    return width, round(width / ratio)


def _coloured(photo: Photo, chance: np.random.Generator) -> Photo:
    match int(chance.integers(5)):
        case 0:
            return ImageOps.grayscale(photo).convert("RGB")
        case 1:
            changed = ImageEnhance.Contrast(photo).enhance(chance.uniform(0.6, 1.5))
            return ImageEnhance.Brightness(changed).enhance(chance.uniform(0.7, 1.4))
        case 2:
            return ImageEnhance.Color(photo).enhance(chance.uniform(0.2, 2.5))
        case 3:
            gamma = float(chance.choice([0.6, 1.6]))
            return photo.point([round(255 * (value / 255) ** gamma) for value in range(256)] * 3)
        case _:
            warm = np.asarray(photo, np.float32) * np.array([1.15, 1.0, 0.8], np.float32)
            return Image.fromarray(warm.clip(0, 255).astype(np.uint8))


def _watermarked(photo: Photo, chance: np.random.Generator) -> Photo:
    """A translucent line in a corner or in the middle, or lines all over."""
    width, height = photo.size
    layer = Image.new("RGBA", photo.size, (0, 0, 0, 0))
    draw = ImageDraw.Draw(layer)
    size = max(8, round(min(width, height) * chance.uniform(0.08, 0.16)))
    font = ImageFont.load_default(size)
    shade = 255 if chance.random() < 0.7 else 0
    colour = (shade, shade, shade, int(chance.integers(90, 220)))
    text = str(chance.choice(["© example.org", "SAMPLE", "Photo by A. Person"]))
    match int(chance.integers(3)):
        case 0:
            draw.text((width * 0.05, height - 1.5 * size), text, colour, font)
        case 1:
            draw.text((width * 0.15, height * 0.42), text, colour, font)
        case _:
            for row, top in enumerate(range(0, height, 4 * size)):
                draw.text((width * 0.1 + row % 3 * 2 * size, top), text, colour, font)
    return Image.alpha_composite(photo.convert("RGBA"), layer).convert("RGB")


def _rotated(photo: Photo, chance: np.random.Generator) -> Photo:
    return photo.rotate(int(chance.choice([90, 180, 270])), expand=True)


def _mirrored(photo: Photo, chance: np.random.Generator) -> Photo:
    return ImageOps.mirror(photo)


def _straightened(photo: Photo, chance: np.random.Generator) -> Photo:
    """Turned by 1 to 5 degrees, without the corners that were left empty."""
    degrees = chance.uniform(1, 5) * chance.choice([-1, 1])
    turned = photo.rotate(degrees, Image.Resampling.BICUBIC)
    slope = np.tan(np.radians(abs(degrees))) / 2
    across, down = round(photo.height * slope) + 1, round(photo.width * slope) + 1
    return turned.crop((across, down, photo.width - across, photo.height - down))


def _framed(photo: Photo, chance: np.random.Generator) -> Photo:
    border = round(min(photo.size) * chance.uniform(0.03, 0.1))
    return ImageOps.expand(photo, border, fill=("white", "black")[int(chance.integers(2))])


EDITS: Mapping[str, Edit] = {
    "resized": _resized,
    "recompressed": _recompressed,
    "cropped to 85-95 %": _cropped(0.85, 0.95),
    "cropped to 60-80 %": _cropped(0.6, 0.8),
    "cropped to 40-60 %": _cropped(0.4, 0.6),
    "cropped to another shape": _reshaped,
    "colours edited": _coloured,
    "watermarked": _watermarked,
    "rotated by quarter turns": _rotated,
    "mirrored": _mirrored,
    "straightened": _straightened,
    "framed": _framed,
}
