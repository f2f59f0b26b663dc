"""csearchctl uninstall: removes what install has added, and nothing else."""

from __future__ import annotations

import argparse

from csearch.command import print_out
from csearch.control.install import show
from csearch.directories import data_directory
from csearch.installation import service_manager
from csearch.installation.manifest import load
from csearch.installation.plan import carry_out, removal, root_removals
from csearch.protocol.quoting import harmless, printable

EXAMPLES = """
csearchctl uninstall
csearchctl uninstall --dry-run    shows what it would do
"""


def add_arguments(options: argparse.ArgumentParser) -> None:
    options.description = (
        f"{options.description} The service is stopped. Files that were changed since stay, and so "
        "do the library and the models."
    )
    options.add_argument("--dry-run", action="store_true", help="only show what would be done")


def run(options: argparse.Namespace) -> int:
    manifest = load()
    steps = removal(manifest)
    show(steps, options.dry_run)
    if not steps:
        print_out("Nothing is installed.")
    elif not options.dry_run:
        managed = service_manager.answers()
        if managed:
            service_manager.disable()
        carry_out(steps, manifest)
        if managed:
            service_manager.reload()
        print_out(f"The library and the models stay in {printable(data_directory())}.")
    if commands := root_removals():
        print_out("To be run by the administrator:")
        for command in commands:
            print_out(f"  {harmless(command)}")
    return 0
