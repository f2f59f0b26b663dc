"""The reading thread: gives the encoder what is due and the library what came of it."""

from __future__ import annotations

import logging
import os
import sqlite3
import threading
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from itertools import islice

from csearch.protocol import Message
from csearchd.config import Encode
from csearchd.encode.messages import Limits, Settings
from csearchd.encode.models import Model, ModelError
from csearchd.encode.pool import EncoderUnusable, Event, Pool
from csearchd.encode.serving import Models
from csearchd.library import contents
from csearchd.library.contents import Job, Outcome
from csearchd.library.database import LibraryError
from csearchd.library.library import Library
from csearchd.watch.manners import HANDFUL, Manners
from csearchd.watch.resting import Resting

log = logging.getLogger(__name__)

_CHOICE = 512  # jobs that are looked up at a time
_COMMIT_SECONDS = 0.25  # what a kill can cost, and how soon a picture can be found
_COMMIT_JOBS = 128
_REST = 2.0  # seconds before a file that changed while it was read is looked at again
_TROUBLE = 10.0  # seconds before the next try when nothing can be written or encoded
_MOST_TROUBLE = 300.0  # it is doubled each time, up to this
_POWER_SECONDS = 5.0  # between looks whether the machine is off its battery
_SPELL_SECONDS = 1.0  # of work, while other programs need the processor,
_PAUSE_SECONDS = 2.0  # and of rest, once the encoder has done what it had
_STAY_SECONDS = 30.0  # with the coming model, though new pictures want the serving one
_RATE_SECONDS = 5.0  # what the rate is averaged over

_Key = tuple[int, bytes]  # scheme and identity of a content


@dataclass
class _Encoding:
    """A content in the encoder: the job that brought it, and copies that turned up meanwhile."""

    job: Job
    copies: list[tuple[Job, Message]] = field(default_factory=list)


@dataclass
class _Work:
    """A model, the pool that makes its vectors, and the state of its jobs."""

    model: Model
    row: int
    pool: Pool
    encoding: dict[_Key, _Encoding] = field(default_factory=dict)
    outcomes: list[Outcome] = field(default_factory=list)
    """Not committed yet."""
    fresh: set[_Key] = field(default_factory=set)
    """The contents of `outcomes`."""
    cursor: int = 0
    """The last file that was chosen because its content has no vector."""


