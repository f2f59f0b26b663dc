"""The image tower: pixels to vectors, in torch, on the best arithmetic that the machine has."""

from __future__ import annotations

import itertools
import logging
import os
import time
from typing import Any

import numpy as np
from numpy.typing import NDArray

from csearchd.errors import TowerError
from csearchd.models.installed import WEIGHTS
from csearchd.models.preprocess import Preprocess
from csearchd.reasons import models as reasons

log = logging.getLogger(__name__)

_VISUAL = "visual."  # how open_clip's names of the image tower's weights begin
_BF16_FLAGS = {"amx_bf16", "avx512_bf16", "bf16"}  # the last one is ARM's
_TRIAL = 2  # pictures on which arithmetics are compared
_MIN_COSINE = 0.999  # of the vectors in half precision with those in float32


class ImageTower:
    """open_clip's image tower in torch. `arithmetic` is "cuda", "bf16" or "float32"."""

    batch = 32
    shared = False  # it has threads of its own

    def __init__(self, directory: str, preprocess: Preprocess, device: str, threads: int) -> None:
        """Loads the model from a directory of open_clip's local-dir form.

        `device` is "cpu", "cuda" or "auto": the GPU where torch can use it, else the CPU. `threads`
        is how many threads torch uses. Raises TowerError.
        """
        os.environ["HF_HUB_OFFLINE"] = "1"  # never the network
        # Threads that are done sleep, instead of keeping a core busy that a decoder or another
        # program needs: three times as many pictures on a busy machine.
        os.environ.setdefault("OMP_WAIT_POLICY", "passive")
        try:
            import open_clip  # noqa: F401 — so that what is missing is named
            import torch
        except ImportError as error:
            raise TowerError(reasons.NO_TORCH(details=str(error))) from error
        self._torch = torch
        self._directory = directory
        self._preprocess = preprocess
        torch.set_num_threads(threads)
        if device == "cuda" or (device == "auto" and torch.cuda.is_available()):
            try:
                self.arithmetic = self._load("cuda")
                return
            except TowerError:
                raise
            except Exception as error:  # it or its driver is too old, or its memory is in use
                last_error = reasons.NO_GPU(details=_first_line(error))
                if device == "cuda":
                    raise TowerError(last_error) from error
                log.error("%s; the CPU computes", last_error)
        self.arithmetic = self._load("cpu")

    def encode(self, pixels: NDArray[np.uint8]) -> NDArray[np.float16]:
        """Pixels (n, height, width, 3) to unit vectors (n, dimensions), little-endian."""
        torch = self._torch
        with torch.inference_mode():
            vectors = self._run(torch.from_numpy(pixels))
            half: NDArray[np.float16] = vectors.to("cpu", torch.float16).numpy()
            return half.astype("<f2", copy=False)

    def _run(self, pixels: Any) -> Any:
        """uint8 (n, height, width, 3) to float32 unit vectors (n, dimensions)."""
        torch = self._torch
        batch = pixels.to(self._device).permute(0, 3, 1, 2)  # stays channels-last in memory
        batch = ((batch.float() - self._mean) / self._std).to(self._dtype)
        vectors = self._visual(batch)
        if isinstance(vectors, tuple):
            vectors = vectors[0]  # pooled, tokens
        return torch.nn.functional.normalize(vectors.float(), dim=-1)

    def _load(self, device: str) -> str:
        """Loads the tower; returns its arithmetic.

        Raises TowerError where the model can't be used, and what torch raises where the device
        can't be used.
        """
        torch = self._torch
        self._device = device
        self._mean = torch.tensor(self._preprocess.mean, device=device).view(1, 3, 1, 1) * 255
        self._std = torch.tensor(self._preprocess.std, device=device).view(1, 3, 1, 1) * 255
        self._use(self._exact(), torch.float32)
        return self._choose_arithmetic()

    def _exact(self) -> Any:
        """The tower in float32, on its device."""
        try:
            visual = load_visual(self._directory)
        except Exception as error:  # torch's and open_clip's errors have no common base
            reason = reasons.NOT_LOADED(path=self._directory, details=_first_line(error))
            raise TowerError(reason) from error
        return visual.to(device=self._device, memory_format=self._torch.channels_last)

    def _choose_arithmetic(self) -> str:
        """Half precision on a GPU, bf16 where the CPU has it and it is faster; if vectors agree.

        On a GPU this also finds out whether it works, and makes torch load what it needs there
        before the process's memory is limited.
        """
        torch = self._torch
        gpu = self._device != "cpu"
        if not gpu and not has_bf16():
            return "float32"
        height, width = self._preprocess.height, self._preprocess.width
        noise = np.random.default_rng(0).integers(0, 256, (_TRIAL, height, width, 3), np.uint8)
        trial = torch.from_numpy(noise)
        with torch.inference_mode():
            exact, slow = self._time(trial)
            # in place: never two towers in memory
            self._use(self._visual, torch.float16 if gpu else torch.bfloat16)
            rough, fast = self._time(trial)
        agree = float((exact * rough).sum(dim=-1).min()) >= _MIN_COSINE
        if not agree or not (gpu or fast < slow):
            self._use(self._exact(), torch.float32)
            return "cuda" if gpu else "float32"
        return "cuda" if gpu else "bf16"

    def _use(self, visual: Any, dtype: Any) -> None:
        self._visual = visual.to(dtype)
        self._dtype = dtype

    def _time(self, pixels: Any) -> tuple[Any, float]:
        """The vectors, and the CPU seconds of the second run; the first one prepares kernels.

        Only this thread's CPU time counts, which other work on the machine doesn't lengthen.
        """
        threads = self._torch.get_num_threads()
        self._torch.set_num_threads(1)  # waiting for others would count
        self._run(pixels)
        start = time.thread_time()
        vectors = self._run(pixels)
        seconds = time.thread_time() - start
        self._torch.set_num_threads(threads)
        return vectors, seconds


