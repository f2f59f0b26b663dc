"""How soon the service says what a user may mean, and how long a shell waits at Tab.

    PYTHONPATH=tests python tests/benchmarks/completion.py BASE [--size N] [--calls N]

prints JSON; the library is made below BASE, once, with as many queries asked before as are kept.
Milliseconds: `service` is the answer alone, `tab` the whole process that a shell starts.
"""

from __future__ import annotations

import argparse
import json
import sqlite3
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

import numpy as np
from common import machine, percentile
from synthetic import kept

from support.user import User

WORDS = (
    "", "q", "query 1", "tag:", "tag:w1", "camera:", "camera:ni", "near:", "near:Li",
    "iso:", "after:", "on:2023-", "folder:",
)  # fmt: skip
_QUERIES = 500
_TAGS = 5000
_SPREAD = 3.0  # degrees around the towns where pictures were taken
_TOWNS = ((38.7, -9.1), (48.9, 2.4), (52.5, 13.4), (40.4, -3.7), (41.9, 12.5))


def describe(user: User) -> None:
    """Gives the pictures what cameras say, and tags."""
    numbers = np.random.default_rng(0)
    with sqlite3.connect(user.data / "library.sqlite") as database:
        if database.execute("SELECT count(*) FROM keywords").fetchone()[0]:
            return
        files = [row[0] for row in database.execute("SELECT id FROM files")]
        towns = np.array(_TOWNS)[numbers.integers(0, len(_TOWNS), len(files))]
        places = (towns + numbers.normal(0, _SPREAD, towns.shape)).tolist()
        database.executemany(
            "INSERT OR REPLACE INTO metadata (file, make, model, latitude, longitude, iso, taken, "
            "outdated) VALUES (?, 'Nikon', ?, ?, ?, ?, ?, 0)",
            [
                (f, f"D{f % 40}", north, east, 100 << f % 7, f"202{f % 5}-0{1 + f % 9}-01T12:00:00")
                for f, (north, east) in zip(files, places, strict=True)
            ],
        )
        database.executemany(
            "INSERT INTO keywords (id, text) VALUES (?, ?)", [(n, f"w{n}") for n in range(_TAGS)]
        )
        database.executemany(
            "INSERT INTO file_keywords VALUES (?, ?)", [(f, f % _TAGS) for f in files]
        )


def asked(word: str) -> tuple[str, str]:
    """What the service is asked for a word."""
    name, colon, value = word.partition(":")
    return (name, value) if colon else ("queries", word)


def measure(user: User, calls: int) -> dict[str, dict[str, float]]:
    found: dict[str, dict[str, float]] = {}
    for word in WORDS:
        service, tab = [], []
        what, prefix = asked(word)
        with user.connect() as client:
            for _ in range(calls):
                begun = time.perf_counter()
                reply = client.ask(op="complete", what=what, prefix=prefix)
                service.append((time.perf_counter() - begun) * 1000)
                assert reply["values"], word
        for _ in range(calls):
            begun = time.perf_counter()
            user.run("csearch.completing", "fish", "csearch", word)
            tab.append((time.perf_counter() - begun) * 1000)
        found[word] = {
            "service_p50": round(percentile(service, 0.5), 1),
            "service_p95": round(percentile(service, 0.95), 1),
            "tab_p50": round(percentile(tab, 0.5), 1),
        }
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("base", type=Path)
    parser.add_argument("--size", type=int, default=100_000, help="images (100000)")
    parser.add_argument("--calls", type=int, default=30, help="how many of each (30)")
    options = parser.parse_args()
    user = kept(options.base, options.size)
    try:
        describe(user)
        lines = (f"query {number} at the sea\n" for number in range(_QUERIES))
        (user.data / "history").write_text("".join(lines))
        user.start()
        user.settle()
        found = measure(user, options.calls)
    finally:
        user.end()
    print(json.dumps({"images": options.size, "completion": found, **machine()}, indent=2))


if __name__ == "__main__":
    main()
