"""The daemon's queue of tagging tasks, and the dialogue with the one tagger that works on them.

The tagger is started when there is a task. It asks for items, announces writes and reports them.
"""

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

from csearch.protocol.system_errors import in_words
from csearch.protocol.wire import Message
from csearchd.concurrency.supervisor import Supervisor
from csearchd.errors import LibraryError, TagsError
from csearchd.library.library import Library
from csearchd.models.active_model import Models
from csearchd.tags import ledger
from csearchd.tags.ledger import Outcome
from csearchd.tags.locations import TimedCall
from csearchd.tags.tag_scorer import TagScorer
from csearchd.tags.tagger_launcher import start_tagger
from csearchd.tags.tasks import Task, WorkItem
from csearchd.tags.work_items import next_items

P = ParamSpec("P")
R = TypeVar("R")

log = logging.getLogger(__name__)

_MAX_TRIES = 3  # starts of a tagger without any progress
_START_SECONDS = 30.0  # limit for a tagger to connect
_POLL_SECONDS = 0.1
_LINGER_SECONDS = 1.0  # for which an idle tagger waits for another task


class TaggingQueue:
    """Used by the event loop's thread only."""

    def __init__(
        self,
        library: Library,
        models: Models,
        scoring: TagScorer,
        root: str,
        changed: Callable[[bytes], object],
        threads: Executor,
        supervisor: Supervisor,
        timed_call: TimedCall,
    ) -> None:
        """`root` is the configuration's tags.root. `changed` is told of directories in which files
        were written; `timed_call` calls what accesses a path that may not answer."""
        self.scoring = scoring
        self.root = root
        self._library = library
        self._models = models
        self._changed = changed
        self._threads = threads
        self._supervisor = supervisor
        self.timed_call = timed_call
        self._tasks: deque[Task] = deque()
        self._in_progress: dict[int, WorkItem] = {}
        # Item numbers start at random: a tagger of an earlier daemon may still report its own.
        self._numbers = itertools.count(secrets.randbits(48))
        self._idle = asyncio.Event()  # the tagger has no items
        self._work = asyncio.Event()  # there is a task
        self._attached = False  # whether a tagger is connected
        self._task: asyncio.Task[None] | None = None
        self.progress = 0  # items ever finished that needn't be tried again
        self.last_error: str | None = None  # why the last task failed
        self._cause: Callable[[], object] | None = None  # raises as long as that error lasts

    @property
    def waiting(self) -> int:
        """The number of files of all tasks that are still to be done."""
        return sum(task.total - task.done for task in self._tasks if not task.cancelled.is_set())

    @property
    def is_busy(self) -> bool:
        return bool(self._tasks)

    def add(self, task: Task) -> None:
        """Appends a task and starts a tagger if none is running."""
        if task.is_empty:
            task.finished.set()
            return
        self._tasks.append(task)
        self._work.set()
        if self._task is None or self._task.done():
            self._task = self._supervisor.start("tagging", self._supervise)

    def fail(self, last_error: str, cause: Callable[[], object] | None = None) -> None:
        """Notes why tagging failed; `cause` raises as long as the error lasts."""
        if last_error != self.last_error:
            log.error("%s", last_error)
        self.last_error, self._cause = last_error, cause

    @property
    def recoverable(self) -> bool:
        """Whether there is an error that may go away by itself."""
        return self._cause is not None

    async def check_error(self) -> None:
        """Forgets the error if its cause has gone."""
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
        """Yields items for the connected tagger: each time it has done all, the next ones.

        An empty list tells it to stop with the items that it has, which are not wanted any more.
        Raises RuntimeError if another tagger is connected.
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
            for item in self._in_progress.values():  # the tagger disconnected before it was done
                item.give_back()
            self._in_progress.clear()

    async def _is_cancelled(self, task: Task) -> bool:
        """Waits until the tagger has done its items or the task is cancelled: whether it is."""
        waits = [asyncio.ensure_future(one.wait()) for one in (self._idle, task.cancelled)]
        try:
            await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for wait in waits:
                wait.cancel()
        return not self._idle.is_set()

    async def intend(self, entries: list[Message]) -> list[int]:
        """Notes in the ledger what is about to be written. Returns the rows.

        Raises LibraryError; KeyError for items that this tagger doesn't have: it got them from a
        daemon that was killed, or another tagger has taken its place.
        """
        outcomes = [self._outcome(entry) for entry in entries]
        return await self._note(ledger.intend, outcomes)

    async def done(self, entries: list[Message]) -> None:
        """Notes in the ledger what has been written. Raises LibraryError."""
        entries = [entry for entry in entries if entry["item"] in self._in_progress]
        outcomes = [self._outcome(entry) for entry in entries]
        await self._note(ledger.settle, outcomes)
        for entry in entries:
            item = self._in_progress.pop(entry["item"], None)
            if item is None:
                continue  # given back, since the tagger has disconnected meanwhile
            if entry["outcome"] == "dropped":
                item.give_back()
                continue
            self.progress += not _may_be_retried(entry)
            _count(item, entry)
        if not self._in_progress:
            self._idle.set()

    async def _note(self, change: Callable[[Library, list[Outcome]], R], noted: list[Outcome]) -> R:
        """Changes the ledger. If that fails, all tasks are given up. Raises LibraryError."""
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
            None if _may_be_retried(entry) else item.visit,
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
        arguments = (
            self._library,
            task,
            self._models.active_model,
            self.scoring,
            self.root,
            self.timed_call,
        )
        taking = asyncio.ensure_future(self._run(next_items, *arguments))
        try:
            items = await asyncio.shield(taking)
        except asyncio.CancelledError:  # the tagger has disconnected: they are for the next one
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
        """Keeps a tagger running while there are tasks."""
        tries, before = 0, self.progress
        child: subprocess.Popen[bytes] | None = None
        while self._tasks:
            if self.progress != before:
                tries, before = 0, self.progress
            if not self._attached:
                if tries >= _MAX_TRIES:
                    self._give_up("the tagger ended before it was done; the service's log says why")
                    break
                tries += 1
                try:
                    child = await self._run(start_tagger)
                except OSError as error:
                    self._give_up(f"the tagger can't be started: {in_words(error)}")
                    break
                await self._wait_for_tagger(child)
            await asyncio.sleep(_POLL_SECONDS)
        while child and child.poll() is None:  # poll, so that it doesn't stay a zombie
            await asyncio.sleep(_LINGER_SECONDS)
            if self._tasks:
                self._task = self._supervisor.start("tagging", self._supervise)
                break

    async def _wait_for_tagger(self, child: subprocess.Popen[bytes] | None) -> None:
        waited = 0.0
        while not self._attached and waited < _START_SECONDS:
            if child and child.poll() is not None:
                return
            await asyncio.sleep(_POLL_SECONDS)
            waited += _POLL_SECONDS

    def _give_up(self, reason: str, cause: Callable[[], object] | None = None) -> None:
        self.fail(reason, cause)
        for task in list(self._tasks):
            task.cancel()
            task.error = reason
            self._finish(task)


def _count(item: WorkItem, entry: Message) -> None:
    """Notes an item's outcome in its task."""
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


def _may_be_retried(entry: Message) -> bool:
    """Whether another try may succeed."""
    return bool(entry.get("passing")) or entry.get("outcome") in ("gone", "dropped")
