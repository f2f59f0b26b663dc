"""What the service takes: memory when idle, the time from its start to the first answer, the disk.

    python tests/benchmarks/footprint.py BASE [--sizes N …]

prints JSON. Memory is in MB, a few seconds after searches with new words, with the text tower hot
and no encoder running; libraries are made below BASE, once.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

from common import machine, memory
from queries import requests, settled
from synthetic import kept

from support.user import User

SIZES = (1000, 100_000, 1_281_167)
STARTS = 3
IDLE_SECONDS = 10  # pages that were read are unmapped by then


def first_answer(user: User) -> float:
    """Seconds from the start of the process to its first answer."""
    began = time.perf_counter()
    user.start()
    requests(user, 1, "start", scopes=None, top=10)
    return time.perf_counter() - began


def disk(directory: Path) -> float:
    """MB that the files below take."""
    blocks = sum(path.lstat().st_blocks for path in directory.rglob("*") if path.is_file())
    return round(blocks * 512 / 1e6, 1)


def measure(user: User) -> dict[str, object]:
    starts = []
    for _ in range(STARTS + 1):
        starts.append(first_answer(user))
        settled(user)
        if len(starts) <= STARTS:
            user.csearchctl("stop")
    requests(user, 50, "thing", scopes=None, top=10)
    requests(user, 20, "tenth", scopes=[os.fsencode(user.pictures / "part3")], top=10)
    (pid,) = user.pids("csearchd")
    time.sleep(IDLE_SECONDS)
    return {
        "start_to_answer": round(sorted(starts[1:])[STARTS // 2], 2),
        **memory(pid),
        "library_mb": disk(user.data) - disk(user.data / "models"),
        "cache_mb": disk(user.home / ".cache"),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("base", type=Path)
    parser.add_argument("--sizes", type=int, nargs="+", default=SIZES)
    options = parser.parse_args()
    found: dict[str, object] = {}
    for size in options.sizes:
        user = kept(options.base, size)
        try:
            found[str(size)] = measure(user)
        finally:
            user.csearchctl("stop", check=None)
            user.end()
    print(json.dumps({**found, **machine()}, indent=2))


if __name__ == "__main__":
    main()
