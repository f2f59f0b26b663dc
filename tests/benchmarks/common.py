"""What the benchmarks share: times, memory, percentiles, and what the machine was doing."""

from __future__ import annotations

import os
import statistics
import sys
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))


def timed(action: Callable[[], object]) -> float:
    """Seconds."""
    began = time.perf_counter()
    action()
    return time.perf_counter() - began


def median(action: Callable[[], object], runs: int) -> float:
    """Of so many runs, in seconds."""
    return round(statistics.median(timed(action) for _ in range(runs)), 4)


def percentile(values: Sequence[float], share: float) -> float:
    return sorted(values)[min(len(values) - 1, int(len(values) * share))]


def memory(pid: int) -> dict[str, float]:
    """MB of a process: proportional set size, and what is anonymous (smaps_rollup, proc(5))."""
    found = {}
    for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
        name, _, rest = line.partition(":")
        if name in ("Pss", "Anonymous"):
            found[name.lower()] = round(int(rest.split()[0]) * 1024 / 1e6, 1)
    return found


def usage(pid: int) -> tuple[float, int]:
    """CPU seconds, and how often the process gave up a processor by itself."""
    words = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    switches = 0
    for task in Path(f"/proc/{pid}/task").iterdir():
        with suppress(FileNotFoundError):  # it has ended meanwhile
            for line in (task / "status").read_text().splitlines():
                if line.startswith("voluntary_ctxt_switches"):
                    switches += int(line.split()[1])
    return (int(words[11]) + int(words[12])) / os.sysconf("SC_CLK_TCK"), switches


def machine() -> dict[str, object]:
    return {"load_average": round(os.getloadavg()[0], 2), "processors": os.cpu_count()}


def bare_python(runs: int) -> float:
    """What starting an interpreter takes: the least that any command of Python's does."""
    import subprocess

    return median(lambda: subprocess.run([sys.executable, "-c", ""], check=True), runs)
