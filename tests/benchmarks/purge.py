"""How soon the space of 100,000 deleted pictures is back, once `keep_days` are over.

    python tests/benchmarks/purge.py

prints JSON; seconds from the deletion, with `keep_days = 0`.
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

from common import machine
from synthetic import make

from support.user import wait_for

COUNT = 111_000  # of which nine tenths go
LIMIT = 600.0


def main() -> None:
    raw = argparse.RawDescriptionHelpFormatter
    argparse.ArgumentParser(description=__doc__, formatter_class=raw).parse_args()
    with tempfile.TemporaryDirectory() as base:
        user = make(Path(base) / "home", COUNT)
        user.config.parent.mkdir(parents=True, exist_ok=True)
        user.config.write_text("[library]\nkeep_days = 0\n")
        file = user.data / "library.sqlite"
        try:
            user.start()
            user.settle()
            before = file.stat().st_size
            for part in sorted(user.pictures.iterdir())[:-1]:
                shutil.rmtree(part)
            began = time.monotonic()
            wait_for(lambda: file.stat().st_size < before * 0.2, "a smaller database", LIMIT * 2)
            seconds = time.monotonic() - began
            after = file.stat().st_size
        finally:
            user.end()
    sizes = {"before_mb": round(before / 1e6), "after_mb": round(after / 1e6)}
    print(json.dumps({"seconds": round(seconds), **sizes, **machine()}, indent=2))


if __name__ == "__main__":
    main()
