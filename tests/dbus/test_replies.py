"""Replies that can't be sent: whoever called is told, and doesn't wait for ever."""

from __future__ import annotations

from dbus_fast import MessageType

from support.bus import OWN, Bus, Caller, needs_bus, on_bus
from support.faults import start_with
from support.user import User, wait_for

pytestmark = needs_bus


def test_a_reply_that_cannot_be_put_into_a_message_is_an_error(user: User, bus: Bus) -> None:
    bus.start()
    start_with(
        user,
        """
from csearchd.desktop import csearch_interface

async def python(self, call):
    return [object()]

csearch_interface.CsearchInterface._python = python
""",
    )
    wait_for(lambda: on_bus(bus), "the service on the bus")

    async def scenario() -> None:
        async with Caller(bus) as caller:
            reply = await caller.ask(OWN, "Python")
            assert reply.message_type is MessageType.ERROR
            assert reply.error_name == "org.csearch.Error.Internal"

    bus.run(scenario())
    assert "Traceback" in user.log() and on_bus(bus)
