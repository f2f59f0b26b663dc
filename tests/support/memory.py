"""How much memory a process takes, at most, while something is done to it."""

from __future__ import annotations

from pathlib import Path


class Peak:
    """The most resident memory of a process since this was made, beyond what it had then."""

    def __init__(self, pid: int) -> None:
        self._pid = pid
        Path(f"/proc/{pid}/clear_refs").write_text("5")  # proc(5): the peak begins anew
        self._rest = self._read("VmRSS")

    @property
    def growth(self) -> int:
        """Bytes."""
        return self._read("VmHWM") - self._rest

    def _read(self, name: str) -> int:
        for line in Path(f"/proc/{self._pid}/status").read_text().splitlines():
            if line.startswith(f"{name}:"):
                return int(line.split()[1]) * 1024
        raise OSError(f"no {name}")
