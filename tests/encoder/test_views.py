"""What the encoder does about dark and noisy pictures, and about photos in screenshots."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from encoder_process import Encoder
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image, ImageDraw, ImageEnhance, ImageFont

from csearchd.encoder.views.exposure import brightened
from csearchd.encoder.views.noise import denoised, noise_deviation
from csearchd.encoder.views.region import photo_region
from csearchd.models.installed import starter_directory
from support.photos import photo


def cosine(a: np.ndarray, b: np.ndarray) -> float:
    return float(a @ b / np.linalg.norm(a) / np.linalg.norm(b))


@pytest.mark.parametrize("name", ["astronaut", "cat", "coffee"])
@pytest.mark.parametrize("share", [0.25, 0.1, 0.05])
def test_a_dark_photo_is_seen_as_the_bright_one(name: str, share: float, tmp_path: Path) -> None:
    bright, dark = tmp_path / "bright.png", tmp_path / "dark.png"
    photo(name).save(bright)
    ImageEnhance.Brightness(photo(name)).enhance(share).save(dark)
    with Encoder(Path(starter_directory())) as encoder:
        assert cosine(encoder.vector(bright), encoder.vector(dark)) > 0.9


@pytest.mark.parametrize("name", ["astronaut", "cat", "coffee", "rocket", "page", "coins"])
def test_what_is_bright_enough_stays(name: str) -> None:
    pixels = np.asarray(photo(name))
    assert brightened(pixels) is pixels


def test_a_night_with_lamps_stays_dark() -> None:
    pixels = np.full((100, 100, 3), 20, np.uint8)
    pixels[40:50, 40:50] = 240  # a hundredth
    assert brightened(pixels) is pixels


@given(
    st.integers(0, 255),
    st.integers(1, 40),
    st.integers(1, 40),
    st.integers(0, 2**32 - 1),
)
def test_brightening_keeps_the_order_of_brightness(
    highest: int, height: int, width: int, seed: int
) -> None:
    random = np.random.default_rng(seed)
    pixels = random.integers(0, highest + 1, (height, width, 3), dtype=np.uint8)
    found = brightened(pixels)
    assert found.shape == pixels.shape and found.dtype == np.uint8
    assert (found >= pixels).all()
    order = np.argsort(pixels, axis=None, kind="stable")
    assert (np.diff(found.ravel()[order].astype(int)) >= 0).all()


def screen(inside: Image.Image, at: tuple[int, int], dark: bool = False) -> Image.Image:
    """A window with lines of text, and a photo pasted over it."""
    paper, ink = ("#1e1e1e", "#d4d4d4") if dark else ("#ffffff", "#202124")
    shown = Image.new("RGB", (1280, 800), paper)
    draw = ImageDraw.Draw(shown)
    font = ImageFont.load_default(14)
    for y in range(10, 790, 24):
        draw.text((12, y), "words that are beside the photo, " * 4, fill=ink, font=font)
    draw.rectangle(
        (at[0] - 12, at[1] - 12, at[0] + inside.width + 11, at[1] + inside.height + 11), fill=paper
    )
    shown.paste(inside, at)
    return shown


@pytest.mark.parametrize("dark", [False, True])
@pytest.mark.parametrize("format", ["png", "jpg"])
@pytest.mark.parametrize("name", ["astronaut", "cat", "coffee"])
def test_a_photo_in_a_screenshot_is_found(
    name: str, format: str, dark: bool, tmp_path: Path
) -> None:
    inside = photo(name).resize((480, 360))
    path, alone = tmp_path / f"screen.{format}", tmp_path / "alone.png"
    screen(inside, (620, 300), dark).save(path)
    inside.save(alone)
    box = photo_region(Image.open(path).convert("RGB"))
    assert box is not None
    assert np.abs(np.subtract(box, (620, 300, 1100, 660))).max() <= 40
    with Encoder(Path(starter_directory())) as encoder:
        assert cosine(encoder.vector(path), encoder.vector(alone)) > 0.65


@pytest.mark.parametrize("name", ["astronaut", "cat", "coffee", "rocket", "coins", "page", "horse"])
def test_a_photo_alone_has_no_region(name: str) -> None:
    assert photo_region(photo(name)) is None


def test_text_alone_has_no_region() -> None:
    assert photo_region(screen(Image.new("RGB", (4, 4)), (700, 400))) is None


@given(st.integers(1, 90), st.integers(1, 90), st.integers(0, 2**32 - 1), st.sampled_from("L1P"))
def test_any_picture_is_looked_at(width: int, height: int, seed: int, mode: str) -> None:
    random = np.random.default_rng(seed)
    pixels = random.choice([0, 7, 255], (height, width)).astype(np.uint8)
    box = photo_region(Image.fromarray(pixels).convert(mode))
    assert box is None or (0 <= box[0] < box[2] <= width and 0 <= box[1] < box[3] <= height)


def noisy(pixels: np.ndarray, deviation: float) -> np.ndarray:
    noise = np.random.default_rng(1).normal(0, deviation, pixels.shape)
    return (pixels + noise).round().clip(0, 255).astype(np.uint8)


@pytest.mark.parametrize("name", ["astronaut", "cat", "coffee", "rocket"])
def test_half_of_much_noise_is_taken_away_and_little_is_left_alone(name: str) -> None:
    clean = np.asarray(photo(name).resize((260, 260)))
    assert denoised(clean) is clean
    slightly = noisy(clean, 3)
    assert denoised(slightly) is slightly
    for deviation in (30, 60):
        full = noisy(clean, deviation)
        error = np.abs(denoised(full).astype(int) - clean).mean()
        assert error < 0.8 * np.abs(full.astype(int) - clean).mean()


@pytest.mark.parametrize("deviation", [10, 20, 40])
def test_noise_is_estimated(deviation: int) -> None:
    grey = np.full((200, 300, 3), 128, np.uint8)
    assert noise_deviation(noisy(grey, deviation)) == pytest.approx(deviation, rel=0.05)


def test_drawings_are_not_noisy() -> None:
    image = Image.new("RGB", (260, 260), "white")
    draw = ImageDraw.Draw(image)
    for line in range(26):
        draw.text((3, 10 * line), "words in colours " * 3, fill=("red", "blue", "green")[line % 3])
    pixels = np.asarray(image)
    assert denoised(pixels) is pixels


@given(st.integers(1, 30), st.integers(1, 30))
def test_small_pictures_survive(width: int, height: int) -> None:
    pixels = np.random.default_rng(1).integers(0, 256, (height, width, 3), np.uint8)
    assert denoised(pixels).shape == pixels.shape
