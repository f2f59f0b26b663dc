"""Background work that fails is logged, told of, and started again."""

from __future__ import annotations

import asyncio
import logging
import socket
import threading
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from csearchd.concurrency import supervisor
from csearchd.concurrency.lifecycle import Lifecycle
from csearchd.concurrency.supervisor import Supervisor
from csearchd.library.integrity.summary import Summary
from csearchd.library.library import Library
from csearchd.serve.library_upkeep import LibraryUpkeep
from support.faults import failures, fault, start_with
from support.user import SECONDS, User, wait_for

PURGE = """
from csearchd.serve import result_folders
before = result_folders.remove_old
calls = []

def remove_old():
    calls.append(1)
    if len(calls) == 1:
        raise RuntimeError("injected")
    open(FAULT + "-again", "w").close()
    before()

result_folders.remove_old = remove_old
"""


def test_a_task_that_raises_is_told_and_started_again(user: User) -> None:
    start_with(user, PURGE)
    wait_for((user.home / "fault-again").exists, "the purge to run again")
    status = user.status()
    (told,) = status["tasks"]
    assert (told["name"], told["failures"], told["running"]) == ("purging", 1, True)
    assert told["error"] == "RuntimeError: injected"
    (note,) = [note for note in status["notes"] if "purging failed once" in note]
    assert "injected" in note
    for command in ("status", "doctor"):
        assert b"purging failed once" in user.csearchctl(command, check=None).stdout
    assert "Traceback" in user.log() and "purging failed" in user.log()


@pytest.mark.parametrize(
    ("name", "module", "function"),
    [
        ("preparing", "csearchd.search.engine", "Engine.prepare"),
        ("loading photo metadata", "csearchd.library.library", "Library.load_photo_metadata"),
        ("following a commit", "csearchd.library.metadata.photo_metadata", "PhotoMetadata.put"),
        ("reading pictures", "csearchd.indexing.backlog", "Backlog.fill"),
        ("scanning", "csearchd.watch.watcher", "Watcher.request_due_scans"),
        ("keeping folders tagged", "csearchd.tags.folder_tracker", "FolderTracker.update"),
        ("joining the session bus", "csearchd.desktop.bus", "addresses"),
        ("a connection", "csearchd.serve.server", "Stream"),
        ("watching the socket", "csearchd.serve.address", "OwnSocket.is_ours"),
    ],
)
def test_whatever_raises_once_is_told_and_the_service_works(
    user: User, name: str, module: str, function: str
) -> None:
    *inside, last = function.split(".")
    start_with(
        user,
        f"""
import {module}
place = {".".join([module, *inside])}
before = place.{last}
raised = []

def once(*arguments, **named):
    if not raised:
        raised.append(1)
        raise LookupError("injected")
    return before(*arguments, **named)

place.{last} = once
""",
    )
    (photo,) = user.take_photos(("cat",))
    user.csearchctl("add", user.pictures)
    wait_for(lambda: photo in user.search("a cat", "-g", check=None), "the picture")
    wait_for(lambda: failures(user, name) == 1, "the failure")
    assert any("LookupError: injected" in note for note in user.status()["notes"])
    assert "Traceback" in user.log()


def test_a_result_that_cannot_be_sent_is_an_error(user: User) -> None:
    start_with(
        user,
        """
from csearchd.serve.handlers.models import ModelHandlers

async def models(self, request, exchange):
    return {"models": object()}

ModelHandlers._list = models
""",
    )
    with user.connect() as client:
        assert client.ask(op="models")["code"] == "internal"
        assert client.ask(op="roots")["type"] == "result"
    assert "Traceback" in user.log()


STATUS = """
from csearchd.serve.handlers.status import StatusReport
before = StatusReport.line
calls = []

def line(self):
    calls.append(1)
    if len(calls) == 1:
        raise RuntimeError("injected")
    return before(self)

StatusReport.line = line
"""


def test_the_line_for_the_service_manager_comes_again(user: User) -> None:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
        manager.bind(str(user.home / "notify"))
        manager.settimeout(SECONDS)
        user.environment["NOTIFY_SOCKET"] = str(user.home / "notify")
        start_with(user, STATUS, wait=False)
        while not manager.recv(4096).startswith(b"STATUS="):
            pass
        wait_for(user.answers, "a daemon that answers")
        assert failures(user, "telling the service manager") == 1


def test_a_thread_that_fails_goes_on_when_it_can(user: User) -> None:
    fault(user).touch()
    start_with(
        user,
        """
from csearchd.watch.watcher import Watcher
before = Watcher.request_due_scans

def request_due_scans(self):
    if faulty():
        raise RuntimeError("injected")
    before(self)

Watcher.request_due_scans = request_due_scans
""",
    )
    user.take_photos(("cat",))
    user.csearchctl("add", user.pictures)
    wait_for(lambda: failures(user, "scanning") >= 2, "failures")
    # Nobody waits in vain.
    told = user.csearch("--in", user.pictures, "a cat", check=1).stderr
    assert f"an error in the search service; {user.home}/csearchd.log tells more".encode() in told
    fault(user).unlink()
    wait_for(lambda: user.search("a cat", "-g", check=None), "the picture")
    # That it has failed is told still, but not that pictures may be missing.
    wait_for(
        lambda: not any("an error in the search" in note for note in user.status()["notes"]),
        "no note",
    )


