"""Calls into file systems that may hang: one thread for each, however many calls there are."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from csearchd.concurrency import timed_calls
from csearchd.concurrency.timed_calls import TimedCalls
from csearchd.errors import Unanswered
from support.user import wait_for

RESULTS = 300


@pytest.fixture
def started(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[str]]:
    """The names of the threads that were started."""
    names: list[str] = []
    start = threading.Thread.start

    def noted(thread: threading.Thread) -> None:
        names.append(thread.name)
        start(thread)

    monkeypatch.setattr(threading.Thread, "start", noted)
    yield names


def test_many_results_on_a_mount_that_fails_at_once(started: list[str]) -> None:
    def broken() -> bool:
        raise OSError("Transport endpoint is not connected")

    patience = TimedCalls(30)
    for _ in range(RESULTS):
        with pytest.raises(OSError, match="not connected"):
            patience.call(b"/dead", broken)
    assert started == ["timed-calls"]


def test_many_results_on_a_mount_that_hangs(started: list[str]) -> None:
    patience, over, entered = TimedCalls(1.0), threading.Event(), []

    def hung() -> bool:
        entered.append(1)
        return over.wait()

    for _ in range(RESULTS):
        with pytest.raises(Unanswered):
            patience.call(b"/dead", hung)
    assert (started, entered) == (["timed-calls"], [1])
    assert patience.call(b"/other", lambda: 1) == 1
    assert started == ["timed-calls"] * 2
    over.set()


def test_many_who_ask_at_once(started: list[str]) -> None:
    patience = TimedCalls(60)
    with ThreadPoolExecutor(8, "asker") as askers:
        asked = [askers.submit(patience.call, b"/a", lambda n=n: n) for n in range(RESULTS)]  # type: ignore[misc]
        assert [each.result() for each in asked] == list(range(RESULTS))
    assert started.count("timed-calls") == 1


def test_a_thread_that_nobody_needs_ends(
    monkeypatch: pytest.MonkeyPatch, started: list[str]
) -> None:
    monkeypatch.setattr(timed_calls, "_IDLE_SECONDS", 0.01)
    patience = TimedCalls(60)
    for _ in range(3):
        assert patience.call(b"/a", lambda: 1) == 1
        wait_for(
            lambda: all(thread.name != "timed-calls" for thread in threading.enumerate()),
            "the thread to end",
        )
    assert started == ["timed-calls"] * 3


def test_without_threads_nobody_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    def refused(thread: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    patience = TimedCalls(60)
    with monkeypatch.context() as patched:
        patched.setattr(threading.Thread, "start", refused)
        for _ in range(2):
            with pytest.raises(Unanswered):
                patience.call(b"/a", lambda: 1)
    assert patience.call(b"/a", lambda: 1) == 1
