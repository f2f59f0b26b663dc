"""How fast tags are written and taken back.

    python tests/benchmarks/tagging.py [--pictures N]

prints JSON: pictures a second in each mode, by the command with the real service and tagger, with
a vocabulary that gives every picture words. All pictures have been read before.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

import skimage.data
from PIL import Image

from support.user import User

SIZE = (1600, 1200)


def pictures(directory: Path, count: int) -> None:
    """Copies of one photo that has tags, at the size of a small camera's."""
    directory.mkdir(parents=True)
    first = directory / "0.jpg"
    Image.fromarray(skimage.data.chelsea()).resize(SIZE).save(first, quality=92)
    content = first.read_bytes()
    for number in range(1, count):
        (directory / f"{number}.jpg").write_bytes(content)


def measure(user: User, count: int) -> dict[str, object]:
    pictures(user.pictures / "many", count)
    user.start()
    user.csearchctl("add", user.pictures)
    user.settle()
    found: dict[str, object] = {
        "pictures": count,
        "bytes": (user.pictures / "many/0.jpg").stat().st_size,
    }
    for mode in ("xattr", "sidecar", "embedded"):
        for action, command in (
            ("write", ("write", "--mode", mode, user.pictures)),
            ("again", ("write", "--mode", mode, user.pictures)),
            ("undo", ("undo", user.pictures)),
        ):
            user.settle()
            began = time.perf_counter()
            said = user.csearchctl("tags", *command).stdout.decode()
            seconds = time.perf_counter() - began
            found[f"{mode}_{action}_per_second"] = round(count / seconds, 1)
            if action == "write":
                found[f"{mode}_said"] = said.strip()
    found["load_average"] = os.getloadavg()[0]
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description="How fast tags are written and taken back.")
    parser.add_argument("--pictures", type=int, default=2000, help="how many (2000)")
    count = parser.parse_args().pictures
    with tempfile.TemporaryDirectory() as home:
        user = User(Path(home))
        try:
            print(json.dumps(measure(user, count), indent=2))
        finally:
            user.end()


if __name__ == "__main__":
    main()
