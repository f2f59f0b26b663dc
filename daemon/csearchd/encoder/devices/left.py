"""Devices whose drivers have ended or hung an encoder: the service goes on without them."""

from __future__ import annotations

import logging
from collections import Counter

from csearchd.reasons import Reason
from csearchd.reasons import models as reasons

log = logging.getLogger(__name__)

ON_CPU = ("onnx", "int8", "bf16", "float32")
"""The arithmetics of towers that compute on the CPU; those of others are named by the device."""

_DOUBTS = 3  # encoders that ended when a picture may have been at fault as well


class LeftDevices:
    """What is remembered of devices as long as the service runs, and over all its encoders."""

    def __init__(self) -> None:
        self._reasons: dict[str, Reason] = {}
        self._doubts: Counter[str] = Counter()
        self._only_doubted: set[str] = set()  # of those that were left

    @property
    def names(self) -> tuple[str, ...]:
        """The devices that aren't to be used."""
        return tuple(sorted(self._reasons))

    @property
    def remark(self) -> Reason | None:
        """Why the first of them isn't used, and what the user can do."""
        return next(iter(self._reasons.values()), None)

    def clear(self) -> None:
        """Lets them be tried again."""
        self._reasons.clear()
        self._doubts.clear()
        self._only_doubted.clear()

    def doubt(self, device: str) -> bool:
        """Notes that `device` may have ended an encoder. Returns whether that has come too often
        for pictures to be the cause."""
        self._doubts[device] += 1
        return self._doubts[device] >= _DOUBTS

    def absolve(self, device: str) -> None:
        """Notes that something else was at fault. A device that was left for doubts alone is used
        again."""
        del self._doubts[device]
        if device in self._only_doubted:
            self._only_doubted.remove(device)
            del self._reasons[device]

    def leave(self, device: str, ending: Reason | str, sure: bool) -> None:
        """Does without `device` from now on, since the encoder ended as `ending` says. Unless that
        is `sure`, a picture may still turn out to be at fault."""
        self._reasons[device] = reasons.DEVICE_LEFT(device=device, ending=ending)
        if not sure:
            self._only_doubted.add(device)
        log.error("%s", self._reasons[device])


class DeviceWatch:
    """Follows which device an encoder uses, to tell whether it is at fault when that ends."""

    def __init__(self, left: LeftDevices) -> None:
        self._left = left
        self._device: str | None = None
        self._loading = False
        self._doubted: str | None = None  # while its pictures are tried one at a time

    @property
    def is_busy(self) -> bool:
        """Whether a device is being loaded or in use."""
        return self._device is not None

    @property
    def is_loading(self) -> bool:
        """Whether a device is being loaded, or was when the encoder ended."""
        return self._loading

    def started(self) -> None:
        """Another encoder has begun, on the CPU."""
        self._device, self._loading = None, False

    def loading(self, device: str | None) -> None:
        """The encoder loads a tower for `device`; None for the CPU."""
        self._device, self._loading = device, device is not None

    def ready(self, arithmetic: str) -> None:
        """The encoder computes in `arithmetic`."""
        self._device = None if arithmetic in ON_CPU else arithmetic
        self._loading = False

    def is_at_fault(self, ending: Reason | str, sure: bool, alone: bool) -> bool:
        """Whether the device ended the encoder, which said `ending`; then it is left.

        `sure`: a picture that was being decoded can't be the cause, nor another program. `alone`:
        the encoder had one picture. If that could be the cause, and the device was computing
        already, it is. So it is on the CPU, and then the device isn't doubted any longer that had
        this picture among others.
        """
        device = self._device
        if device is None:
            if self._doubted and alone and not sure:
                self._left.absolve(self._doubted)
            if not alone:
                self._doubted = None  # other pictures are tried from now on
            return False
        if not sure and alone and not self._loading:
            self._left.absolve(device)
            return False
        self._doubted = device
        if not (sure or self._left.doubt(device)):
            return False
        self._left.leave(device, ending, sure)
        return True
