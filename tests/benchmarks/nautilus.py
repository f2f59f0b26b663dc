"""Nautilus opening a folder of many pictures, with csearch's extension and without it.

    PYTHONPATH=tests python tests/benchmarks/nautilus.py [--pictures N] [--runs N]

prints JSON: seconds from the start of the program until its window shows the folder and the process
has nothing more to do (no processor time for half a second), and the processor time of that.
Medians; the two take turns. All pictures are known, their tags are in the column.
"""

from __future__ import annotations

import argparse
import json
import shutil
import statistics
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

from common import machine, usage

from support.bus import on_bus
from support.desktop import Desktop
from support.photos import write_drawn
from support.user import User, wait_for

_SETTINGS = """\
[org/gnome/nautilus/preferences]
default-folder-viewer='list-view'
show-image-thumbnails='never'

[org/gnome/nautilus/list-view]
default-visible-columns=['name', 'Csearch::tags']
default-column-order=['name', 'Csearch::tags']
"""
_QUIET = 0.5  # seconds


def opened(desktop: Desktop, folder: Path) -> tuple[float, float]:
    """Seconds, and processor seconds, until the folder is shown."""
    begun = time.perf_counter()
    process = desktop.run("nautilus", "--new-window", str(folder))
    desktop.window(f"^{folder.name}$")
    last, since = 0.0, time.perf_counter()
    while time.perf_counter() - since < _QUIET:
        time.sleep(0.02)
        if (spent := usage(process.pid)[0]) > last:
            last, since = spent, time.perf_counter()
    process.terminate()
    process.wait()
    return since - begun, last


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--pictures", type=int, default=5000, help="in the folder (5000)")
    parser.add_argument("--runs", type=int, default=7, help="of each kind (7)")
    options = parser.parse_args()
    home = Path(tempfile.mkdtemp(prefix="csearch-nautilus-"))
    user = User(home)
    write_drawn(user.pictures, options.pictures)
    desktop = Desktop(user)
    taken: dict[str, list[tuple[float, float]]] = {"without": [], "with": []}
    try:
        desktop.start()
        user.csearch("anything", "--wait", "--in", user.pictures)
        settings = home / ".config" / "glib-2.0" / "settings" / "keyfile"
        settings.parent.mkdir(parents=True, exist_ok=True)
        settings.write_text(_SETTINGS)
        user.csearchctl("install", "--all")
        wait_for(lambda: on_bus(desktop.bus), "the service on the bus")
        extension = home / ".local/share/nautilus-python/extensions/csearch.py"
        aside = home / "csearch.py"
        for run in range(options.runs + 1):
            shutil.move(extension, aside)
            without = opened(desktop, user.pictures)
            shutil.move(aside, extension)
            with_it = opened(desktop, user.pictures)
            if run:  # the first fills the caches
                taken["without"].append(without)
                taken["with"].append(with_it)
    finally:
        user.end()
        desktop.stop()
        shutil.rmtree(home, ignore_errors=True)
    found: dict[str, object] = {"pictures": options.pictures, "runs": options.runs}
    for kind, runs in taken.items():
        found[kind] = {
            "seconds": round(statistics.median(run[0] for run in runs), 2),
            "processor_seconds": round(statistics.median(run[1] for run in runs), 2),
        }
    print(json.dumps({**found, **machine()}, indent=2))


if __name__ == "__main__":
    main()