class Reading:
    """Reads due files, newest first; then makes the vectors that a model lacks; then takes
    the metadata anew that an older version took."""

    def __init__(
        self,
        library: Library,
        models: Models,
        config: Encode,
        resting: Resting,
        look_again: Callable[[bytes], object],
    ) -> None:
        """Files that `resting` holds are left alone.

        `look_again` is called with a directory in which a file changed while it was read.
        """
        self._library = library
        self._models = models
        self._being_written = resting
        self._look_again = look_again
        self.config = config
        self.paused = library.setting("paused") is not None
        self.trouble: str | None = None  # why nothing is read, while that is so
        self.saving = False  # there are pictures to read, but the battery is spared
        self.slowed = False  # pictures are read slowly, for other programs' sake
        self.missing = 0  # contents that the coming model lacks
        self.lacking = 0  # contents that the serving model lacks
        self.outdated = 0  # files whose metadata an older version took
        self._complete: int | None = None  # the model that lacks no vector, as far as is known
        self._renewed = 0  # the last file that was chosen since its metadata are outdated
        self.recount()
        self._wanted: list[bytes] = []  # directories that somebody waits for
        self._held: set[int] = set()  # files that have been chosen and aren't committed
        self._resting: dict[int, tuple[float, bytes]] = {}  # files: until when, in which directory
        self._queue: deque[tuple[Job, bytes]] = deque()
        self._recent: deque[tuple[float, int]] = deque([(time.monotonic(), 0)])
        self._total = 0
        self._work = self._start_work(models.serving.model, models.serving.row)
        self._manners = Manners()
        self._sparing = False  # the battery is to be spared
        self._spell_end = self._pause_end = 0.0  # while reading goes slowly
        self._change_at = 0.0  # when the encoder may change from the coming model to the serving
        self._look = True  # there may be work that hasn't been looked for
        self._news = False  # something has come that may have to go first
        self._retry = threading.Event()  # what was in trouble may be tried again
        self._busy_until = time.monotonic()  # when the encoder last had something to do
        self._patience = _TROUBLE
        self._stopping = False
        self._wake_read, self._wake_write = os.pipe2(os.O_CLOEXEC | os.O_NONBLOCK)
        self._thread = threading.Thread(target=self._run, name="reading", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self, timeout: float) -> None:
        self._stopping = True
        self.wake()
        self._thread.join(timeout)

    def wake(self) -> None:
        """There may be new work, or a reason to stop."""
        self._look = self._news = True
        try:
            os.write(self._wake_write, b"\0")
        except BlockingIOError:
            pass

    def retry(self) -> None:
        """What was in trouble may be better now: tries it at once."""
        self._retry.set()
        self.wake()

    def want(self, paths: Iterable[bytes]) -> None:
        """Somebody waits for the pictures below `paths`: they go first, until `unwant`."""
        self._wanted.extend(paths)
        self.wake()

    def unwant(self, paths: Iterable[bytes]) -> None:
        for path in paths:
            self._wanted.remove(path)

    def pause(self, paused: bool) -> None:
        """Stops or resumes reading; this outlives the daemon. Raises LibraryError."""
        self._library.set("paused", "yes" if paused else None)
        self.paused = paused
        if not paused:
            self._manners.insist()
            self.saving = False
        self.retry()

    def recount(self) -> None:
        """Counts what the models lack. Raises LibraryError."""
        coming = self._models.coming
        row = self._models.row(coming) if coming else 0
        self._complete = None
        with self._library.read() as database:
            self.missing = contents.count_missing(database, row) if coming else 0
            self.outdated = contents.count_outdated(database)
        self.lacking = contents.count_lacking(self._library, self._models.serving.table)

    @property
    def encoder_pid(self) -> int | None:
        """The encoder's process id while there is one."""
        return self._work.pool.pid

    @property
    def rate(self) -> float:
        """Pictures read a second, over the last few seconds."""
        (then, before), (now, total) = self._recent[0], (time.monotonic(), self._total)
        if now - self._recent[-1][0] > _RATE_SECONDS:
            return 0.0
        return (total - before) / max(now - then, 0.1)

    def _run(self) -> None:
        while not self._stopping:
            work = self._work
            try:
                with self._library.read() as reader:
                    self._work = self._turn(reader, work)
            except (EncoderUnusable, LibraryError, ModelError) as error:
                if self.trouble != str(error):
                    log.error("%s", error)
                self._work = self._recover(work, str(error))
            except Exception:
                log.exception("reading pictures failed")
                work.outcomes.clear()
                self._work = self._recover(work, "an error in csearchd; its log tells more")
        self._work.pool.close()
        try:
            self._commit(self._work)
        except LibraryError as error:
            log.error("%s", error)

    def _turn(self, reader: sqlite3.Connection, work: _Work) -> _Work:
        """One round: submit, wait, handle, commit. Returns what to go on with."""
        pool = work.pool
        active = bool(self._queue or pool.busy) and not self.paused and not self._wanted
        self.slowed = active and self._manners.loaded(pool.pid)
        if not self.paused and pool.room:
            work = self._fill(reader, work)
            pool = work.pool
        waiting = bool(work.outcomes or self._resting)
        if pool.busy:
            self._busy_until = time.monotonic()
        idle = pool.running and not pool.busy
        left = max(0.0, self._busy_until + self.config.idle_seconds - time.monotonic())
        timeout = _COMMIT_SECONDS if waiting else left if idle else None
        if self.saving or self.slowed:
            most = _POWER_SECONDS if self.saving else _PAUSE_SECONDS / 4
            timeout = most if timeout is None else min(timeout, most)
        events = pool.poll(timeout, self._wake_read)
        self._drain()
        for event in events:
            self._handle(reader, work, event)
        if idle and not waiting and left == 0 and (self.paused or not self._look):
            log.debug("the encoder has had nothing to do and ends")
            pool.close()
        self._end_rests()
        now = time.monotonic()
        if work.outcomes and (
            len(work.outcomes) >= _COMMIT_JOBS
            or now - self._recent[-1][0] >= _COMMIT_SECONDS
            or not pool.busy
        ):
            self._commit(work)
        return work

    def _fill(self, reader: sqlite3.Connection, work: _Work) -> _Work:
        """Gives the pool what it has room for; changes to the other model where that is next."""
        spare = not self.config.on_battery and self._manners.on_battery()
        if self._news and self._wanted:
            self._release_queue()  # what somebody waits for may have come
        self._news = False
        if spare != self._sparing:
            self._sparing = spare
            self._release_queue()
        if not self._queue and self._look:
            model, row = self._choose(reader, work)
            settings = self.settings(model)
            limit = self.config.max_seconds
            if row != work.row or settings != work.pool.settings or limit != work.pool.max_seconds:
                cursor, work.cursor = work.cursor, 0
                if work.pool.busy or work.outcomes:
                    self._release_queue()
                    return work  # first this is brought to its end
                work.pool.close()
                work = self._start_work(model, row)
                work.cursor = cursor
        room = self._portion(work.pool)
        while self._queue and room:
            work.pool.submit(*self._queue.popleft())
            room -= 1
        return work

    def _portion(self, pool: Pool) -> int:
        """How many pictures the pool may get now."""
        if not self.slowed:
            return pool.room
        now = time.monotonic()
        if now >= self._spell_end:
            if pool.busy:
                self._pause_end = now + _PAUSE_SECONDS
            if now < self._pause_end:
                return 0
            self._spell_end = now + _SPELL_SECONDS
        return pool.room

    def _choose(self, reader: sqlite3.Connection, work: _Work) -> tuple[Model, int]:
        """Fills the queue. Returns the model that the vectors are to be of."""
        serving, coming = self._models.serving, self._models.coming
        self._look = False
        stay = work.row != serving.row and not self._wanted and time.monotonic() < self._change_at
        if not stay:
            self._queue_jobs(self._due(reader))
            if self._queue:
                self._look = True
                return serving.model, serving.row
        self.saving = False
        if self._sparing:
            waiting = self.lacking or self.missing or self.outdated
            self.saving = bool(waiting) or next(contents.due(reader), None) is not None
            return work.model, work.row
        targets = [(serving.model, serving.row)] if self._complete != serving.row else []
        if coming:
            targets.append((coming, self._models.row(coming)))
        for model, row in targets:
            after = work.cursor if row == work.row else 0
            jobs = contents.missing(reader, row, after, _CHOICE)
            if jobs:
                self._queue_jobs(iter(jobs))
                work.cursor = jobs[-1].file
                self._look = True
                if row != work.row:
                    self._change_at = time.monotonic() + _STAY_SECONDS
                return model, row
            if row == serving.row and not after:
                self._complete = row
        if stay:
            self._change_at, self._look = 0.0, True  # what has been put off is next
        work.cursor = 0
        self.lacking = contents.count_missing(reader, serving.row) if self.lacking else 0
        self.trouble = None  # whatever it was, nothing needs it any more
        if coming and not work.pool.busy and not work.outcomes:
            self.missing = contents.count_missing(reader, targets[-1][1])
            if not self.missing:
                self._models.complete(coming)
        if self.outdated:
            self._renew(reader)
        return work.model, work.row

    def _renew(self, reader: sqlite3.Connection) -> None:
        """Queues files whose metadata are outdated: each once, since some can't be read now."""
        jobs = contents.outdated(reader, self._renewed, _CHOICE)
        self._queue_jobs(iter(jobs))
        if jobs:
            self._renewed = jobs[-1].file
            self._look = True
        self.outdated = contents.count_outdated(reader)

    def _due(self, reader: sqlite3.Connection) -> Iterator[Job]:
        """Due files: where somebody waits for some that aren't under way, only those. On battery
        none but those, and a handful of new ones."""
        free = (job for job in contents.due(reader) if job.file not in self._held)
        if not self._wanted:
            return self._handful(free) if self._sparing else free
        with self._library.memory:
            tree = self._library.tree
            found = [tree.find(path) for path in self._wanted]
            scope = tree.mask(directory for directory in found if directory)
        first: list[Job] = []
        rest: list[Job] = []
        for job in free:
            wanted = job.directory < len(scope) and scope[job.directory]
            if wanted or len(rest) < _CHOICE:
                (first if wanted else rest).append(job)
            if len(first) >= _CHOICE:
                break
        if self._sparing and not first:
            return self._handful(rest)
        return iter(first or rest)

    def _handful(self, jobs: Iterable[Job]) -> Iterator[Job]:
        """The jobs, newest first, if they are few; else those of files written since the machine
        has been on battery, if those are."""
        newest = list(islice(jobs, HANDFUL + 1))
        if len(newest) > HANDFUL:
            newest = [job for job in newest if job.stat[1] >= self._manners.battery_since]
        return iter(newest if len(newest) <= HANDFUL else [])

    def _queue_jobs(self, jobs: Iterator[Job]) -> None:
        for job in jobs:
            if job.file in self._held:
                continue
            try:
                directory = self._library.tree.path(job.directory)
            except KeyError:
                continue  # it has just been removed
            if self._being_written.holds(directory, job.name):
                continue
            self._queue.append((job, directory.rstrip(b"/") + b"/" + job.name))
            self._held.add(job.file)
            if len(self._queue) >= _CHOICE:
                break

    def _handle(self, reader: sqlite3.Connection, work: _Work, event: Event) -> None:
        job, found = event.job, event.found
        key = (found["scheme"], found["identity"]) if found and "identity" in found else None
        if event.op == "identified" and key and found:
            if key in work.fresh or contents.is_known(reader, *key, work.row):
                work.pool.answer(job, encode=False)
                self._finish(work, key, Outcome(job, found))
            elif key in work.encoding and work.encoding[key].job is not job:
                work.pool.answer(job, encode=False)
                work.encoding[key].copies.append((job, found))
            else:  # a job comes again if the encoder has died meanwhile
                work.encoding.setdefault(key, _Encoding(job))
                work.pool.answer(job, encode=True)
            return
        encoding = work.encoding.pop(key, None) if key else None
        copies = encoding.copies if encoding else []
        if event.changed:
            self._rest(job)
            for copy, _ in copies:
                self._held.discard(copy.file)  # they are still due
            self._look = True
            return
        failure = event.reason or None
        self._finish(work, key, Outcome(job, found, event.vector, failure))
        for copy, copy_found in copies:
            self._finish(work, key, Outcome(copy, copy_found, None, failure))

    def _finish(self, work: _Work, key: _Key | None, outcome: Outcome) -> None:
        work.outcomes.append(outcome)
        if key:
            work.fresh.add(key)

    def _commit(self, work: _Work) -> None:
        """Raises LibraryError; what couldn't be committed is kept for the next try."""
        serving = self._models.serving
        table = serving.table if serving.row == work.row else None
        contents.store(self._library, work.row, work.outcomes, table)
        for outcome in work.outcomes:
            self._held.discard(outcome.job.file)
        self._total += len(work.outcomes)
        made = sum(1 for outcome in work.outcomes if outcome.vector)
        if work.row == serving.row:
            self.lacking = max(0, self.lacking - made)
        else:
            self.missing = max(0, self.missing - made)
        work.outcomes.clear()
        work.fresh.clear()
        self.trouble = None
        self._patience = _TROUBLE
        self._look = True
        now = time.monotonic()
        self._recent.append((now, self._total))
        while len(self._recent) > 2 and now - self._recent[1][0] > _RATE_SECONDS:
            self._recent.popleft()

    def _recover(self, work: _Work, trouble: str) -> _Work:
        """After a failure: waits a while, and begins again with all that isn't committed."""
        self.trouble = trouble
        self._release_queue()
        work.pool.close()
        fresh = self._start_work(work.model, work.row)
        fresh.outcomes, fresh.fresh = work.outcomes, work.fresh
        kept = {outcome.job.file for outcome in work.outcomes}
        self._held.intersection_update(kept | self._resting.keys())
        deadline = time.monotonic() + self._patience
        self._patience = min(2 * self._patience, _MOST_TROUBLE)
        while not self._stopping and not self._retry.is_set():
            left = deadline - time.monotonic()
            if left <= 0:
                break
            fresh.pool.poll(left, self._wake_read)
            self._drain()
        self._retry.clear()
        self._look = True
        return fresh

    def _rest(self, job: Job) -> None:
        try:
            directory = self._library.tree.path(job.directory)
        except KeyError:
            self._held.discard(job.file)
            return
        self._resting[job.file] = (time.monotonic() + _REST, directory)

    def _end_rests(self) -> None:
        """Files that changed while they were read are looked at again after a while."""
        now = time.monotonic()
        over = [file for file, (until, _) in self._resting.items() if until <= now]
        for directory in {self._resting[file][1] for file in over}:
            self._look_again(directory)
        for file in over:
            del self._resting[file]
            self._held.discard(file)
        if over:
            self._look = True

    def _release_queue(self) -> None:
        self._held.difference_update(job.file for job, _ in self._queue)
        self._queue.clear()
        self._renewed = 0
        self._look = True

    def _start_work(self, model: Model, row: int) -> _Work:
        return _Work(model, row, Pool(self.settings(model), self.config.max_seconds))

    def settings(self, model: Model) -> Settings:
        """How an encoder for `model` is to work."""
        config = self.config
        limits = Limits(config.max_pixels, config.max_bytes, config.max_memory)
        threads = config.threads or os.cpu_count() or 1
        return Settings(model.directory, limits, threads, config.device)

    def _drain(self) -> None:
        try:
            while os.read(self._wake_read, 4096):
                pass
        except BlockingIOError:
            pass
