"""From a key press to the results on the search window's screen.

    PYTHONPATH=tests python tests/benchmarks/window.py BASE [--size N]

prints JSON; the library is made below BASE, once. The window runs under Xvfb and real key events
are sent to it, no faster than a person types. Milliseconds from the X server's time of the event to
the end of the painting of a frame that has its results (`names`), and of one that has all visible
thumbnails, too, from the desktop's cache (`thumbnails`). Then 10,000 results are scrolled through:
milliseconds of work for a frame, and the memory of the window after it, in MB.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

from common import machine, percentile
from PIL import Image
from PIL.PngImagePlugin import PngInfo
from synthetic import kept

from csearchd.previews import desktop_thumbnails
from support.bus import on_bus
from support.desktop import DESKTOP_PYTHON, Desktop
from support.user import User, wait_for

TEXTS = ("two parrots on a branch", "sunset at the sea", "a cup of coffee")
_ALL = "folder:Pictures"
_DELAY = "250"  # milliseconds between keys
_PROBE = Path(__file__).with_name("window_probe.py")


def typed(desktop: Desktop, report: Path, prepare: bool) -> list[dict[str, float]]:
    """What the probe saw of each key."""
    report.unlink(missing_ok=True)
    more = {"PROBE_REPORT": str(report), "PROBE_PREPARE": "1" if prepare else ""}
    process = desktop.run(DESKTOP_PYTHON, "-I", str(_PROBE), **more)
    desktop.window("Picture Search")
    for text in TEXTS:
        desktop.keys("type", "--delay", _DELAY, text)
        desktop.keys("key", "--delay", _DELAY, "ctrl+a", "BackSpace")
    desktop.keys("key", "ctrl+w")
    process.wait(60)
    seen: list[dict[str, float]] = json.loads(report.read_text())["keys"]
    return seen


def make_thumbnails(user: User, query: str) -> None:
    """In the desktop's cache, for the results of a query."""
    directory = user.home / ".cache" / "thumbnails" / "large"
    directory.mkdir(parents=True, exist_ok=True)
    for path in user.search("-g", "-t", "10000", query):
        uri = desktop_thumbnails.uri(os.fsencode(path))
        file = directory / f"{hashlib.md5(uri.encode()).hexdigest()}.png"
        if not file.exists():
            told = PngInfo()
            told.add_text("Thumb::URI", uri)
            told.add_text("Thumb::MTime", str(int(path.stat().st_mtime)))
            Image.new("RGB", (256, 192), (hash(path) % 256, 99, 180)).save(file, pnginfo=told)


def scrolled(desktop: Desktop, report: Path) -> dict[str, float]:
    """How it scrolls."""
    report.unlink(missing_ok=True)
    more = {"PROBE_REPORT": str(report), "PROBE_PREPARE": "", "PROBE_SCROLL": _ALL}
    desktop.run(DESKTOP_PYTHON, "-I", str(_PROBE), **more).wait(300)
    seen = json.loads(report.read_text())
    return {
        "scrolled_results": seen["results"],
        "frame_p50_ms": round(percentile(seen["frames"], 0.5), 1),
        "frame_p95_ms": round(percentile(seen["frames"], 0.95), 1),
        "frame_max_ms": round(max(seen["frames"]), 1),
        "memory_mb": round(seen["memory"]),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("base", type=Path)
    parser.add_argument("--size", type=int, default=100_000, help="images (100000)")
    options = parser.parse_args()
    user = kept(options.base, options.size)
    desktop = Desktop(user)
    try:
        desktop.start()
        user.start()
        wait_for(lambda: on_bus(desktop.bus), "the service on the bus")
        user.settle()
        typed(desktop, user.home / "report", prepare=True)
        seen = typed(desktop, user.home / "report", prepare=False)
        make_thumbnails(user, _ALL)
        scrolling = scrolled(desktop, user.home / "report")
    finally:
        user.end()
        desktop.stop()
    found: dict[str, object] = {"images": options.size, "keys": len(seen)}
    for what in ("answered", "shown", "names", "thumbnails"):
        taken = [one[what] for one in seen if what in one]
        for share in (0.5, 0.95):
            found[f"{what}_p{share * 100:.0f}_ms"] = round(percentile(taken, share), 1)
    print(json.dumps({**found, **scrolling, **machine()}, indent=2))


if __name__ == "__main__":
    main()
