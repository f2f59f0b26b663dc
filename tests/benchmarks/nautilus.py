"""Nautilus opening a folder of many pictures, with csearch's extension and without it.

    PYTHONPATH=tests python tests/benchmarks/nautilus.py [--pictures N] [--runs N]

prints JSON, of a Nautilus that runs already: `shown`, the seconds from the command until the names
are on the screen; `settled`, until Nautilus has nothing more to do (no processor time for half a
second), the tags in the column included; `processor`, the processor time of that. Medians; the two
take turns. All pictures are known.
"""

from __future__ import annotations

import argparse
import json
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import NamedTuple

sys.path.insert(0, str(Path(__file__).parent))

from common import machine, usage

from support.bus import on_bus
from support.desktop import DESKTOP_PYTHON, Desktop
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
_REST = 2.0  # seconds for Nautilus to come up
_READING = 1800.0  # beside busy programs pictures are read slowly
_WATCH = Path(__file__).with_name("screen_watch.py")
_NAMES = (460, 210, 380, 480)  # where the names are: x, y, width, height
_WATCHED = 6.0  # seconds


class Opened(NamedTuple):
    shown: float
    settled: float
    processor: float


def opened(desktop: Desktop, folder: Path) -> Opened:
    """A running Nautilus until the folder is shown, and until it is quiet."""
    elsewhere = folder.parent / "Elsewhere"
    elsewhere.mkdir(exist_ok=True)
    process = desktop.run("nautilus", "--new-window", str(elsewhere))
    desktop.window("^Elsewhere$")
    time.sleep(_REST)
    command = [DESKTOP_PYTHON, str(_WATCH), *map(str, _NAMES), str(_WATCHED)]
    watch = subprocess.Popen(command, env=desktop.environment, stdout=subprocess.PIPE, text=True)
    assert watch.stdout and watch.stdout.readline()
    begun = time.monotonic()
    before = last = usage(process.pid)[0]
    desktop.run("nautilus", "--new-window", str(folder))
    desktop.window(f"^{folder.name}$")
    since = time.monotonic()
    while time.monotonic() - since < _QUIET:
        time.sleep(0.02)
        if (spent := usage(process.pid)[0]) > last:
            last, since = spent, time.monotonic()
    shown = float(watch.stdout.read()) - begun
    process.terminate()
    process.wait()
    return Opened(shown, since - begun, last - before)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--pictures", type=int, default=5000, help="in the folder (5000)")
    parser.add_argument("--runs", type=int, default=7, help="of each kind (7)")
    options = parser.parse_args()
    home = Path(tempfile.mkdtemp(prefix="csearch-nautilus-"))
    user = User(home)
    write_drawn(user.pictures, options.pictures)
    desktop = Desktop(user)
    taken: dict[str, list[Opened]] = {"without": [], "with": []}
    try:
        desktop.start()
        user.csearchctl("add", user.pictures)
        wait_for(lambda: not user.status()["pending"], "all pictures read", _READING)
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
            name: round(statistics.median(run[index] for run in runs), 2)
            for index, name in enumerate(Opened._fields)
        }
    print(json.dumps({**found, **machine()}, indent=2))


if __name__ == "__main__":
    main()
