"""What a new user waits for: the first search of a folder, and every one after it.

    python tests/benchmarks/first_search.py [DIRECTORY]

prints JSON. Without a directory it draws 200 pictures. Times are those of whole processes, seen
from outside, in seconds; medians of 20 where there are several.
"""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from support.photos import write_drawn
from support.user import User

RUNS = 20


def timed(action: Callable[[], object]) -> float:
    began = time.perf_counter()
    action()
    return time.perf_counter() - began


def median(action: Callable[[], object]) -> float:
    return round(statistics.median(timed(action) for _ in range(RUNS)), 4)


def proportional_set_size(pid: int) -> int:
    """Bytes (smaps_rollup, proc(5))."""
    for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
        if line.startswith("Pss:"):
            return int(line.split()[1]) * 1024
    return 0


def measure(user: User, directory: Path) -> dict[str, object]:
    first = timed(lambda: user.csearch("--in", directory, "a dog on the beach"))
    again = median(lambda: user.csearch("--in", directory, "a dog on the beach"))
    other = iter(range(RUNS))
    new_words = median(lambda: user.csearch("--in", directory, f"picture number {next(other)}"))
    bare = median(lambda: subprocess.run([sys.executable, "-c", ""], check=True))
    (pid,) = user.pids("csearchd")
    memory = proportional_set_size(pid)
    status = user.status()
    user.csearchctl("stop")
    start = timed(lambda: user.csearch("--in", directory, "a dog on the beach"))
    return {
        "pictures": status["images"],
        "first_search": round(first, 2),
        "same_search_again": again,
        "other_words": new_words,
        "search_that_starts_the_service": round(start, 2),
        "bare_python": bare,
        "service_pss_mb": round(memory / 1e6),
        "load_average": os.getloadavg()[0],
        "processors": os.cpu_count(),
    }


def main() -> None:
    with tempfile.TemporaryDirectory() as home:
        user = User(Path(home))
        try:
            directory = Path(sys.argv[1]).resolve() if len(sys.argv) > 1 else user.pictures
            if len(sys.argv) == 1:
                write_drawn(directory, 200)
            print(json.dumps(measure(user, directory), indent=2))
        finally:
            user.end()


if __name__ == "__main__":
    main()
