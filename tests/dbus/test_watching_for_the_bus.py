"""A bus is found even where the kernel has no more watches to give, or its directory comes late."""

from __future__ import annotations

import shutil

import pytest

from support.bus import Bus, needs_bus, on_bus
from support.faults import start_with
from support.user import User, wait_for

pytestmark = needs_bus

OFTEN = """
from csearchd.desktop import bus
bus._LAST_RETRY = 0.1
"""
NO_INSTANCE = """
import errno

def none_left(*arguments):
    raise OSError(errno.EMFILE, os.strerror(errno.EMFILE))

bus.INotify = none_left
"""
NO_WATCH = """
import errno

class Exhausted(bus.INotify):
    def add_watch(self, *arguments):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

bus.INotify = Exhausted
"""


@pytest.mark.parametrize("code", [NO_INSTANCE, NO_WATCH], ids=["no instance", "no watch"])
def test_a_bus_is_looked_for_where_it_cannot_be_watched_for(
    user: User, bus: Bus, code: str
) -> None:
    start_with(user, OFTEN + code)
    wait_for(lambda: "the session bus can't be watched for" in user.log(), "a line that says so")
    bus.start()
    wait_for(lambda: on_bus(bus), "the service on the bus")
    bus.stop()
    wait_for(lambda: "the session bus has gone" in user.log(), "the service noticing the end")
    bus.start()
    wait_for(lambda: on_bus(bus), "the service on the new bus")
    assert user.log().count("can't be watched for") == 1
    assert "Traceback" not in user.log() and not user.status()["tasks"]


def test_the_directory_of_a_bus_may_go_and_come(user: User, bus: Bus) -> None:
    """As the runtime directory does when a user logs out and in."""
    directory = user.home / "later"
    bus.socket = directory / "bus"
    bus.address = f"unix:path={bus.socket}"
    start_with(user, OFTEN, environment={"DBUS_SESSION_BUS_ADDRESS": bus.address})
    directory.mkdir()
    bus.start()
    wait_for(lambda: on_bus(bus), "the service on the bus")
    bus.stop()
    shutil.rmtree(directory)
    wait_for(lambda: "the session bus has gone" in user.log(), "the service noticing the end")
    directory.mkdir()
    bus.start()
    wait_for(lambda: on_bus(bus), "the service on the new bus")
