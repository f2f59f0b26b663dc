"""A desktop on which the service runs and photos are known."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from support.bus import on_bus
from support.complaints import complaints
from support.desktop import Desktop
from support.user import User, wait_for


@pytest.fixture(scope="module")
def screen(settled: User) -> Iterator[Desktop]:
    made = Desktop(settled)
    try:
        made.start()
        settled.csearchctl("add", settled.pictures)
        wait_for(lambda: on_bus(made.bus), "the service on the bus")
        yield made
    finally:
        made.stop()
        for log in settled.home.glob("*.log"):  # shown where a test fails
            print(log.name, log.read_text(errors="replace")[-4000:])
    # Nautilus, KRunner and the like have warnings of their own.
    for log in settled.home.glob("*.log"):
        ours = "" if log.name.startswith(("python", "csearch")) else "csearch"
        text = log.read_text(errors="replace")
        assert not complaints(text, ours), text[-4000:]
