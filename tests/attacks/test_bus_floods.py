"""Large calls and a bus that doesn't read: the service stays on it, and stays small."""

from __future__ import annotations

import asyncio
import random
from typing import Any

import pytest
from dbus_fast import MessageType, Variant

from csearchd import limits
from support.bus import KRUNNER, NAME, OWN, SHELL, Bus, Caller, needs_bus, on_bus
from support.memory import Peak
from support.user import User, wait_for

pytestmark = needs_bus

GROWTH = 100 << 20
_DAEMON = ("/org/freedesktop/DBus", "org.freedesktop.DBus")


@pytest.fixture(scope="module")
def desktop(settled: User) -> Any:
    made = Bus(settled)
    made.start()
    wait_for(lambda: on_bus(made), "the service on the bus")
    yield made
    made.stop()


async def owner(caller: Caller) -> str:
    """The service's own name on the bus: another one once it has been thrown off."""
    (name,) = await caller.call(
        _DAEMON, "GetNameOwner", "s", NAME, destination="org.freedesktop.DBus"
    )
    return str(name)


async def stuttering(desktop: Bus) -> None:
    """The bus passes calls on, then reads nothing for a while, again and again."""
    for _ in range(4):
        await asyncio.sleep(0.02)
        with desktop.stopped():
            await asyncio.sleep(0.7)


def test_a_stopped_bus_costs_the_connection_nothing(desktop: Bus) -> None:
    """dbus-fast takes a full socket for the end of the connection."""
    paths = [bytes(desktop.user.pictures / "cat.jpg")] * 3000

    async def scenario() -> None:
        async with Caller(desktop) as caller:
            before = await owner(caller)
            await caller.call(OWN, "Tags", "aaya{sv}", paths[:1], {})  # makes words ready
            calls = [
                asyncio.create_task(caller.ask(OWN, "Tags", "aaya{sv}", paths, {}))
                for _ in range(8)
            ]
            await stuttering(desktop)
            for reply in await asyncio.gather(*calls):
                assert reply.message_type is MessageType.METHOD_RETURN, reply.body
                assert len(reply.body[0]) == len(paths)
            for _ in range(3):
                await caller.call(OWN, "Status")
            assert await owner(caller) == before

    desktop.run(scenario())


def test_many_small_replies_to_a_bus_that_stops_and_goes_on(desktop: Bus) -> None:
    async def scenario() -> None:
        async with Caller(desktop) as caller:
            before = await owner(caller)
            for _ in range(3):
                # As many as a bus lets one caller have pending.
                calls = [asyncio.create_task(caller.ask(OWN, "Status")) for _ in range(120)]
                await stuttering(desktop)
                for reply in await asyncio.gather(*calls):
                    assert reply.message_type is MessageType.METHOD_RETURN, reply.body
            assert await owner(caller) == before

    desktop.run(scenario())


@pytest.mark.parametrize("count", [900, 100_000])
def test_metas_of_very_many_results(desktop: Bus, count: int) -> None:
    uri = (desktop.user.pictures / "cat.jpg").as_uri()
    (pid,) = desktop.user.pids("csearchd")
    peak = Peak(pid)

    async def scenario() -> None:
        async with Caller(desktop) as caller:
            before = await owner(caller)
            reply = await caller.ask(SHELL, "GetResultMetas", "as", [uri] * count)
            if count <= limits.METAS:
                assert len(reply.body[0]) == count
            else:
                assert reply.message_type is MessageType.ERROR
            assert (await caller.call(SHELL, "GetInitialResultSet", "as", ["coffee"]))[0]
            assert await owner(caller) == before

    desktop.run(scenario())
    assert peak.growth < GROWTH


@pytest.mark.parametrize(
    ("at", "member", "signature", "values"),
    [
        (KRUNNER, "Match", "s", ["boat " * 2_000_000]),
        (SHELL, "GetInitialResultSet", "as", [["boat"] * 1_000_000]),
        (OWN, "Search", "sa{sv}", ["x", {"label": Variant("s", "boat " * 2_000_000)}]),
        (OWN, "TagTexts", "as", [["file:///x"] * 300_000]),
        (OWN, "Tags", "aaya{sv}", [[b"/x"] * 300_000, {}]),
    ],
)
def test_a_call_of_many_megabytes(
    desktop: Bus, at: tuple[str, str], member: str, signature: str, values: list[Any]
) -> None:
    (pid,) = desktop.user.pids("csearchd")
    peak = Peak(pid)

    async def scenario() -> None:
        async with Caller(desktop) as caller:
            before = await owner(caller)
            reply = await caller.ask(at, member, signature, *values)
            assert reply.message_type is MessageType.ERROR
            assert reply.error_name == "org.freedesktop.DBus.Error.LimitsExceeded"
            assert await owner(caller) == before

    desktop.run(scenario())
    print("growth", peak.growth >> 20)
    assert peak.growth < GROWTH


def test_matches_that_supersede_each_other(desktop: Bus) -> None:
    """Matches, some of them for nothing, and ends of them, all mixed."""
    chance = random.Random(1)
    queries = ["cat", "ca", "a cup of coffee", "x" * 500, "tag:", "a boat"]

    async def scenario() -> None:
        async with Caller(desktop) as caller:
            for _ in range(60):
                calls = []
                for _ in range(10):
                    if chance.random() < 0.2:
                        calls.append(caller.ask(KRUNNER, "Teardown"))
                    else:
                        calls.append(caller.ask(KRUNNER, "Match", "s", chance.choice(queries)))
                    await asyncio.sleep(chance.choice([0, 0, 0.004, 0.03]))
                for reply in await asyncio.gather(*calls):
                    assert reply.message_type is MessageType.METHOD_RETURN, reply.body

    desktop.run(scenario())
    assert "Traceback" not in desktop.user.log()
