"""Pictures with words that Pillow draws with DejaVu Sans."""

from __future__ import annotations

from collections.abc import Sequence

from PIL import Image, ImageDraw, ImageFont

FONT = "DejaVuSans.ttf"


def written(
    lines: Sequence[str], size: tuple[int, int] = (800, 400), letters: int = 36
) -> Image.Image:
    """A white picture with lines of black letters that are so many pixels high."""
    image = Image.new("RGB", size, "white")
    draw = ImageDraw.Draw(image)
    font = ImageFont.truetype(FONT, letters)
    for number, line in enumerate(lines):
        draw.text((letters, letters * (0.5 + 1.6 * number)), line, font=font, fill="black")
    return image
