"""Tasks and the tagger that does them, in the daemon: one tagger, started when there is work."""

from __future__ import annotations

import asyncio
import itertools
import logging
import os
import secrets
import subprocess
from collections import deque
from collections.abc import AsyncIterator, Callable
from concurrent.futures import Executor
from typing import ParamSpec, TypeVar

from csearch.protocol.wire import Message
from csearchd.concurrency.supervisor import Supervisor
from csearchd.errors import LibraryError, TagsError
from csearchd.library.library import Library
from csearchd.models.active_model import Models
from csearchd.tags import ledger
from csearchd.tags.ledger import Outcome
from csearchd.tags.tag_scorer import TagScorer
from csearchd.tags.tagger_launcher import start_tagger
from csearchd.tags.tasks import Task, WorkItem, next_items

P = ParamSpec("P")
R = TypeVar("R")

log = logging.getLogger(__name__)

_TRIES = 3  # starts of a tagger that come to nothing
_START_SECONDS = 30.0
_LOOK_SECONDS = 0.1
_LINGER_SECONDS = 1.0  # for which a tagger without work waits


class TaggingQueue:
    """Used in the event loop alone."""

    def __init__(
        self,
        library: Library,
        models: Models,
        scoring: TagScorer,
        root: str,
        changed: Callable[[bytes], object],
        threads: Executor,
        supervisor: Supervisor,
    ) -> None:
        """`changed` is told of directories where files have changed."""
        self.scoring = scoring
        self.root = root  # the configuration's tags.root
        self._library = library
        self._models = models
        self._changed = changed
        self._threads = threads
        self._supervisor = supervisor
        self._tasks: deque[Task] = deque()
        self._in_progress: dict[int, WorkItem] = {}
        # Never those of an earlier service, whose tagger may still be there.
        self._numbers = itertools.count(secrets.randbits(48))
        self._idle = asyncio.Event()  # nothing is in the tagger's hands
        self._work = asyncio.Event()  # there is a task
        self._attached = False
        self._task: asyncio.Task[None] | None = None
        self.progress = 0  # items done, ever, that needn't be tried again
        self.last_error: str | None = None  # why a task came to nothing, until one is done
        self._cause: Callable[[], object] | None = None  # raises while the trouble lasts

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
        if self._task is None or self._task.done():
            self._task = self._supervisor.start("tagging", self._supervise)

    def fail(self, last_error: str, cause: Callable[[], object] | None = None) -> None:
        """Notes why nothing comes of tagging; `cause` raises as long as that lasts."""
        if last_error != self.last_error:
            log.error("%s", last_error)
        self.last_error, self._cause = last_error, cause

    @property
    def recoverable(self) -> bool:
        """Whether there is trouble that may end by itself."""
        return self._cause is not None

    async def look_again(self) -> None:
        """Forgets the trouble if its cause has gone."""
        last_error, cause = self.last_error, self._cause
        if cause is None:
            return
        try:
            await self._run(cause)
        except (LibraryError, TagsError):
            return
        if self.last_error == last_error:
            self.last_error = self._cause = None

    def stop(self) -> None:
        if self._task:
            self._task.cancel()

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
                for item in await self._next(task):
                    number = next(self._numbers)
                    item.message["item"] = number
                    self._in_progress[number] = item
                if self._in_progress:
                    self._idle.clear()
                    yield [item.message for item in self._in_progress.values()]
                    if await self._is_cancelled(task):
                        yield []
                    await self._idle.wait()
                if task.is_empty:
                    self._finish(task)
        finally:
            self._attached = False
            for item in self._in_progress.values():  # the tagger has gone in the middle of it
                item.give_back()
            self._in_progress.clear()

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
        """Notes what is about to be written. Returns the ledger's rows.

        Raises LibraryError, and KeyError for what isn't in this tagger's hands: it was given that
        by a service that has been killed since, or has been replaced by another tagger.
        """
        outcomes = [self._outcome(entry) for entry in entries]
        return await self._note(ledger.intend, outcomes)

    async def done(self, entries: list[Message]) -> None:
        """Notes what has been written. Raises LibraryError."""
        entries = [entry for entry in entries if entry["item"] in self._in_progress]
        outcomes = [self._outcome(entry) for entry in entries]
        await self._note(ledger.settle, outcomes)
        for entry in entries:
            item = self._in_progress.pop(entry["item"], None)
            if item is None:
                continue  # the tagger has gone meanwhile, and it was given back
            if entry["outcome"] == "dropped":
                item.give_back()
                continue
            self.progress += not _is_passing(entry)
            _count(item, entry)
        if not self._in_progress:
            self._idle.set()

    async def _note(self, change: Callable[[Library, list[Outcome]], R], noted: list[Outcome]) -> R:
        """A change of the ledger. Where that fails no tagger can go on."""
        try:
            return await self._run(change, self._library, noted)
        except LibraryError as error:
            self._give_up(str(error), self._library.probe)
            raise

    def _outcome(self, entry: Message) -> Outcome:
        item = self._in_progress[entry["item"]]
        return Outcome(
            item.location.file,
            item.location.path,
            item.location.carrier,
            entry["row"],
            entry["record"],
            entry.get("reason"),
            None if _is_passing(entry) else item.visit,
            item.content,
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

    async def _next(self, task: Task) -> list[WorkItem]:
        arguments = (self._library, task, self._models.active_model, self.scoring, self.root)
        taking = asyncio.ensure_future(self._run(next_items, *arguments))
        try:
            items = await asyncio.shield(taking)
        except asyncio.CancelledError:  # the tagger has gone: they are for the next one
            for item in await taking:
                item.give_back()
            raise
        except TagsError as error:
            task.cancel()
            task.error = str(error)
            active_model = self._models.active_model
            self.fail(task.error, lambda: self.scoring.check(active_model))
            return []
        return [] if task.cancelled.is_set() else items

    def _finish(self, task: Task) -> None:
        if task in self._tasks:
            self._tasks.remove(task)
        for directory in task.changed:
            self._changed(directory)
        if task.done and not task.error:
            self.last_error = self._cause = None
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
                self._task = self._supervisor.start("tagging", self._supervise)
                break

    async def _wait_for_tagger(self, child: subprocess.Popen[bytes] | None) -> None:
        waited = 0.0
        while not self._attached and waited < _START_SECONDS:
            if child and child.poll() is not None:
                return
            await asyncio.sleep(_LOOK_SECONDS)
            waited += _LOOK_SECONDS

    def _give_up(self, reason: str, cause: Callable[[], object] | None = None) -> None:
        self.fail(reason, cause)
        for task in list(self._tasks):
            task.cancel()
            task.error = reason
            self._finish(task)


def _count(item: WorkItem, entry: Message) -> None:
    """Notes in its task what came of an item."""
    task, location = item.task, item.location
    task.done += 1
    if entry["outcome"] == "written":
        task.written.add(location.path if location.file is None else location.file)
        task.changed.add(os.path.dirname(location.path))
    elif entry["outcome"] == "left":
        task.left.append((location.path, entry["reason"]))
        if location.row is not None:
            task.rows_left.add(location.row)
    elif entry["outcome"] == "gone" and entry["reason"] and location.row is not None:
        task.changed_rows.add(location.row)


def _is_passing(entry: Message) -> bool:
    """Whether it may be another time."""
    return bool(entry.get("passing")) or entry.get("outcome") in ("gone", "dropped")
