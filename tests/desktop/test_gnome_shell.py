"""The search provider in GNOME Shell itself, headless: typed into, and looked at."""

from __future__ import annotations

import asyncio
import hashlib
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from support.bus import on_bus
from support.gnome_shell import GnomeShell, needs_gnome_shell
from support.programs import FILE_MANAGER, WINDOW, Programs
from support.user import User, wait_for

pytestmark = needs_gnome_shell()

PROVIDER = Path("gnome-shell/search-providers/org.csearch.search-provider.ini")
INTEGRATIONS = Path(__file__).parents[2] / "integrations"


@pytest.fixture(scope="module")
def shell(settled: User) -> Iterator[GnomeShell]:
    """A shell on the service's bus."""
    settled.csearchctl("install", "--all")
    # What root installs is below a directory of data of the test's own.
    data = settled.home / "share"
    (data / PROVIDER).parent.mkdir(parents=True)
    shutil.copy(INTEGRATIONS / "gnome-shell" / PROVIDER.name, data / PROVIDER)
    made = GnomeShell(settled)
    try:
        made.start(data)
        settled.csearchctl("add", settled.pictures)
        wait_for(lambda: on_bus(made.bus), "the service on the bus")
        yield made
    finally:
        made.stop()
        print((settled.home / "shell.log").read_text(errors="replace")[-4000:])


def shown_once(shell: GnomeShell, name: str) -> dict[str, Any]:
    """The only result on the screen, once it is a picture: others of the photos are weak."""
    uri = (shell.user.pictures / name).as_uri()

    def shown() -> list[dict[str, Any]]:
        results = shell.shown()
        return results if [result["id"] for result in results] == [uri] else []

    found: list[dict[str, Any]] = wait_for(shown, f"the shell shows {uri}")
    return found[0]


def test_pictures_are_results_while_somebody_types(shell: GnomeShell) -> None:
    coffee = shell.user.pictures / "coffee.jpg"
    digest = hashlib.md5(coffee.as_uri().encode()).hexdigest()
    thumbnail = shell.user.home / ".cache" / "thumbnails" / "large" / f"{digest}.png"
    thumbnail.parent.mkdir(parents=True, exist_ok=True)
    version = PngInfo()
    version.add_text("Thumb::MTime", str(int(coffee.stat().st_mtime)))
    Image.open(coffee).resize((256, 171)).save(thumbnail, pnginfo=version)
    shell.type("a cup of coffee")
    first = shown_once(shell, "coffee.jpg")
    assert first["texts"] == ["coffee.jpg", "~/Pictures"]
    assert first["icon"] == str(thumbnail)


def test_enter_opens_the_first(shell: GnomeShell) -> None:
    async def scenario() -> None:
        async with Programs(shell.bus, FILE_MANAGER) as programs:
            await asyncio.to_thread(shell.type, "\r")
            while not programs.told:
                await asyncio.sleep(0.02)
            coffee = shell.user.pictures / "coffee.jpg"
            assert programs.told == [("ShowItems", [[coffee.as_uri()], ""])]

    shell.bus.run(scenario())


def test_the_name_of_the_program_opens_the_window(shell: GnomeShell) -> None:
    shell.search("firefox")
    wait_for(lambda: not shell.shown(), "no results, where a program is meant")
    shell.search("rocket")
    shown_once(shell, "rocket.jpg")

    async def scenario() -> None:
        async with Programs(shell.bus, WINDOW) as programs:
            await asyncio.to_thread(shell.choose_provider)
            while not programs.told:
                await asyncio.sleep(0.02)
            ((member, values),) = programs.told
            assert member == "ActivateAction"
            assert values[0] == "search" and values[1][0].value == "rocket"

    shell.bus.run(scenario())
    assert "Traceback" not in shell.user.log()
