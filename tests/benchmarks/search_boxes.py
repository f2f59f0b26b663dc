"""How soon a desktop's search box has an answer: KRunner's Match, over a real session bus.

    PYTHONPATH=tests python tests/benchmarks/search_boxes.py BASE [--size N] [--calls N]

prints JSON; the library is made below BASE, once. Milliseconds, for texts never asked for before.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

from common import machine, percentile
from synthetic import kept

from support.bus import KRUNNER, Bus, Caller, on_bus
from support.user import wait_for

WORDS = ("a dog on the beach", "sunset at the sea", "two parrots on a branch", "a cup of coffee")
FIRST = 5  # calls that are not counted


async def measure(bus: Bus, calls: int) -> dict[str, float]:
    taken = []
    async with Caller(bus) as caller:
        for number in range(FIRST + calls):
            text = f"{WORDS[number % len(WORDS)]} {number}"
            begun = time.perf_counter()
            (matches,) = await caller.call(KRUNNER, "Match", "s", text)
            taken.append((time.perf_counter() - begun) * 1000)
            assert matches
    return {
        "p50_ms": round(percentile(taken[FIRST:], 0.5), 1),
        "p95_ms": round(percentile(taken[FIRST:], 0.95), 1),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("base", type=Path)
    parser.add_argument("--size", type=int, default=100_000, help="images (100000)")
    parser.add_argument("--calls", type=int, default=200, help="how many (200)")
    options = parser.parse_args()
    user = kept(options.base, options.size)
    bus = Bus(user)
    try:
        bus.start()
        user.start()
        wait_for(lambda: on_bus(bus), "the service on the bus")
        user.settle()
        found = bus.run(measure(bus, options.calls))
    finally:
        user.end()
        bus.stop()
    print(json.dumps({"images": options.size, **found, **machine()}, indent=2))


if __name__ == "__main__":
    main()
