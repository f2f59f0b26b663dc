"""Runs a published tower as it is, to compare what is made of it with it."""

from __future__ import annotations

import os

import numpy as np
import onnxruntime
from numpy.typing import NDArray

from csearchd.errors import ModelError
from csearchd.models.conversion import schema
from csearchd.models.conversion.files import read_onnx
from csearchd.models.conversion.graph import Graph
from csearchd.models.conversion.writing import write_onnx
from csearchd.models.onnx_session import open_model, session_options

Vectors = NDArray[np.float32]


def open_source(path: str, scratch: str, threads: int) -> onnxruntime.InferenceSession:
    """Opens the published tower at `path`. `scratch`: a directory for temporary files. Raises
    ModelError if onnxruntime can't load it; OSError.

    A half-precision tower is opened in single precision: onnxruntime has few operators for the
    former on a processor, and version 1.32 crashed on such graphs.
    """
    source = read_onnx(path)
    halves = any(tensor.data_type == schema.FLOAT16 for tensor in source.model.graph.initializer)
    if halves:
        graph = Graph(source)
        graph.to_single_precision()
        opened = os.path.join(scratch, "published.onnx")
        write_onnx(graph.finished(), opened)
    else:
        opened = path
    try:
        session = open_model(opened, session_options(threads))
    except Exception as error:  # onnxruntime's exceptions have no useful base class
        summary = (str(error).splitlines() or [type(error).__name__])[0]
        raise ModelError(f"onnxruntime can't load {path}: {summary}") from None
    if halves:
        os.remove(opened)  # its weights are in memory, or in a file beside it that is mapped
    return session


def unit(vectors: NDArray[np.floating], path: str) -> Vectors:
    """`vectors` of the tower at `path`, scaled to unit length: float32 (n, dimensions). Raises
    ModelError if they are none."""
    if vectors.ndim != 2 or not np.isfinite(vectors).all() or not vectors.any(axis=1).all():
        raise ModelError(f"{path} gives no vectors: it is not a tower of CLIP's kind")
    single = vectors.astype(np.float32)
    scaled: Vectors = single / np.linalg.norm(single, axis=1, keepdims=True)
    return scaled


def cosine(found: Vectors, expected: Vectors) -> float:
    """The least cosine of the vectors `found` to the unit vectors `expected`; NaN if any is."""
    norms = np.linalg.norm(found, axis=1)
    return float(((found * expected).sum(axis=1) / np.maximum(norms, 1e-30)).min())
