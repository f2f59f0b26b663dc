"""--why-image: a picture of the regions that match."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from csearchd.encoder import occlusion
from support.photos import photo
from support.user import User

SIDE = 200
CORNERS = ((0, 0), (SIDE, 0), (0, SIDE), (SIDE, SIDE))


def placed(name: str, corner: tuple[int, int]) -> Image.Image:
    """A photo without colours in one corner of a grey square."""
    image = Image.new("RGB", (2 * SIDE, 2 * SIDE), (128, 128, 128))
    image.paste(photo(name).convert("L").resize((SIDE, SIDE)), corner)
    return image


def glow(path: Path) -> list[float]:
    """How much each corner of a picture without other colours has."""
    with Image.open(path) as image:
        assert image.format == "PNG"
        pixels = np.asarray(image.convert("RGB").resize((2 * SIDE, 2 * SIDE))).astype(float)
    red = pixels[..., 0] - pixels[..., 2]
    return [float(red[y : y + SIDE, x : x + SIDE].mean()) for x, y in CORNERS]


@pytest.mark.parametrize("query", ["./Pictures/coffee.jpg", "a cup of coffee"])
@pytest.mark.parametrize("corner", [0, 3])
def test_what_matches_glows(settled: User, tmp_path: Path, query: str, corner: int) -> None:
    path = settled.pictures / f"placed{corner}.png"
    placed("coffee", CORNERS[corner]).save(path)
    settled.search("x", "--in", settled.pictures, "--wait")
    target = tmp_path / "why.png"
    done = settled.csearch(
        "--in", settled.pictures, "--why-image", target, query, f"name:{path.name}"
    )
    assert done.stdout.decode() == f"{path}\n"
    said = done.stderr.decode().splitlines()[-1]
    assert said == f"csearch: {target} shows, by occlusion, which regions of {path} match"
    found = glow(target)
    settled.csearch("--in", settled.pictures, "--why-image", target, query)  # replaces its own
    assert found.index(max(found)) == corner, found


def test_what_cannot_be_drawn(settled: User, tmp_path: Path) -> None:
    there = ("--in", settled.pictures, "--why-image")
    done = settled.csearch(*there, tmp_path / "none" / "x.png", "a cat", check=2)
    assert b"No such file" in done.stderr
    done = settled.csearch(*there, tmp_path / "x.png", "type:jpeg", check=2)
    assert b"filters alone" in done.stderr
    own = tmp_path / "own.png"
    own.write_bytes(b"a photo of mine")
    done = settled.csearch(*there, own, "a cat", check=2)
    assert b"is not a drawing of regions" in done.stderr
    assert own.read_bytes() == b"a photo of mine"
    settled.csearch(*there, tmp_path / "x.png", "a cat name:none", check=1)
    assert not (tmp_path / "x.png").exists()


def test_each_part_is_covered() -> None:
    pixels = np.random.default_rng(1).integers(0, 256, (30, 22, 3), np.uint8)
    first, *covered = occlusion.variants(pixels)
    assert (first == pixels).all()
    changed = np.any([(one != pixels).any(axis=2) for one in covered], axis=0)
    assert changed.mean() > 0.99


def test_heat_is_where_the_score_is_lost() -> None:
    pixels = np.full((64, 64, 3), 10, np.uint8)
    pixels[8:16, 48:56] = 200  # in one cell
    scores = [float(one[8:16, 48:56].mean()) for one in occlusion.variants(pixels)]
    given = occlusion.heat(np.array(scores, np.float32))
    assert given[1, 6] == given.max() == 1
    assert given[4:].max() == 0
    flat = occlusion.heat(np.zeros(50, np.float32))
    assert (flat == 0).all()
    with Image.open(io.BytesIO(occlusion.painted(pixels, given))) as image:
        assert image.size == (640, 640)
