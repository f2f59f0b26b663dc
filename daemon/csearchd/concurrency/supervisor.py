"""The supervisor of the service's background work: nothing of it ends without a word.

A task or thread that raises is logged with its traceback, started again after a while, and named by
`csearchctl status` and `csearchctl doctor`.
"""

from __future__ import annotations

import asyncio
import concurrent.futures
import logging
import threading
import time
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from typing import Any

from csearchd.reasons import Reason
from csearchd.reasons import service as reasons

log = logging.getLogger(__name__)

_FIRST, _MOST = 1.0, 300.0  # seconds until what failed is started again
_QUIET = 2 * _MOST  # seconds without a failure, after which the first delay is used again
_NOTED = 86400.0  # seconds for which a failure is noted for the user
_END_SECONDS = 0.7  # for tasks to end
_LONGEST = 300  # letters of an error that are shown

Work = Callable[[], Coroutine[Any, Any, None]]


class Backoff:
    """Delays that double, up to a limit, while they are asked for again and again."""

    def __init__(self, first: float = _FIRST, most: float = _MOST) -> None:
        self._first, self._most = first, most
        self._next = first
        self._asked = 0.0

    def seconds(self) -> float:
        """The delay after another failure."""
        now = time.monotonic()
        if now - self._asked > _QUIET:
            self._next = self._first
        self._asked = now
        delay, self._next = self._next, min(2 * self._next, self._most)
        return delay


@dataclass
class _Failures:
    """What went wrong in one piece of background work."""

    count: int = 0
    error: str = ""  # the last one
    at: float = 0.0  # when that was, seconds since 1970
    running: bool = True  # it goes on, or was started again


class Supervisor:
    """Runs tasks and threads. All methods but `start` and `stop` may be called in any thread."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._failures: dict[str, _Failures] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._ending = threading.Event()

    def start(self, name: str, work: Work) -> asyncio.Task[None]:
        """Runs `work` until it returns or the task is cancelled; again whenever it raises."""
        task = asyncio.create_task(self._run(name, work), name=name)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    async def _run(self, name: str, work: Work) -> None:
        backoff = Backoff()
        while True:
            try:
                await work()
                return
            except asyncio.CancelledError as error:
                task = asyncio.current_task()
                if task is None or task.cancelling():
                    raise
                self.failed(name, error, running=False)  # what it waited for was cancelled
            except Exception as error:
                self.failed(name, error, running=False)
            await asyncio.sleep(backoff.seconds())
            self._goes_on(name)

    def thread(self, name: str, work: Callable[[], None]) -> threading.Thread:
        """A thread, not started yet, that runs `work` until it returns; again whenever it raises,
        unless the service ends."""
        return threading.Thread(target=self._run_thread, args=(name, work), name=name, daemon=True)

    def _run_thread(self, name: str, work: Callable[[], None]) -> None:
        backoff = Backoff()
        while True:
            try:
                work()
                return
            except BaseException as error:  # a SystemExit would end a thread without a word
                self.failed(name, error, running=False)
            if self._ending.wait(backoff.seconds()):
                return
            self._goes_on(name)

    def watch(
        self,
        name: str,
        future: concurrent.futures.Future[Any] | asyncio.Future[Any],
        expected: tuple[type[Exception], ...] = (),
    ) -> None:
        """Reads what came of a future that nobody waits for. Errors that are `expected` are
        logged in one line."""

        def read(done: concurrent.futures.Future[Any] | asyncio.Future[Any]) -> None:
            if done.cancelled() or (error := done.exception()) is None:
                return
            if isinstance(error, expected):
                log.warning("%s: %s", name, error)
            else:
                self.failed(name, error)

        future.add_done_callback(read)

    def failed(self, name: str, error: BaseException, running: bool = True) -> None:
        """Logs an error that nobody thought of, and keeps it for `status`."""
        log.error("%s failed", name, exc_info=error)
        with self._lock:
            failures = self._failures.setdefault(name, _Failures())
            failures.count += 1
            failures.error = _described(error)
            failures.at = time.time()
            failures.running = running

    def _goes_on(self, name: str) -> None:
        with self._lock:
            self._failures[name].running = True

    def catch_all(self, loop: asyncio.AbstractEventLoop) -> None:
        """Takes over what is raised in threads and callbacks that nobody supervises."""
        threading.excepthook = self._thread_raised
        loop.set_exception_handler(self._loop_raised)

    def _thread_raised(self, raised: threading.ExceptHookArgs) -> None:
        if raised.exc_value is not None and not isinstance(raised.exc_value, SystemExit):
            name = raised.thread.name if raised.thread else "a thread"
            self.failed(name, raised.exc_value)

    def _loop_raised(self, loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
        error = context.get("exception")
        if error is None or isinstance(error, (OSError, EOFError)):  # a peer that has gone
            loop.default_exception_handler(context)
            return
        task = context.get("task") or context.get("future")
        name = task.get_name() if isinstance(task, asyncio.Task) else str(context["message"])
        self.failed(name, error)

    @property
    def failures(self) -> list[dict[str, Any]]:
        """What has failed since the service was started: [{name, failures, error, at, running}]."""
        with self._lock:
            return [
                {
                    "name": name,
                    "failures": one.count,
                    "error": one.error,
                    "at": one.at,
                    "running": one.running,
                }
                for name, one in self._failures.items()
            ]

    @property
    def remarks(self) -> list[Reason]:
        """The failures of the last day."""
        return [_remark(one) for one in self.failures if time.time() - one["at"] < _NOTED]

    async def stop(self) -> None:
        """Ends all tasks, and lets threads that wait to be started again end."""
        self._ending.set()
        for task in self._tasks:
            task.cancel()
        if self._tasks:
            await asyncio.wait(self._tasks, timeout=_END_SECONDS)


def _described(error: BaseException) -> str:
    """One printable line: file names may be in it."""
    text = f"{type(error).__name__}: {error}".removesuffix(": ")[:_LONGEST]
    return "".join(letter if letter.isprintable() else "\ufffd" for letter in text)


def _remark(failures: dict[str, Any]) -> Reason:
    count = failures["failures"]
    remark = reasons.FAILED_AND_GOES_ON if failures["running"] else reasons.FAILED_AND_ENDED
    return remark(
        task=failures["name"],
        often=reasons.ONCE() if count == 1 else reasons.TIMES(count=count),
        time=time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(failures["at"])),
        error=failures["error"],
    )
