"""Opens the search window with the keyboard focus, and ends it after a `with` block."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from support.complaints import complaints
from support.desktop import DESKTOP_PYTHON, Desktop
from support.user import wait_for

APPLICATION = "org.csearch.Window"
PROGRAM = Path(__file__).parents[2] / "integrations" / "window"
FIELD = "Describe a picture"
COMMAND = (DESKTOP_PYTHON, "-I", str(PROGRAM))


def press(screen: Desktop, name: str) -> None:
    """Presses the button with that name, once it is there."""
    wait_for(lambda: screen.accessible("press", APPLICATION, name), name)


def toggle(screen: Desktop, name: str) -> None:
    """Goes to what is called that by the keyboard, and switches it: before GTK 4.12 check boxes and
    switches have no action that assistive technology could trigger."""

    def has_focus() -> bool:
        if name in screen.accessible("focused", APPLICATION):
            return True
        screen.keys("key", "Tab")
        return False

    wait_for(has_focus, name)
    screen.keys("key", "space")


def viewer(screen: Desktop, directory: Path) -> Path:
    """Makes a program in `directory` the one that opens pictures and folders; returns the file in
    which it notes each, on a line."""
    opened, program = directory / "opened", directory / "viewer"
    program.write_text(f'#!/bin/sh\necho "$@" >> {opened}\n')
    program.chmod(0o755)
    applications = screen.user.home / ".local" / "share" / "applications"
    applications.mkdir(parents=True, exist_ok=True)
    (applications / "viewer.desktop").write_text(
        f"[Desktop Entry]\nType=Application\nName=Viewer\nExec={program} %f\n"
        "MimeType=image/jpeg;inode/directory;\n"
    )
    (applications / "mimeapps.list").write_text(
        "[Default Applications]\nimage/jpeg=viewer.desktop\ninode/directory=viewer.desktop\n"
    )
    return opened


def clipboard_text(screen: Desktop) -> str:
    """The words on the clipboard."""
    code = (
        "import gi; gi.require_version('Gtk', '3.0')\n"
        "from gi.repository import Gtk, Gdk\n"
        "print(Gtk.Clipboard.get(Gdk.SELECTION_CLIPBOARD).wait_for_text() or '', end='')"
    )
    command = [DESKTOP_PYTHON, "-c", code]
    done = subprocess.run(command, env=screen.environment, capture_output=True, text=True)
    return done.stdout


def type_folder(screen: Desktop, chooser: str, folder: Path, button: str) -> None:
    """Chooses a folder in the chooser with that title, and that button."""
    wait_for(lambda: chooser in screen.titles(), "the chooser")
    screen.keys("type", "/")
    screen.keys("type", str(folder)[1:])
    # Newer GTK completes a beginning behind what has been typed meanwhile.
    screen.keys("key", "shift+End", "Delete", "Return")

    def is_chosen() -> bool:
        """Newer GTK may only go to the folder."""
        if chooser in screen.titles():
            screen.accessible("press", APPLICATION, button)
            return False
        return True

    wait_for(is_chosen, "the end of the chooser")


@contextmanager
def search_window(
    screen: Desktop, *command: str, title: str = "Picture Search", **environment: str
) -> Iterator[str]:
    """Its X window, once it has the keyboard. Its process has ended afterwards.

    There is one process for all windows of a session: a window that opens while the former one is
    about to end would end with it, and what is typed then is lost. A window that worked must not
    have written a warning of GTK's either.
    """
    log = screen.log(command[0])
    before = log.stat().st_size if log.exists() else 0
    process = screen.run(*command, **environment)
    window = screen.window(title)
    # Active is what the window manager has seen get the focus.
    screen.keys("windowactivate", "--sync", window)
    try:
        yield window
    finally:
        if process.poll() is None:  # by the bus: a drag may have the keyboard still
            quit_it = ("quit", [], {})
            at = ("/org/csearch/Window", "org.freedesktop.Application")
            with suppress(AssertionError):  # it may have ended just now
                screen.bus.call(at, "ActivateAction", "sava{sv}", *quit_it, destination=APPLICATION)
        process.wait(60)
    text = log.read_bytes()[before:].decode(errors="replace")
    assert not complaints(text), text


def shown(screen: Desktop) -> list[str]:
    """The names of the pictures in the grid, in their order."""
    return [
        name
        for role, name, _ in screen.accessible("tree", APPLICATION)
        if role == "table cell" and ".jpg" in name
    ]


def query(screen: Desktop) -> str:
    """What is in the field."""
    tree = screen.accessible("tree", APPLICATION)
    return next((text for _, name, text in tree if name == FIELD), "")


def see(screen: Desktop, first: str) -> list[str]:
    """All pictures that are shown, once `first` is the first."""
    return wait_for(lambda: (names := shown(screen)) and first in names[0] and names, first)


def narrow(screen: Desktop, window: str, width: int) -> None:
    """Makes a window no wider than that. It takes several steps: the buttons make room after the
    first one."""

    def made() -> bool:
        screen.keys("windowsize", window, str(width), "600")
        shape = screen.keys("getwindowgeometry", "--shell", window)
        return int(dict(line.split("=") for line in shape.splitlines())["WIDTH"]) <= width

    wait_for(made, f"a width of {width}")


def focus(screen: Desktop, part: str) -> None:
    """Waits until what has `part` in its name has the keyboard."""
    wait_for(lambda: part in str(screen.accessible("focused", APPLICATION)), f"focus on {part}")
