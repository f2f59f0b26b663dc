"""What a new user waits for: the first search of a folder, and every one after it.

    python tests/benchmarks/first_search.py [DIRECTORY]

prints JSON. Without a directory it draws 200 pictures. Times are those of whole processes, seen
from outside, in seconds; medians of 20 where there are several.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

from common import bare_python, machine, median, memory, timed

from support.photos import write_drawn
from support.user import User

RUNS = 20


def measure(user: User, directory: Path) -> dict[str, object]:
    first = timed(lambda: user.csearch("--in", directory, "a dog on the beach"))
    again = median(lambda: user.csearch("--in", directory, "a dog on the beach"), RUNS)
    other = iter(range(RUNS))
    new_words = median(
        lambda: user.csearch("--in", directory, f"picture number {next(other)}"), RUNS
    )
    bare = bare_python(RUNS)
    (pid,) = user.pids("csearchd")
    pss = memory(pid)["pss"]
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
        "service_pss_mb": round(pss),
        **machine(),
    }


def main() -> None:
    raw = argparse.RawDescriptionHelpFormatter
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=raw)
    parser.add_argument("directory", nargs="?", metavar="DIRECTORY", type=Path)
    given: Path | None = parser.parse_args().directory
    with tempfile.TemporaryDirectory() as home:
        user = User(Path(home))
        try:
            directory = given.resolve() if given else user.pictures
            if not given:
                write_drawn(directory, 200)
            print(json.dumps(measure(user, directory), indent=2))
        finally:
            user.end()


if __name__ == "__main__":
    main()
