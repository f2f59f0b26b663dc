"""Tags that an undo looks for where a file system doesn't answer."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from csearchd.concurrency.threads import Cancellation
from csearchd.concurrency.timed_calls import TimedCalls
from csearchd.tags import ledger
from csearchd.tags.ledger import Entry
from csearchd.tags.locations import entries_at
from csearchd.tags.undo import mark_search
from csearchd.tags.undo.candidates import known_locations
from csearchd.tags.undo.mark_search import find_marks
from csearchd.tags.writers import sidecar
from tags.bench import Bench
from tags.pictures import make


class HungServer:
    """Makes a function hang for paths in a directory, until the server answers again."""

    def __init__(self, directory: Path) -> None:
        self._directory = os.fsencode(directory)
        self.answers = threading.Event()

    def slowed(self, function: Callable[..., Any]) -> Callable[..., Any]:
        def call(path: bytes, *arguments: Any, **options: Any) -> Any:
            if path.startswith(self._directory):
                assert self.answers.wait(60)
            return function(path, *arguments, **options)

        return call


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    one = Bench(tmp_path / "library")
    yield one
    one.close()


@pytest.fixture
def pictures(tmp_path: Path) -> list[Path]:
    """One in a directory that answers, one in a directory that doesn't."""
    found = []
    for name in ("local", "remote"):
        (tmp_path / name).mkdir()
        found.append(make(tmp_path / name, "jpg"))
    return found


def entry_of(bench: Bench, carrier: str, path: Path) -> Entry:
    entry = bench.entry(carrier, path)
    assert entry
    return entry


@pytest.mark.parametrize("carrier", ["xattr", "sidecar"])
def test_marks_are_found_where_file_systems_answer(
    bench: Bench, pictures: list[Path], carrier: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert bench.write(carrier, ["dog"], *pictures) == ["written", "written"]
    lost = [entry_of(bench, carrier, path) for path in pictures]
    local, remote = (os.fsencode(path) for path in pictures)
    server = HungServer(pictures[1].parent)
    monkeypatch.setattr(mark_search, "open_directory", server.slowed(mark_search.open_directory))
    timed_call = TimedCalls(0.2).call

    def call(path: bytes, function: Callable[[], Any], /) -> Any:
        return timed_call(b"remote", function) if b"remote" in path else function()

    try:
        found = find_marks(Cancellation(60), bench.library, lost, call)
        assert {location.path for location in found} == {local}
    finally:
        server.answers.set()
    found = find_marks(Cancellation(60), bench.library, lost, TimedCalls(60).call)
    assert {location.path for location in found} == {local, remote}


def test_a_sidecar_that_does_not_answer_keeps_its_entry(
    bench: Bench, pictures: list[Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is not known to have stayed behind when its picture was renamed."""
    assert bench.write("sidecar", ["dog"], *pictures) == ["written", "written"]
    files = {entry_of(bench, "sidecar", path).file: path for path in pictures}
    renamed = {
        file: os.fsencode(path.with_name("renamed.jpg")) for file, path in files.items() if file
    }
    server = HungServer(pictures[1].parent)
    monkeypatch.setattr(sidecar, "holds", server.slowed(sidecar.holds))
    try:
        found = entries_at(bench.library, renamed, TimedCalls(0.2).call)
        _, there = renamed
        assert found.unanswered == {there}
        assert list(found.by_file) == [(there, "sidecar")]
        assert len(found.left_behind) == 1
        assert [entry.file for entry in ledger.lost_entries(bench.library)] == [None]
    finally:
        server.answers.set()


def test_a_path_that_does_not_answer_is_no_location(
    bench: Bench, pictures: list[Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    unknown = os.fsencode(pictures[1])
    server = HungServer(pictures[1].parent)
    with monkeypatch.context() as patched:
        patched.setattr(os.path, "isfile", server.slowed(os.path.isfile))
        try:
            assert known_locations(bench.library, unknown, TimedCalls(0.2).call) == []
        finally:
            server.answers.set()
    assert len(known_locations(bench.library, unknown, TimedCalls(60).call)) == 3
