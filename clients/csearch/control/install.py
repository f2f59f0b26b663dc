"""csearchctl install: installs the units and the desktop integrations for this user."""

from __future__ import annotations

import argparse

from csearch.command import print_err, print_out
from csearch.control.service.stop import stop_daemon
from csearch.installation import service_manager
from csearch.installation.manifest import load
from csearch.installation.plan import (
    KEEP,
    REMOVE,
    WRITE,
    Step,
    carry_out,
    installation,
    root_commands,
)
from csearch.protocol.quoting import harmless, printable

EXAMPLES = """
csearchctl install
csearchctl install --dry-run      shows what it would do
csearchctl install --all          for all desktops, installed or not
"""

# What a step does, and what it would do (--dry-run).
WORDS = {
    WRITE: ("installs", "would install"),
    REMOVE: ("removes", "would remove"),
    KEEP: ("keeps", "would keep"),
}


def add_arguments(options: argparse.ArgumentParser) -> None:
    options.description = (
        f"{options.description} Installs the units, the D-Bus service and the integrations of the "
        "desktops on this machine, for this user only."
    )
    options.add_argument("--all", action="store_true", help="for all desktops, installed or not")
    options.add_argument("--dry-run", action="store_true", help="only show what would be done")


def run(options: argparse.Namespace) -> int:
    manifest = load()
    steps = installation(manifest, options.all)
    show(steps, options.dry_run)
    if not any(step.action in WORDS for step in steps):
        print_out("Everything is installed already.")
    if not options.dry_run:
        carry_out(steps, manifest)
        _take_over(changed=any(step.action in (WRITE, REMOVE) for step in steps))
    if commands := root_commands(options.all):
        print_out("To be run by the administrator:")
        for command in commands:
            print_out(f"  {harmless(command)}")
    return 0


def show(steps: list[Step], dry_run: bool) -> None:
    """Prints a line for each step that changes or keeps a file."""
    for step in steps:
        if step.action not in WORDS:
            continue
        line = f"{WORDS[step.action][dry_run]} {printable(step.path)}"
        if step.action == KEEP:
            print_err(f"csearchctl: {line}, since it was changed")
        else:
            print_out(line)


def _take_over(changed: bool) -> None:
    """Makes the units serve, in place of a daemon that runs already. Raises ClientError."""
    if not service_manager.answers():
        print_out(
            "No user's systemd answers here. In a session that has one: "
            f"{service_manager.MANUAL_COMMAND}"
        )
        return
    ran = stop_daemon() if changed else False
    service_manager.reload()
    service_manager.enable()
    if ran:
        service_manager.start()
    print_out("The search service starts with your session, and with the first search.")
