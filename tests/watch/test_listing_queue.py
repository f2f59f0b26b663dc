"""When scans are due that only the clock asks for."""

from __future__ import annotations

import time

import pytest

from csearchd.watch import listing_queue


def test_a_day_passes_while_the_machine_sleeps(monkeypatch: pytest.MonkeyPatch) -> None:
    running = time.monotonic() + 500.0  # it has slept before
    monkeypatch.setattr(listing_queue, "_boot_time", lambda: running)
    part = listing_queue.ListingQueue()
    part.scan_in(b"/a", 86400.0)
    earliest = part.earliest()
    assert earliest is not None and earliest > time.monotonic() + 86000.0
    assert part.next_scans() == []
    running += 90000.0
    earliest = part.earliest()
    assert earliest is not None and earliest < time.monotonic()
    assert part.next_scans() == [b"/a"]
    assert part.next_scans() == [] and part.earliest() is None
