"""Which image tower computes: the exported one on the CPU at first; once there is enough to do, the
same on another device of onnxruntime's, or torch's.

Importing torch and open_clip and loading a model costs seconds and most of a gigabyte, even for one
new screenshot; the exported tower is loaded in a fraction of a second.
"""

from __future__ import annotations

import logging
import os
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, nullcontext
from functools import partial
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from csearch.protocol.wire import Message
from csearchd.encoder.devices.accelerators import PROVIDERS, accelerated, offered
from csearchd.encoder.messages import Settings
from csearchd.encoder.torch_tower import ImageTower, has_bf16
from csearchd.errors import ModelError, TowerError
from csearchd.models import pytorch
from csearchd.models.identity.checksums import Verifier
from csearchd.models.image_tower import OnnxTower
from csearchd.models.installed import CONFIG, IMAGE_TOWER, WEIGHTS, Model, load_model
from csearchd.models.preprocess import Preprocess
from csearchd.reasons import OTHER, Reason
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
        self._remark: Reason | None = None  # why a device isn't used
        # A device that has ended an encoder is none.
        self._device = "cpu" if settings.device in settings.without else settings.device
        self._has_gpu = _has_gpu() and "cuda" not in settings.without
        self._tower = self._first()
        if self._device in PROVIDERS:
            self._tower = self._accelerated() or self._tower
        on_cpu = self._tower.arithmetic in ("onnx", "int8")
        waiting = self._device == "auto" and on_cpu and bool(self._offered("auto"))
        pays = self._for_torch and self._torch_pays(self._device)
        self._upgradable = waiting or pays

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
        directory, device = self._settings.model, self._device
        # A GPU that was asked for by name is used, or the reason is given why it can't be.
        needs_torch = device == "cuda" and not self._offered(device)
        if not self._for_torch:
            no_provider = device == "auto" and self._has_gpu and not self._offered(device)
            if needs_torch or no_provider:
                self._remark = reasons.GPU_NEEDS_PROVIDER(name=os.path.basename(directory))
            self._check_files(Verifier.check_image_side)
            return self._load(lambda: OnnxTower(directory))
        if not needs_torch and self._has_image_tower():
            try:
                self._check_files(Verifier.check_image_side)
                return self._load(lambda: OnnxTower(directory))
            except TowerError as error:
                if not pytorch.can_run_tower():
                    command = pytorch.install_command()
                    reason = reasons.TOWER_OR_TORCH(reason=error.reason, command=command)
                    raise TowerError(reason) from error
                log.error("%s; torch is used from the start", error)
                self._remark = error.reason
        return self._load(lambda: self._torch(device))

    def _has_image_tower(self) -> bool:
        """Whether the model came with an exported image tower, which may be damaged or missing."""
        if os.path.exists(os.path.join(self._settings.model, IMAGE_TOWER)):
            return True
        try:
            return IMAGE_TOWER in load_model(self._settings.model).checksums
        except ModelError:
            return False

    def _offered(self, device: str) -> Sequence[str]:
        return offered(device, self._settings.without)

    def _torch_pays(self, device: str) -> bool:
        if device == "auto" and not self._has_gpu:
            device = "cpu"
        return torch_pays(device, self._tower.arithmetic)

    def _check_files(self, check: Callable[[Verifier, Model], None]) -> None:
        """Raises TowerError if one of the model's files isn't what was installed."""
        try:
            model = load_model(self._settings.model)
            check(Verifier(self._settings.cache), model)
        except ModelError as error:
            raise TowerError(error.reason or OTHER(text=str(error))) from None

    def _accelerated(self) -> Tower | None:
        """The exported tower on a device that isn't the CPU; None where there is none, or it can't
        be used."""
        exported = self._tower
        if not isinstance(exported, OnnxTower):
            return None
        devices = self._offered(self._device)
        if not devices:
            self._remark = reasons.NO_PROVIDER(device=self._device)
        # Who names a device has decided.
        threads = self._settings.threads if self._device == "auto" else None
        for device in devices:
            self._remark = None
            self._send({"op": "loading", "device": device})
            make = partial(
                accelerated, self._settings.model, device, exported, self._preprocess, threads
            )
            try:
                return self._load(make)
            except TowerError as error:
                self._remark = error.reason
            except Exception as error:  # such as a lack of memory: the CPU goes on
                log.exception("%s can't be used", device)
                details = f"{type(error).__name__}: {error}"
                self._remark = reasons.DEVICE_FAILED(device=device, details=details)
        log.error("%s", self._remark)
        self._announce(exported, 0.0)
        return None

    def _upgrade(self) -> None:
        if self._device == "auto" and self._offered("auto"):
            self._better = self._accelerated()
            if self._better or not (self._for_torch and self._torch_pays("auto")):
                return
        # Where only a GPU pays, torch without one would be slower, for all its memory.
        device = self._device if self._torch_pays("cpu") else "cuda"
        if device == "auto" and not self._has_gpu:
            device = "cpu"
        self._send({"op": "loading", "device": None if device == "cpu" else "cuda"})
        try:
            self._better = self._load(lambda: self._torch(device))
        except Exception as error:  # the exported tower goes on
            log.error("%s; the exported image tower goes on", error)
            self._announce(self._tower, 0.0)

    def _torch(self, device: str) -> Tower:
        settings = self._settings
        if not pytorch.can_run_tower():
            command = pytorch.install_command()
            if device == "cuda":
                raise TowerError(reasons.GPU_NEEDS_TORCH(device=device, command=command))
            name = os.path.basename(settings.model)
            raise TowerError(reasons.NEEDS_TORCH(name=name, command=command))
        self._check_files(lambda verifier, model: verifier.check(model, (CONFIG, WEIGHTS)))
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
        remark = self._remark.to_message() if self._remark else None
        arithmetic = tower.arithmetic
        message = {"op": "ready", "arithmetic": arithmetic, "seconds": seconds, "remark": remark}
        self._send(message)


def _has_gpu() -> bool:
    return any(map(os.path.exists, _GPUS))


def torch_pays(device: str, arithmetic: str) -> bool:
    """Whether torch on `device` may be much faster than the tower that computes in `arithmetic`.

    It may on a GPU, or in bf16. In float32 both take the same time (ViT-B-32-256: 134 ms a picture
    on one core; the starter: 5 and 6 ms, less than a picture's decoding); with 8-bit weights
    onnxruntime is faster (32 ms) than bf16 (65 ms). AMX multiplies both several times as fast, 8
    bits twice as fast as bf16, and onnxruntime uses it (MLAS, qgemm_kernel_amx).
    """
    if arithmetic not in ("onnx", "int8") or not pytorch.can_run_tower():
        return False  # it is torch, or there is none
    if device in ("auto", "cuda") and _has_gpu():
        return True
    return arithmetic == "onnx" and has_bf16()
