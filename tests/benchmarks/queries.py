"""How long a search takes, beside rclip with the same weights and vectors.

    python tests/benchmarks/queries.py BASE [--sizes N …] [--clients-seconds S] [--no-peer]

prints JSON; libraries are made below BASE, once. Times are medians in seconds: of whole processes,
begun by a script like those of a current pip, and, for `daemon`, of requests with words never asked
before on one connection.
"""

from __future__ import annotations

import argparse
import json
import os
import sqlite3
import statistics
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parent))

import numpy as np
from common import bare_python, machine, median, percentile
from peer import Rclip, installed_rclip
from synthetic import TENTH, kept

from support.user import User, wait_for

SIZES = (2000, 100_000, 1_281_167)
RUNS = 20
REQUESTS = 200
CLIENTS = 32


def settled(user: User) -> None:
    with user.connect() as client:
        client.socket.settimeout(600)
        wait_for(lambda: client.ask(op="status")["state"] == "idle", "an idle service", 3600)


def requests(user: User, count: int, name: str, **fields: Any) -> list[float]:
    """Seconds of so many requests with new words, one after another."""
    times = []
    with user.connect() as client:
        for number in range(count):
            began = time.perf_counter()
            answer = client.ask(
                op="search", query=f"picture {number} of a {name}", wait="none", **fields
            )
            times.append(time.perf_counter() - began)
            assert answer["type"] == "result", answer
    return times


def figures(times: list[float]) -> dict[str, float]:
    return {
        "p50": round(percentile(times, 0.5), 4),
        "p99": round(percentile(times, 0.99), 4),
    }


def crowd(user: User, seconds: float) -> dict[str, float]:
    """Many clients at once, each asking again as soon as it has its answer."""
    times: list[list[float]] = [[] for _ in range(CLIENTS)]
    errors: list[BaseException] = []
    end = time.monotonic() + seconds

    def ask(number: int) -> None:
        try:
            turn = 0
            while time.monotonic() < end:
                turn += 1
                times[number] += requests(user, 1, f"crowd {number} {turn}", scopes=None, top=10)
        except BaseException as error:
            errors.append(error)

    threads = [threading.Thread(target=ask, args=(number,)) for number in range(CLIENTS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    every = [value for part in times for value in part]
    return {
        **figures(every),
        "errors": len(errors),
        "searches_a_second": round(len(every) / seconds, 1),
    }


def start_script(directory: Path) -> Path:
    """csearch as a current pip installs it; older ones' scripts import re, which takes 6 ms."""
    script = directory / "csearch"
    script.write_text(
        f"#!{sys.executable}\nimport sys\nfrom csearch.search.__main__ import main\n"
        "sys.exit(main())\n"
    )
    script.chmod(0o755)
    return script


def searches(user: User, seconds: float) -> dict[str, object]:
    script = start_script(user.home)

    def csearch(*arguments: object) -> None:
        subprocess.run(
            [script, *map(str, arguments)],
            env=user.environment,
            cwd=user.home,
            check=True,
            capture_output=True,
        )

    scope = user.pictures / TENTH
    user.csearch("-g", "anything")
    settled(user)
    words = iter(range(10_000))
    inside = [os.fsencode(scope)]
    return {
        "same_words": median(lambda: csearch("-g", "a dog on the beach"), RUNS),
        "new_words": median(lambda: csearch("-g", f"a dog {next(words)}"), RUNS),
        "in_a_tenth": median(lambda: csearch("--in", scope, f"a cat {next(words)}"), RUNS),
        "top_1000": median(lambda: csearch("-g", "-t", 1000, f"a cow {next(words)}"), RUNS),
        "bare_python": bare_python(RUNS),
        "daemon": figures(requests(user, REQUESTS, "dog", scopes=None, top=10)),
        "daemon_in_a_tenth": figures(requests(user, REQUESTS, "cat", scopes=inside, top=10)),
        "daemon_top_1000": figures(requests(user, REQUESTS, "cow", scopes=None, top=1000)),
        f"{CLIENTS}_clients": crowd(user, seconds),
    }


def filled_rclip(user: User) -> Rclip:
    """rclip that knows the user's pictures, with the same vectors; its own rows and types."""
    rclip = installed_rclip(user.home / "rclip")
    file = rclip.data / "db.sqlite3"
    if file.exists():
        return rclip
    subprocess.run(
        rclip.command("--no-indexing", "x"),
        env=rclip.environment,
        cwd=user.pictures,
        check=False,
        capture_output=True,
    )  # fmt: skip — makes its tables
    ours = sqlite3.connect(user.data / "library.sqlite")
    rows = ours.execute(
        "WITH RECURSIVE p (id, path) AS (SELECT id, '' FROM directories WHERE parent IS NULL UNION "
        "ALL SELECT d.id, p.path || '/' || CAST(d.name AS TEXT) FROM directories d JOIN p ON "
        "d.parent = p.id) SELECT p.path || '/' || CAST(f.name AS TEXT), f.mtime_ns, v.vector "
        "FROM files f JOIN p ON p.id = f.directory JOIN vectors v ON v.content = f.content"
    )
    theirs = sqlite3.connect(file)
    theirs.executemany(
        "INSERT INTO images (filepath, modified_at, size, vector, hash) VALUES (?, ?, 0, ?, ?)",
        (
            (path, mtime / 1e9, np.frombuffer(vector, "<f2").astype("<f4").tobytes(), path)
            for path, mtime, vector in rows
        ),
    )
    theirs.commit()
    theirs.close()
    ours.close()
    return rclip


def peer(user: User, runs: int) -> dict[str, object]:
    rclip = filled_rclip(user)
    peaks: list[float] = []

    def search() -> None:
        command = rclip.command("--no-indexing", "--top", "10", "a dog on the beach")
        process = subprocess.Popen(
            command, env=rclip.environment, cwd=user.pictures, stdout=subprocess.DEVNULL
        )
        _, status, usage = os.wait4(process.pid, 0)
        assert status == 0, "rclip failed"
        peaks.append(usage.ru_maxrss / 1e3)

    search()  # once more than is measured: with a cold disk it is unfairly slow
    return {"seconds": median(search, runs), "peak_mb": round(statistics.median(peaks))}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("base", type=Path)
    parser.add_argument("--sizes", type=int, nargs="+", default=SIZES)
    parser.add_argument("--clients-seconds", type=float, default=60.0)
    parser.add_argument("--no-peer", action="store_true")
    options = parser.parse_args()
    found: dict[str, object] = {}
    for size in options.sizes:
        user = kept(options.base, size)
        try:
            ours = searches(user, options.clients_seconds)
        finally:
            user.csearchctl("stop", check=None)
            user.end()
        found[str(size)] = {"csearch": ours}
        if not options.no_peer:
            found[str(size)] = {"csearch": ours, "rclip": peer(user, 3 if size < 1_000_000 else 2)}
    print(json.dumps({**found, **machine()}, indent=2))


if __name__ == "__main__":
    main()
