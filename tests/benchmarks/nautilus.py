"""Nautilus opening a folder of many pictures, with csearch's extension and without it.

    PYTHONPATH=tests python tests/benchmarks/nautilus.py [--pictures N] [--runs N]

prints JSON, of a Nautilus that runs already: `shown`, the seconds from the command until the names
are on the screen; `settled`, until Nautilus has nothing more to do (no processor time for half a
second); `processor`, the processor time of that. Medians; they take turns: `without` the
extension, `with` it, and with its `column` shown, which one has to choose. All pictures are known.
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
default-visible-columns=[{columns}]
default-column-order=[{columns}]
"""
_COLUMNS = "'name', 'size', 'date_modified'"  # Nautilus's own choice
_OURS = ", 'Csearch::tags'"
# Every window at the same place, so that it is known where the names will be.
_WINDOWS = """\
<openbox_config xmlns="http://openbox.org/3.4/rc"><applications><application class="*">
  <position force="yes"><x>0</x><y>0</y></position>
</application></applications></openbox_config>
"""
_QUIET = 0.5  # seconds
_REST = 2.0  # seconds for Nautilus to come up
_READING = 1800.0  # beside busy programs pictures are read slowly
_WATCH = Path(__file__).with_name("screen_watch.py")
_NAMES = (310, 90, 380, 440)  # x, y, width, height
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
    taken: dict[str, list[Opened]] = {"without": [], "with": [], "column": []}
    try:
        places = home / ".config" / "openbox" / "rc.xml"
        places.parent.mkdir(parents=True)
        places.write_text(_WINDOWS)
        desktop.start()
        user.csearchctl("add", user.pictures)
        wait_for(lambda: not user.status()["pending"], "all pictures read", _READING)
        settings = home / ".config" / "glib-2.0" / "settings" / "keyfile"
        settings.parent.mkdir(parents=True, exist_ok=True)
        user.csearchctl("install", "--all")
        wait_for(lambda: on_bus(desktop.bus), "the service on the bus")
        extension = home / ".local/share/nautilus-python/extensions/csearch.py"
        aside = home / "csearch.py"
        for run in range(options.runs + 1):
            for kind, runs in taken.items():
                ours = _OURS if kind == "column" else ""
                settings.write_text(_SETTINGS.format(columns=_COLUMNS + ours))
                if kind == "without":
                    shutil.move(extension, aside)
                found = opened(desktop, user.pictures)
                if kind == "without":
                    shutil.move(aside, extension)
                if run:  # the first fills the caches
                    runs.append(found)
    finally:
        user.end()
        desktop.stop()
        shutil.rmtree(home, ignore_errors=True)
    told: dict[str, object] = {"pictures": options.pictures, "runs": options.runs}
    for kind, runs in taken.items():
        told[kind] = {
            name: round(statistics.median(run[index] for run in runs), 2)
            for index, name in enumerate(Opened._fields)
        }
    print(json.dumps({**told, **machine()}, indent=2))


if __name__ == "__main__":
    main()
