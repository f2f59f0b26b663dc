"""How soon a desktop's search box has an answer: KRunner's Match, over a real session bus.

    PYTHONPATH=tests python tests/benchmarks/search_boxes.py BASE [--size N] [--calls N]
    PYTHONPATH=tests python tests/benchmarks/search_boxes.py --photos DIR [--calls N]

prints JSON; the library is made below BASE, once, of files that have no thumbnails. Of photos,
which are copied and read for it, thumbnails are made meanwhile. Milliseconds, for texts never
asked for before.
"""

from __future__ import annotations

import argparse
import json
import shutil
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

from common import machine, percentile
from synthetic import kept

from support.bus import KRUNNER, Bus, Caller, on_bus
from support.user import User, wait_for

WHAT = ("a dog", "two parrots", "a cup of coffee", "an old car", "a bridge", "snakes", "a boat")
WHERE = ("on the beach", "at sunset", "on a branch", "in the snow", "at night", "indoors")
FIRST = 5  # calls that are not counted


async def measure(bus: Bus, calls: int) -> dict[str, float | None]:
    taken, shown = [], []
    async with Caller(bus) as caller:
        for number in range(FIRST + calls):
            text = f"{WHAT[number % len(WHAT)]} {WHERE[number % len(WHERE)]} {number}"
            begun = time.perf_counter()
            (matches,) = await caller.call(KRUNNER, "Match", "s", text)
            taken.append((time.perf_counter() - begun) * 1000)
            if matches:
                shown.append(sum(icon.startswith("/") for _, _, icon, *_ in matches) / len(matches))
    return {
        "p50_ms": round(percentile(taken[FIRST:], 0.5), 1),
        "p95_ms": round(percentile(taken[FIRST:], 0.95), 1),
        "first_ms": round(taken[0], 1),
        "answers_with_pictures": round(len(shown) / (FIRST + calls), 3),
        "with_thumbnails": round(sum(shown) / len(shown), 3) if shown else None,
    }


def of_photos(source: Path) -> User:
    """A user who has copies of these photos, which are read already."""
    user = User(Path(tempfile.mkdtemp(prefix="csearch-boxes-")))
    shutil.copytree(source, user.pictures, dirs_exist_ok=True)
    user.csearchctl("add", user.pictures)
    return user


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("base", type=Path, nargs="?")
    parser.add_argument("--photos", type=Path, help="photos that have no thumbnails yet")
    parser.add_argument("--size", type=int, default=100_000, help="images (100000)")
    parser.add_argument("--calls", type=int, default=200, help="how many (200)")
    options = parser.parse_args()
    if (options.base is None) == (options.photos is None):
        parser.error("either BASE or --photos")
    user = of_photos(options.photos) if options.photos else kept(options.base, options.size)
    bus = Bus(user)
    try:
        bus.start()
        if not options.photos:
            user.start()
        wait_for(lambda: on_bus(bus), "the service on the bus")
        images = user.settle()["images"]
        found = bus.run(measure(bus, options.calls))
    finally:
        user.end()
        bus.stop()
        if options.photos:
            shutil.rmtree(user.home, ignore_errors=True)
    print(json.dumps({"images": images, **found, **machine()}, indent=2))


if __name__ == "__main__":
    main()
