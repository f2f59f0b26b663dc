"""Finds what the outliers among a tower's activations are, and how its products get along with
them.

Activations are quantised with one scale for all columns. Trained towers have a few columns that are
far larger than the others, so that these are left with few steps. Smoothing (SmoothQuant,
https://arxiv.org/abs/2211.10438) divides large columns, and multiplies the rows of the weights that
they meet. The few that are large then are multiplied in float32 (as in LLM.int8,
https://arxiv.org/abs/2208.07339).
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import numpy as np
import onnxruntime
from numpy.typing import NDArray

from csearchd.models.conversion import schema
from csearchd.models.conversion.graph import Graph, describe
from csearchd.models.conversion.quantisation.products import Product, Smoothing, constant_products
from csearchd.models.conversion.writing import write_beside, write_onnx
from csearchd.models.onnx_session import open_model, session_options

_SMALLEST = 1e-5  # of what is divided by
_SMALL = 4  # a part of the median
_LARGE = 2  # times the median
_MAX_LARGE = 16  # columns: more would cost time

Largest = Mapping[str, NDArray[np.float32]]
"""The largest magnitude in each column of activations, by the activations' name."""


def recorded_largest(
    graph: Graph,
    directory: str,
    threads: int,
    inputs: Callable[[onnxruntime.InferenceSession], Iterable[Mapping[str, Any]]],
) -> Largest:
    """The largest magnitudes in what the products of `graph`, which it changes, take for `inputs`.

    `directory`: for a temporary file. Raises ModelError, OSError, or what onnxruntime does.
    """
    recorded = _record_largest(graph)
    file, path = graph.finished(), os.path.join(directory, "recording.onnx")
    # A copy of the weights is spared where it can be.
    write = write_beside if os.path.dirname(file.path) == directory else write_onnx
    write(file, path)
    session = open_model(path, session_options(threads))
    for name in (path, f"{path}.data"):
        with contextlib.suppress(FileNotFoundError):
            os.remove(name)
    found: dict[str, NDArray[np.float32]] = {}
    for taken in inputs(session):
        values = session.run(list(recorded.values()), taken)
        for name, value in zip(recorded, values, strict=True):
            found[name] = np.maximum(found[name], value) if name in found else value
    return found


def _record_largest(graph: Graph) -> dict[str, str]:
    """Adds outputs to `graph`: the largest magnitude in each column of what its products take.
    Returns the names of these outputs by those of the activations. Raises ModelError."""
    recorded: dict[str, str] = {}
    for product in constant_products(graph):
        taken = product.taken
        if taken in recorded:
            continue
        width = product.weight.shape[0]
        rows = graph.new_node("Reshape", [taken, graph.integers(-1, width)])
        sizes = graph.new_node("Abs", rows.output)
        if graph.opset() >= 18:
            axes = [graph.integers(0)]
            largest = graph.new_node("ReduceMax", [*sizes.output, *axes], keepdims=0)
        else:
            largest = graph.new_node("ReduceMax", sizes.output, axes=[0], keepdims=0)
        graph.nodes += [rows, sizes, largest]
        recorded[taken] = largest.output[0]
        output = schema.ValueInfoProto()
        describe(output, largest.output[0], schema.FLOAT, [width])
        graph.outputs.append(output)
    return recorded


def smoothing(products: Sequence[Product], largest: Largest) -> dict[str, Smoothing]:
    """How to smooth the activations that `products` take, by name: those in `largest` that have
    outliers."""
    weights: dict[str, NDArray[Any]] = {}  # the largest weight that meets each column
    for product in products:
        own = np.abs(product.weight).max(axis=1).astype(np.float64)
        before = weights.get(product.taken)
        weights[product.taken] = own if before is None else np.maximum(before, own)
    return {
        name: _smoothing(largest[name], weights[name])
        for name in weights.keys() & largest
        if largest[name].max() > _LARGE * np.median(largest[name])
    }


def _smoothing(activations: NDArray[np.float32], weights: NDArray[np.float64]) -> Smoothing:
    # A column that was small for these inputs may be larger for others: it isn't made much larger.
    least = max(float(np.median(activations)) / _SMALL, _SMALLEST)
    activations = np.maximum(activations.astype(np.float64), least)
    weights = np.maximum(weights, _SMALLEST)
    both = np.sqrt(activations * weights)  # what either is after they are made equal
    order = np.argsort(-both)[:_MAX_LARGE]
    few = np.sort(order[both[order] > _LARGE * np.median(both)])
    return Smoothing(np.sqrt(activations / weights).astype(np.float32), few)
