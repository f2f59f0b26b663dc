"""The types of files that an application is offered for ("Open With").

One that is installed for a user alone comes before those of the system, and becomes the default
where nobody has said which is. So of its types only those are installed of which the desktop or the
user has said it (freedesktop.org's "Association between MIME types and applications").
"""

from __future__ import annotations

import os
import subprocess

from csearch.directories import base

_LINE = b"MimeType="
_SECONDS = 30.0  # for another program
_CACHE = "mimeinfo.cache"
_EMPTY_CACHE = "[MIME Cache]"


def with_defaults(content: bytes) -> bytes:
    """A desktop file with those of its types that have a default application."""
    lines = content.splitlines(keepends=True)
    for number, line in enumerate(lines):
        if line.startswith(_LINE):
            defaults = _defaults()
            kinds = line.removeprefix(_LINE).decode().strip().split(";")
            kept = [kind for kind in kinds if any(map(_is_there, defaults.get(kind, ())))]
            lines[number] = _LINE + b"".join(f"{kind};".encode() for kind in kept) + b"\n"
            if not kept:
                del lines[number]
            break
    return b"".join(lines)


def without(content: bytes) -> bytes:
    """A desktop file without its types, which follow the defaults of the session."""
    lines = content.splitlines(keepends=True)
    return b"".join(line for line in lines if not line.startswith(_LINE))


def renew_cache() -> None:
    """Has the types of this user's applications read anew, where the desktop has a cache of them.
    One that is empty is removed."""
    directory = _applications(base("XDG_DATA_HOME", "~/.local/share"))
    if not os.path.isdir(directory):
        return
    try:
        command = ["update-desktop-database", "-q", directory]
        subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, timeout=_SECONDS)
        path = os.path.join(directory, _CACHE)
        with open(path, encoding="utf-8", errors="replace") as file:
            empty = file.read().strip() in ("", _EMPTY_CACHE)
        if empty:
            os.unlink(path)
    except (OSError, subprocess.TimeoutExpired):
        pass  # without it the window isn't offered, and that is all


def _defaults() -> dict[str, list[str]]:
    """The default applications by type, as far as somebody has said them."""
    found: dict[str, list[str]] = {}
    for path in _lists():
        for kind, applications in _defaults_in(path).items():
            found.setdefault(kind, []).extend(applications)
    return found


def _lists() -> list[str]:
    """Where defaults are said, the weightiest first."""
    config = [base("XDG_CONFIG_HOME", "~/.config"), *_listed("XDG_CONFIG_DIRS", "/etc/xdg")]
    desktops = [name.lower() for name in os.environ.get("XDG_CURRENT_DESKTOP", "").split(":")]
    names = [*(f"{name}-mimeapps.list" for name in desktops if name), "mimeapps.list"]
    directories = [*config, *map(_applications, _data())]
    return [os.path.join(directory, name) for directory in directories for name in names]


def _data() -> list[str]:
    others = _listed("XDG_DATA_DIRS", "/usr/local/share:/usr/share")
    return [base("XDG_DATA_HOME", "~/.local/share"), *others]


def _listed(variable: str, otherwise: str) -> list[str]:
    places = os.environ.get(variable) or otherwise
    return [place for place in places.split(os.pathsep) if os.path.isabs(place)]


def _applications(directory: str) -> str:
    return os.path.join(directory, "applications")


def _defaults_in(path: str) -> dict[str, list[str]]:
    """The default applications that a file names, by type."""
    found: dict[str, list[str]] = {}
    try:
        with open(path, encoding="utf-8", errors="replace") as file:
            lines = file.read().splitlines()
    except OSError:
        return found
    group = ""
    for line in lines:
        if line.startswith("["):
            group = line.strip()
        elif group == "[Default Applications]":
            kind, _, names = line.partition("=")
            found[kind.strip()] = [name.strip() for name in names.split(";") if name.strip()]
    return found


def _is_there(application: str) -> bool:
    paths = (os.path.join(_applications(directory), application) for directory in _data())
    return any(map(os.path.exists, paths))
