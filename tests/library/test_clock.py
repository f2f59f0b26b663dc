"""What is kept for a number of days is kept so long, whatever the wall clock does."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from csearchd.library import clock, contents, listings
from csearchd.library.clock import Clock
from csearchd.library.library import Library

DAY = 86400


class Time:
    CLOCK_BOOTTIME = time.CLOCK_BOOTTIME

    def __init__(self) -> None:
        self.wall, self.boot = 1.8e9, 1000.0

    def time(self) -> float:
        return self.wall

    def clock_gettime(self, which: int) -> float:
        assert which == time.CLOCK_BOOTTIME
        return self.boot

    def pass_by(self, seconds: float) -> None:
        self.wall += seconds
        self.boot += seconds


@pytest.fixture
def world(monkeypatch: pytest.MonkeyPatch) -> Iterator[Time]:
    world = Time()
    monkeypatch.setattr(clock, "time", world)
    yield world


def test_it_goes_on_while_the_wall_clock_leaps(world: Time) -> None:
    ours = Clock(None)
    began = ours.now()
    world.wall -= 10_000 * DAY
    world.boot += 60
    assert ours.now() == began + 60
    world.wall += 20_000 * DAY
    assert ours.now() == began + 60


@pytest.mark.parametrize(
    ("between", "counted"), [(60, 60), (-5000 * DAY, 0), (9000 * DAY, DAY)]
)  # fmt: skip
def test_the_time_between_two_runs(world: Time, between: int, counted: int) -> None:
    ours = Clock(None)
    state, before = ours.state, ours.now()
    world.wall += between
    world.boot = 5.0
    assert Clock(state).now() == before + counted
    again = Clock(Clock(state).state)  # and what was in between isn't counted twice
    assert again.now() == before + counted


@pytest.mark.parametrize("leap", [0, 9000 * DAY, -9000 * DAY])
def test_purging(world: Time, tmp_path: Path, leap: int) -> None:
    path = str(tmp_path / "library.sqlite")
    library = Library(path)
    with library.write() as database:
        database.execute("INSERT INTO contents (id, scheme, identity) VALUES (1, 1, x'00')")
        listings.mark_orphans(library, database, [1])
    world.wall += leap
    assert contents.purge(library, 30 * DAY) == 0
    for _ in range(29):
        world.pass_by(DAY)
        assert contents.purge(library, 30 * DAY) == 0
        library.close()
        library = Library(path)
    world.pass_by(DAY + 1)
    assert contents.purge(library, 30 * DAY) == 1
    library.close()


def test_what_a_wrong_clock_once_put_into_the_future(world: Time, tmp_path: Path) -> None:
    library = Library(str(tmp_path / "library.sqlite"))
    with library.write() as database:
        database.execute(
            "INSERT INTO contents (id, scheme, identity, orphaned) VALUES (1, 1, x'00', 9e9)"
        )
    assert contents.purge(library, 30 * DAY) == 0
    world.pass_by(30 * DAY + 1)
    assert contents.purge(library, 30 * DAY) == 1
    library.close()
