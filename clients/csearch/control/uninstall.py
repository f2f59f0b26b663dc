"""csearchctl uninstall: removes what install has added; with --purge, every trace of csearch."""

from __future__ import annotations

import argparse
import os

from csearch.command import print_err, print_out
from csearch.control.install import show
from csearch.control.service.stop import stop_daemon
from csearch.directories import data_directory
from csearch.installation import service_manager, traces
from csearch.installation.manifest import load
from csearch.installation.plan import carry_out, removal, root_removals
from csearch.protocol.errors import ClientError
from csearch.protocol.quoting import harmless, printable
from csearch.show.numbers import count

EXAMPLES = """
csearchctl uninstall
csearchctl uninstall --dry-run            shows what it would do
csearchctl uninstall --purge              removes every trace, after asking
csearchctl uninstall --purge --dry-run    shows what that is
"""


def add_arguments(options: argparse.ArgumentParser) -> None:
    options.description = (
        f"{options.description} The service is stopped. Files that were changed since stay, and so "
        "do the library and the models, unless you say --purge."
    )
    options.add_argument("--dry-run", action="store_true", help="only show what would be done")
    options.add_argument(
        "--purge",
        action="store_true",
        help="also delete library, models, configuration, cache, csearch's thumbnails and links to "
        "its commands; your pictures stay",
    )
    options.add_argument("--yes", action="store_true", help="with --purge: don't ask")
    tags = options.add_mutually_exclusive_group()
    tags.add_argument(
        "--undo-tags", action="store_true", help="with --purge: first take back all written tags"
    )
    tags.add_argument(
        "--keep-tags", action="store_true", help="with --purge: leave written tags where they are"
    )


def run(options: argparse.Namespace) -> int:
    if not options.purge:
        if options.yes or options.undo_tags or options.keep_tags:
            raise ClientError("--yes, --undo-tags and --keep-tags are of use with --purge only")
        return _uninstall(options.dry_run)
    if not options.dry_run:
        _settle_tags(options)
    found = [*traces.directories(), *traces.links()]
    thumbnails = traces.thumbnails()
    _list(found, len(thumbnails), options.dry_run)
    if not options.dry_run and not options.yes:
        _require_yes("Delete all this? What csearch knows is lost. [y/N] ", "--yes")
    _uninstall(options.dry_run, purge=True)
    if not options.dry_run:
        for path in (*thumbnails, *found):
            traces.delete(path)
        print_out("Every trace of csearch is removed, but for the directory that it runs from.")
    return 0


def _uninstall(dry_run: bool, purge: bool = False) -> int:
    """Removes what install has added, and stops the service."""
    manifest = load()
    steps = removal(manifest)
    show(steps, dry_run)
    if not steps and not purge:
        print_out("Nothing is installed.")
    if not dry_run:
        managed = bool(steps) and service_manager.answers()
        if managed:
            service_manager.disable()
        if stop_daemon():
            print_out("The search service has stopped.")
        carry_out(steps, manifest)
        if managed:
            service_manager.reload()
        if steps and not purge:
            print_out(
                f"The library and the models stay in {printable(data_directory())}; csearchctl "
                "uninstall --purge removes them."
            )
    if commands := root_removals():
        print_out("To be run by the administrator:")
        for command in commands:
            print_out(f"  {harmless(command)}")
    return 0


def _list(found: list[str], thumbnails: int, dry_run: bool) -> None:
    does = "would delete" if dry_run else "to delete:"
    for path in found:
        print_out(f"{does} {printable(path)}")
    if thumbnails:
        print_out(f"{does} {count(thumbnails, 'thumbnail')} that csearch has made")


def _settle_tags(options: argparse.Namespace) -> None:
    """Takes back written tags, or leaves them, as the user says. Raises ClientError."""
    if options.keep_tags:
        return
    tagged = traces.tagged_files()
    if not tagged:
        return
    if not options.undo_tags:
        print_err(f"csearch has written tags for {count(tagged, 'picture')}.")
        question = "Take them back first? Without, nobody can later. [y/N] "
        if not _agreed(question, "--undo-tags or --keep-tags"):
            return
    from csearch.control.tags import undo_all

    if undo_all():
        raise ClientError(
            "not all tags could be taken back, for the reasons above, so nothing was removed; "
            "correct that, or leave them with --keep-tags"
        )


def _require_yes(question: str, option: str) -> None:
    """Raises ClientError if the user doesn't agree."""
    if not _agreed(question, option):
        raise ClientError("nothing was removed")


def _agreed(question: str, option: str) -> bool:
    """Asks on the terminal; whether the answer is yes. Raises ClientError where nobody can answer,
    and `option` must be given instead."""
    if not (os.isatty(0) and os.isatty(2)):
        raise ClientError(f"nothing was removed: without a terminal to answer on, give {option}")
    os.write(2, question.encode())
    answer = os.read(0, 1024)
    if not answer.endswith(b"\n"):
        os.write(2, b"\n")
    return answer.strip().lower() in (b"y", b"yes")
