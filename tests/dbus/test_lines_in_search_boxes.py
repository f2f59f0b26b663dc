"""The line in a picture that was looked for, in the desktops' search boxes and our interface."""

from __future__ import annotations

from support.bus import KRUNNER, OWN, SHELL, Bus, needs_bus, on_bus
from support.photos import write_drawn
from support.user import User, wait_for
from support.written import write_words

pytestmark = needs_bus


def test_the_line_is_shown(user: User, bus: Bus) -> None:
    first, second = write_drawn(user.pictures, 2)
    user.csearchctl("add", user.pictures)
    user.settle()
    write_words(user, {first: ("Hotel Post", "Invoice 4711")})
    bus.start()
    user.start()
    wait_for(lambda: on_bus(bus), "the service on the bus")

    (matches,) = bus.call(KRUNNER, "Match", "s", "text:invoice")
    (match,) = matches
    assert match[1] == first.name and match[5]["subtext"].value == "“Invoice 4711”"
    (found,) = bus.call(SHELL, "GetInitialResultSet", "as", ["invoice", "4711"])
    assert found[0] == first.as_uri()
    (metas,) = bus.call(SHELL, "GetResultMetas", "as", [first.as_uri(), second.as_uri()])
    assert metas[0]["description"].value == "“Invoice 4711”"
    assert metas[1]["description"].value == "~/Pictures"
    hits, _ = bus.call(OWN, "Search", "sa{sv}", "text:4711", {})
    (hit,) = hits
    assert hit[2]["text"].value[0]["text"].value == "Invoice 4711"
    assert len(hit[2]["text"].value[0]["box"].value) == 8