def load_visual(directory: str) -> Any:
    """open_clip's image tower alone, in float32 on the CPU, from a directory of its local-dir form.

    The text tower, which has most of some models' weights, is neither made nor read. Raises
    whatever open_clip, torch or safetensors do.
    """
    import open_clip
    import safetensors
    import torch

    # On the meta device nothing is allocated or drawn at random; the weights come afterwards.
    with torch.device("meta"):
        model = open_clip.create_model(f"local-dir:{directory}", device="meta", load_weights=False)
    visual = model.visual.eval().requires_grad_(False)
    with safetensors.safe_open(os.path.join(directory, WEIGHTS), "pt") as file:
        names = [name for name in file.keys() if name.startswith(_VISUAL)]  # noqa: SIM118
        weights = {name.removeprefix(_VISUAL): file.get_tensor(name) for name in names}
    whole = {
        name: tensor.float() if tensor.is_floating_point() else tensor
        for name, tensor in weights.items()
    }
    visual.load_state_dict(whole, assign=True)
    tensors = itertools.chain(visual.parameters(), visual.buffers())
    if any(tensor.is_meta for tensor in tensors):  # made by its constructor, not stored
        visual = open_clip.create_model(f"local-dir:{directory}").visual.eval()
        visual.requires_grad_(False)
    return visual


def _first_line(error: Exception) -> str:
    """The first line of torch's message; advice to programmers follows it."""
    return (str(error).splitlines() or [repr(error)])[0]


def has_bf16() -> bool:
    """Whether the CPU computes in bf16."""
    return bool(_BF16_FLAGS & _cpu_flags())


def _cpu_flags() -> set[str]:
    """The features that the kernel lists for the CPU (x86: flags, ARM: Features)."""
    try:
        with open("/proc/cpuinfo", encoding="utf-8") as file:
            for line in file:
                key, _, value = line.partition(":")
                if key.strip() in ("flags", "Features"):
                    return set(value.split())
    except OSError:
        pass
    return set()
