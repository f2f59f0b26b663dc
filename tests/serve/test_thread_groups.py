"""The service's threads: what happens where no more can be started, and once a client has gone."""

from __future__ import annotations

import asyncio
import shutil
import threading
from concurrent.futures import Future
from contextlib import ExitStack, suppress
from typing import Any

import pytest

from csearchd import limits
from csearchd.concurrency.supervisor import Supervisor
from csearchd.concurrency.threads import Cancellation, Threads
from csearchd.errors import Ended, ImageQueryError, TookTooLong
from csearchd.serve.operations import ANSWERS
from support.faults import fault, start_with
from support.photos import write_drawn
from support.user import SECONDS, User, wait_for


def test_a_slow_question_that_gets_no_thread_keeps_no_turn(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(limits.SLOW, "look", (1, SECONDS))

    def none_left(thread: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    async def scenario() -> None:
        threads = Threads(lambda future: None)
        with monkeypatch.context() as patch:
            patch.setattr(threading.Thread, "start", none_left)
            with pytest.raises(RuntimeError):
                await threads.slow("look", lambda cancellation: 1)
        assert await asyncio.wait_for(threads.slow("look", lambda cancellation: 2), SECONDS) == 2
        threads.stop()

    asyncio.run(scenario())


def test_an_answer_to_a_client_that_has_gone_is_no_fault() -> None:
    """A picture that can't be searched with, say."""
    supervisor = Supervisor()
    begun, go, read = threading.Event(), threading.Event(), threading.Event()

    def look(cancellation: Cancellation) -> None:
        begun.set()
        go.wait(SECONDS)
        raise ImageQueryError("is no picture")

    def leave(future: Future[Any]) -> None:
        supervisor.watch("what a client has left", future, ANSWERS)
        future.add_done_callback(lambda _: read.set())

    async def scenario() -> None:
        threads = Threads(leave)
        asking = asyncio.create_task(threads.slow("look", look))
        await asyncio.to_thread(begun.wait, SECONDS)
        asking.cancel()
        await asyncio.wait({asking})
        go.set()
        await asyncio.to_thread(read.wait, SECONDS)
        threads.stop()

    asyncio.run(scenario())
    assert supervisor.failures == []


@pytest.mark.parametrize("way", ["wait", "walk"])
def test_only_a_walk_through_the_library_may_take_longer_than_all_else(
    way: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(limits, "WAIT_SECONDS", 0.05)
    over = threading.Event()

    def work(cancellation: Cancellation) -> bool:
        with suppress(Ended):
            while not over.wait(0.01):
                cancellation.check()
        return over.is_set()

    async def scenario() -> None:
        threads = Threads(lambda future: None)
        if way == "walk":
            asyncio.get_running_loop().call_later(0.2, over.set)
            assert await threads.walk(work)
        else:
            with pytest.raises(TookTooLong):
                await threads.wait(work)
        threads.stop()

    asyncio.run(scenario())


def test_a_large_library_is_kept_while_all_its_rows_are_looked_at(user: User) -> None:
    fault(user).touch()
    start_with(
        user,
        """
from csearchd.library.integrity import rows

def has_damage(database):
    while faulty():
        time.sleep(0.01)
    return False

rows.has_damage = has_damage
rows.is_large = lambda database: True
""",
    )
    write_drawn(user.pictures, 5)
    user.csearchctl("add", user.pictures)
    user.settle()
    shutil.rmtree(user.data)
    wait_for(lambda: "made anew" in user.log(), "the loss to be noticed")
    wait_for((user.data / "library.sqlite").exists, "the library")


def test_a_slow_completion_of_places_delays_no_search(user: User) -> None:
    fault(user).touch()
    start_with(
        user,
        """
from csearchd.serve.handlers.filter_values import FilterValues

def places(self, prefix):
    while faulty():
        time.sleep(0.01)
    return ["Lisbon"]

FilterValues._places = places
""",
    )
    with ExitStack() as stack:
        clients = [stack.enter_context(user.connect()) for _ in range(12)]
        for client in clients:
            client.send(id=1, op="complete", what="near", prefix="L")
        with user.connect() as other:
            assert other.ask(op="search", query="a cat", top=1)["type"] == "result"
            values = other.ask(op="complete", what="filters", prefix="n")["values"]
            assert values == ["near", "name"]
        fault(user).unlink()
        for client in clients:
            reply = client.receive()
            assert reply and reply["values"] == ["Lisbon"]


def test_a_root_on_a_disk_that_hangs_delays_no_search(user: User) -> None:
    start_with(
        user,
        """
from csearchd.serve.handlers import status
before = os.path.isdir

def isdir(path):
    asker = sys._getframe(1).f_code.co_filename
    while faulty() and asker == status.__file__:
        time.sleep(0.01)
    return before(path)

os.path.isdir = isdir
""",
    )
    write_drawn(user.pictures, 2)
    user.csearchctl("add", user.pictures)
    user.settle()
    fault(user).touch()
    with ExitStack() as stack:
        clients = [stack.enter_context(user.connect()) for _ in range(12)]
        for client in clients:
            client.send(id=1, op="status")
        with user.connect() as other:
            assert other.ask(op="search", query="a cat", top=1)["type"] == "result"
        for client in clients:
            reply = client.receive()
            assert reply and reply["roots"][0]["present"] is True
    fault(user).unlink()
