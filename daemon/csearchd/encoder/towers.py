"""Which image tower computes: the exported one at first, torch's once there is enough to do.

Importing torch and open_clip and loading a model costs seconds and most of a gigabyte, even for one
new screenshot; the exported tower is loaded in a fraction of a second.
"""

from __future__ import annotations

import logging
import os
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from csearch.protocol.wire import Message
from csearchd.encoder.messages import Settings
from csearchd.encoder.torch_tower import ImageTower, has_bf16
from csearchd.errors import TowerError
from csearchd.models.image_tower import OnnxTower
from csearchd.models.installed import IMAGE_TOWER, WEIGHTS
from csearchd.models.preprocess import Preprocess
from csearchd.reasons import models as reasons
from csearchd.system.memory import lift_limit, limit_growth, release_free_memory

log = logging.getLogger(__name__)

# CPU seconds that torch costs until it has loaded a model. It is loaded when the exported tower has
# computed for as long, which never costs more than twice the better choice (the ski-rental
# problem). For ViT-B-32-256 that is after some 30 pictures, for the starter model after some 600.
_TORCH_SECONDS = 4.0
_GPUS = ("/dev/nvidiactl", "/dev/kfd")


class Tower(Protocol):
    """An image tower that is loaded."""

    @property
    def arithmetic(self) -> str: ...

    @property
    def batch(self) -> int:
        """How many pictures are best encoded at a time."""

    @property
    def shared(self) -> bool:
        """Whether several threads should call it at once."""

    def encode(self, pixels: NDArray[np.uint8]) -> NDArray[np.float16]:
        """Pixels, uint8 (n, height, width, 3), to unit vectors, float16 (n, dimensions).

        The vectors are little-endian.
        """


class Towers:
    """The image tower of one model, and its replacement while several threads compute with it."""

    def __init__(
        self,
        settings: Settings,
        preprocess: Preprocess,
        growth: int,
        send: Callable[[Message], None],
    ) -> None:
        """`growth` is how many bytes the process may grow by once a tower is loaded.

        Raises TowerError where no tower can be loaded.
        """
        self._settings = settings
        self._preprocess = preprocess
        self._growth = growth
        self._send = send
        self._better: Tower | None = None  # loaded, to be used from the next turn on
        self._left = _TORCH_SECONDS
        self._lock = threading.Lock()
        self._alone = threading.Lock()  # of a tower that isn't shared
        # A model made from ONNX files has no weights that torch could load.
        self._for_torch = os.path.exists(os.path.join(settings.model, WEIGHTS))
        self._tower = self._first()
        pays = torch_pays(settings.device, self._tower.arithmetic)
        self._upgradable = self._for_torch and pays

    @contextmanager
    def turn(self) -> Iterator[Tower]:
        """The tower to compute with now, until the end of the block."""
        with self._lock:
            if self._better is not None:
                self._tower, self._better = self._better, None
                release_free_memory()
            tower = self._tower
        with nullcontext() if tower.shared else self._alone:
            yield tower

    def encode(self, tower: Tower, pixels: NDArray[np.uint8]) -> NDArray[np.float16]:
        """As Tower.encode, with the tower that `turn` gave.

        Raises RuntimeError where memory runs short.
        """
        start = time.thread_time()
        vectors = tower.encode(pixels)
        with self._lock:
            self._left -= time.thread_time() - start
            upgrade = self._upgradable and self._left < 0
            self._upgradable = self._upgradable and not upgrade
        if upgrade:
            threading.Thread(target=self._upgrade, name="torch", daemon=True).start()
        return vectors

    def _first(self) -> Tower:
        directory = self._settings.model
        # A device that was asked for by name is used, or the reason is given why it can't be.
        if not self._for_torch:
            if self._settings.device == "cuda":
                raise TowerError(reasons.NO_GPU(details="the model has no weights for PyTorch"))
            return self._load(lambda: OnnxTower(directory))
        if self._settings.device != "cuda" and os.path.exists(os.path.join(directory, IMAGE_TOWER)):
            try:
                return self._load(lambda: OnnxTower(directory))
            except TowerError as error:
                log.error("%s; torch is used from the start", error)
        return self._load(lambda: self._torch(self._settings.device))

    def _upgrade(self) -> None:
        self._send({"op": "loading"})
        # Where only a GPU pays, torch without one would be slower, for all its memory.
        on_cpu = torch_pays("cpu", self._tower.arithmetic)
        device = self._settings.device if on_cpu else "cuda"
        try:
            self._better = self._load(lambda: self._torch(device))
        except Exception as error:  # the exported tower goes on
            log.error("%s; the exported image tower goes on", error)
            self._announce(self._tower, 0.0)

    def _torch(self, device: str) -> Tower:
        settings = self._settings
        return ImageTower(settings.model, self._preprocess, device, settings.threads)

    def _load(self, make: Callable[[], Tower]) -> Tower:
        begin = time.monotonic()
        lift_limit()
        try:
            tower = make()
        finally:
            release_free_memory()  # loading takes several times the tower
            limit_growth(self._growth)
        self._announce(tower, time.monotonic() - begin)
        return tower

    def _announce(self, tower: Tower, seconds: float) -> None:
        self._send({"op": "ready", "arithmetic": tower.arithmetic, "seconds": seconds})


def torch_pays(device: str, arithmetic: str) -> bool:
    """Whether torch on `device` may be much faster than the tower that computes in `arithmetic`.

    It may on a GPU, or in bf16. In float32 both take the same time (ViT-B-32-256: 134 ms a picture
    on one core; the starter: 5 and 6 ms, less than a picture's decoding); with 8-bit weights
    onnxruntime is faster (32 ms) than bf16 (65 ms). AMX multiplies both several times as fast, 8
    bits twice as fast as bf16, and onnxruntime uses it (MLAS, qgemm_kernel_amx).
    """
    if arithmetic not in ("onnx", "int8"):
        return False  # it is torch
    if device == "auto" and any(map(os.path.exists, _GPUS)):
        return True
    return arithmetic == "onnx" and has_bf16()
