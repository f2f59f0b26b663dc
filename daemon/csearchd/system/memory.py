"""Limits the memory that pictures take together, and that the process may take at all."""

from __future__ import annotations

import ctypes
import gc
import resource
import threading
from collections.abc import Iterator
from contextlib import contextmanager


class Budget:
    """A number of bytes that several threads share."""

    def __init__(self, size: int) -> None:
        """`size`: in bytes."""
        self.size = size
        self._used = 0
        self._changed = threading.Condition()

    @contextmanager
    def take(self, amount: int) -> Iterator[None]:
        """Waits until `amount` bytes are free, at most all, and takes them for the `with` block."""
        amount = min(amount, self.size)
        with self._changed:
            self._changed.wait_for(lambda: self._used + amount <= self.size)
            self._used += amount
        try:
            yield
        finally:
            with self._changed:
                self._used -= amount
                self._changed.notify_all()


def limit_growth(growth: int) -> None:
    """Limits the growth of this process's data to `growth` bytes; further allocations fail.

    It sets RLIMIT_DATA, not RLIMIT_AS, since torch reserves far more addresses than it uses.
    """
    _set_soft_limit(_data_size() + growth)


def release_free_memory() -> None:
    """Collects garbage, and returns freed memory to the system, which glibc would keep."""
    gc.collect()
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
    if trim is not None:
        trim(0)


def lift_limit() -> None:
    """Undoes `limit_growth`."""
    _set_soft_limit(resource.RLIM_INFINITY)


def _set_soft_limit(size: int) -> None:
    hard = resource.getrlimit(resource.RLIMIT_DATA)[1]
    if hard != resource.RLIM_INFINITY and (size == resource.RLIM_INFINITY or size > hard):
        size = hard
    resource.setrlimit(resource.RLIMIT_DATA, (size, hard))


def _data_size() -> int:
    """The bytes of private writable memory, which RLIMIT_DATA limits."""
    with open("/proc/self/status", encoding="ascii", errors="replace") as file:
        for line in file:
            if line.startswith("VmData:"):
                return int(line.split()[1]) * 1024
    raise OSError("/proc/self/status has no VmData")
