"""What the search window asks for beside searches: a page to begin with, folders, settings."""

from __future__ import annotations

import os
import subprocess
from datetime import date
from typing import Any

from dbus_fast import Variant

from support.album import write_photo
from support.bus import OWN, Bus, Caller, needs_bus, on_bus
from support.photos import write_photos
from support.user import User, wait_for

pytestmark = needs_bus


def told(bus: Bus, member: str, signature: str = "", *values: Any) -> dict[str, Any]:
    """The fields of the answer, as plain values."""
    fields = bus.call(OWN, member, signature, *values)[0]
    return {name: field.value for name, field in fields.items()}


def test_a_folder_is_watched_once_it_is_added_and_no_more_once_it_is_removed(desktop: Bus) -> None:
    user = desktop.user
    folder = user.home / "holidays \udcff"
    write_photos(folder, ("cat",))
    path = os.fsencode(folder)
    assert told(desktop, "AddFolder", "ay", path + b"\0")["path"] == path
    assert os.fsdecode(path) in [os.fsdecode(root) for root in roots(desktop)]
    assert user.settle()["failed"] == 0
    write_photos(folder, ("rocket",))  # comes later
    wait_for(lambda: len(user.search("name:rocket", "--in", folder, check=None)) == 1, "it")
    told(desktop, "RemoveFolder", "ay", path)
    assert path not in roots(desktop)


def roots(bus: Bus) -> list[bytes]:
    return [root["path"].value for root in told(bus, "Status")["roots"]]


def test_a_folder_that_is_none_is_refused(desktop: Bus) -> None:
    async def ask(member: str, path: bytes) -> str | None:
        async with Caller(desktop) as caller:
            return (await caller.ask(OWN, member, "ay", path)).error_name

    assert desktop.run(ask("AddFolder", b"/there/is/none")) == "org.csearch.Error.NotFound"
    assert desktop.run(ask("AddFolder", b"relative")) == "org.csearch.Error.BadRequest"
    assert desktop.run(ask("RemoveFolder", b"/etc")) == "org.csearch.Error.NotFound"


def test_reading_is_paused_and_goes_on(desktop: Bus) -> None:
    desktop.call(OWN, "Pause")
    try:
        assert desktop.user.status()["state"] == "paused"
    finally:
        desktop.call(OWN, "Resume")
    assert desktop.user.status()["state"] != "paused"


def test_settings_are_those_of_the_file_once_it_is_read_again(desktop: Bus) -> None:
    user = desktop.user
    before = told(desktop, "Settings")
    assert os.fsdecode(before["path"]) == str(user.config)
    assert before["settings"]["encode"].value["on_battery"].value is False
    written = user.config.read_text()
    user.config.write_text(written + "[encode]\non_battery = true\n")
    desktop.call(OWN, "Reload")
    after = told(desktop, "Settings")["settings"]
    user.config.write_text(written)
    desktop.call(OWN, "Reload")
    assert after["encode"].value["on_battery"].value is True
    assert after["text"].value["enabled"].value is False


def test_the_services_python_starts_the_commands(desktop: Bus) -> None:
    command = desktop.call(OWN, "Python")[0]
    done = subprocess.run(
        [*command, "-m", "csearch.control", "--version"], capture_output=True, text=True, check=True
    )
    assert done.stdout.startswith("csearch")


def test_past_queries_are_told_until_they_are_cleared(desktop: Bus) -> None:
    desktop.user.csearch("-g", "a cup of coffee")
    assert told(desktop, "Home", "a{sv}", {})["queries"][0] == "a cup of coffee"
    desktop.call(OWN, "ClearHistory")
    assert told(desktop, "Home", "a{sv}", {})["queries"] == []


def test_a_page_to_begin_with(user: User) -> None:
    """Pictures that came last, those of this day in past years, places, and what many show."""
    today = date.today()
    lisbon, rome = (38.71, -9.14), (41.9, 12.48)
    for year in (today.year - 1, today.year - 4):
        day = f"{year}:03:01" if (today.month, today.day) == (2, 29) else f"{year}:{today:%m:%d}"
        write_photo(
            user.pictures / f"{year}.jpg", "cat", taken=f"{day} 12:00:00", place=lisbon,
            size=(200 + year % 10, 150),
        )  # fmt: skip
    write_photo(user.pictures / "rome.jpg", "coffee", taken="2019:01:02 03:04:05", place=rome)
    missing = write_photos(user.pictures, ("rocket", "astronaut", "moon"))[-1]
    bus = Bus(user)
    bus.start()
    try:
        user.start()
        user.csearchctl("add", user.pictures)
        user.settle()
        wait_for(lambda: on_bus(bus), "the service on the bus")
        home = told(bus, "Home", "a{sv}", {})
        assert os.fsencode(missing) in home["recent"] and len(home["recent"]) == 6
        home = told(bus, "Home", "a{sv}", {"memories": Variant("b", True)})
        assert home["places"] == ["Lisbon, Portugal", "Rome, Italy"]
        if (today.month, today.day) != (2, 29):
            years = [day["year"].value for day in home["days"]]
            assert years == [today.year - 1, today.year - 4]
            [path] = home["days"][0]["paths"].value
            assert os.fsdecode(path) == str(user.pictures / f"{today.year - 1}.jpg")
        words = told(bus, "Home", "a{sv}", {"words": Variant("b", True)})["words"]
        assert all(isinstance(word, str) and "/" not in word for word in words)
        user.csearchctl("pause")
        missing.unlink()
        assert os.fsencode(missing) not in told(bus, "Home", "a{sv}", {})["recent"]
    finally:
        bus.stop()
