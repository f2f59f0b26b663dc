"""The exported image tower: computes the vectors of pictures without torch, which takes seconds to
import."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from csearchd.errors import TowerError
from csearchd.models.installed import IMAGE_TOWER, WEIGHTS
from csearchd.reasons import models as reasons

# Keys in the graph's metadata
HEADER = "weights_header"  # checksum of the header of the weights that it was made for
ARITHMETIC = "arithmetic"  # what it computes in; absent: float32

_MAX_DETAILS = 300  # characters of what onnxruntime says

CPU = "CPUExecutionProvider"  # onnxruntime's name for it


class OnnxTower:
    """Runs `image.onnx` of a model's directory in onnxruntime, on the CPU if not told otherwise.

    `arithmetic` is "onnx" for float32, or "int8" for 8-bit weights. It computes in the thread that
    calls it: one calling thread for each processor encodes a third more pictures than one batch
    spread over all processors, where each product waits for the slowest.
    """

    batch: int = 4  # pictures at a time: more are no faster, and take more memory
    shared = True  # several threads may call it at once

    def __init__(self, directory: str, providers: Sequence[str] = (CPU,)) -> None:
        """Loads the tower from a model's `directory`, for the first of onnxruntime's `providers`
        that can be used. Raises TowerError."""
        from csearchd.models.onnx_session import open_model, session_options

        options = session_options(threads=1)
        options.enable_cpu_mem_arena = True  # else fetching pages takes half as long again
        options.log_severity_level = 4  # its errors are raised
        path = os.path.join(directory, IMAGE_TOWER)
        try:
            self._session = open_model(path, options, providers)
            found = _weights_beside(directory)
        except Exception as error:  # onnxruntime's exceptions have no useful base class
            details = " ".join(str(error).split())[:_MAX_DETAILS]
            raise TowerError(reasons.TOWER_NOT_LOADED(path=path, details=details)) from error
        described = self._session.get_modelmeta().custom_metadata_map
        if described.get(HEADER) != found:
            raise TowerError(reasons.TOWER_OF_OTHER_WEIGHTS(path=path))
        size = self._session.get_inputs()[0].shape[0]
        if isinstance(size, int):  # it takes just so many
            self.batch = size
        self.arithmetic = described.get(ARITHMETIC, "onnx")
        self.providers: Sequence[str] = self._session.get_providers()

    def encode(self, pixels: NDArray[np.uint8]) -> NDArray[np.float16]:
        """Encodes pixels, uint8 of shape (n, height, width, 3), to unit vectors, little-endian
        float16 of shape (n, dimensions).

        Raises RuntimeError if memory runs short, as torch does.
        """
        try:
            parts = [
                self._session.run(None, {"pixels": pixels[start : start + self.batch]})[0]
                for start in range(0, len(pixels), self.batch)
            ]
        except Exception as error:
            raise RuntimeError(str(error)) from error
        vectors: NDArray[np.float16] = np.concatenate(parts).astype("<f2")
        return vectors


def _weights_beside(directory: str) -> str | None:
    """The checksum of the header of the weights in a model's directory; None if there are none:
    then the graph holds them. Raises OSError."""
    path = os.path.join(directory, WEIGHTS)
    return header_checksum(read_header(path)) if os.path.lexists(path) else None


def read_header(path: str) -> bytes:
    """The header of the safetensors file at `path`: JSON with the type, shape and offset of each
    tensor (https://github.com/huggingface/safetensors#format). Raises OSError."""
    with open(path, "rb") as file:
        return file.read(int.from_bytes(file.read(8), "little"))


def header_checksum(header: bytes) -> str:
    """The sha256 of `header`, hexadecimal."""
    return hashlib.sha256(header).hexdigest()
