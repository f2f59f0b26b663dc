"""A headless GNOME Shell on a virtual monitor, with what it needs of a session."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import time
from pathlib import Path
from typing import Any

import pytest
from dbus_fast import Message

from support.bus import Bus, Caller
from support.desktop import DESKTOP_PYTHON, end
from support.user import User, wait_for

_SHELL = ("/org/gnome/Shell", "org.gnome.Shell")
_SIZE = "1280x800"
_TYPING = 10.0  # seconds, after which it is tried again
_TYPE = """
    const {Clutter} = imports.gi;
    const seat = Clutter.get_default_backend().get_default_seat();
    const keyboard = seat.create_virtual_device(Clutter.InputDeviceType.KEYBOARD_DEVICE);
    for (const key of %s)
        for (const state of [Clutter.KeyState.PRESSED, Clutter.KeyState.RELEASED])
            keyboard.notify_keyval(Clutter.get_current_event_time(), key, state);
"""
_SHOWN = """
    const {St} = imports.gi;
    const found = [];
    const icon = actor => actor instanceof St.Icon ? actor.gicon.to_string()
        : actor.get_children().map(icon).find(name => name);
    const text = actor => [actor instanceof St.Label ? actor.text : [],
        ...actor.get_children().map(text)].flat();
    const look = actor => {
        if (actor.style_class === 'list-search-result')
            found.push({id: actor.metaInfo.id, texts: text(actor), icon: icon(actor)});
        actor.get_children().filter(child => child.visible).forEach(look);
    };
    look(Main.layoutManager.overviewGroup);
    JSON.stringify(found)
"""

_CHOOSE_PROVIDER = """
    const find = actor => actor.style_class === 'search-provider-icon' && actor.mapped ? actor
        : actor.get_children().map(find).find(name => name);
    find(Main.layoutManager.overviewGroup).emit('clicked', 1);
"""


def needs_gnome_shell() -> pytest.MarkDecorator:
    """Skips where something isn't installed."""
    tools = {"gnome-shell": "gnome-shell", "dbus-daemon": "dbus"}
    missing = [package for tool, package in tools.items() if shutil.which(tool) is None]
    mock = [DESKTOP_PYTHON, "-c", "import dbusmock"]
    if not os.path.exists(DESKTOP_PYTHON) or subprocess.run(mock, capture_output=True).returncode:
        missing.append("python3-dbusmock")
    reason = ", ".join(missing)
    return pytest.mark.skipif(bool(missing), reason=f"needs {reason} (apt install)")


class GnomeShell:
    """The shell of `user`; its system bus is its own, with a login manager that is mocked."""

    def __init__(self, user: User) -> None:
        self.user = user
        self.bus = Bus(user)
        self._system = Bus(user, "system-bus")
        self._processes: list[subprocess.Popen[bytes]] = []

    def start(self, data: Path) -> None:
        """`data` comes before the system's directories of data."""
        self.bus.start()
        self._system.start()
        kept = ("DISPLAY", "WAYLAND_DISPLAY")
        environment = {
            **{name: value for name, value in self.user.environment.items() if name not in kept},
            "DBUS_SESSION_BUS_ADDRESS": self.bus.address,
            "DBUS_SYSTEM_BUS_ADDRESS": self._system.address,
            "GSETTINGS_BACKEND": "memory",
            "LC_ALL": "C.UTF-8",
            "XDG_CURRENT_DESKTOP": "GNOME",
            "XDG_DATA_DIRS": f"{data}:/usr/local/share:/usr/share",
            "XDG_SESSION_TYPE": "wayland",
        }
        self._run(environment, DESKTOP_PYTHON, "-m", "dbusmock", "--system", "--template", "logind")
        wait_for(self._login_is_there, "the mocked login manager")
        monitor = ("--headless", "--no-x11", "--virtual-monitor", _SIZE)
        self._run(environment, "gnome-shell", "--wayland", *monitor, "--unsafe-mode")
        wait_for(self._is_up, "the shell")

    def evaluate(self, script: str) -> Any:
        """What a script returns that runs in the shell."""
        done, told = self.bus.call(_SHELL, "Eval", "s", script, destination=_SHELL[1])
        assert done, told
        return json.loads(told) if told else None

    def _is_up(self) -> bool:
        """Whether it has its object on the bus, and is ready for the first key."""
        assert self._processes[-1].poll() is None, (self.user.home / "shell.log").read_text()

        async def ask() -> Message:
            async with Caller(self.bus) as caller:
                script = "Main.overview.visible && !Main.layoutManager._startingUp"
                return await caller.ask(_SHELL, "Eval", "s", script, destination=_SHELL[1])

        return bool(self.bus.run(ask()).body == [True, "true"])

    def type(self, keys: str) -> None:
        """Types, with a keyboard of its own; "\\r" is Enter."""
        values = [0xFF0D if key == "\r" else ord(key) for key in keys]
        self.evaluate(_TYPE % json.dumps(values))

    def search(self, text: str) -> None:
        """Types that into an overview that is shown anew. What is typed before the overview has the
        keyboard is lost in part, on a busy machine."""

        def typed() -> bool:
            self.evaluate("Main.overview.hide()")
            wait_for(lambda: not self.evaluate("Main.overview.visible"), "the end of the overview")
            self.evaluate("Main.overview.show()")
            wait_for(lambda: not self.evaluate("Main.overview.animationInProgress"), "the overview")
            self.type(text)
            deadline = time.monotonic() + _TYPING
            while self.evaluate("Main.overview.searchEntry.text") != text:
                if time.monotonic() > deadline:
                    return False
            return True

        wait_for(typed, f"{text!r} in the overview")

    def choose_provider(self) -> None:
        """Clicks on the name of the program whose results are shown."""
        self.evaluate(_CHOOSE_PROVIDER)

    def shown(self) -> list[dict[str, Any]]:
        """The results that are on the screen: `id`, `texts` and the name of the `icon`."""
        found: list[dict[str, Any]] = json.loads(self.evaluate(_SHOWN))
        return found

    def stop(self) -> None:
        end(self._processes)
        self._system.stop()
        self.bus.stop()

    def _run(self, environment: dict[str, str], *command: str) -> None:
        with (self.user.home / "shell.log").open("ab") as log:
            self._processes.append(
                subprocess.Popen(
                    command,
                    env=environment,
                    cwd=self.user.home,
                    stdin=subprocess.DEVNULL,
                    stdout=log,
                    stderr=log,
                )
            )

    def _login_is_there(self) -> bool:
        return self._system.has("org.freedesktop.login1")
