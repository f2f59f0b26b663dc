"""Links to this environment's commands, in ~/.local/bin.

An environment's own directory doesn't belong into PATH: the desktop's programs would run its Python
in place of the system's, and lose the packages that their extensions need.
"""

from __future__ import annotations

import os
import shutil
import sys

from csearch.installation.manifest import Manifest, save
from csearch.installation.plan import missing_directories
from csearch.protocol.errors import ClientError
from csearch.protocol.quoting import printable
from csearch.protocol.system_errors import in_words

COMMANDS = ("csearch", "csearchctl")


def directory() -> str:
    return os.path.expanduser("~/.local/bin")


def wanted() -> dict[str, str]:
    """Links that a shell needs to find the commands of this virtual environment, with what they
    lead to. Links that lead nowhere are replaced; other programs of these names stay."""
    here = os.path.dirname(os.path.abspath(sys.executable))
    if sys.prefix == sys.base_prefix:
        return {}  # commands are where those of other programs are
    others = os.pathsep.join(
        place for place in os.environ.get("PATH", "").split(os.pathsep) if not _same(place, here)
    )
    found = {}
    for name in COMMANDS:
        command, link = os.path.join(here, name), os.path.join(directory(), name)
        if not os.path.isfile(command) or os.path.exists(link):
            continue
        if not _same(shutil.which(name, path=others) or "", command):
            found[link] = command
    return found


def make(links: dict[str, str], manifest: Manifest) -> None:
    """Makes links, and notes them in the manifest. Raises ClientError."""
    for link, command in links.items():
        manifest.directories += missing_directories(link)
        try:
            os.makedirs(os.path.dirname(link), exist_ok=True)
            if os.path.islink(link):
                os.unlink(link)
            os.symlink(command, link)
        except OSError as error:
            raise ClientError(f"{printable(link)} can't be made: {in_words(error)}") from error
        manifest.links[link] = command
        save(manifest)


def made(manifest: Manifest) -> list[str]:
    """The links that were made, and still are what they were."""
    return [link for link, command in manifest.links.items() if _target(link) == command]


def remove(manifest: Manifest) -> None:
    """Removes the links that were made. Raises ClientError."""
    for link in made(manifest):
        try:
            os.unlink(link)
        except OSError as error:
            raise ClientError(f"{printable(link)} can't be removed: {in_words(error)}") from error
    manifest.links.clear()
    save(manifest)


def _same(path: str, other: str) -> bool:
    try:
        return os.path.samefile(path, other)
    except OSError:
        return False


def _target(link: str) -> str | None:
    try:
        return os.readlink(link)
    except OSError:
        return None
