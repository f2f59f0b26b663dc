"""Writes what systemd, desktops and shells look for into their directories, below a package's root.

    places.py ROOT

Run by the Python of the environment that is packaged, which lies below ROOT itself.
"""

from __future__ import annotations

import gzip
import os
import sys
from pathlib import Path

from csearch.installation.items import ITEMS, place_for_all
from csearch.installation.render import rendered_for_all


def main() -> None:
    root = sys.argv[1]
    for item in ITEMS:
        path = root + place_for_all(item)
        content = rendered_for_all(item).replace(os.fsencode(root), b"")
        if "/man/man" in path:
            path, content = f"{path}.gz", gzip.compress(content, mtime=0)
        Path(path).parent.mkdir(parents=True, exist_ok=True)
        Path(path).write_bytes(content)


if __name__ == "__main__":
    main()
