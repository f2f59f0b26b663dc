"""Plans and carries out the steps of an installation or removal."""

from __future__ import annotations

import os
import shlex
from typing import NamedTuple

from csearch.installation import for_all, items, mime_types
from csearch.installation.manifest import (
    Manifest,
    digest,
    manifest_path,
    read_file,
    save,
    write_file,
)
from csearch.installation.render import command, rendered
from csearch.protocol.errors import ClientError
from csearch.protocol.quoting import printable
from csearch.protocol.system_errors import in_words

WRITE, KEEP, REMOVE, SAME = "write", "keep", "remove", "same"


class Step(NamedTuple):
    """An action on one file. KEEP is for files that others have changed."""

    action: str
    path: str
    content: bytes = b""
    mode: int = 0o644


def installation(manifest: Manifest, everything: bool) -> list[Step]:
    """The steps that bring the user's files up to date. Files that others made are kept.

    Where a package has installed them for all users, copies of the user's own would hide those.
    """
    if for_all.is_installed():
        return removal(manifest)
    steps = []
    for item in items.chosen(everything):
        if items.for_root(item):
            continue
        path, content = items.target(item), rendered(item)
        there = read_file(path)
        if there == content:
            action = SAME
        elif there is None or _ours(manifest, path, there):
            action = WRITE
        else:
            action = KEEP
        steps.append(Step(action, path, content, 0o755 if item.executable else 0o644))
    known = {items.target(item) for item in items.ITEMS}
    return steps + [step for step in removal(manifest) if step.path not in known]


def removal(manifest: Manifest) -> list[Step]:
    """The steps that remove the installed files, except those that were changed since."""
    steps = []
    for path in manifest.files:
        there = read_file(path)
        if there is not None:
            steps.append(Step(REMOVE if _ours(manifest, path, there) else KEEP, path))
    return steps


def root_commands(everything: bool) -> list[str]:
    """The commands with which root installs what isn't installed yet."""
    if for_all.is_installed():
        return []
    commands = []
    for item in items.chosen(everything):
        path = items.target(item)
        if items.for_root(item) and read_file(path) != rendered(item):
            source = os.path.join(items.share(), item.source)
            commands.append(shlex.join(["sudo", "install", "-D", "-m", "644", source, path]))
    return commands


def root_removals() -> list[str]:
    """The commands with which root removes what is installed."""
    if for_all.is_installed():
        return [for_all.REMOVAL]
    there = [items.target(item) for item in items.ITEMS if items.for_root(item)]
    return [shlex.join(["sudo", "rm", path]) for path in there if os.path.exists(path)]


def carry_out(steps: list[Step], manifest: Manifest) -> None:
    """Carries out steps and saves the manifest after each. Raises ClientError."""
    manifest.command = command()
    manifest.directories += missing_directories(manifest_path())
    for step in steps:
        try:
            if step.action == WRITE:
                manifest.directories += missing_directories(step.path)
                write_file(step.path, step.content, step.mode)
            elif step.action == REMOVE:
                os.unlink(step.path)
        except OSError as error:
            raise ClientError(
                f"{printable(step.path)} can't be installed or removed: {in_words(error)}"
            ) from error
        if step.action in (WRITE, SAME):
            manifest.files[step.path] = digest(step.content)
        else:
            manifest.files.pop(step.path, None)
        save(manifest)
    if any(step.action in (WRITE, REMOVE) for step in steps):
        mime_types.renew_cache()
    if not manifest.files:
        _remove_directories(manifest)


def _ours(manifest: Manifest, path: str, content: bytes) -> bool:
    return manifest.files.get(path) == digest(content)


def missing_directories(path: str) -> list[str]:
    """The directories above a path that don't exist, outermost first."""
    missing = []
    while not os.path.isdir(path := os.path.dirname(path)):
        missing.append(path)
    return missing[::-1]


def _remove_directories(manifest: Manifest) -> None:
    """Removes the directories that were made for the files, if they are empty."""
    for directory in sorted(manifest.directories, key=len, reverse=True):
        try:
            os.rmdir(directory)
        except OSError:
            pass
