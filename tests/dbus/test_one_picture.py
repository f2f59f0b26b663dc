"""What a viewer asks of one picture: its pixels, what is known of it, what is written in it."""

from __future__ import annotations

import io
import os
from pathlib import Path
from typing import Any

import pytest
from dbus_fast import Variant
from PIL import Image
from pillow_heif import register_heif_opener

from support.bus import OWN, Bus, Caller, needs_bus, on_bus
from support.lettering import written
from support.photos import NAMES, photo
from support.user import User, wait_for

pytestmark = needs_bus


@pytest.mark.parametrize(("pixels", "size"), [(150, (150, 100)), (4096, (600, 400))])
def test_a_picture_in_a_format_that_the_desktop_may_not_know(
    desktop: Bus, tmp_path: Path, pixels: int, size: tuple[int, int]
) -> None:
    register_heif_opener()
    file = tmp_path / "coffee.heic"
    photo("coffee").save(file)
    desktop.user.search("anything", "--in", tmp_path)
    (jpeg,) = desktop.call(OWN, "Picture", "ayu", os.fsencode(file) + b"\0", pixels)
    with Image.open(io.BytesIO(jpeg)) as image:
        assert (image.format, image.size) == ("JPEG", size)


def test_a_picture_that_cannot_be_decoded_is_named(desktop: Bus, tmp_path: Path) -> None:
    broken, gone = tmp_path / "broken.jpg", tmp_path / "gone.jpg"
    broken.write_bytes(b"no picture")
    photo("cat").save(gone)
    desktop.user.search("anything", "--in", tmp_path)
    gone.unlink()

    async def ask(path: bytes) -> tuple[str | None, Any]:
        async with Caller(desktop) as caller:
            reply = await caller.ask(OWN, "Picture", "ayu", path, 100)
            return reply.error_name, reply.body[0]

    for file in (broken, gone):
        error, text = desktop.run(ask(os.fsencode(file)))
        assert error == "org.csearch.Error.Picture" and str(file) in text
    assert desktop.run(ask(b"relative.jpg"))[0] == "org.csearch.Error.BadRequest"
    photo("cat").save(tmp_path / "unknown.jpg")
    beside = os.path.join(os.fsencode(desktop.user.pictures), b"..", b"unknown.jpg")
    for path in (os.fsencode(tmp_path / "unknown.jpg"), beside):
        error, text = desktop.run(ask(path))
        assert error == "org.csearch.Error.NotFound" and "nothing is known of it" in text
    coffee = os.fsencode(desktop.user.pictures / "coffee.jpg")
    assert desktop.call(OWN, "Picture", "ayu", coffee, 100), "the next one is shown"


def test_why_a_picture_matches(desktop: Bus) -> None:
    paths = [os.fsencode(desktop.user.pictures / f"{name}.jpg") for name in NAMES]
    options = {"details": Variant("b", True), "query": Variant("s", "a cup of coffee")}
    (told,) = desktop.call(OWN, "Tags", "aaya{sv}", [*paths, b"/none.jpg"], options)
    assert told.pop() == {}
    for known in told:
        parts = known["why"].value["parts"].value
        assert [part["text"].value for part in parts] == ["a cup", "coffee"]
    sure = {name: known["why"].value["parts"].value[1]["probability"].value
            for name, known in zip(NAMES, told, strict=True)}  # fmt: skip
    assert max(sure, key=lambda name: sure[name]) == "coffee"
    assert all(known["details"].value["width"].value for known in told)


def test_what_is_written_in_a_picture(tmp_path: Path) -> None:
    with User(tmp_path, reads_words=True) as user:
        note = user.pictures / "note.png"
        written(("gooseberry 4711",)).save(note)
        user.csearchctl("add", user.pictures)
        bus = Bus(user)
        bus.start()
        try:
            wait_for(lambda: on_bus(bus), "the service on the bus")

            async def ask() -> Any:
                async with Caller(bus) as caller:
                    with note.open("rb") as opened:
                        given = (os.fsencode(note), 0)
                        return await caller.call(
                            OWN, "Text", "ayh", *given, unix_fds=[opened.fileno()]
                        )

            (told,) = bus.run(ask())
        finally:
            bus.stop()
    (line,) = told["lines"].value
    assert line["text"].value == "gooseberry 4711"
    left, top, right, *_ = line["box"].value
    assert 0 <= left < right <= 1 and 0 <= top < 0.5
