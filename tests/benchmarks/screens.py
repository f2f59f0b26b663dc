"""Screenshots that contain a photo: a browser, an editor or a messenger, light or dark, drawn."""

from __future__ import annotations

import math

import numpy as np
from PIL import Image, ImageDraw, ImageFont

_THEMES = (
    # background, panel, text, accent
    ("#ffffff", "#f1f3f4", "#202124", "#1a73e8"),
    ("#fafafa", "#ebebeb", "#303030", "#3584e4"),
    ("#1e1e1e", "#2d2d2d", "#d4d4d4", "#0e639c"),
    ("#e5ddd5", "#075e54", "#111b21", "#25d366"),
)
_WORDS = (
    *("the", "of", "a", "to", "we", "for", "with", "album", "last", "summer", "home", "settings"),
    *("view", "open", "reply", "share", "download", "people", "comments", "yesterday", "search"),
)
_ASPECTS = (16 / 10, 16 / 9, 9 / 19, 4 / 3)  # width to height; the third is a telephone's


def screenshot(photo: Image.Image, share: float, seed: int) -> Image.Image:
    """A screenshot of whose area the photo has `share`, as far as it fits, somewhere in it."""
    random = np.random.default_rng(seed)
    background, panel, text, accent = _THEMES[random.integers(len(_THEMES))]
    aspect = _ASPECTS[random.integers(len(_ASPECTS))]
    area = photo.width * photo.height / share
    width = max(round(math.sqrt(area * aspect)), photo.width + 8)
    height = max(round(area / width), photo.height + 60)
    screen = Image.new("RGB", (width, height), background)
    draw = ImageDraw.Draw(screen)
    bar = max(20, min(48, height // 14))
    spare = height - bar - photo.height
    left = int(random.integers(0, width - photo.width + 1))
    top = bar + int(random.integers(spare // 4, max(spare // 4 + 1, spare * 3 // 4)))
    size = max(9, bar // 3)
    font = ImageFont.load_default(size)
    line = size * 8 // 5
    for y in range(bar + line, height - line, line):
        beside = top - line < y < top + photo.height + 4
        spans = [(6, left - 6), (left + photo.width + 6, width - 6)] if beside else [(6, width - 6)]
        for start, end in spans:
            if random.uniform() < 0.8:
                _write(draw, (start, y), end, text, font, random)
    _bar(draw, width, bar, panel, text, accent, font)
    screen.paste(photo, (left, top))
    return screen


def _bar(
    draw: ImageDraw.ImageDraw,
    width: int,
    bar: int,
    panel: str,
    text: str,
    accent: str,
    font: ImageFont.ImageFont | ImageFont.FreeTypeFont,
) -> None:
    """The title, with a button at its end."""
    draw.rectangle((0, 0, width, bar), fill=panel)
    draw.text((8, bar // 4), "Photos", fill=text, font=font)
    draw.rounded_rectangle((width - 2 * bar, bar // 4, width - 8, bar * 3 // 4), 4, fill=accent)


def _write(
    draw: ImageDraw.ImageDraw,
    start: tuple[int, int],
    end: int,
    colour: str,
    font: ImageFont.ImageFont | ImageFont.FreeTypeFont,
    random: np.random.Generator,
) -> None:
    """Words from `start` on, up to the column `end` at most."""
    x, y = start
    for _ in range(int(random.integers(1, 40))):
        word = _WORDS[random.integers(len(_WORDS))]
        length = draw.textlength(word + " ", font=font)
        if x + length > end:
            return
        draw.text((x, y), word, fill=colour, font=font)
        x += int(length)
