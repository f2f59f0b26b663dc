"""Keywords that the user chooses, as programs on the bus write them."""

from __future__ import annotations

import os

import pytest
from dbus_fast import Variant

from support.bus import OWN, Bus, Caller, needs_bus
from support.photos import write_photos

pytestmark = needs_bus


def test_words_are_written_and_taken_back(desktop: Bus) -> None:
    folder = desktop.user.home / "given\udcff"
    picture = write_photos(folder, ("cat",))[0]
    desktop.user.search("--wait", "x", "--in", folder)
    paths = [os.fsencode(picture) + b"\0"]  # as GLib writes them
    mode = Variant("s", "sidecar")
    options = {"mode": mode, "add": Variant("as", ["Lisbon"])}
    (told,) = desktop.call(OWN, "Tag", "aaya{sv}", paths, options)
    assert (told["written"].value, told["left"].value, told["reasons"].value) == (1, 0, [])
    assert told["paths"].value == [os.fsencode(picture)]
    assert desktop.user.search("--wait", "tag:lisbon", "--in", folder) == [picture]
    desktop.user.csearchctl("tags", "write", "--mode", "sidecar", folder)
    assert b"<rdf:li>Lisbon</rdf:li>" in (folder / "cat.jpg.xmp").read_bytes()
    (told,) = desktop.call(OWN, "Tag", "aaya{sv}", paths, {**options, "add": Variant("as", [])})
    assert told["written"].value == 0
    desktop.user.csearchctl("tags", "undo", folder)
    assert [path.name for path in folder.iterdir()] == ["cat.jpg"]


@pytest.mark.parametrize(
    ("path", "options", "error"),
    [
        ("/a.jpg", {"add": Variant("as", ["a,b"])}, "BadRequest"),
        ("/a.jpg", {"take": Variant("as", [" "])}, "BadRequest"),
        ("/a.jpg", {"mode": Variant("s", "nowhere")}, "BadRequest"),
        ("a.jpg", {"add": Variant("as", ["a"])}, "BadRequest"),
    ],
)
def test_what_is_wrong_with_a_request(
    desktop: Bus, path: str, options: dict[str, Variant], error: str
) -> None:
    async def scenario() -> str | None:
        async with Caller(desktop) as caller:
            told = {"mode": Variant("s", "sidecar"), **options}
            reply = await caller.ask(OWN, "Tag", "aaya{sv}", [path.encode()], told)
            return reply.error_name

    assert desktop.run(scenario()) == f"org.csearch.Error.{error}"


def test_why_nothing_could_be_written_is_part_of_the_answer(desktop: Bus) -> None:
    async def scenario() -> dict[str, Variant]:
        async with Caller(desktop) as caller:
            options = {"mode": Variant("s", "sidecar"), "add": Variant("as", ["a"])}
            reply = await caller.ask(OWN, "Tag", "aaya{sv}", [b"/there/is/none.jpg"], options)
            told: dict[str, Variant] = reply.body[0]
            return told

    error = desktop.run(scenario())["error"].value
    assert error["code"].value == "not-found"
