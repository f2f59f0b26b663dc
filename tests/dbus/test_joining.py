"""The service and the session bus: which of them is there first, and which goes."""

from __future__ import annotations

import os
import sys
from pathlib import Path

from support.bus import OWN, Bus, needs_bus, on_bus
from support.user import User, wait_for

pytestmark = needs_bus


def test_the_bus_is_joined_when_it_appears_and_again_when_it_comes_back(
    user: User, bus: Bus
) -> None:
    user.start()
    bus.start()
    wait_for(lambda: on_bus(bus), "the service on the bus")
    bus.stop()
    wait_for(lambda: "the session bus has gone" in user.log(), "the service noticing the end")
    assert user.answers()
    bus.start()
    wait_for(lambda: on_bus(bus), "the service on the new bus")
    assert "Traceback" not in user.log()


def test_a_stale_address_in_the_environment_does_no_harm(user: User, bus: Bus) -> None:
    bus.start()
    user.start(environment={"DBUS_SESSION_BUS_ADDRESS": f"unix:path={user.home}/gone"})
    wait_for(lambda: on_bus(bus), "the service on the bus")


def test_a_second_service_waits_for_the_name(user: User, bus: Bus, tmp_path: Path) -> None:
    bus.start()
    first = user.start()
    wait_for(lambda: on_bus(bus), "the service on the bus")
    pid = bus.call(OWN, "Status")[0]["pid"].value
    with User(tmp_path) as second:
        second.start(environment={"DBUS_SESSION_BUS_ADDRESS": bus.address})
        assert bus.call(OWN, "Status")[0]["pid"].value == pid
        first.terminate()
        first.wait()
        wait_for(lambda: on_bus(bus), "the second service on the bus")
        assert bus.call(OWN, "Status")[0]["pid"].value != pid


def test_a_call_starts_the_service(user: User, bus: Bus) -> None:
    """By the bus itself, where no service manager is."""
    services = user.home / ".local" / "share" / "dbus-1" / "services"
    services.mkdir(parents=True)
    (services / "org.csearch.Csearch1.service").write_text(
        f"[D-BUS Service]\nName=org.csearch.Csearch1\n"
        f"Exec=/usr/bin/env PYTHONPATH={os.environ.get('PYTHONPATH', '')} "
        f"{sys.executable} -P -m csearchd\n"
    )
    bus.start()
    (status,) = bus.call(OWN, "Status")
    assert status["pid"].value in user.pids("csearchd")
