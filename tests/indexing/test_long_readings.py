"""Which readings are long enough for their end to be told."""

from __future__ import annotations

from collections.abc import Sequence

from csearchd.indexing.long_readings import LONG, LongReadings


def ends(*told: tuple[float, int, str]) -> list[bool]:
    """Whether a reading has ended with each status, given when it was told."""
    times = iter([time for time, _, _ in told])
    readings = LongReadings(lambda: next(times))
    return [readings.has_ended(pending, state) for _, pending, state in told]


def reading(*spells: tuple[float, str]) -> Sequence[tuple[float, int, str]]:
    """The statuses of a reading with so many seconds in each state."""
    told, now = [], 100.0
    for seconds, state in spells:
        told.append((now, 5, state))
        now += seconds
    return [(0.0, 0, "idle"), *told, (now, 0, "idle"), (now + LONG, 0, "idle")]


def test_a_long_one_ends_once() -> None:
    assert ends(*reading((LONG, "encoding"))) == [False, False, True, False]
    assert ends(*reading((LONG - 1, "encoding"))) == [False, False, False, False]


def test_only_time_in_which_something_is_read_counts() -> None:
    short = reading((60, "scanning"), (10 * LONG, "paused"), (60, "encoding"))
    assert not any(ends(*short))
    long = reading((LONG / 2, "encoding"), (10 * LONG, "paused"), (LONG / 2, "encoding"))
    assert ends(*long).count(True) == 1
    assert not any(ends(*reading((60, "encoding"), (10 * LONG, "idle"))))
