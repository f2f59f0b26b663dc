"""The image tower on other devices than the CPU in onnxruntime, where they give the same vectors.

Such a provider comes with another package in onnxruntime's place: onnxruntime-gpu,
onnxruntime-openvino, onnxruntime-migraphx or onnxruntime-rocm.
"""

from __future__ import annotations

import time
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from csearchd.errors import TowerError
from csearchd.models.image_tower import CPU, OnnxTower
from csearchd.models.preprocess import Preprocess
from csearchd.reasons import models as reasons

PROVIDERS = {
    "cuda": "CUDAExecutionProvider",
    "openvino": "OpenVINOExecutionProvider",
    "migraphx": "MIGraphXExecutionProvider",
    "rocm": "ROCMExecutionProvider",
}
"""By the names that `encode.device` has for them, the best one first."""

_MAX_DETAILS = 200  # characters of an error
_TRIAL = 2  # pictures on which vectors are compared
_RUNS = 3  # that are timed; the first ones may prepare something
_MIN_COSINE = 0.999  # of the vectors with those that the CPU computes


class AcceleratedTower(OnnxTower):
    """The exported image tower, computed by a provider. `arithmetic` is the device's name."""

    batch = 32
    shared = False  # it has threads of its own, or a GPU

    def __init__(self, directory: str, device: str) -> None:
        """Loads the tower from a model's `directory`. Raises TowerError."""
        import onnxruntime

        onnxruntime.set_default_logger_severity(3)  # without remarks on what a provider optimises
        provider = PROVIDERS[device]
        super().__init__(directory, (provider, CPU))
        # onnxruntime goes on with the CPU where a provider's libraries or drivers are missing.
        if provider not in self.providers:
            raise TowerError(reasons.PROVIDER_NOT_LOADED(device=device, provider=provider))
        self.arithmetic = device


def offered(device: str, without: Sequence[str]) -> Sequence[str]:
    """The devices of those in PROVIDERS that onnxruntime was built for and `device` allows: all of
    them with "auto", else that one alone; but none of `without`."""
    import onnxruntime

    there = onnxruntime.get_available_providers()
    return [
        name
        for name, provider in PROVIDERS.items()
        if device in ("auto", name) and provider in there and name not in without
    ]


def accelerated(
    directory: str, device: str, exact: OnnxTower, size: Preprocess, threads: int | None
) -> OnnxTower:
    """The tower on `device`, after it has given the vectors of `exact`, the tower on the CPU, for
    two pictures of `size`. With `threads`, it must also take less time for a picture than as many
    threads of the CPU. Raises TowerError."""
    shape = (_TRIAL, size.height, size.width, 3)
    noise = np.random.default_rng(0).integers(0, 256, shape, np.uint8)
    try:
        tower = AcceleratedTower(directory, device)
        cosine = _least_cosine(tower.encode(noise), exact.encode(noise))
    except (TowerError, RuntimeError) as error:
        if error.__cause__ is None:
            raise
        details = _last_line(error.__cause__)
        raise TowerError(reasons.DEVICE_FAILED(device=device, details=details)) from error
    if not cosine >= _MIN_COSINE:
        raise TowerError(reasons.DEVICE_DIFFERS(device=device, cosine=f"{cosine:.4f}"))
    if threads is not None:
        theirs, ours = (seconds_a_picture(one, noise, threads) for one in (tower, exact))
        if not theirs < ours:
            slow, fast = f"{theirs * 1000:.1f}", f"{ours * 1000:.1f}"
            raise TowerError(reasons.DEVICE_SLOWER(device=device, theirs=slow, ours=fast))
    return tower


def seconds_a_picture(tower: OnnxTower, pixels: NDArray[np.uint8], threads: int) -> float:
    """How long a tower takes for a picture like `pixels` (n, height, width, 3) where it computes in
    full batches; of a tower on the CPU, `threads` compute at once.

    What else the machine does counts against the device alone: the CPU's processor time is taken,
    as if it had its processors for itself.
    """
    batch = np.resize(pixels, (tower.batch, *pixels.shape[1:]))
    clock = time.thread_time if tower.shared else time.perf_counter
    taken = []
    for _ in range(_RUNS):
        began = clock()
        tower.encode(batch)
        taken.append(clock() - began)
    return min(taken) / tower.batch / (threads if tower.shared else 1)


def _last_line(error: BaseException) -> str:
    """The end of what onnxruntime says; places in its source come before it."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return lines[-1][:_MAX_DETAILS] if lines else repr(error)


def _least_cosine(one: NDArray[np.float16], other: NDArray[np.float16]) -> float:
    """The least cosine between the rows of two arrays of unit vectors, from their distances, so
    that vectors of another length count as different; NaN if there is one."""
    distances = ((one.astype(np.float32) - other.astype(np.float32)) ** 2).sum(axis=1)
    return float(1 - distances.max() / 2)
