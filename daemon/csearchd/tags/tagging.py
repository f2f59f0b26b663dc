"""Tasks and the tagger that does them, in the daemon: one tagger, started when there is work."""

from __future__ import annotations

import asyncio
import itertools
import logging
import os
import subprocess
from collections import deque
from collections.abc import AsyncIterator, Callable
from concurrent.futures import Executor
from typing import ParamSpec, TypeVar

from csearch.protocol import Message
from csearchd.encode.serving import Models
from csearchd.library.library import Library
from csearchd.tags import ledger
from csearchd.tags.launch import start_tagger
from csearchd.tags.ledger import Outcome
from csearchd.tags.scoring import Scoring
from csearchd.tags.tasks import Given, Task, next_items
from csearchd.tags.vocabulary import TagsError

P = ParamSpec("P")
R = TypeVar("R")

log = logging.getLogger(__name__)

_TRIES = 3  # starts of a tagger that come to nothing
_START_SECONDS = 30.0
_LOOK_SECONDS = 0.1
_LINGER_SECONDS = 1.0  # for which a tagger without work waits


class Tagging:
    """Used in the event loop alone."""

    def __init__(
        self,
        library: Library,
        models: Models,
        scoring: Scoring,
        root: str,
        changed: Callable[[bytes], object],
        threads: Executor,
    ) -> None:
        """`changed` is told of directories where files have changed."""
        self.scoring = scoring
        self.root = root  # the configuration's tags.root
        self._library = library
        self._models = models
        self._changed = changed
        self._threads = threads
        self._tasks: deque[Task] = deque()
        self._given: dict[int, Given] = {}
        self._numbers = itertools.count(1)
        self._idle = asyncio.Event()  # nothing is in the tagger's hands
        self._work = asyncio.Event()  # there is a task
        self._attached = False
        self._supervisor: asyncio.Task[None] | None = None
        self.progress = 0  # items done, ever, that needn't be tried again
        self.trouble: str | None = None  # why a task came to nothing, until one is done

    @property
    def waiting(self) -> int:
        """Files of all tasks that are still to be done."""
        return sum(task.total - task.done for task in self._tasks if not task.cancelled.is_set())

    @property
    def is_busy(self) -> bool:
        return bool(self._tasks)

    def add(self, task: Task) -> None:
        """Begins with the task when those before it are done."""
        if task.is_empty:
            task.finished.set()
            return
        self._tasks.append(task)
        self._work.set()
        if self._supervisor is None or self._supervisor.done():
            self._supervisor = asyncio.create_task(self._supervise())

    def stop(self) -> None:
        if self._supervisor:
            self._supervisor.cancel()

    async def work(self) -> AsyncIterator[list[Message]]:
        """What the tagger is to do, while it is there; the next when it has done all of it.

        Nothing: what it has in hand isn't wanted any more, and it says so when it has stopped.
        Raises RuntimeError where another tagger is at work.
        """
        if self._attached:
            raise RuntimeError
        self._attached = True
        try:
            while await self._wait_for_work():
                task = self._tasks[0]
                for given in await self._next(task):
                    number = next(self._numbers)
                    given.message["item"] = number
                    self._given[number] = given
                if self._given:
                    self._idle.clear()
                    yield [given.message for given in self._given.values()]
                    if await self._is_cancelled(task):
                        yield []
                    await self._idle.wait()
                if task.is_empty:
                    self._finish(task)
        finally:
            self._attached = False
            for given in self._given.values():  # the tagger has gone in the middle of it
                given.give_back()
            self._given.clear()

    async def _is_cancelled(self, task: Task) -> bool:
        """Whether that happens before the tagger has done what it was given."""
        waits = [asyncio.ensure_future(one.wait()) for one in (self._idle, task.cancelled)]
        try:
            await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for wait in waits:
                wait.cancel()
        return not self._idle.is_set()

    async def intend(self, entries: list[Message]) -> list[int]:
        """Notes what is about to be written. Returns the ledger's rows. Raises LibraryError."""
        outcomes = [self._outcome(entry) for entry in entries if entry["item"] in self._given]
        rows: list[int] = await self._run(ledger.intend, self._library, outcomes)
        return rows

    async def done(self, entries: list[Message]) -> None:
        """Notes what has been written. Raises LibraryError."""
        entries = [entry for entry in entries if entry["item"] in self._given]
        outcomes = [self._outcome(entry) for entry in entries]
        await self._run(ledger.settle, self._library, outcomes)
        for entry in entries:
            given = self._given.pop(entry["item"])
            if entry["outcome"] == "dropped":
                given.give_back()
                continue
            task = given.task
            task.done += 1
            self.progress += not _is_passing(entry)
            if entry["outcome"] == "written":
                task.written.add(given.place.path)
                task.changed.add(os.path.dirname(given.place.path))
            elif entry["outcome"] == "left":
                task.left.append((given.place.path, entry["reason"]))
        if not self._given:
            self._idle.set()

    def _outcome(self, entry: Message) -> Outcome:
        given = self._given[entry["item"]]
        return Outcome(
            given.place.file,
            given.place.path,
            given.place.carrier,
            entry["row"],
            entry["record"],
            entry.get("reason"),
            None if _is_passing(entry) else given.visit,
        )

    async def _run(self, function: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> R:
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._threads, lambda: function(*args, **kwargs))

    async def _wait_for_work(self) -> bool:
        if not self._tasks:
            self._work.clear()
            try:
                await asyncio.wait_for(self._work.wait(), _LINGER_SECONDS)
            except TimeoutError:
                return False
        return True

    async def _next(self, task: Task) -> list[Given]:
        arguments = (self._library, task, self._models.serving, self.scoring, self.root)
        taking = asyncio.ensure_future(self._run(next_items, *arguments))
        try:
            items = await asyncio.shield(taking)
        except asyncio.CancelledError:  # the tagger has gone: they are for the next one
            for given in await taking:
                given.give_back()
            raise
        except TagsError as error:
            task.cancel()
            task.error = str(error)
            return []
        return [] if task.cancelled.is_set() else items

    def _finish(self, task: Task) -> None:
        if task in self._tasks:
            self._tasks.remove(task)
        for directory in task.changed:
            self._changed(directory)
        if task.error or task.done:
            self.trouble = task.error
        task.finished.set()

    async def _supervise(self) -> None:
        """Sees to it that there is a tagger while there are tasks."""
        tries, before = 0, self.progress
        child: subprocess.Popen[bytes] | None = None
        while self._tasks:
            if self.progress != before:
                tries, before = 0, self.progress
            if not self._attached:
                if tries >= _TRIES:
                    self._give_up("the tagger ended before it was done; the service's log says why")
                    break
                tries += 1
                try:
                    child = await self._run(start_tagger)
                except OSError as error:
                    self._give_up(f"the tagger can't be started: {error.strerror}")
                    break
                await self._wait_for_tagger(child)
            await asyncio.sleep(_LOOK_SECONDS)
        while child and child.poll() is None:  # it must not stay a zombie
            await asyncio.sleep(_LINGER_SECONDS)
            if self._tasks:
                self._supervisor = asyncio.create_task(self._supervise())
                break

    async def _wait_for_tagger(self, child: subprocess.Popen[bytes] | None) -> None:
        waited = 0.0
        while not self._attached and waited < _START_SECONDS:
            if child and child.poll() is not None:
                return
            await asyncio.sleep(_LOOK_SECONDS)
            waited += _LOOK_SECONDS

    def _give_up(self, reason: str) -> None:
        log.error("%s", reason)
        for task in list(self._tasks):
            task.cancel()
            task.error = reason
            self._finish(task)


def _is_passing(entry: Message) -> bool:
    """Whether it may be another time."""
    return bool(entry.get("passing")) or entry.get("outcome") in ("gone", "dropped")
