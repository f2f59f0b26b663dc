"""A user whose service is on a session bus, with photos read."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from support.bus import Bus, on_bus
from support.user import User, wait_for


@pytest.fixture
def bus(user: User) -> Iterator[Bus]:
    """A bus that is about to be started."""
    made = Bus(user)
    yield made
    made.stop()


@pytest.fixture(scope="module")
def desktop(settled: User) -> Iterator[Bus]:
    """A bus with the service on it."""
    made = Bus(settled)
    made.start()
    wait_for(lambda: on_bus(made), "the service on the bus")
    yield made
    made.stop()
