"""Gives an image tower 8-bit weights, if it has about the same vectors sooner then."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import onnxruntime
from numpy.typing import NDArray

from csearchd.errors import ModelError, TowerError
from csearchd.models.conversion.graph import Graph
from csearchd.models.conversion.quantisation.candidates import EXACT, MakeGraph, quantised
from csearchd.models.conversion.quantisation.outliers import Largest, recorded_largest
from csearchd.models.conversion.quantisation.products import constant_products
from csearchd.models.conversion.reference import Vectors, cosine
from csearchd.models.conversion.writing import write_onnx
from csearchd.models.image_tower import ARITHMETIC, OnnxTower
from csearchd.models.installed import IMAGE_TOWER

QUANTISED_COSINE = 0.999
"""The least cosine, over all pictures, of the vectors with 8-bit weights to the original's."""

_CALIBRATED = 2  # of how many pictures one is smoothed by


@dataclass(frozen=True)
class FloatImageTower:
    """An image tower in float32, and the vectors of pictures by the tower that it was made of."""

    graph: MakeGraph  # from `pixels` to `vectors`
    pixels: NDArray[np.uint8]  # (n, height, width, 3)
    expected: Vectors


def quantise_image_tower(
    tower: FloatImageTower, directory: str, seconds: float, *, portable: bool
) -> float | None:
    """Writes `image.onnx` with 8-bit weights into `directory`, and returns the least cosine of the
    vectors; None if it stays under QUANTISED_COSINE, or the pictures take `seconds` or more.

    Tries what is fastest first. `portable`: see candidates.quantised. Raises ModelError, OSError.
    """
    for graph in _candidates(tower, directory, portable):
        graph.add_metadata(ARITHMETIC, "int8")
        write_onnx(graph.finished(), os.path.join(directory, IMAGE_TOWER))
        try:
            found, quick = image_cosine(
                directory, tower.pixels, tower.expected, least=QUANTISED_COSINE
            )
        except ModelError:
            continue
        if found >= QUANTISED_COSINE and quick < seconds:
            return found
    return None


def _candidates(tower: FloatImageTower, directory: str, portable: bool) -> Iterator[Graph]:
    if not constant_products(tower.graph()):
        return
    yield from quantised(tower.graph, portable=portable)
    largest = _largest(tower, directory)
    for exact in EXACT:
        yield from quantised(tower.graph, portable=portable, largest=largest, exact=exact)


def image_cosine(
    directory: str, pixels: NDArray[np.uint8], expected: Vectors, least: float = -1.0
) -> tuple[float, float]:
    """The least cosine of the vectors of `pixels` (n, height, width, 3) by the tower in `directory`
    to `expected`, and the CPU seconds that all take. It is sought no further once it is under
    `least`. Raises ModelError if the tower can't be run."""
    found, seconds = 1.0, 0.0
    try:
        runner = OnnxTower(directory)
        for start in range(0, len(pixels), runner.batch):
            part = slice(start, start + runner.batch)
            began = time.thread_time()
            own = runner.encode(pixels[part]).astype(np.float32)
            seconds += time.thread_time() - began
            found = min(cosine(own, expected[part]), found)  # NaN stays
            if not found >= least:
                break
    except (TowerError, RuntimeError) as error:
        raise ModelError(f"the tower in {directory} can't be run: {error}") from None
    return found, seconds


def _largest(tower: FloatImageTower, directory: str) -> Largest:
    """The largest magnitude in each column of what the tower's products take, by name."""

    def inputs(session: onnxruntime.InferenceSession) -> Iterator[dict[str, Any]]:
        (taken,) = session.get_inputs()
        return ({taken.name: picture[None]} for picture in tower.pixels[::_CALIBRATED])

    return recorded_largest(tower.graph(), directory, 1, inputs)
