"""What the trunk makes of the training photos, in several views, kept on disk.

View 0 is the photo as it is; the others are random and distorted, and smaller: a crop of three
fifths has its objects then at the size that they have in the whole photo. Photos with captions are
in every view, the others in every third. Two processes of one thread each share the work; a view
that is complete isn't computed again.
"""

from __future__ import annotations

import multiprocessing
import os
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import trunk
from photos import Photo
from PIL import Image
from views import random_view, whole

WORKERS = 2
VIEW_SIDE = 192  # pixels, of all views but the first
_BATCH = 8
_SEED = 20261130


@dataclass(frozen=True)
class View:
    """A view of some photos. `rows`: int64, their numbers; `pooled`: float16 (rows,
    trunk.FEATURES)."""

    rows: np.ndarray
    pooled: np.ndarray


def compute(photos: list[Photo], folder: Path, views: int) -> None:
    """Computes the views that `folder` doesn't hold yet."""
    folder.mkdir(parents=True, exist_ok=True)
    exported = folder / "trunk.onnx"
    if not exported.exists():
        trunk.export(exported)
    for number in range(views):
        target = _file(folder, number)
        if target.exists():
            continue
        rows = _rows(photos, number)
        parts = [rows[worker::WORKERS] for worker in range(WORKERS)]
        jobs = [([photos[row].path for row in part], exported, number, part) for part in parts]
        pooled = np.zeros((len(rows), trunk.FEATURES), np.float16)
        # each worker a session: the kernel shares processors out between sessions
        with multiprocessing.get_context("spawn").Pool(WORKERS, os.setsid) as pool:
            for worker, found in enumerate(pool.starmap(_pooled, jobs)):
                pooled[worker::WORKERS] = found
        part = target.with_suffix(".part.npz")
        np.savez(part, rows=rows, pooled=pooled)
        part.rename(target)


def computed_views(folder: Path, views: int) -> list[View]:
    """The first views in `folder`."""
    return [View(**np.load(_file(folder, number))) for number in range(views)]


def _file(folder: Path, number: int) -> Path:
    return folder / f"view{number}.npz"


def _rows(photos: list[Photo], number: int) -> np.ndarray:
    """The photos of a view: those with captions, and one of three others."""
    chosen = [row for row, p in enumerate(photos) if p.captioned or row % 3 == number % 3]
    return np.array(chosen)


def _pooled(paths: list[Path], exported: Path, number: int, rows: np.ndarray) -> np.ndarray:
    """One worker's photos of one view: float32 (rows, trunk.FEATURES)."""
    session = trunk.TrunkSession(exported)
    parts = []
    for start in range(0, len(rows), _BATCH):
        span = slice(start, start + _BATCH)
        pairs = zip(paths[span], rows[span].tolist(), strict=True)
        parts.append(session.run(np.stack([_pixels(path, number, row) for path, row in pairs])))
    return np.concatenate(parts)


def _pixels(path: Path, number: int, row: int) -> np.ndarray:
    with Image.open(path) as file:
        image = file.convert("RGB")
    if number == 0:
        return whole(image, trunk.SIDE)
    return random_view(image, VIEW_SIDE, np.random.default_rng((_SEED, number, row)))
