"""Converts a published image tower to the one that the encoder runs.

A published tower takes pictures as normalised numbers, channel by channel. The encoder's takes
their pixels, and gives unit vectors. It gets 8-bit weights if these give the same vectors sooner.
"""

from __future__ import annotations

import functools
import os
import tempfile
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from csearchd.errors import ModelError
from csearchd.models.conversion import schema
from csearchd.models.conversion.files import read_onnx
from csearchd.models.conversion.graph import Graph, describe, single_input
from csearchd.models.conversion.patches import multiply_patches
from csearchd.models.conversion.pictures import comparison_pixels
from csearchd.models.conversion.quantisation.image import (
    FloatImageTower,
    image_cosine,
    quantise_image_tower,
)
from csearchd.models.conversion.reference import Vectors, open_source, unit
from csearchd.models.conversion.writing import write_onnx
from csearchd.models.installed import IMAGE_TOWER
from csearchd.models.preprocess import Preprocess

# The least cosine, over all pictures, of a converted tower's vectors to the published one's
FLOAT_COSINE = 0.9995  # the encoder keeps vectors in half precision
_TAKEN, _GIVEN = "pixels", "vectors"  # the tower's input and its output


@dataclass(frozen=True)
class ImageConversion:
    """What became of an image tower."""

    dimensions: int
    quantised: bool  # 8-bit weights
    cosine: float  # the least to the published tower


@dataclass(frozen=True)
class _Published:
    """The published tower, and its vectors of the pictures."""

    path: str
    preprocess: Preprocess
    single: bool  # it takes one picture at a time
    pixels: NDArray[np.uint8]
    expected: Vectors


def convert_image_tower(source: str, directory: str, preprocess: Preprocess) -> ImageConversion:
    """Writes `image.onnx` into `directory`, from the ONNX file `source`.

    Raises ModelError if `source` is damaged, or isn't an image tower that csearch can use; OSError
    if the directory can't be written.
    """
    with tempfile.TemporaryDirectory(dir=directory, prefix=".image-") as scratch:
        wanted, smaller = os.path.join(scratch, "float"), os.path.join(scratch, "small")
        os.mkdir(wanted)
        os.mkdir(smaller)
        published = _published(source, scratch, preprocess, comparison_pixels(preprocess))
        single = published.single and not _takes_several(published, scratch)
        tower = _float_tower(published, single)
        write_onnx(tower.graph().finished(), os.path.join(wanted, IMAGE_TOWER))
        found, seconds = image_cosine(wanted, tower.pixels, tower.expected)
        if not found >= FLOAT_COSINE:
            raise ModelError(
                f"{source} can't be used: the image tower made from it gives other vectors (cosine"
                f" {found:.5f})"
            )
        reached = quantise_image_tower(tower, smaller, seconds, portable=False)
        if reached is not None:
            wanted, found = smaller, reached
        for name in os.listdir(wanted):
            os.replace(os.path.join(wanted, name), os.path.join(directory, name))
    return ImageConversion(published.expected.shape[1], reached is not None, found)


def _published(
    source: str, scratch: str, preprocess: Preprocess, pixels: NDArray[np.uint8]
) -> _Published:
    """The tower at `source`, after it has encoded the pictures. Raises ModelError."""
    taken = single_input(Graph(read_onnx(source)), (schema.FLOAT, schema.FLOAT16), 4)
    count, *size = [dim.dim_value for dim in taken.type.tensor_type.shape.dim]
    wanted = (3, preprocess.height, preprocess.width)
    if count > 1 or any(a not in (0, b) for a, b in zip(size, wanted, strict=True)):
        shape = "×".join(str(number or "n") for number in (count, *size))
        raise ModelError(
            f"{source} takes numbers of the shape {shape}, not n×{'×'.join(map(str, wanted))}"
        )
    session = open_source(source, scratch, threads=1)
    vectors = []
    for picture in pixels:
        try:
            found = session.run(None, {taken.name: _normalised(picture, preprocess)})[0]
        except Exception as error:  # onnxruntime's exceptions have no useful base class
            summary = (str(error).splitlines() or [type(error).__name__])[0]
            raise ModelError(f"{source} can't be run: {summary}") from None
        vectors.append(unit(found, source)[0])
    return _Published(source, preprocess, count == 1, pixels, np.stack(vectors))


def _normalised(picture: NDArray[np.uint8], preprocess: Preprocess) -> NDArray[np.float32]:
    """A picture (height, width, 3) as a published tower takes it: (1, 3, height, width)."""
    scaled = picture.astype(np.float32) / 255
    mean, std = (np.array(value, np.float32) for value in (preprocess.mean, preprocess.std))
    return np.ascontiguousarray(((scaled - mean) / std).transpose(2, 0, 1)[None])


def _tower(published: _Published, single: bool) -> Graph:
    """The published graph in float32, from pixels to unit vectors. `single`: it takes one picture
    at a time. Raises ModelError."""
    graph = Graph(read_onnx(published.path))
    graph.free_names((_TAKEN, _GIVEN))
    graph.to_single_precision()
    preprocess = published.preprocess
    taken, given = graph.inputs[0], graph.outputs[0]
    mean, std = (np.array(value, np.float64) for value in (preprocess.mean, preprocess.std))
    factor, shift = (
        graph.add_constant(values.astype(np.float32).reshape(1, 3, 1, 1))
        for values in (1 / (255 * std), -mean / std)
    )
    channels = graph.new_node("Transpose", [_TAKEN], perm=[0, 3, 1, 2])
    numbers = graph.new_node("Cast", channels.output, to=schema.FLOAT)
    scaled = graph.new_node("Mul", [*numbers.output, factor])
    moved = graph.new_node("Add", [*scaled.output, shift], taken.name)
    graph.nodes[:0] = [channels, numbers, scaled, moved]
    multiply_patches(graph, taken.name, preprocess.height, preprocess.width)
    graph.nodes.append(graph.new_node("LpNormalization", [given.name], _GIVEN, axis=-1, p=2))
    count: int | str = 1 if single else "count"
    shape = [count, preprocess.height, preprocess.width, 3]
    describe(taken, _TAKEN, schema.UINT8, shape)
    describe(given, _GIVEN, schema.FLOAT, [count, published.expected.shape[1]])
    graph.outputs = [given]
    return graph


def _takes_several(published: _Published, scratch: str) -> bool:
    """Whether the graph, which was exported for one picture, encodes several at a time as well."""
    tower = _float_tower(published, single=False)
    write_onnx(tower.graph().finished(), os.path.join(scratch, IMAGE_TOWER))
    try:
        found, _ = image_cosine(scratch, tower.pixels, tower.expected, FLOAT_COSINE)
    except ModelError:
        return False
    return found >= FLOAT_COSINE


def _float_tower(published: _Published, single: bool) -> FloatImageTower:
    make = functools.partial(_tower, published, single)
    return FloatImageTower(make, published.pixels, published.expected)
