"""The reading thread: gives the encoder what is due and the library what came of it."""

from __future__ import annotations

import logging
import os
import sqlite3
import threading
import time
from collections.abc import Callable, Iterable

from csearchd.config import Encode
from csearchd.encode.memory import give_back
from csearchd.encode.messages import Limits, Settings
from csearchd.encode.models import Model, ModelError
from csearchd.encode.pool import EncoderUnusable, Pool
from csearchd.encode.serving import Models
from csearchd.library import contents
from csearchd.library.contents import Job
from csearchd.library.database import LibraryError
from csearchd.library.library import Library
from csearchd.watch.backlog import Backlog
from csearchd.watch.manners import PAUSE_SECONDS, POWER_SECONDS, Manners, Spells
from csearchd.watch.rate import Rate
from csearchd.watch.resting import Resting
from csearchd.watch.work import Work

log = logging.getLogger(__name__)

_COMMIT_SECONDS = 0.25  # what a kill can cost, and how soon a picture can be found
_COMMIT_JOBS = 128
_REST = 2.0  # seconds before a file that changed while it was read is looked at again
_TROUBLE = 10.0  # seconds before the next try when nothing can be written or encoded
_MOST_TROUBLE = 300.0  # it is doubled each time, up to this


class Reading:
    """Has the encoder read what is in the backlog."""

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
        self._look_again = look_again
        self.config = config
        self.paused = library.setting("paused") is not None
        self.trouble: str | None = None  # why nothing is read, while that is so
        self.slowed = False  # pictures are read slowly, for other programs' sake
        self._manners = Manners()
        self.backlog = Backlog(library, models, resting, self._manners)
        self._spells = Spells()
        self._resting: dict[int, tuple[float, bytes]] = {}  # files: until when, in which directory
        self._rate = Rate()
        self._committed = time.monotonic()  # the last time
        serving = models.serving
        self._work = Work(serving.model, serving.row, self._pool(serving.model))
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
        self.backlog.look = self._news = True
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
        self.backlog.want(paths)
        self.wake()

    def unwant(self, paths: Iterable[bytes]) -> None:
        self.backlog.unwant(paths)

    def pause(self, paused: bool) -> None:
        """Stops or resumes reading; this outlives the daemon. Raises LibraryError."""
        self._library.set("paused", "yes" if paused else None)
        self.paused = paused
        if not paused:
            self._manners.insist()
            self.backlog.saving = False
        self.retry()

    def recount(self) -> None:
        """Other models are wanted, or what they lack has come. Raises LibraryError."""
        self.backlog.recount()
        self.wake()

    @property
    def encoder_pid(self) -> int | None:
        """The encoder's process id while there is one."""
        return self._work.pool.pid

    @property
    def rate(self) -> float:
        """Pictures read a second, over the last few seconds."""
        return self._rate.value

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
                work.forget_outcomes()
                self._work = self._recover(work, "an error in csearchd; its log tells more")
        self._work.pool.close()
        try:
            self._commit(self._work)
        except LibraryError as error:
            log.error("%s", error)

    def _turn(self, reader: sqlite3.Connection, work: Work) -> Work:
        """One round: submit, wait, handle, commit. Returns what to go on with."""
        pool, backlog = work.pool, self.backlog
        active = bool(backlog.queue or pool.busy) and not self.paused and not backlog.wanted
        self.slowed = active and self._manners.loaded(pool.pid)
        begins = not pool.busy
        if not self.paused and pool.room:
            work = self._fill(reader, work)
            pool = work.pool
        waiting = bool(work.outcomes or self._resting)
        if pool.busy:
            self._busy_until = time.monotonic()
            if begins:
                self._rate.begin()
        idle = pool.running and not pool.busy
        left = max(0.0, self._busy_until + self.config.idle_seconds - time.monotonic())
        timeout = _COMMIT_SECONDS if waiting else left if idle else None
        if backlog.saving or self.slowed:
            most = POWER_SECONDS if backlog.saving else PAUSE_SECONDS / 4
            timeout = most if timeout is None else min(timeout, most)
        events = pool.poll(timeout, self._wake_read)
        self._drain()
        for event in events:
            copies = work.handle(reader, event)
            if event.changed:
                self._rest(event.job)
                backlog.let_go(copy.file for copy in copies)  # they are still due
                backlog.look = True
        if idle and not waiting and left == 0 and (self.paused or not backlog.look):
            log.debug("the encoder has had nothing to do and ends")
            pool.close()
            give_back()
        self._end_rests()
        now = time.monotonic()
        if work.outcomes and (
            len(work.outcomes) >= _COMMIT_JOBS
            or now - self._committed >= _COMMIT_SECONDS
            or not pool.busy
        ):
            self._commit(work)
        return work

    def _fill(self, reader: sqlite3.Connection, work: Work) -> Work:
        """Gives the pool what it has room for; changes to the other model where that is next."""
        backlog = self.backlog
        spare = not self.config.on_battery and self._manners.on_battery()
        if self._news and backlog.wanted:
            backlog.release()  # what somebody waits for may have come
        self._news = False
        backlog.spare(spare)
        if not backlog.queue and backlog.look:
            idle = not work.pool.busy and not work.outcomes
            model = backlog.choose(reader, work.model, work.row, idle)
            if backlog.empty:
                self.trouble = None  # whatever it was, nothing needs it any more
            if model != work.model or self._outdated(work.pool, model):
                if not idle:
                    backlog.release()
                    return work  # first this is brought to its end
                work.pool.close()
                work = Work(model, self._models.row(model), self._pool(model))
        room = work.pool.room
        if self.slowed and self._spells.rest(bool(work.pool.busy)):
            room = 0
        while backlog.queue and room:
            work.pool.submit(*backlog.queue.popleft())
            room -= 1
        return work

    def _outdated(self, pool: Pool, model: Model) -> bool:
        """Whether a pool for `model` would be another one now."""
        return pool.settings != self.settings(model) or pool.max_seconds != self.config.max_seconds

    def _commit(self, work: Work) -> None:
        """Raises LibraryError; what couldn't be committed is kept for the next try."""
        serving = self._models.serving
        table = serving.table if serving.row == work.row else None
        contents.store(self._library, work.row, work.outcomes, table)
        self._rate.add(len(work.outcomes))
        self.backlog.committed(work.row, work.outcomes)
        work.forget_outcomes()
        self.trouble = None
        self._patience = _TROUBLE
        self._committed = time.monotonic()

    def _recover(self, work: Work, trouble: str) -> Work:
        """After a failure: waits a while, and begins again with all that isn't committed."""
        self.trouble = trouble
        self.backlog.release()
        work.pool.close()
        fresh = work.begin_again(self._pool(work.model))
        kept = {outcome.job.file for outcome in work.outcomes}
        self.backlog.keep(kept | self._resting.keys())
        deadline = time.monotonic() + self._patience
        self._patience = min(2 * self._patience, _MOST_TROUBLE)
        while not self._stopping and not self._retry.is_set():
            left = deadline - time.monotonic()
            if left <= 0:
                break
            fresh.pool.poll(left, self._wake_read)
            self._drain()
        self._retry.clear()
        self.backlog.look = True
        return fresh

    def _rest(self, job: Job) -> None:
        try:
            directory = self._library.tree.path(job.directory)
        except KeyError:
            self.backlog.let_go([job.file])
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
        if over:
            self.backlog.let_go(over)
            self.backlog.look = True

    def _pool(self, model: Model) -> Pool:
        return Pool(self.settings(model), self.config.max_seconds)

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