def test_a_confidence_that_cannot_be_computed_is_told(user: User) -> None:
    """In its own thread, for a search with a picture that may be answered without it."""
    start_with(
        user,
        """
import threading
from csearchd.search import engine
engine._FEW_CONTENTS = 0
before = engine.Engine._confidences
raised = []

def once(self, *arguments):
    if not raised and threading.current_thread().name.startswith("rating"):
        raised.append(1)
        raise LookupError("injected")
    return before(self, *arguments)

engine.Engine._confidences = once
""",
    )
    cat, coffee = user.take_photos(("cat", "coffee"))
    user.csearchctl("add", user.pictures)
    wait_for(lambda: coffee in user.search(cat, "-g", check=None), "the picture")
    assert failures(user, "computing the confidence of results") == 1


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(supervisor.Backoff.__init__, "__defaults__", (0.01, 1.0))


@pytest.mark.usefixtures("quick")
def test_a_task_is_restarted_whatever_ends_it(caplog: pytest.LogCaptureFixture) -> None:
    errors: list[BaseException] = [ValueError("one"), asyncio.CancelledError(), KeyError("three")]
    supervised = Supervisor()

    async def work() -> None:
        if errors:
            raise errors.pop(0)

    async def scenario() -> None:
        await asyncio.wait_for(supervised.start("working", work), SECONDS)
        await supervised.stop()

    asyncio.run(scenario())
    (told,) = supervised.failures
    assert (told["failures"], told["error"], told["running"]) == (3, "KeyError: 'three'", True)
    assert sum(record.exc_info is not None for record in caplog.records) == 3


def test_a_task_that_is_to_end_ends() -> None:
    supervised = Supervisor()

    async def scenario() -> None:
        task = supervised.start("waiting", lambda: asyncio.sleep(SECONDS))
        await asyncio.sleep(0)
        await supervised.stop()
        assert task.cancelled()

    asyncio.run(scenario())
    assert supervised.failures == []


@pytest.mark.usefixtures("quick")
def test_a_thread_is_restarted_whatever_ends_it() -> None:
    errors: list[BaseException] = [ValueError("one"), SystemExit(1)]
    supervised = Supervisor()

    def work() -> None:
        if errors:
            raise errors.pop(0)

    thread = supervised.thread("working", work)
    thread.start()
    thread.join(SECONDS)
    assert not thread.is_alive()
    assert supervised.failures[0]["failures"] == 2


def test_a_thread_that_waits_to_be_restarted_ends_with_the_service() -> None:
    supervised = Supervisor()
    failed = threading.Event()

    def work() -> None:
        failed.set()
        raise ValueError

    thread = supervised.thread("working", work)
    thread.start()
    failed.wait(SECONDS)
    asyncio.run(supervised.stop())
    thread.join(SECONDS)
    assert not thread.is_alive()


def test_delays_double_up_to_a_limit() -> None:
    backoff = supervisor.Backoff(1, 300)
    assert [backoff.seconds() for _ in range(10)] == [1, 2, 4, 8, 16, 32, 64, 128, 256, 300]


def test_what_comes_of_a_future_is_read(caplog: pytest.LogCaptureFixture) -> None:
    supervised = Supervisor()
    with ThreadPoolExecutor(1) as threads:
        supervised.watch("adding", threads.submit(sum, [1, 2]))
        supervised.watch("dividing", threads.submit(divmod, 1, 0))
        supervised.watch("opening", threads.submit(open, "/missing"), (OSError,))
        cancelled: Future[None] = Future()
        cancelled.cancel()
        supervised.watch("nothing", cancelled)
    assert [told["name"] for told in supervised.failures] == ["dividing"]
    assert [record.levelno for record in caplog.records] == [logging.ERROR, logging.WARNING]


def test_what_nobody_supervises_is_told_too() -> None:
    supervised = Supervisor()
    hook = threading.excepthook

    async def scenario() -> None:
        supervised.catch_all(asyncio.get_running_loop())
        thread = threading.Thread(target=divmod, args=(1, 0), name="a timer")
        thread.start()
        await asyncio.to_thread(thread.join)
        asyncio.get_running_loop().call_soon(divmod, 1, 0)
        await asyncio.sleep(0.01)

    try:
        asyncio.run(scenario())
    finally:
        threading.excepthook = hook
    assert [told["error"][:17] for told in supervised.failures] == ["ZeroDivisionError"] * 2


def test_an_error_is_told_in_one_line() -> None:
    supervised = Supervisor()
    supervised.failed("reading", ValueError("a\nname \x1b[31m and \udcff" + "x" * 1000))
    (remark,) = supervised.remarks
    assert str(remark).isprintable() and len(str(remark)) < 600


def test_the_library_has_one_listener_however_often_its_upkeep_fails(tmp_path: Path) -> None:
    library = Library(str(tmp_path / "library.sqlite"))
    not_used: Any = None

    async def failing(*_: object) -> bool:
        raise RuntimeError("injected")

    async def scenario() -> None:
        workers: Any = SimpleNamespace(wait=failing)
        upkeep = LibraryUpkeep(
            library, Summary(library), not_used, not_used, not_used, Lifecycle(), workers
        )
        before = list(library._listeners)
        for _ in range(3):
            with pytest.raises(RuntimeError):
                await upkeep.keep()
        assert library._listeners == before

    asyncio.run(scenario())
    library.close()
