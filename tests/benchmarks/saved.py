"""What saved searches cost the service while pictures arrive, and while nothing changes.

    python tests/benchmarks/saved.py BASE [--size N] [--searches N] [--pictures N]

prints JSON: what the service takes of one core while a thousand pictures arrive, a hundred a
minute, in a library (synthetic.py) of 100,000, which is made below BASE once: without any saved
searches, and with a hundred; what these add, in seconds of the processor, which a load changes
little, and as a share; and what they take for a minute in which nothing changes. The encoder, a
process of its own, isn't counted; that it isn't waited for, copies of few pictures arrive.
"""

from __future__ import annotations

import argparse
import itertools
import json
import shutil
import sqlite3
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

from common import machine, usage
from filters import describe
from queries import settled
from synthetic import TENTH, kept

from support.photos import write_drawn
from support.user import User, wait_for

QUIET_SECONDS = 60.0
FEW = 10
PAUSE_SECONDS = 0.6  # between two that arrive
SETTLE_SECONDS = 10.0  # for the rounds that saving has caused
# Words, filters, and both. What arrives meets none of the filters but after:2020.
QUERIES = (
    "a dog on the beach {}",
    "a red boat after:2020 {}",
    "iso:>{}",
    "name:*{}7.jpg",
    "before:20{:02} rating:>3",
)


def sign(user: User) -> None:
    """Has nothing be read again of pictures that there aren't."""
    with sqlite3.connect(user.data / "library.sqlite") as database:
        database.execute("UPDATE contents SET signed = 1")
    database.close()


def save(user: User, count: int) -> None:
    for number, query in zip(range(count), itertools.cycle(QUERIES)):
        place = ("--in", user.pictures / TENTH) if number % 2 else ()
        user.csearchctl("saved", "add", f"search {number}", query.format(number), *place)


def links(user: User) -> int:
    return sum(1 for _ in (user.data / "saved").glob("*/*"))


def arrival(user: User, pid: int, pictures: int, name: str) -> dict[str, float]:
    """What the service takes while new pictures arrive and are read."""
    known = user.status()["images"]
    folder = user.pictures / f"new {name}"
    folder.mkdir()
    began, before = time.monotonic(), usage(pid)[0]
    for number in range(pictures):
        shutil.copy(
            user.pictures / "new" / f"drawn-{number % FEW:05}.jpg", folder / f"{number}.jpg"
        )
        time.sleep(PAUSE_SECONDS)
    wait_for(lambda: user.status()["images"] == known + pictures, "the pictures to be read", 3600)
    settled(user)
    time.sleep(SETTLE_SECONDS)
    seconds, worked = time.monotonic() - began, usage(pid)[0] - before
    return {"seconds": round(seconds, 1), "processor": round(worked, 2)}


def quiet(pid: int) -> float:
    before = usage(pid)[0]
    time.sleep(QUIET_SECONDS)
    return round(usage(pid)[0] - before, 2)


def measure(user: User, searches: int, pictures: int) -> dict[str, object]:
    pid = user.start().pid
    settled(user)
    user.csearch("-g", "anything", check=None)
    write_drawn(user.pictures / "new", FEW)
    settled(user)
    without = arrival(user, pid, pictures, "without")
    save(user, searches)
    time.sleep(SETTLE_SECONDS)
    with_them = arrival(user, pid, pictures, "with")
    added = with_them["processor"] - without["processor"]
    return {
        "without": without,
        "with": with_them,
        "links": links(user),
        "added_seconds_of_processor": round(added, 2),
        "added_share": round(added / with_them["seconds"], 4),
        "quiet_seconds_of_processor": quiet(pid),
    }


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("base", type=Path, help="where the library is made and kept")
    parser.add_argument("--size", type=int, default=100_000, help="pictures in it (100000)")
    parser.add_argument("--searches", type=int, default=100, help="saved searches (100)")
    parser.add_argument("--pictures", type=int, default=1000, help="that arrive (1000)")
    options = parser.parse_args()
    user = kept(options.base, options.size)
    describe(user)
    sign(user)
    try:
        measured = measure(user, options.searches, options.pictures)
        print(json.dumps({"machine": machine(), "saved": measured}))
    finally:
        for number in range(options.searches):
            user.csearchctl("saved", "remove", f"search {number}", check=None)
        for folder in user.pictures.glob("new*"):
            shutil.rmtree(folder)
        user.end()


if __name__ == "__main__":
    main()
