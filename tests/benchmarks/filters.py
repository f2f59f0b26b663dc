"""What filters cost: the time of a search with each of them, and without.

    python tests/benchmarks/filters.py BASE [--size N]

prints JSON; the library (synthetic.py), of 1,281,167 pictures if no other size is given, is made
below BASE, once, and gets invented dates, places, cameras and keywords. Times are medians in
seconds of requests with words never asked before, on one connection; `processor` is what the
service computed for one, on all cores together.
"""

from __future__ import annotations

import argparse
import json
import os
import sqlite3
import statistics
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

from common import machine
from queries import requests, settled
from synthetic import kept

from support.user import User

ROUNDS = 5  # the machine's mood changes: every query has a turn in each
REQUESTS = 8
QUERIES = {
    "without": "",
    "date": "date:2015..2019",
    "near": 'near:"38.7,-9.1,500km"',
    "camera": "camera:nikon",
    "iso": "iso:>800",
    "tag": "tag:beach",
    "rating": "not:rating:>=4",
    "type": "type:jpeg",
    "size": "size:>10MP",
    "orientation": "orientation:portrait",
    "folder": "folder:part3",
    "five of them": "after:2015 camera:nikon iso:>200 not:tag:beach orientation:landscape",
    "name": "name:*7.jpg",
}


def describe(user: User) -> None:
    """Invents what the pictures tell, where that hasn't been done."""
    database = sqlite3.connect(user.data / "library.sqlite")
    with database:
        if database.execute("SELECT 1 FROM keywords").fetchone():
            return
        database.execute("DELETE FROM metadata")
        database.execute(
            "INSERT INTO metadata (file, taken, make, model, lens, iso, latitude, longitude, "
            "rating, outdated) SELECT id, strftime('%Y-%m-%dT%H:%M:%S', 1e9 + id * 577 % 8e8, "
            "'unixepoch'), CASE id % 3 WHEN 0 THEN 'Nikon' WHEN 1 THEN 'Canon' ELSE 'Sony' END, "
            "'M' || id % 40, 'L' || id % 90, 100 << id % 6, id * 7 % 180 - 90, "
            "id * 13 % 360 - 180, id % 6, 0 FROM files"
        )
        database.execute("UPDATE contents SET width = 3000 + id % 3000, height = 4000")
        database.execute("INSERT INTO keywords (id, text) VALUES (1, 'beach'), (2, 'snow')")
        database.execute("INSERT INTO file_keywords SELECT id, 1 FROM files WHERE id % 5 = 0")
        database.execute("INSERT INTO file_keywords SELECT id, 2 FROM files WHERE id % 7 = 0")
    database.close()


def measure(user: User) -> dict[str, dict[str, float]]:
    user.start()
    settled(user)
    (daemon,) = user.pids("csearchd")
    times: dict[str, list[float]] = {name: [] for name in QUERIES}
    worked: dict[str, list[float]] = {name: [] for name in QUERIES}
    for turn in range(ROUNDS + 1):
        for name, query in QUERIES.items():
            before = processor_time(daemon)
            came = requests(user, REQUESTS, f"{turn} {query}", scopes=None, top=10)
            if turn:  # the first fills what is kept in memory
                times[name] += came
                worked[name].append((processor_time(daemon) - before) / REQUESTS)
    middle = {name: statistics.median(came) for name, came in times.items()}
    return {
        name: {
            "p50": round(seconds, 4),
            "ratio": round(seconds / middle["without"], 2),
            "processor": round(statistics.median(worked[name]), 4),
        }
        for name, seconds in middle.items()
    }


def processor_time(pid: int) -> float:
    """Seconds that a process has computed (proc(5), stat)."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("base", type=Path, help="where the library is made and kept")
    parser.add_argument("--size", type=int, default=1_281_167, help="pictures (1281167)")
    options = parser.parse_args()
    user = kept(options.base, options.size)
    describe(user)
    try:
        print(json.dumps({"machine": machine(), "filters": measure(user)}))
    finally:
        user.end()


if __name__ == "__main__":
    main()
