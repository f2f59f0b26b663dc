"""The rate of reading, by a clock of the test's own."""

from __future__ import annotations

from csearchd.indexing.rate import Rate


def test_a_time_without_work_does_not_count() -> None:
    now = 0.0
    rate = Rate(lambda: now)
    for _ in range(10):
        now += 1
        rate.add(20)
    assert 18 < rate.value < 22
    now += 3600
    assert rate.value == 0
    rate.begin()
    now += 1
    rate.add(20)
    assert rate.value == 20


def test_pictures_that_take_long_have_a_rate() -> None:
    now = 0.0
    rate = Rate(lambda: now)
    for _ in range(5):
        now += 8
        rate.add(1)
        assert rate.value == 1 / 8


def test_work_that_begins_anew_goes_on() -> None:
    now = 0.0
    rate = Rate(lambda: now)
    now += 2
    rate.add(20)
    rate.begin()  # the encoder had nothing to do for a moment
    now += 2
    rate.add(20)
    assert rate.value == 10
