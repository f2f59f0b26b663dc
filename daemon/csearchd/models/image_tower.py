"""The exported image tower: a picture's vector without torch, which takes seconds to import."""

from __future__ import annotations

import hashlib
import os

import numpy as np
from numpy.typing import NDArray

from csearchd.errors import TowerError
from csearchd.models.installed import IMAGE_TOWER, WEIGHTS
from csearchd.reasons import models as reasons

HEADER = "weights_header"  # the graph's entry with the checksum of the header of its weights
ARITHMETIC = "arithmetic"  # the graph's entry with what it computes in, if not in float32


class OnnxTower:
    """`image.onnx` of a model's directory, with its weights, in onnxruntime on the CPU.

    `arithmetic` is "onnx" for float32, "int8" for 8-bit weights. It computes in the thread that
    calls it: one for each processor does a third more than all of them at one batch, where each
    product ends with a wait for the slowest.
    """

    batch = 4  # more are no faster, and take more memory
    shared = True

    def __init__(self, directory: str) -> None:
        """Raises TowerError."""
        import onnxruntime

        from csearchd.models.onnx_session import session_options

        options = session_options(threads=1)
        options.enable_cpu_mem_arena = True  # else half as long again goes to fetching fresh pages
        path = os.path.join(directory, IMAGE_TOWER)
        try:
            # By descriptor, since a name may hold any bytes; the graph finds its weights beside it.
            descriptor = os.open(directory, os.O_RDONLY | os.O_DIRECTORY)
            try:
                self._session = onnxruntime.InferenceSession(
                    f"/proc/self/fd/{descriptor}/{IMAGE_TOWER}",
                    options,
                    providers=["CPUExecutionProvider"],
                )
            finally:
                os.close(descriptor)
            found = header_checksum(read_header(os.path.join(directory, WEIGHTS)))
        except Exception as error:  # onnxruntime's own exceptions have no useful common base
            raise TowerError(reasons.TOWER_NOT_LOADED(path=path, details=str(error))) from error
        described = self._session.get_modelmeta().custom_metadata_map
        if described.get(HEADER) != found:
            raise TowerError(reasons.TOWER_OF_OTHER_WEIGHTS(path=path))
        self.arithmetic = described.get(ARITHMETIC, "onnx")

    def encode(self, pixels: NDArray[np.uint8]) -> NDArray[np.float16]:
        """Pixels (n, height, width, 3) to unit vectors (n, dimensions), little-endian.

        Raises RuntimeError, as torch does, where memory runs short.
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


def read_header(path: str) -> bytes:
    """The header of the safetensors file at `path`, JSON: its tensors' types, shapes and places
    after the header (https://github.com/huggingface/safetensors#format). Raises OSError."""
    with open(path, "rb") as file:
        return file.read(int.from_bytes(file.read(8), "little"))


def header_checksum(header: bytes) -> str:
    return hashlib.sha256(header).hexdigest()
