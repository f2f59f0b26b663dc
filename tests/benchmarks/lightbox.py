"""From a key press to a picture on the screen, in the search window's lightbox.

    PYTHONPATH=tests python tests/benchmarks/lightbox.py [--megapixels N] [--pause MS]

prints JSON. The window runs under Xvfb and real key events are sent to it: Space for the first
picture, of which nothing is decoded yet, then arrows, for which the next one is decoded ahead.
Milliseconds from the X server's time of the event to the end of the painting of a frame that has
the picture itself, not its thumbnail.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from pathlib import Path

import numpy as np
from PIL import Image

sys.path.insert(0, str(Path(__file__).parent))

from common import machine, percentile

from support.bus import on_bus
from support.desktop import DESKTOP_PYTHON, Desktop
from support.photos import NAMES, photo
from support.user import User, wait_for

_PICTURES = 16
_PROBE = Path(__file__).with_name("lightbox_probe.py")


def write(directory: Path, megapixels: float) -> None:
    """Photos in 4:3 with the noise of a camera, which makes JPEGs as large as theirs."""
    width = round((megapixels * 1e6 * 4 / 3) ** 0.5)
    noise = np.random.default_rng(0).normal(0, 4, (width * 3 // 4, width, 3))
    for number in range(_PICTURES):
        image = photo(NAMES[number % len(NAMES)]).resize((width, width * 3 // 4))
        pixels = np.roll(noise, number, 0) + np.asarray(image)
        Image.fromarray(pixels.clip(0, 255).astype(np.uint8)).save(
            directory / f"{number}.jpg", quality=90
        )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--megapixels", type=float, default=12)
    parser.add_argument("--pause", type=int, default=600, help="milliseconds between keys")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as base, User(Path(base)) as user:
        write(user.pictures, options.megapixels)
        desktop = Desktop(user)
        report = user.home / "report"
        try:
            desktop.start()
            user.csearchctl("add", user.pictures)
            wait_for(lambda: on_bus(desktop.bus), "the service on the bus")
            user.settle()
            more = {"PROBE_REPORT": str(report)}
            process = desktop.run(DESKTOP_PYTHON, "-I", str(_PROBE), "size:>0MP", **more)
            desktop.window("Picture Search")
            desktop.keys("sleep", "3", "key", "Down", "sleep", "2", "key", "space", "sleep", "2")
            arrows = ["Right"] * (_PICTURES - 1)
            desktop.keys("key", "--delay", str(options.pause), *arrows)
            desktop.keys("sleep", "1", "key", "ctrl+w")
            process.wait(60)
        finally:
            desktop.stop()
        first, *seen = json.loads(report.read_text())
    found = {"megapixels": options.megapixels, "keys": len(seen), "first_ms": round(first, 1)}
    for share in (0.5, 0.95):
        found[f"next_p{share * 100:.0f}_ms"] = round(percentile(seen, share), 1)
    print(json.dumps({**found, **machine()}, indent=2))


if __name__ == "__main__":
    main()
