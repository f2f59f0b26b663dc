"""A maker of thumbnails that answers rubbish costs one picture, and nobody waits for ever."""

from __future__ import annotations

import os

import pytest

from support.bus import OWN, Bus, needs_bus, on_bus
from support.faults import fault, start_with
from support.user import User, wait_for

pytestmark = needs_bus


@pytest.mark.parametrize("raised", ["ProtocolError('rubbish')", "RuntimeError('injected')"])
def test_a_maker_that_answers_rubbish(user: User, bus: Bus, raised: str) -> None:
    cat, coffee = user.take_photos(("cat", "coffee"))
    bus.start()
    start_with(
        user,
        f"""
from csearch.protocol.wire import ProtocolError
from csearchd.desktop import thumbnailer
before = thumbnailer._ask

async def ask(process, version):
    reply = await before(process, version)
    if faulty():
        raise {raised}
    return reply

thumbnailer._ask = ask
""",
    )
    wait_for(lambda: on_bus(bus), "the service on the bus")
    user.csearchctl("add", user.pictures)
    fault(user).touch()
    assert bus.call(OWN, "Thumbnails", "aayu", [os.fsencode(cat)], 256) == [[b""]]
    fault(user).unlink()
    ((made,),) = bus.call(OWN, "Thumbnails", "aayu", [os.fsencode(coffee)], 256)
    assert os.path.exists(made)


def test_a_pipe_in_the_place_of_a_thumbnail_holds_nobody_up(user: User, bus: Bus) -> None:
    (cat,) = user.take_photos(("cat",))
    bus.start()
    user.start()
    wait_for(lambda: on_bus(bus), "the service on the bus")
    user.csearchctl("add", user.pictures)
    ((made,),) = bus.call(OWN, "Thumbnails", "aayu", [os.fsencode(cat)], 256)
    os.unlink(made)
    os.mkfifo(made)  # nobody writes to it
    assert bus.call(OWN, "Thumbnails", "aayu", [os.fsencode(cat)], 256) == [[made]]
    assert os.path.isfile(made)
