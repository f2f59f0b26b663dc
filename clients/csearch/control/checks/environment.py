"""Checks the configuration, the library's disk, the socket and the kernel's limit on watches."""

from __future__ import annotations

import json
import os
import stat
import subprocess
import sys
from typing import Any

from csearch.control.checks import FAIL, OK, WARN, Finding, Findings
from csearch.directories import data_directory
from csearch.protocol.origin import install_command
from csearch.protocol.system_errors import in_words
from csearch.protocol.wire import AddressError, socket_path
from csearch.show.numbers import count, size

_LITTLE_SPACE = 1_000_000_000
_NO_SPACE = 50_000_000
_FEW_WATCHES = 65_536
_WATCH_LIMIT = "/proc/sys/fs/inotify/max_user_watches"

# Runs in a process of its own, since clients import nothing of the service.
_SERVICE_CHECK = """
import json
from csearchd import config, paths
from csearchd.errors import ConfigError
from csearchd.library.database import wrong_with
from csearchd.system.filesystem import network_filesystem

places = paths.standard_paths()
try:
    config.load(places.config)
    wrong = None
except ConfigError as error:
    wrong = str(error)
network = network_filesystem(places.data)
said = {"file": places.config, "wrong": wrong, "network": network}
print(json.dumps({**said, "library": wrong_with(places.library)}))
"""


def findings() -> Findings:
    checked = _service_check()
    if isinstance(checked, str):
        advice = f"install csearch again: {install_command()}"
        yield Finding(FAIL, "configuration", f"csearchd cannot be run: {checked}", advice)
    else:
        yield _configuration(checked)
        yield _library(checked["network"])
        if checked["library"]:
            yield Finding(FAIL, "library", checked["library"])
        else:
            yield from _emptied()
    yield _socket()
    yield _watches()


def _service_check() -> dict[str, Any] | str:
    """What the service says of its configuration and directory, or why it can't be run."""
    done = subprocess.run(
        [sys.executable, "-P", "-c", _SERVICE_CHECK], stdin=subprocess.DEVNULL, capture_output=True
    )
    try:
        checked: dict[str, Any] = json.loads(done.stdout)
    except ValueError:
        said = done.stderr.decode(errors="replace").strip().splitlines()
        return said[-1] if said else f"it ended with status {done.returncode}"
    return checked


def _configuration(checked: dict[str, Any]) -> Finding:
    if checked["wrong"]:
        advice = "correct that line, or remove it: the service doesn't start with it"
        return Finding(FAIL, "configuration", checked["wrong"], advice)
    there = "" if os.path.exists(checked["file"]) else " (there is none; the defaults apply)"
    return Finding(OK, "configuration", f"{checked['file']}{there}")


def _library(network: str | None) -> Finding:
    directory = data_directory()
    if network:
        advice = "set XDG_DATA_HOME to a directory on a local disk"
        return Finding(
            FAIL, "library", f"{directory} is on a network file system ({network})", advice
        )
    existing = directory
    while not os.path.exists(existing):
        existing = os.path.dirname(existing)
    if not os.path.isdir(existing):
        return Finding(FAIL, "library", f"{existing} is not a directory", "move it away")
    if not os.access(existing, os.W_OK | os.X_OK):
        advice = "change its owner or mode, or set XDG_DATA_HOME"
        return Finding(FAIL, "library", f"{existing} is not writable", advice)
    disk = os.statvfs(existing)
    free = disk.f_bavail * disk.f_frsize
    text = f"{directory}, {size(free)} free"
    if free < _NO_SPACE:
        return Finding(FAIL, "library", text, "make room on this disk")
    if free < _LITTLE_SPACE:
        return Finding(WARN, "library", text, "a model takes several hundred MB: make room")
    return Finding(OK, "library", text)


def _emptied() -> Findings:
    """Reports a library that is missing or empty although its summary exists."""
    library = os.path.join(data_directory(), "library.sqlite")
    there = os.path.exists(library) and os.path.getsize(library) > 0
    if not there and os.path.exists(os.path.join(data_directory(), "summary.json")):
        text = f"{library} {'is empty' if os.path.exists(library) else 'is missing'}"
        advice = (
            "put a backup in its place before the service starts (csearchctl backup -h tells how); "
            "else pictures are read anew, and what you told csearch is lost"
        )
        yield Finding(FAIL, "library", text, advice)


def _socket() -> Finding:
    try:
        path = socket_path()
    except AddressError as error:
        return Finding(FAIL, "socket", str(error))
    text = os.fsdecode(path)
    parts = [(path, "0600")]
    if not os.environ.get("CSEARCH_SOCKET"):  # with it, the directory is the user's choice
        parts.append((os.path.dirname(path), "0700"))
    for part, mode in parts:
        try:
            info = os.lstat(part)
        except FileNotFoundError:
            continue  # the service makes both
        except OSError as error:
            return Finding(FAIL, "socket", f"{os.fsdecode(part)} can't be used: {in_words(error)}")
        if info.st_uid != os.getuid() or stat.S_IMODE(info.st_mode) & 0o077:
            advice = f"only you may have access: chmod {mode} {os.fsdecode(part)}"
            return Finding(
                FAIL, "socket", f"other users have access to {os.fsdecode(part)}", advice
            )
    return Finding(OK, "socket", text)


def _watches() -> Finding:
    try:
        with open(_WATCH_LIMIT) as file:
            limit = int(file.read())
    except (OSError, ValueError):
        return Finding(WARN, "watches", f"{_WATCH_LIMIT} can't be read")
    text = f"{count(limit)} directories can be watched"
    if limit < _FEW_WATCHES:
        advice = "sudo sysctl fs.inotify.max_user_watches=524288"
        return Finding(WARN, "watches", f"only {text}", advice)
    return Finding(OK, "watches", text)
