"""Copies and bursts, as programs on the bus are told of them."""

from __future__ import annotations

import asyncio
import os
import shutil
from pathlib import Path
from typing import Any

from dbus_fast import Variant

from support.bus import OWN, Bus, Caller, needs_bus, on_bus
from support.faults import start_with
from support.photos import photo
from support.user import User, wait_for

pytestmark = needs_bus


def told(desktop: Bus, **options: Variant) -> tuple[list[Any], dict[str, int]]:
    """The groups that are sent, in their order, and the result."""

    async def scenario() -> Any:
        async with Caller(desktop) as caller:
            (result,) = await caller.call(OWN, "Duplicates", "a{sv}", options)
            return result, [
                signal.body[0] for signal in caller.signals if signal.member == "Groups"
            ]

    result, parts = desktop.run(scenario())
    groups = [
        {"kind": group["kind"].value, "files": group["files"].value}
        for part in parts
        for group in part
    ]
    return groups, {name: count.value for name, count in result.items()}


def names(group: dict[str, Any]) -> list[str]:
    return [Path(os.fsdecode(file["path"].value)).name for file in group["files"]]


def test_groups_come_before_the_counts(desktop: Bus) -> None:
    folder = desktop.user.home / "twice\udcff"
    folder.mkdir()
    photo("cat").save(folder / "cat.jpg")
    shutil.copy(folder / "cat.jpg", folder / "copy.jpg")
    photo("coffee").save(folder / "coffee.jpg")
    photo("coffee").resize((300, 200)).save(folder / "small.jpg")
    desktop.user.search("--wait", "x", "--in", folder)
    below = Variant("ay", os.fsencode(folder) + b"\0")  # as GLib writes it
    groups, counts = told(desktop, path=below)
    found = {group["kind"]: group for group in groups}
    assert set(found) == {"exact", "near"} and len(groups) == 2
    assert sorted(names(found["exact"])) == ["cat.jpg", "copy.jpg"]
    assert names(found["near"]) == ["coffee.jpg", "small.jpg"], "the larger one first"
    first = found["near"]["files"][0]
    info = (folder / "coffee.jpg").stat()
    assert (first["size"].value, first["mtime_ns"].value) == (info.st_size, info.st_mtime_ns)
    assert first["width"].value * first["height"].value == first["pixels"].value
    assert (counts["groups"], counts["near"], counts["spare"]) == (2, 1, 1)
    groups, counts = told(desktop, path=below, exact=Variant("b", True))
    assert [group["kind"] for group in groups] == ["exact"]


def test_what_cannot_be_compared_is_an_error(desktop: Bus) -> None:
    async def scenario() -> Any:
        async with Caller(desktop) as caller:
            options = {"path": Variant("ay", b"/there/is/none")}
            return await caller.ask(OWN, "Duplicates", "a{sv}", options)

    assert desktop.run(scenario()).error_name == "org.csearch.Error.NotFound"


# Compares for ever, and notes in files when it begins and ends.
_LONG = """
from csearchd.serve.handlers import duplicates

def compare(*values):
    open(FAULT + ".begun", "w").close()
    try:
        while True:
            values[-1]()
            time.sleep(0.01)
    finally:
        open(FAULT + ".ended", "w").close()

duplicates.find_groups = compare
"""


def test_a_comparison_ends_when_its_caller_has_left(user: User, bus: Bus) -> None:
    bus.start()
    begun, ended = user.home / "fault.begun", user.home / "fault.ended"

    async def scenario() -> None:
        async with Caller(bus) as caller:
            asked = asyncio.create_task(caller.call(OWN, "Duplicates", "a{sv}", {}))
            while not begun.exists():
                await asyncio.sleep(0.01)
            assert not ended.exists()
        asked.cancel()

    start_with(user, _LONG)
    wait_for(lambda: on_bus(bus), "the service on the bus")
    bus.run(scenario())
    wait_for(ended.exists, "the end of the comparison")
