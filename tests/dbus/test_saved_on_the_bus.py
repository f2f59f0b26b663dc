"""Saved searches, listed and changed by programs on the bus."""

from __future__ import annotations

import asyncio
import os
from typing import Any

import pytest
from dbus_fast import Variant

from support.bus import OWN, Bus, Caller, needs_bus

pytestmark = needs_bus


def plain(fields: dict[str, Variant]) -> dict[str, Any]:
    return {key: variant.value for key, variant in fields.items()}


def saved(bus: Bus) -> list[dict[str, Any]]:
    return [plain(search) for search in bus.call(OWN, "Saved")[0]]


def save(bus: Bus, name: bytes, query: str, **options: Variant) -> dict[str, Any]:
    return plain(bus.call(OWN, "SaveSearch", "aysa{sv}", name, query, options)[0])


def error(told: dict[str, Any]) -> str:
    """The code of the reason."""
    return str(plain(plain(told["error"])["reason"])["code"])


@pytest.fixture
def nothing_saved(desktop: Bus) -> Bus:
    for search in saved(desktop):
        desktop.call(OWN, "RemoveSaved", "ay", search["name"])
    return desktop


def test_a_search_is_saved_renamed_and_removed(nothing_saved: Bus) -> None:
    bus, pictures = nothing_saved, os.fsencode(nothing_saved.user.pictures)
    scopes = Variant("aay", [pictures + b"\0"])  # as GLib writes them
    told = save(bus, b"pets\xff", "a cat", scopes=scopes, sort=Variant("s", "date"))
    (only,) = saved(bus)
    assert only["folder"] == told["folder"] and os.path.basename(told["folder"]) == b"pets\xff"
    assert (only["name"], only["query"], only["sort"]) == (b"pets\xff", "a cat", "date")
    assert only["scopes"] == [pictures]
    assert only["links"] == len(os.listdir(only["folder"]))
    renamed = plain(bus.call(OWN, "RenameSaved", "ayay", b"pets\xff", b"cats")[0])
    assert renamed["folder"].endswith(b"/cats")
    assert [search["name"] for search in saved(bus)] == [b"cats"]
    removed = plain(bus.call(OWN, "RemoveSaved", "ay", b"cats")[0])
    assert removed["kept"] is False and saved(bus) == []


def test_pictures_come_along(nothing_saved: Bus) -> None:
    picture = os.fsencode(nothing_saved.user.pictures / "cat.jpg")
    query = f"a dog + {os.fsdecode(picture)}"
    place = {
        "path": Variant("ay", picture),
        "start": Variant("i", 8),
        "end": Variant("i", len(query)),
    }
    save(nothing_saved, b"both", query, pictures=Variant("aa{sv}", [place]))
    (only,) = saved(nothing_saved)
    assert [plain(one) for one in only["pictures"]] == [
        {"path": picture, "start": 8, "end": len(query)}
    ]


def test_what_is_wrong_is_a_part_of_the_answer(nothing_saved: Bus) -> None:
    bus = nothing_saved
    save(bus, b"pets", "a cat")
    assert error(save(bus, b"pets", "a dog")) == "saved-search-exists"
    assert "folder" in save(bus, b"pets", "a dog", replace=Variant("b", True))
    save(bus, b"others", "a cat")
    renamed = bus.call(OWN, "RenameSaved", "ayay", b"others", b"pets")[0]
    assert error(plain(renamed)) == "saved-search-name-taken"
    assert error(save(bus, b"a/b", "a cat")) == "not-a-saved-name"
    gone = bus.call(OWN, "RemoveSaved", "ay", b"none")[0]
    assert error(plain(gone)) == "no-saved-search"
    told = save(bus, b"x", "a cat", sort=Variant("s", "taste"))
    assert plain(told["error"])["code"] == "bad-request"
    assert [search["query"] for search in saved(bus)] == ["a cat", "a dog"]


def test_news_of_them_are_told(nothing_saved: Bus) -> None:
    async def listen() -> None:
        async with Caller(nothing_saved) as listener:
            await listener.call(
                ("/org/freedesktop/DBus", "org.freedesktop.DBus"),
                "AddMatch",
                "s",
                "type='signal',member='Changed'",
                destination="org.freedesktop.DBus",
            )
            await listener.call(OWN, "SaveSearch", "aysa{sv}", b"pets", "a cat", {})
            for _ in range(1800):
                if any(message.member == "Changed" for message in listener.signals):
                    return
                await asyncio.sleep(0.1)
            raise AssertionError("no Changed")

    nothing_saved.run(listen())
