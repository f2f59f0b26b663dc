"""csearchctl uninstall: removes what install has added; with --purge, every trace of csearch."""

from __future__ import annotations

import argparse
import os
from collections.abc import Callable
from typing import TypeVar

from csearch.command import print_err, print_out
from csearch.control.asking import agreed, can_ask
from csearch.control.install import show
from csearch.control.service.stop import stop_daemon
from csearch.directories import data_directory
from csearch.installation import bookmarks, for_all, links, service_manager, traces
from csearch.installation.manifest import load
from csearch.installation.plan import carry_out, removal, root_removals
from csearch.protocol.errors import ClientError
from csearch.protocol.quoting import harmless, printable
from csearch.show.numbers import count

T = TypeVar("T")

_NAMES = 5  # of others' files, which a message names

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
    _list(options.dry_run)
    if not options.dry_run and not options.yes:
        _require_yes("Delete all this? What csearch knows is lost. [y/N] ", "--yes")
    _uninstall(options.dry_run, purge=True)
    return 0 if options.dry_run else _delete_traces()


def _delete_traces() -> int:
    """Deletes what is there now that the service has ended. What can't be deleted is told, and
    doesn't keep the rest. Returns the exit status; raises ClientError."""
    failed = 0
    with traces.without_service():
        for path in (*traces.thumbnails(), *traces.links()):
            failed += not _deleted(traces.delete_file, path)
        for place in traces.places():
            failed += not _deleted(traces.delete, place)
    if failed:
        raise ClientError("not everything could be deleted, for the reasons above")
    if left := traces.places():
        for place in left:
            print_out(f"{printable(place.directory)} stays{_others(place)}")
        print_out("All else of csearch is removed, but for the directory that it runs from.")
    else:
        print_out("Every trace of csearch is removed, but for the directory that it runs from.")
    return 0


def _deleted(delete: Callable[[T], None], what: T) -> bool:
    try:
        delete(what)
    except ClientError as error:
        print_err(f"csearchctl: {error}")
        return False
    return True


def _others(place: traces.Place) -> str:
    """What csearch hasn't made in one of its directories, as the end of a sentence."""
    if not place.others:
        return ", since it is a mount, or a link that leads nowhere"
    names = ", ".join(map(printable, place.others[:_NAMES]))
    more = len(place.others) - _NAMES
    return f", for csearch hasn't made what is in it: {names}" + (
        f" and {more:,} more" if more > 0 else ""
    )


def _uninstall(dry_run: bool, purge: bool = False) -> int:
    """Removes what install has added, and stops the service."""
    manifest = load()
    steps = removal(manifest)
    show(steps, dry_run)
    linked = links.made(manifest)
    marked = bookmarks.having(_is_saved)
    for path in marked:
        does = "would remove" if dry_run else "removes"
        print_out(f"{does} the bookmarks of saved searches in {printable(path)}")
    if not purge:  # which lists all links to csearch
        for link in linked:
            print_out(f"{'would remove' if dry_run else 'removes'} the link {printable(link)}")
        if not (steps or linked or marked or for_all.is_installed()):
            print_out("Nothing is installed.")
    if not dry_run:
        managed = (bool(steps) or for_all.is_installed()) and service_manager.answers()
        if managed:
            service_manager.disable()
        if stop_daemon():
            print_out("The search service has stopped.")
        links.remove(manifest)
        bookmarks.remove(_is_saved)
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


def _is_saved(folder: bytes) -> bool:
    """Whether a folder is one of saved searches."""
    return os.path.dirname(folder) == os.fsencode(os.path.join(data_directory(), "saved"))


def _list(dry_run: bool) -> None:
    """Prints what csearch has left behind. Raises ClientError."""
    does = "would delete" if dry_run else "to delete:"
    for place in traces.places():
        if not place.others:
            print_out(f"{does} {printable(place.directory)}")
            continue
        for name in place.made:
            print_out(f"{does} {printable(os.path.join(place.directory, name))}")
        print_out(f"{printable(place.directory)} stays{_others(place)}")
    for path in traces.links():
        print_out(f"{does} {printable(path)}")
    if thumbnails := len(traces.thumbnails()):
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
    if not can_ask():
        raise ClientError(f"nothing was removed: without a terminal to answer on, give {option}")
    return agreed(question)
