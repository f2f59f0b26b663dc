"""csearchctl install: installs the units and the desktop integrations for this user."""

from __future__ import annotations

import argparse
import os
from collections import Counter

from csearch.command import print_err, print_out
from csearch.control.asking import agreed, can_ask
from csearch.control.service.stop import stop_daemon
from csearch.installation import for_all, links, service_manager
from csearch.installation.items import kind_of
from csearch.installation.manifest import Manifest, load
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
from csearch.show.numbers import count

EXAMPLES = """
csearchctl install
csearchctl install --dry-run      shows what it would do
csearchctl install --all          for all desktops, installed or not
csearchctl install --yes          links the commands into ~/.local/bin without asking
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
        "desktops on this machine, for this user only, and offers links to the commands in "
        "~/.local/bin where shells don't find them."
    )
    options.add_argument("--all", action="store_true", help="for all desktops, installed or not")
    options.add_argument("--dry-run", action="store_true", help="only show what would be done")
    options.add_argument(
        "--yes",
        action="store_true",
        help="link csearch and csearchctl into ~/.local/bin without asking",
    )


def run(options: argparse.Namespace) -> int:
    manifest = load()
    steps = installation(manifest, options.all)
    show(steps, options.dry_run)
    linked = links.wanted()
    if for_all.is_installed():
        print_out("Everything is installed for all users already, by the system's package.")
    elif not any(step.action in WORDS for step in steps):
        print_out("Everything is installed already.")
    if options.dry_run:
        for link in linked:
            print_out(f"would link {printable(link)}, if you say so")
    else:
        carry_out(steps, manifest)
        _link(linked, manifest, options.yes)
        _take_over(changed=any(step.action in (WRITE, REMOVE) for step in steps))
    if commands := root_commands(options.all):
        print_out("To be run by the administrator:")
        for command in commands:
            print_out(f"  {harmless(command)}")
    return 0


def show(steps: list[Step], dry_run: bool) -> None:
    """Prints how many files are changed, or each of them for a dry run, and each that is kept."""
    for action, words in WORDS.items():
        paths = [step.path for step in steps if step.action == action]
        if action == KEEP:
            for path in paths:
                print_err(f"csearchctl: {words[dry_run]} {printable(path)}, since it was changed")
        elif dry_run:
            for path in paths:
                print_out(f"{words[dry_run]} {printable(path)}")
        elif paths:
            kinds = Counter(map(kind_of, paths))
            listed = ", ".join(f"{kind} ({number})" for kind, number in kinds.items())
            print_out(f"{words[dry_run]} {count(len(paths), 'file')}: {listed}")


def _link(linked: dict[str, str], manifest: Manifest, unasked: bool) -> None:
    """Makes links to the commands, if the user agrees. Raises ClientError."""
    if not linked:
        return
    if not unasked:
        if not can_ask():
            print_out("csearchctl install --yes also links the commands into ~/.local/bin.")
            return
        named = " and ".join(map(os.path.basename, linked))
        if not agreed(f"Link {named} into ~/.local/bin, so that shells find them? [y/N] "):
            return
    links.make(linked, manifest)
    for link, command in linked.items():
        print_out(f"links {printable(link)} to {printable(command)}")
    if links.directory() not in os.environ.get("PATH", "").split(os.pathsep):
        print_out("~/.local/bin isn't in PATH yet; log in again.")


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
