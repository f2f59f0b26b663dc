"""Costly work that many ask for is done once for all of them."""

from __future__ import annotations

import asyncio
from contextlib import ExitStack

from csearchd.concurrency.single_flight import SingleFlight
from support.faults import fault, start_with
from support.photos import write_drawn
from support.user import User, wait_for


def test_who_asks_during_a_run_shares_the_next_one() -> None:
    running, most, runs = 0, 0, 0

    async def work() -> int:
        nonlocal running, most, runs
        running, runs = running + 1, runs + 1
        most = max(most, running)
        number = runs
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        running -= 1
        return number

    async def scenario() -> None:
        flight = SingleFlight(work)
        first = asyncio.create_task(flight.run())
        while not runs:
            await asyncio.sleep(0)
        others = [asyncio.create_task(flight.run()) for _ in range(16)]
        assert await first == 1
        assert await asyncio.gather(*others) == [2] * 16
        assert await flight.run() == 3

    asyncio.run(scenario())
    assert most == 1


def test_an_error_is_everybodys_and_who_leaves_ends_nothing() -> None:
    go = asyncio.Event()

    async def work() -> None:
        await go.wait()
        raise LookupError("broken")

    async def scenario() -> None:
        flight = SingleFlight(work)
        leaving, *staying = [asyncio.create_task(flight.run()) for _ in range(3)]
        await asyncio.sleep(0)
        leaving.cancel()
        go.set()
        outcomes = await asyncio.gather(*staying, leaving, return_exceptions=True)
        assert [type(one) for one in outcomes] == [
            LookupError, LookupError, asyncio.CancelledError
        ]  # fmt: skip

    asyncio.run(scenario())


def test_many_verifications_take_one_thread(user: User) -> None:
    fault(user).touch()
    start_with(
        user,
        """
from csearchd.library.library import Library

def verify(self):
    open(FAULT + "-verified", "a").write("x")
    while faulty():
        time.sleep(0.01)
    return False

Library.verify_vectors = verify
""",
    )
    begun = user.home / "fault-verified"
    write_drawn(user.pictures, 2)
    with ExitStack() as stack:
        clients = [stack.enter_context(user.connect()) for _ in range(24)]
        clients[0].send(id=1, op="status", verify=True)
        wait_for(begun.exists, "a verification")
        for client in clients[1:]:
            client.send(id=1, op="status", verify=True)
        # Adding a directory writes the library, in a thread of the same group.
        added = stack.enter_context(user.connect()).ask(op="add", path=bytes(user.pictures))
        assert added["type"] == "result" and begun.read_text() == "x"
        fault(user).unlink()
        for client in clients:
            reply = client.receive()
            assert reply and reply["type"] == "result"
    assert begun.read_text() == "xx"
