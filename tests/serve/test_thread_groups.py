"""The service's threads: what happens where no more can be started, and once a client has gone."""

from __future__ import annotations

import asyncio
import shutil
import threading
from concurrent.futures import Future
from contextlib import suppress
from typing import Any

import pytest

from csearchd import limits
from csearchd.concurrency.supervisor import Supervisor
from csearchd.concurrency.threads import Threads, Until
from csearchd.errors import Ended, ImageQueryError, TookTooLong
from csearchd.serve.service import ANSWERS
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
                await threads.slow("look", lambda until: 1)
        assert await asyncio.wait_for(threads.slow("look", lambda until: 2), SECONDS) == 2
        threads.stop()

    asyncio.run(scenario())


def test_an_answer_to_a_client_that_has_gone_is_no_fault() -> None:
    """A picture that can't be searched with, say."""
    supervisor = Supervisor()
    begun, go, read = threading.Event(), threading.Event(), threading.Event()

    def look(until: Until) -> None:
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

    def work(until: Until) -> bool:
        with suppress(Ended):
            while not over.wait(0.01):
                until.check()
        return over.is_set()

    async def scenario() -> None:
        threads = Threads(lambda future: None)
        asyncio.get_running_loop().call_later(0.2, over.set)
        if way == "walk":
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
from csearchd.library.durability import rows

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
