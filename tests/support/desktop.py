"""A desktop of one's own: an X server, a window manager, accessibility, and a session bus."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from support.bus import Bus
from support.user import SECONDS, User, wait_for

DESKTOP_PYTHON = "/usr/bin/python3"
_LAUNCHERS = ("/usr/libexec/at-spi-bus-launcher", "/usr/lib/at-spi2-core/at-spi-bus-launcher")
_TOOLS = {"Xvfb": "xvfb", "openbox": "openbox", "xdotool": "xdotool", "dbus-daemon": "dbus"}
_TYPELIBS = {"Atspi": "2.0", "Gtk": "4.0"}
_DRIVER = Path(__file__).with_name("accessible.py")


def lacking(*programs: str, typelibs: dict[str, str] | None = None) -> str:
    """The packages (Debian's names) that are missing here; "" if none is."""
    tools = {**_TOOLS, **{program: program for program in programs}}
    missing = [package for tool, package in tools.items() if shutil.which(tool) is None]
    if not any(map(os.path.exists, _LAUNCHERS)):
        missing.append("at-spi2-core")
    for name, version in {**_TYPELIBS, **(typelibs or {})}.items():
        code = f"import gi; gi.require_version({name!r}, {version!r})"
        found = subprocess.run([DESKTOP_PYTHON, "-c", code], capture_output=True)
        if found.returncode:
            missing.append(f"gir1.2-{name.lower()}-{version} and python3-gi")
    return ", ".join(missing)


def needs(*programs: str, typelibs: dict[str, str] | None = None) -> pytest.MarkDecorator:
    """Skips where something isn't installed."""
    missing = lacking(*programs, typelibs=typelibs)
    return pytest.mark.skipif(bool(missing), reason=f"needs {missing} (apt install)")


class Desktop:
    """The screen, keyboard and bus of `user`."""

    def __init__(self, user: User, size: str = "1280x860") -> None:
        self.user = user
        self.bus = Bus(user)
        self._size = size
        self._processes: list[subprocess.Popen[bytes]] = []
        self.environment: dict[str, str] = {}

    def start(self) -> None:
        self.bus.start()
        (indexer, writing) = os.pipe()
        command = ["Xvfb", "-displayfd", str(writing), "-screen", "0", f"{self._size}x24"]
        self._processes.append(
            subprocess.Popen(
                [*command, "-nolisten", "tcp", "-noreset"],
                pass_fds=[writing],
                stderr=subprocess.DEVNULL,
            )
        )
        os.close(writing)
        with os.fdopen(indexer) as display:
            number = display.readline().strip()
        self.environment = {
            **self.user.environment,
            "PATH": _path_of_the_desktop(),
            "DISPLAY": f":{number}",
            "DBUS_SESSION_BUS_ADDRESS": self.bus.address,
            "GDK_BACKEND": "x11",
            "GSK_RENDERER": "cairo",
            "GSETTINGS_BACKEND": "keyfile",
            "GTK_A11Y": "atspi",
            "DBUS_SYSTEM_BUS_ADDRESS": self.bus.address,  # KDE's programs insist on there being one
            "LC_ALL": "C.UTF-8",
            "NO_AT_BRIDGE": "0",
            "QT_ACCESSIBILITY": "1",
            "QT_LINUX_ACCESSIBILITY_ALWAYS_ON": "1",
        }
        # What the bus starts needs the screen, too.
        self.bus.call(
            ("/org/freedesktop/DBus", "org.freedesktop.DBus"),
            "UpdateActivationEnvironment",
            "a{ss}",
            self.environment,
            destination="org.freedesktop.DBus",
        )
        launcher = next(filter(os.path.exists, _LAUNCHERS))
        self.run(launcher, "--launch-immediately")
        self.run("openbox")

    def run(self, *command: str, **more: str) -> subprocess.Popen[bytes]:
        """Starts a program; `more` is added to its environment."""
        log = self.log(command[0]).open("ab")
        process = subprocess.Popen(
            command,
            env={**self.environment, **more},
            cwd=self.user.home,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
        )
        log.close()
        self._processes.append(process)
        return process

    def log(self, program: str) -> Path:
        """What is written by all processes of that program that `run` starts."""
        return self.user.home / f"{os.path.basename(program)}.log"

    def keys(self, *arguments: str) -> str:
        """What xdotool does."""
        command = ["xdotool", *arguments]
        done = subprocess.run(command, env=self.environment, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
        return done.stdout.strip()

    def window(self, name: str, by: str = "name") -> str:
        """The id of the window with that title (or "class"), once it is there."""
        command = ["xdotool", "search", "--onlyvisible", f"--{by}", name]

        def found() -> str:
            done = subprocess.run(command, env=self.environment, capture_output=True, text=True)
            return done.stdout.split()[-1] if done.stdout.split() else ""

        return str(wait_for(found, f"a window {name!r}"))

    def titles(self) -> list[str]:
        """Of all windows."""
        command = ["xdotool", "search", "--onlyvisible", "--name", ".", "getwindowname", "%@"]
        done = subprocess.run(command, env=self.environment, capture_output=True, text=True)
        return done.stdout.splitlines()

    def accessible(self, *arguments: str) -> Any:
        """What accessible.py answers."""
        done = subprocess.run(
            [DESKTOP_PYTHON, str(_DRIVER), *arguments],
            env=self.environment,
            capture_output=True,
            text=True,
            timeout=SECONDS,
        )
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)

    def wait_for_text(self, application: str, text: str) -> list[str]:
        """All that the application shows, once `text` is a part of it."""

        def shown() -> list[str] | None:
            words: list[str] = self.accessible("texts", application)
            return words if any(text in word for word in words) else None

        try:
            found: list[str] = wait_for(shown, text)
        except AssertionError:
            print(self.accessible("texts", application))
            raise
        return found

    def picture(self, file: Path) -> None:
        """Writes the screen to a PNG."""
        code = (
            "import sys, gi; gi.require_version('Gdk', '3.0')\n"
            "from gi.repository import Gdk\n"
            "root = Gdk.get_default_root_window()\n"
            "size = root.get_width(), root.get_height()\n"
            "Gdk.pixbuf_get_from_window(root, 0, 0, *size).savev(sys.argv[1], 'png', [], [])"
        )
        command = [DESKTOP_PYTHON, "-c", code, str(file)]
        subprocess.run(command, env=self.environment, check=True)

    def stop(self) -> None:
        end(self._processes)
        self.bus.stop()


def _path_of_the_desktop() -> str:
    """PATH without the environment that runs the tests: its python3 has none of the desktop's
    modules, and Nautilus would take it for its own."""
    own = os.path.dirname(sys.executable)
    return ":".join(part for part in os.environ["PATH"].split(":") if part != own)


def end(processes: list[subprocess.Popen[bytes]]) -> None:
    """Ends programs, the last one first."""
    for process in reversed(processes):
        process.terminate()
        try:
            process.wait(SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
