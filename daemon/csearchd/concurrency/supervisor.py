"""Supervises the service's background tasks and threads, so that none ends unnoticed.

If one raises, the traceback is logged, it is started again after a while, and `csearchctl status`
and `csearchctl doctor` name it.
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
from csearchd.unexpected import log_place

log = logging.getLogger(__name__)

_MIN_DELAY, _MAX_DELAY = 1.0, 300.0  # seconds before a failed task is started again
_RESET_SECONDS = 2 * _MAX_DELAY  # without a failure, after which the delay is _MIN_DELAY again
_NOTE_SECONDS = 86400.0  # for which the user is told of a failure
_END_SECONDS = 0.7  # for tasks to end
_MAX_ERROR = 300  # characters of an error that are shown

Work = Callable[[], Coroutine[Any, Any, None]]


class Backoff:
    """Delays that double with each failure, up to a limit."""

    def __init__(self, min_delay: float = _MIN_DELAY, max_delay: float = _MAX_DELAY) -> None:
        """The delays are in seconds."""
        self._min_delay, self._max_delay = min_delay, max_delay
        self._next = min_delay
        self._failed_at = 0.0

    def seconds(self) -> float:
        """The delay after another failure, in seconds."""
        now = time.monotonic()
        if now - self._failed_at > _RESET_SECONDS:
            self._next = self._min_delay
        self._failed_at = now
        delay, self._next = self._next, min(2 * self._next, self._max_delay)
        return delay


@dataclass
class _Failures:
    """The failures of one task or thread."""

    count: int = 0
    error: str = ""  # the last one
    at: float = 0.0  # when that was, seconds since 1970
    running: bool = True  # it continues, or was started again


class Supervisor:
    """Runs tasks and threads. Any thread may call its methods, except `start` and `stop`, which
    belong to the event loop."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._failures: dict[str, _Failures] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._ending = threading.Event()

    def start(self, name: str, work: Work) -> asyncio.Task[None]:
        """Runs `work` as a task until it returns or is cancelled, and again whenever it raises.
        `name` is shown to users."""
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
                self.failed(name, error, running=False)  # a future that it waited for was cancelled
            except Exception as error:
                self.failed(name, error, running=False)
            await asyncio.sleep(backoff.seconds())
            self._continues(name)

    def thread(self, name: str, work: Callable[[], None]) -> threading.Thread:
        """A thread, not started yet, that runs `work` until it returns, and again whenever it
        raises while the service runs. `name` is shown to users."""
        return threading.Thread(target=self._run_thread, args=(name, work), name=name, daemon=True)

    def _run_thread(self, name: str, work: Callable[[], None]) -> None:
        backoff = Backoff()
        while True:
            try:
                work()
                return
            except BaseException as error:  # a SystemExit would end a thread silently
                self.failed(name, error, running=False)
            if self._ending.wait(backoff.seconds()):
                return
            self._continues(name)

    def watch(
        self,
        name: str,
        future: concurrent.futures.Future[Any] | asyncio.Future[Any],
        expected: tuple[type[Exception], ...] = (),
    ) -> None:
        """Reports the error of a future that nobody waits for. Errors of `expected` types are only
        logged, in one line."""

        def read(done: concurrent.futures.Future[Any] | asyncio.Future[Any]) -> None:
            if done.cancelled() or (error := done.exception()) is None:
                return
            if isinstance(error, expected):
                log.warning("%s: %s", name, error)
            else:
                self.failed(name, error)

        future.add_done_callback(read)

    def failed(self, name: str, error: BaseException, running: bool = True) -> None:
        """Logs an unexpected error in the work `name`, and records it for `status`. `running`:
        whether the work continues."""
        log.error("%s failed", name, exc_info=error)
        with self._lock:
            failures = self._failures.setdefault(name, _Failures())
            failures.count += 1
            failures.error = _described(error)
            failures.at = time.time()
            failures.running = running

    def _continues(self, name: str) -> None:
        with self._lock:
            self._failures[name].running = True

    def catch_all(self, loop: asyncio.AbstractEventLoop) -> None:
        """Reports errors in all other threads, and in callbacks of `loop`, too."""
        threading.excepthook = self._thread_raised
        loop.set_exception_handler(self._loop_raised)

    def _thread_raised(self, raised: threading.ExceptHookArgs) -> None:
        if raised.exc_value is not None and not isinstance(raised.exc_value, SystemExit):
            name = raised.thread.name if raised.thread else "a thread"
            self.failed(name, raised.exc_value)

    def _loop_raised(self, loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
        error = context.get("exception")
        if error is None or isinstance(
            error, (OSError, EOFError)
        ):  # a peer has closed the connection
            loop.default_exception_handler(context)
            return
        task = context.get("task") or context.get("future")
        name = task.get_name() if isinstance(task, asyncio.Task) else str(context["message"])
        self.failed(name, error)

    @property
    def failures(self) -> list[dict[str, Any]]:
        """The failures since the start: {name, failures (their number), error (the last one), at
        (seconds since 1970), running}."""
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
        """Remarks on the failures of the last day."""
        return [_remark(one) for one in self.failures if time.time() - one["at"] < _NOTE_SECONDS]

    async def stop(self) -> None:
        """Cancels all tasks, and ends threads that wait to be started again."""
        self._ending.set()
        for task in self._tasks:
            task.cancel()
        if self._tasks:
            await asyncio.wait(self._tasks, timeout=_END_SECONDS)


def _described(error: BaseException) -> str:
    """An error as one printable line, since it may contain file names."""
    text = f"{type(error).__name__}: {error}".removesuffix(": ")[:_MAX_ERROR]
    return "".join(letter if letter.isprintable() else "\ufffd" for letter in text)


def _remark(failures: dict[str, Any]) -> Reason:
    count = failures["failures"]
    remark = reasons.FAILED_AND_GOES_ON if failures["running"] else reasons.FAILED_AND_ENDED
    return remark(
        task=failures["name"],
        often=reasons.ONCE() if count == 1 else reasons.TIMES(count=count),
        time=time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(failures["at"])),
        error=failures["error"],
        log=log_place(),
    )
