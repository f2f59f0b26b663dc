"""Whether searches keep their speed while pictures are read.

    python tests/benchmarks/manners.py [--known N] [--new N] [--model DIR]

prints JSON: seconds of a search through one open connection, always in other words, with the
encoder idle and with it at work; how much longer the slowest of a hundred take; whether the service
gives memory back.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[1]))

import numpy as np
from camera import write_camera

from support.photos import write_drawn
from support.user import Client, User, wait_for

SEARCHES = 1000
PAUSE = 0.01  # between searches: somebody types; no flood


def search_times(client: Client, scope: Path, first: int) -> list[float]:
    times = []
    for number in range(first, first + SEARCHES):
        began = time.perf_counter()
        client.ask(
            op="search",
            query=f"picture number {number}",
            scopes=[os.fsencode(scope)],
            top=10,
            wait="none",
        )
        times.append(time.perf_counter() - began)
        time.sleep(PAUSE)
    return times


def summary(times: list[float]) -> dict[str, float]:
    p50, p99 = np.percentile(times, [50, 99])
    return {"p50_ms": round(p50 * 1e3, 2), "p99_ms": round(p99 * 1e3, 2)}


def memory(pid: int) -> int:
    """Megabytes that the process alone accounts for (smaps_rollup, proc(5))."""
    for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
        if line.startswith("Pss:"):
            return round(int(line.split()[1]) * 1024 / 1e6)
    return 0


def measure(user: User, known: int, new: int, model: Path | None) -> dict[str, Any]:
    if model:
        shutil.copytree(model, user.data / "models" / model.name, copy_function=os.link)
        user.start()
        user.csearchctl("model", "use", model.name)
        wait_for(lambda: user.status()["model"] == model.name, "the model")
    write_drawn(user.pictures / "known", known)
    user.csearch("--in", user.pictures / "known", "anything")
    write_camera(user.pictures / "new", new, (2000, 1500))
    (pid,) = user.pids("csearchd")
    with user.connect() as client:
        search_times(client, user.pictures / "known", 10_000_000)  # warm
        before = memory(pid)
        idle = search_times(client, user.pictures / "known", 0)
        user.csearchctl("add", user.pictures)
        wait_for(lambda: user.status()["encoded"] > known, "the encoder at work")
        busy = search_times(client, user.pictures / "known", SEARCHES)
        left = user.status()["pending"]
        user.csearchctl("pause")
        wait_for(lambda: not user.status()["rate"], "an encoder at rest")
    return {
        "known": known,
        "idle": summary(idle),
        "while_reading": summary(busy),
        "p99_ratio": round(float(np.percentile(busy, 99) / np.percentile(idle, 99)), 2),
        "still_to_read_at_the_end": left,
        "service_pss_mb_before_and_after": [before, memory(pid)],
        "load_average": os.getloadavg()[0],
        "processors": os.cpu_count(),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--known", type=int, default=3000, help="pictures that are known already")
    parser.add_argument("--new", type=int, default=3000, help="pictures to read meanwhile")
    parser.add_argument("--model", type=Path, help="a model's directory; else the built-in one")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as home:
        user = User(Path(home))
        try:
            print(json.dumps(measure(user, options.known, options.new, options.model), indent=2))
        finally:
            user.end()


if __name__ == "__main__":
    main()
