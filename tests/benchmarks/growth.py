"""How cost grows with the library: a table from a thousand pictures to a million, with slopes.

    python tests/benchmarks/growth.py BASE [--sizes N …]

prints JSON. A slope is how many times a figure grows where the library grows tenfold, from the
second largest size to the largest. Changes are of one picture in a watched directory, with the
encoder running, until a search knows it.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import shutil
import statistics
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

from common import machine
from following import until
from footprint import measure
from queries import requests, settled
from synthetic import TENTH, kept

from support.photos import drawn
from support.user import Client, User

SIZES = (1000, 10_000, 100_000, 1_000_000)
CHANGES = 9


def changes(client: Client, directory: Path) -> dict[str, float]:
    """Seconds until one picture more, a renamed one, and one less are known."""
    found: dict[str, list[float]] = {"add": [], "rename": [], "remove": []}
    other = directory.with_name(directory.name + "-renamed")
    directory.mkdir()
    other.mkdir()
    for number in range(CHANGES + 1):  # the first starts the encoder, and isn't counted
        file = directory / f"{number}.jpg"
        file.write_bytes(drawn(10_000 + number))
        found["add"].append(until(client, directory, 1))
        file.rename(other / file.name)
        found["rename"].append(until(client, other, 1))
        (other / file.name).unlink()
        found["remove"].append(until(client, other, 0))
    shutil.rmtree(directory)
    shutil.rmtree(other)
    return {name: round(statistics.median(times[1:]), 3) for name, times in found.items()}


def one_size(user: User) -> dict[str, float]:
    found: dict[str, float] = {}
    for name, value in measure(user).items():
        assert isinstance(value, float)
        found[name] = value
    scope = [os.fsencode(user.pictures / TENTH)]
    found["query"] = statistics.median(requests(user, 60, "growth", scopes=None, top=10))
    found["query_in_a_tenth"] = statistics.median(requests(user, 60, "part", scopes=scope, top=10))
    with user.connect() as client:
        client.socket.settimeout(300)
        found.update(changes(client, user.pictures / "changing"))
    settled(user)
    return {name: round(value, 4) for name, value in found.items()}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("base", type=Path)
    parser.add_argument("--sizes", type=int, nargs="+", default=SIZES)
    options = parser.parse_args()
    table: dict[int, dict[str, float]] = {}
    for size in sorted(options.sizes):
        user = kept(options.base, size)
        try:
            table[size] = one_size(user)
        finally:
            user.csearchctl("stop", check=None)
            user.end()
    slopes = {}
    if len(table) > 1:
        small, large = sorted(table)[-2:]
        decades = math.log10(large / small)
        slopes = {
            name: round((table[large][name] / max(table[small][name], 1e-4)) ** (1 / decades), 2)
            for name in table[large]
        }
    print(json.dumps({"sizes": table, "slope_per_tenfold": slopes, **machine()}, indent=2))


if __name__ == "__main__":
    main()
