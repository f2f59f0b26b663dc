"""Checks what csearch uses of the desktop: the session bus, GTK, exiftool, PATH and MANPATH."""

from __future__ import annotations

import os
import shlex
import shutil
import socket
import subprocess
import sys
from urllib.parse import unquote

from csearch.control.checks import OK, WARN, Finding, Findings
from csearch.installation import links
from csearch.installation.manifest import Manifest, load
from csearch.launch import systemctl
from csearch.protocol.errors import ClientError
from csearch.search.window import PACKAGES, PYTHON

_SECONDS = 20.0  # for another program's answer
_BUS_SECONDS = 5.0
_TOOLKIT = """
import gi
gi.require_version("Gdk", "4.0")
gi.require_version("Gtk", "4.0")
from gi.repository import Gtk
"""


def findings() -> Findings:
    try:
        installed = load()
    except ClientError:  # installed files have a finding of their own
        installed = Manifest()
    yield _bus(installed)
    yield _toolkit()
    yield _exiftool()
    yield from _commands()
    yield from _python()
    if any("/man/man" in path for path in installed.files) and shutil.which("man"):
        yield _manual(installed)


def _bus(installed: Manifest) -> Finding:
    """The window, the file managers and the search boxes talk to the service over it."""
    address = os.environ.get("DBUS_SESSION_BUS_ADDRESS", "")
    if not address:
        runtime = os.environ.get("XDG_RUNTIME_DIR") or f"/run/user/{os.getuid()}"
        address = f"unix:path={runtime}/bus"
        if not os.path.exists(f"{runtime}/bus"):
            text = "there is none; the search window, file managers and search boxes need one"
            advice = "log in to a desktop, or: dbus-run-session csearch --window"
            screen = os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY")
            if screen or installed.files:
                return Finding(WARN, "session bus", text, advice)
            return Finding(OK, "session bus", f"{text}; a search in the terminal doesn't")
    if any(map(_answers, address.split(";"))):
        return Finding(OK, "session bus", address)
    text = f"nothing answers at {address} (DBUS_SESSION_BUS_ADDRESS)"
    advice = "log out and in again; in a shell that has outlived its session, open a new one"
    return Finding(WARN, "session bus", text, advice)


def _answers(address: str) -> bool:
    """Whether somebody listens at an address of D-Bus; True if it can't be told."""
    kind, _, rest = address.partition(":")
    values = dict(part.partition("=")[::2] for part in rest.split(","))
    path = unquote(values.get("path", "")) or "\0" + unquote(values.get("abstract", ""))
    if kind != "unix" or path == "\0":
        return True
    with socket.socket(socket.AF_UNIX) as probe:
        probe.settimeout(_BUS_SECONDS)
        try:
            probe.connect(path)
        except (OSError, ValueError):
            return False
    return True


def _toolkit() -> Finding:
    """Whether the system's Python has what the window needs."""
    needs = f"the search window (csearch --window) needs {PACKAGES}"
    try:
        done = subprocess.run(
            [PYTHON, "-I", "-c", _TOOLKIT],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=_SECONDS,
        )
    except (OSError, subprocess.TimeoutExpired):
        return Finding(WARN, "GTK", f"{PYTHON} can't be run", needs)
    if done.returncode == 0:
        return Finding(OK, "GTK", f"{PYTHON} has GTK 4 for the search window")
    return Finding(WARN, "GTK", f"{PYTHON} has no GTK 4", needs)


def _exiftool() -> Finding:
    if found := shutil.which("exiftool"):
        return Finding(OK, "exiftool", found)
    advice = (
        "install libimage-exiftool-perl (Debian), perl-Image-ExifTool (Fedora) or "
        "perl-image-exiftool (Arch)"
    )
    return Finding(WARN, "exiftool", "not installed; --mode embedded of tags needs it", advice)


def _commands() -> Findings:
    """Whether a shell finds the commands of this environment."""
    here = os.path.dirname(os.path.abspath(sys.executable))
    ours = {name: os.path.join(here, name) for name in links.COMMANDS}
    if not all(map(os.path.exists, ours.values())):
        yield Finding(OK, "PATH", f"{here} has no commands; csearch runs from its sources")
        return
    link = f"ln -sf {' '.join(map(shlex.quote, ours.values()))} ~/.local/bin/"
    for name, path in ours.items():
        found = shutil.which(name)
        if found is None:
            if broken := _broken_link(name):
                text = f"{broken} is a link to a file that is gone"
            else:
                text = f"{name} isn't in the directories of PATH, so that a shell doesn't find it"
            yield Finding(WARN, "PATH", text, f"mkdir -p ~/.local/bin && {link}")
            return
        if not os.path.samefile(found, path):
            text = f"{name} is {found} in PATH, of another environment than {here}"
            yield Finding(WARN, "PATH", text, link)
            return
    yield Finding(OK, "PATH", f"csearch is {shutil.which('csearch')}")


def _python() -> Findings:
    """Whether the desktop's programs run the Python of an environment: then their extensions don't
    find the system's packages, such as gi."""
    python = shutil.which("python3", path=_path_of_the_session())
    if python is None:
        return
    environment = os.path.dirname(os.path.dirname(os.path.abspath(python)))
    try:
        with open(os.path.join(environment, "pyvenv.cfg"), encoding="utf-8") as file:
            settings = "".join(file.read().split())
    except (OSError, UnicodeDecodeError):
        return
    if "include-system-site-packages=true" in settings:
        return
    text = f"python3 is {python} in PATH: extensions of Nautilus and others don't work with that"
    advice = (
        f"take {os.path.dirname(python)} out of PATH (in ~/.profile, say) and log in again; "
        "csearchctl install links the commands into ~/.local/bin"
    )
    yield Finding(WARN, "PATH", text, advice)


def _path_of_the_session() -> str:
    """PATH of the desktop's programs: that of the user's service manager if there is one, else our
    own without the environment that was activated in this shell."""
    told = systemctl("show-environment")
    lines = told[1].splitlines() if told and told[0] == 0 else []
    for line in lines:
        if line.startswith("PATH="):
            return line.removeprefix("PATH=")
    active = os.environ.get("VIRTUAL_ENV")
    places = os.environ.get("PATH", "").split(os.pathsep)
    return os.pathsep.join(
        place for place in places if not active or place != os.path.join(active, "bin")
    )


def _broken_link(name: str) -> str | None:
    """A link of that name in PATH that leads nowhere."""
    for directory in os.environ.get("PATH", "").split(os.pathsep):
        path = os.path.join(directory, name)
        if os.path.islink(path) and not os.path.exists(path):
            return path
    return None


def _manual(installed: Manifest) -> Finding:
    """Whether man(1) finds the installed pages."""
    page = next(path for path in installed.files if "/man/man" in path)
    directory = os.path.dirname(os.path.dirname(page))
    try:
        done = subprocess.run(
            ["man", "-w", os.path.basename(page).rpartition(".")[0]],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=_SECONDS,
        )
    except (OSError, subprocess.TimeoutExpired):
        return Finding(WARN, "MANPATH", "man can't be run", "csearchctl help shows the manual")
    if done.returncode == 0:
        return Finding(OK, "MANPATH", f"man finds the pages in {directory}")
    # A colon at the end stands for the directories that man knows anyway (manpath(1)).
    advice = f"in ~/.profile: export MANPATH={shlex.quote(directory)}:"
    text = f"man doesn't find the pages in {directory}; csearchctl help shows them"
    return Finding(WARN, "MANPATH", text, advice)
