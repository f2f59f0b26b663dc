"""A quiet neighbour: on battery, and while other programs need the processor."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from csearchd.indexing import power_policy
from csearchd.indexing.power_policy import POWER_SUPPLIES, PowerPolicy, on_battery
from csearchd.system.child_process import SMALL_BATCH
from csearchd.system.processors import usable
from support.photos import write_drawn
from support.user import User, wait_for

SPINNING = "while True: pass"


class Laptop:
    """Power supplies as the kernel shows them."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.supply("AC", type="Mains", online="1")
        self.supply("BAT0", type="Battery", status="Charging")

    def supply(self, name: str, **attributes: str) -> None:
        (self.directory / name).mkdir(parents=True, exist_ok=True)
        for attribute, value in attributes.items():
            (self.directory / name / attribute).write_text(value + "\n")

    def unplug(self) -> None:
        self.supply("AC", online="0")
        self.supply("BAT0", status="Discharging")

    def plug(self) -> None:
        self.supply("AC", online="1")
        self.supply("BAT0", status="Charging")


@pytest.fixture
def laptop(tmp_path: Path) -> Laptop:
    return Laptop(tmp_path / "power")


@pytest.fixture
def roaming(user: User, laptop: Laptop) -> User:
    """A user on battery whose service sees `laptop`."""
    mount = f'mount --bind "{laptop.directory}" {POWER_SUPPLIES}'
    inside = ("unshare", "-Urm", "sh", "-c")
    if shutil.which("unshare") is None or subprocess.run([*inside, mount]).returncode:
        pytest.skip("needs `unshare` (package util-linux), user namespaces and /sys")
    laptop.unplug()
    user.start(prefix=(*inside, f'{mount} && exec "$@"', "sh"))
    return user


def test_many_pictures_wait_on_battery(roaming: User, laptop: Laptop) -> None:
    write_drawn(roaming.pictures, 4 * SMALL_BATCH)
    roaming.csearchctl("add", roaming.pictures)
    wait_for(lambda: roaming.status()["state"] == "paused", "reading to wait")
    status = roaming.status()
    assert (status["images"], status["pending"]) == (0, 4 * SMALL_BATCH)
    assert status["reason"] == "waiting: on battery"
    assert "waiting: on battery" in status["notes"][0]
    assert b"on battery" in roaming.csearchctl("status").stdout
    laptop.plug()
    assert roaming.settle()["images"] == 4 * SMALL_BATCH


def test_a_screenshot_is_read_on_battery(roaming: User) -> None:
    old = write_drawn(roaming.pictures, 4 * SMALL_BATCH)
    for path in old:
        os.utime(path, (10**9, 10**9))
    roaming.csearchctl("add", roaming.pictures)
    wait_for(lambda: roaming.status()["state"] == "paused", "reading to wait")
    write_drawn(roaming.pictures / "new", 1, first=1000)
    wait_for(lambda: roaming.status()["images"] == 1, "the new one")
    assert roaming.status()["pending"] == len(old)


def test_who_waits_for_a_directory_is_served_on_battery(roaming: User) -> None:
    write_drawn(roaming.pictures, 4 * SMALL_BATCH)
    assert len(roaming.search("anything", "--in", roaming.pictures, "-t", 100)) == 4 * SMALL_BATCH


def test_resume_overrides_the_battery(roaming: User) -> None:
    write_drawn(roaming.pictures, 4 * SMALL_BATCH)
    roaming.csearchctl("add", roaming.pictures)
    wait_for(lambda: roaming.status()["state"] == "paused", "reading to wait")
    roaming.csearchctl("resume")
    assert roaming.settle()["images"] == 4 * SMALL_BATCH


def test_the_battery_can_be_ignored(roaming: User) -> None:
    roaming.config.parent.mkdir(parents=True, exist_ok=True)
    roaming.config.write_text("[encode]\non_battery = true\n")
    roaming.csearchctl("reload")
    write_drawn(roaming.pictures, 4 * SMALL_BATCH)
    roaming.csearchctl("add", roaming.pictures)
    assert roaming.settle()["images"] == 4 * SMALL_BATCH


def test_what_counts_as_battery(laptop: Laptop) -> None:
    directory = str(laptop.directory)
    assert not on_battery(directory)
    laptop.unplug()
    assert on_battery(directory)
    laptop.supply("ucsi", type="USB", online="1")
    assert not on_battery(directory)
    laptop.supply("ucsi", online="0")
    laptop.supply("BAT0", status="Not charging")
    laptop.supply("mouse", type="Battery", scope="Device", status="Discharging")
    assert not on_battery(directory)
    assert not on_battery(directory + "/none")


def test_insisting_ends_with_the_battery(laptop: Laptop, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(power_policy, "POWER_SECONDS", 0.0)
    seen = PowerPolicy(str(laptop.directory))
    laptop.unplug()
    assert seen.on_battery()
    seen.ignore_battery()
    assert not seen.on_battery()
    laptop.plug()
    assert not seen.on_battery()
    laptop.unplug()
    assert seen.on_battery()


@contextmanager
def others(count: int) -> Iterator[None]:
    """That many busy programs."""
    running = [subprocess.Popen([sys.executable, "-c", SPINNING]) for _ in range(count)]
    try:
        yield
    finally:
        for process in running:
            process.kill()
            process.wait()


def test_others_need_the_processor(user: User) -> None:
    user.start()
    user.csearchctl("pause")
    write_drawn(user.pictures, 500)
    user.csearchctl("add", user.pictures)
    wait_for(lambda: user.status()["pending"] == 500, "the scan")
    with others(2 * len(usable())):
        user.csearchctl("resume")
        wait_for(lambda: "slowly" in "".join(user.status()["notes"]), "the service to step back")
        assert user.status()["pending"] > 0
    assert user.settle()["images"] == 500


def test_load_has_a_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    """It begins above one share and ends below another."""
    clock, used = [100.0], [0.0]
    monkeypatch.setattr(time, "monotonic", lambda: clock[0])
    monkeypatch.setattr(power_policy, "_foreground", lambda encoder: used[0])
    load = power_policy.LoadMonitor()

    def after(share: float) -> bool:
        clock[0] += 2.0
        used[0] += 2.0 * share * len(usable())
        return load.others_are_busy(None)

    assert not load.others_are_busy(None)
    assert [after(0.5) for _ in range(9)] == [False] * 9
    assert [after(0.9) for _ in range(3)][-1]
    assert [after(0.5) for _ in range(9)] == [True] * 9
    assert not [after(0.1) for _ in range(4)][-1]
    after(1.0)
    clock[0] += 100
    assert not load.others_are_busy(None)
