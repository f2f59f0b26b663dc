"""Errors that nobody thought of, in the scanner: each costs itself, and is made up for."""

from __future__ import annotations

import os
import threading
from pathlib import Path

import pytest

from csearchd.concurrency.supervisor import Supervisor
from csearchd.library import listings, roots
from csearchd.library.catalogue import DUE
from csearchd.library.library import Library
from csearchd.library.listings import Listing
from csearchd.watch.debounce import Debounce
from csearchd.watch.rules import Rules
from csearchd.watch.scanner import Scan, Scanner
from support.faults import failures, fault, start_with
from support.photos import write_drawn
from support.user import SECONDS, User, wait_for

LISTING = """
from csearchd.library import listings, roots
before = listings.apply

def apply(library, listing):
    if listing.path.endswith(b"/bad") and faulty():
        raise RuntimeError("injected")
    return before(library, listing)

listings.apply = apply
"""
EVENT = """
from csearchd.watch.events import EventHandler
before = EventHandler.handle

def handle(self, event):
    if event.name == b"drawn-00005.jpg" and faulty():
        raise RuntimeError("injected")
    return before(self, event)

EventHandler.handle = handle
"""


def found(user: User) -> set[str]:
    paths = user.search("anything", "-g", "-t", 100, check=None)
    return {str(path.relative_to(user.pictures)) for path in paths}


def test_a_scan_that_raises_in_the_middle_goes_on_and_is_made_up_for(user: User) -> None:
    for number, name in enumerate(("a", "bad", "c")):
        write_drawn(user.pictures / name, 1, first=number)
    fault(user).touch()
    start_with(user, LISTING)
    user.csearchctl("add", user.pictures)
    others = {"a/drawn-00000.jpg", "c/drawn-00002.jpg"}
    wait_for(lambda: found(user) == others, "the other pictures")
    wait_for(lambda: failures(user, "scanning"), "the failure to be told")
    status = user.status()
    assert status["roots"][0]["reconciled"] is None, "it hasn't been compared as a whole"
    assert any(f"{user.home}/csearchd.log tells more" in note for note in status["notes"])
    assert "RuntimeError: injected" in user.log()
    fault(user).unlink()
    wait_for(lambda: len(found(user)) == 3, "what could not be listed")
    assert wait_for(lambda: user.status()["roots"][0]["reconciled"], "a whole comparison")


def test_events_that_were_drained_are_not_lost_with_one(user: User) -> None:
    write_drawn(user.pictures, 1)
    daemon = start_with(user, EVENT)
    user.csearchctl("add", user.pictures)
    user.settle()
    fault(user).touch()
    write_drawn(user.pictures, 9, first=1)
    wait_for(lambda: failures(user, "following changes"), "the failure to be told")
    wait_for(lambda: len(found(user)) == 10, "all pictures")
    assert daemon.poll() is None and "injected" in user.log()


@pytest.fixture
def library(tmp_path: Path) -> Library:
    return Library(str(tmp_path / "library.sqlite"))


def test_an_error_ends_no_other_scan_and_leaves_its_root_incomplete(
    library: Library, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Another one has been asked for meanwhile, and is the latest."""
    root, other = tmp_path / "root", tmp_path / "other"
    write_drawn(root / "bad", 1)
    write_drawn(other, 1, first=1)
    roots.add(library, os.fsencode(root))
    supervisor = Supervisor()
    asked: list[Scan] = []
    seen: list[tuple[int, bool, bool]] = []

    def changed() -> None:  # called by the scanner, at the end of each scan too
        seen.append(
            (library.catalogue.count(DUE), scanner.complete, scanner.incomplete_reason is not None)
        )

    scanner = Scanner(library, Rules(False, ()), Debounce(), changed, lambda: None, supervisor)
    original = listings.apply

    def apply(library: Library, listing: Listing) -> bool:
        if listing.path.endswith(b"/bad") and not asked:
            asked.append(scanner.scan(os.fsencode(other)))
            raise RuntimeError("injected")
        return original(library, listing)

    monkeypatch.setattr(listings, "apply", apply)
    first = scanner.scan(os.fsencode(root))  # a scan that has begun would start over
    scanner.start()
    try:
        assert first.done.wait(SECONDS) and asked[0].done.wait(SECONDS)
        # The other one was looked at, and the root isn't complete; told just after it is done.
        wait_for(lambda: (1, False, True) in seen, "a root with a gap")
        assert supervisor.failures[0]["failures"] == 1
        wait_for(lambda: scanner.complete, "the root to be made up for")
        assert library.catalogue.count(DUE) == 2 and not scanner.incomplete_reason
    finally:
        scanner.stop(SECONDS)
        library.close()


def test_what_is_asked_for_at_the_very_end_of_a_scan_is_done(
    library: Library, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "pictures"
    write_drawn(folder / "a", 1)
    scanner = Scanner(
        library, Rules(False, ()), Debounce(), lambda: None, lambda: None, Supervisor()
    )
    asked = []
    original = listings.mark_scanned

    def cover(*arguments: object) -> None:
        if not asked:
            write_drawn(folder / "a", 1, first=1)
            asked.append(scanner.scan(os.fsencode(folder)))
        original(*arguments)  # type: ignore[arg-type]

    monkeypatch.setattr(listings, "mark_scanned", cover)
    scanner.start()
    try:
        assert scanner.scan(os.fsencode(folder)).done.wait(SECONDS)
        assert asked[0].done.wait(SECONDS)
        assert library.catalogue.count(DUE) == 2
    finally:
        scanner.stop(SECONDS)
        library.close()


def test_what_is_asked_for_when_its_directory_has_just_gone_is_done(
    library: Library, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "pictures"
    scanner = Scanner(
        library, Rules(False, ()), Debounce(), lambda: None, lambda: None, Supervisor()
    )
    back = threading.Event()
    original = scanner.watcher.on_scan_finished

    def scanned(*arguments: object) -> None:
        if not back.is_set():
            back.set()
            write_drawn(folder, 1)
            scanner.scan(os.fsencode(folder))
        original(*arguments)  # type: ignore[arg-type]

    monkeypatch.setattr(scanner.watcher, "on_scan_finished", scanned)
    scanner.start()
    try:
        assert scanner.scan(os.fsencode(folder)).done.wait(SECONDS)
        assert library.catalogue.count(DUE) == 1
    finally:
        scanner.stop(SECONDS)
        library.close()
