"""What a large tree costs: comparing it with the disk, watching it, starting with it.

    python tests/benchmarks/reconciling.py

prints JSON; seconds, with a warm cache. The pictures have eight contents, so that little is
encoded; the directories without pictures are only watched.
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

import common
from following import many

from support.user import Client, User, wait_for

RUNS = 5


def wait_until_idle(client: Client) -> None:
    wait_for(lambda: client.ask(op="status")["state"] == "idle", "an idle service", 3600)


def rescan(client: Client) -> None:
    client.ask(op="rescan", path=None)
    wait_until_idle(client)


def queries(user: User, count: int) -> list[float]:
    with user.connect() as client:
        return [
            common.timed(lambda: client.ask(op="search", query="a dog", scopes=None, top=10))
            for _ in range(count)
        ]


def queries_beside_scans(user: User, client: Client) -> list[float]:
    found: list[float] = []
    for _ in range(RUNS):
        client.ask(op="rescan", path=None)
        while client.ask(op="status")["state"] != "idle":
            found += queries(user, 5)
    return found


def start_to_answer(user: User) -> float:
    user.csearchctl("stop")
    return common.timed(lambda: user.search("a dog", "--in", user.pictures / "0"))


def measure(user: User, files: int, directories: int, watched: int) -> dict[str, object]:
    many(user.pictures, files, files // directories)
    for number in range(watched - directories):
        (user.pictures / "empty" / f"{number // 100}" / f"{number}").mkdir(parents=True)
    empty = user.start()
    wait_for(user.answers, "the service")
    bare = common.memory(empty.pid)
    began = time.perf_counter()
    user.csearchctl("add", user.pictures)
    with user.connect() as client:
        client.socket.settimeout(3600)
        wait_until_idle(client)
        first = time.perf_counter() - began
        alone = [common.timed(lambda: rescan(client)) for _ in range(RUNS)]
        quiet = queries(user, 50)
        beside = queries_beside_scans(user, client)
        status = client.ask(op="status")
    memory = common.memory(empty.pid)
    starts = [start_to_answer(user) for _ in range(RUNS)]
    return {
        "files": status["images"],
        "directories_watched": status["watch"]["directories"],
        "first_scan_and_reading": round(first, 1),
        "reconciled": round(statistics.median(alone), 2),
        "query_alone_p50": round(statistics.median(quiet), 4),
        "query_beside_scan_p50": round(statistics.median(beside), 4),
        "query_beside_scan_p95": round(common.percentile(beside, 0.95), 4),
        "start_to_first_answer": round(statistics.median(starts), 2),
        "memory_mb": memory["pss"],
        "memory_mb_with_nothing_known": bare["pss"],
        **common.machine(),
    }


def main() -> None:
    options = argparse.ArgumentParser(description="What a large tree costs.")
    options.add_argument("--files", type=int, default=100_000, help="pictures (100,000)")
    options.add_argument("--directories", type=int, default=5_000, help="that hold them (5,000)")
    options.add_argument("--watched", type=int, default=5_000, help="directories in all (5,000)")
    given = options.parse_args()
    with tempfile.TemporaryDirectory() as home:
        user = User(Path(home))
        try:
            numbers = measure(user, given.files, given.directories, given.watched)
            print(json.dumps(numbers, indent=2))
        finally:
            user.end()


if __name__ == "__main__":
    main()
