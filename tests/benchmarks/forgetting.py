"""How long `csearchctl forget` takes for a directory of 368,000 pictures, and who waits meanwhile.

    python tests/benchmarks/forgetting.py [COUNT]

prints JSON: seconds of the command, and until what was stored is deleted in the background; CPU
seconds of the service until then, with the searches' part; and the worst and median seconds of
searches and of `csearchctl status` that ran at the same time.
"""

from __future__ import annotations

import argparse
import json
import sqlite3
import statistics
import sys
import tempfile
import threading
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

from common import machine, timed, usage
from synthetic import make

COUNT = 368_000


def main() -> None:
    raw = argparse.RawDescriptionHelpFormatter
    options = argparse.ArgumentParser(description=__doc__, formatter_class=raw)
    options.add_argument("count", nargs="?", type=int, default=COUNT, metavar="COUNT")
    count = options.parse_args().count
    with tempfile.TemporaryDirectory() as base:
        user = make(Path(base) / "home", count)
        with sqlite3.connect(user.data / "library.sqlite") as database:
            database.execute("DELETE FROM roots")  # so that nothing of it comes back
        database.close()
        try:
            daemon = user.start().pid
            user.csearch("-g", "dog", check=None)
            taken: dict[str, list[float]] = {"search": [], "status": []}
            ended = threading.Event()

            def ask() -> None:
                while not ended.is_set():
                    search = timed(lambda: user.csearch("-g", "dog", check=None))
                    status = timed(lambda: user.csearchctl("status"))
                    taken["search"].append(search)
                    taken["status"].append(status)

            asking = threading.Thread(target=ask)
            asking.start()
            before = usage(daemon)[0]
            begun = time.monotonic()
            seconds = timed(lambda: user.csearchctl("forget", user.pictures))
            while user.status()["forgetting"]:
                time.sleep(0.5)
            deleted = time.monotonic() - begun
            processor = usage(daemon)[0] - before
            ended.set()
            asking.join()
        finally:
            user.end()
    waits = {
        name: {"worst": round(max(times), 3), "median": round(statistics.median(times), 3)}
        for name, times in taken.items()
    }
    found = {
        "files": count,
        "seconds": round(seconds, 1),
        "until_deleted": round(deleted, 1),
        "cpu_seconds": round(processor, 1),
    }
    print(json.dumps({**found, **waits, **machine()}, indent=2))


if __name__ == "__main__":
    main()
