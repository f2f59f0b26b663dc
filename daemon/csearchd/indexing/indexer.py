"""The reading thread: gives the encoder what is due and the library what came of it."""

from __future__ import annotations

import logging
import os
import sqlite3
import threading
import time
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import replace

from csearchd.concurrency.supervisor import Supervisor
from csearchd.config import Encode
from csearchd.encoder.messages import Limits, Settings
from csearchd.encoder.pool import Event, Pool
from csearchd.errors import EncoderUnusable, LibraryError, ModelError
from csearchd.indexing.backlog import Backlog
from csearchd.indexing.encoding_session import EncodingSession
from csearchd.indexing.power_policy import PAUSE_SECONDS, POWER_SECONDS, PowerPolicy, Spells
from csearchd.indexing.rate import Rate
from csearchd.library import contents, listings
from csearchd.library.contents import Job, Outcome
from csearchd.library.library import Library
from csearchd.models.active_model import Models
from csearchd.models.installed import Model
from csearchd.reasons import OTHER, Reason
from csearchd.reasons import service as reasons
from csearchd.system import processors
from csearchd.system.memory import release_free_memory
from csearchd.watch.debounce import Debounce

log = logging.getLogger(__name__)

_COMMIT_SECONDS = 0.25  # what a kill can cost, and how soon a picture can be found
_COMMIT_JOBS = 128
_REST = 2.0  # seconds before a file that changed while it was read is looked at again
_TROUBLE = 10.0  # seconds before the next try when nothing can be written or encoded
_MOST_TROUBLE = 300.0  # it is doubled each time, up to this


class Indexer:
    """Has the encoder read what is in the backlog."""

    def __init__(
        self,
        library: Library,
        models: Models,
        config: Encode,
        debounce: Debounce,
        look_again: Callable[[bytes], object],
        supervisor: Supervisor,
    ) -> None:
        """Files that `debounce` holds are left alone.

        `look_again` is called with a directory in which a file changed while it was read.
        """
        self._library = library
        self._models = models
        self._look_again = look_again
        self._supervisor = supervisor
        self.config = config
        self.paused = library.setting("paused") is not None
        self.last_error: Reason | None = None  # why nothing is read, while that is so
        self.throttled = False  # pictures are read slowly, for other programs' sake
        self._power_policy = PowerPolicy()
        self.backlog = Backlog(library, models, debounce, self._power_policy)
        self._spells = Spells()
        self._debounce: dict[int, tuple[float, bytes]] = {}  # files: until when, in which directory
        self._rate = Rate()
        self._committed = time.monotonic()  # the last time
        active_model = models.active_model
        self._session = EncodingSession(
            active_model.model, active_model.row, self._pool(active_model.model)
        )
        self._news = False  # something has come that may have to go first
        self._retry = threading.Event()  # what was in trouble may be tried again
        self._busy_until = time.monotonic()  # when the encoder last had something to do
        self._patience = _TROUBLE
        self._stopping = False
        self._wake_read, self._wake_write = os.pipe2(os.O_CLOEXEC | os.O_NONBLOCK)
        self._thread = supervisor.thread("reading pictures", self._run)

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

    def prioritise(self, paths: Iterable[bytes]) -> None:
        """Puts the pictures below `paths`, for which somebody waits, before all others."""
        self.backlog.prioritise(paths)
        self.wake()

    def stop_prioritising(self, paths: Iterable[bytes]) -> None:
        self.backlog.stop_prioritising(paths)

    def pause(self, paused: bool) -> None:
        """Stops or resumes reading; this outlives the daemon. Raises LibraryError."""
        self._library.set("paused", "yes" if paused else None)
        self.paused = paused
        if not paused:
            self._power_policy.insist()
            self.backlog.held_on_battery = False
        self.retry()

    def recount(self) -> None:
        """Other models are wanted, or what they lack has come. Raises LibraryError."""
        self.backlog.recount()
        self.wake()

    @property
    def encoder_pid(self) -> int | None:
        """The encoder's process id while there is one."""
        return self._session.pool.pid

    @property
    def rate(self) -> float:
        """Pictures read a second, over the last few seconds."""
        return self._rate.value

    def _run(self) -> None:
        self._session = self._begin_again(self._session)  # the supervisor may have started it anew
        while not self._stopping:
            session = self._session
            try:
                with self._library.read() as reader:
                    self._session = self._turn(reader, session)
            except (EncoderUnusable, LibraryError, ModelError) as error:
                reason = error.reason or OTHER(text=str(error))
                if self.last_error != reason:
                    log.error("%s", error)
                self._session = self._recover(session, reason)
            except Exception as error:
                self._supervisor.failed("reading pictures", error)
                self._session = self._recover(session, reasons.UNEXPECTED())
        self._session.pool.close()
        try:
            self._commit(self._session)
        except LibraryError as error:
            log.error("%s", error)

    def _turn(self, reader: sqlite3.Connection, session: EncodingSession) -> EncodingSession:
        """One round: submit, wait, handle, commit. Returns what to go on with."""
        pool, backlog = session.pool, self.backlog
        active = bool(backlog.queue or pool.busy) and not self.paused and not backlog.priority_paths
        self.throttled = active and self._power_policy.loaded(pool.pid)
        begins = not pool.busy
        if not self.paused and pool.room:
            session = self._fill(reader, session)
            pool = session.pool
        waiting = bool(session.outcomes or self._debounce)
        if pool.busy:
            self._busy_until = time.monotonic()
            if begins:
                self._rate.begin()
        idle = pool.running and not pool.busy
        left = max(0.0, self._busy_until + self.config.idle_seconds - time.monotonic())
        timeout = _COMMIT_SECONDS if waiting else left if idle else None
        if backlog.held_on_battery or self.throttled:
            most = POWER_SECONDS if backlog.held_on_battery else PAUSE_SECONDS / 4
            timeout = most if timeout is None else min(timeout, most)
        events = pool.poll(timeout, self._wake_read)
        self._drain()
        self._handle(reader, session, events)
        if idle and not waiting and left == 0 and (self.paused or not backlog.look):
            log.debug("the encoder has had nothing to do and ends")
            pool.close()
            release_free_memory()
        self._end_rests()
        now = time.monotonic()
        if session.outcomes and (
            len(session.outcomes) >= _COMMIT_JOBS
            or now - self._committed >= _COMMIT_SECONDS
            or not pool.busy
        ):
            self._commit(session)
        return session

    def _handle(
        self, reader: sqlite3.Connection, session: EncodingSession, events: list[Event]
    ) -> None:
        """Raises LibraryError, when all events have been seen to: each comes but once."""
        last_error: LibraryError | None = None
        for event in events:
            try:
                copies = session.handle(reader, event)
                if event.changed:
                    self._rest(event.job)
                    self.backlog.let_go(copy.file for copy in copies)  # they are still due
                    self.backlog.look = True
            except LibraryError as error:
                last_error = error
            except Exception as error:
                with suppress(LibraryError):  # then the next trouble is told
                    self._give_up(session, event.job, error)
        if last_error:
            raise last_error

    def _fill(self, reader: sqlite3.Connection, session: EncodingSession) -> EncodingSession:
        """Gives the pool what it has room for; changes to the other model where that is next."""
        backlog = self.backlog
        spare = not self.config.on_battery and self._power_policy.on_battery()
        if self._news and backlog.priority_paths:
            backlog.release()  # what somebody waits for may have come
        self._news = False
        backlog.spare(spare)
        if not backlog.queue and backlog.look:
            idle = not session.pool.busy and not session.outcomes
            model = backlog.choose(reader, session.model, session.row, idle)
            if backlog.empty:
                self.last_error = None  # whatever it was, nothing needs it any more
            if model != session.model or self._outdated(session.pool, model):
                if not idle:
                    backlog.release()
                    return session  # first this is brought to its end
                session.pool.close()
                session = EncodingSession(model, self._models.row(model), self._pool(model))
        room = session.pool.room
        if self.throttled and self._spells.rest(bool(session.pool.busy)):
            room = 0
        while backlog.queue and room:
            job, path = backlog.queue.popleft()
            try:
                session.pool.submit(job, path)
            except Exception as error:
                self._give_up(session, job, error)
            room -= 1
        return session

    def _outdated(self, pool: Pool, model: Model) -> bool:
        """Whether a pool for `model` would be another one now."""
        return pool.settings != self.settings(model) or pool.max_seconds != self.config.max_seconds

    def _commit(self, session: EncodingSession) -> None:
        """Raises LibraryError; what couldn't be committed is kept for the next try."""
        self._rate.add(len(session.outcomes))
        try:
            contents.store(self._library, session.row, session.outcomes)
            self.backlog.committed(session.row, session.outcomes)
        except Exception as error:
            if not _is_of_the_data(error):
                raise
            while session.outcomes:  # it is one of them, and costs none of the others
                self._store_alone(session, session.outcomes[0])
                self.backlog.committed(session.row, [session.outcomes.pop(0)])
        session.forget_outcomes()
        self.last_error = None
        self._patience = _TROUBLE
        self._committed = time.monotonic()

    def _store_alone(self, session: EncodingSession, outcome: Outcome) -> None:
        """Without its metadata, if these are what can't be stored. Raises LibraryError."""
        try:
            contents.store(self._library, session.row, [outcome])
            return
        except Exception as error:
            if not _is_of_the_data(error):
                raise
            self._supervisor.failed("storing what was read", error)
        try:
            bare = {**outcome.found, "metadata": {}} if outcome.found else None
            contents.store(self._library, session.row, [replace(outcome, found=bare)])
        except Exception as error:
            if not _is_of_the_data(error):
                raise
            self._give_up(session, outcome.job, error)

    def _give_up(self, session: EncodingSession, job: Job, error: Exception) -> None:
        """Ends a job that led to an error nobody thought of: it must cost no other picture, and
        isn't tried for ever. Raises LibraryError."""
        log.error("%s can't be read: %s", os.fsdecode(job.name), reasons.UNEXPECTED())
        self._supervisor.failed("reading a picture", error)
        listings.mark_failed(self._library, job.file, str(reasons.UNEXPECTED()))
        self.backlog.let_go([job.file, *(copy.file for copy in session.give_up(job))])
        self.backlog.look = True

    def _begin_again(self, session: EncodingSession) -> EncodingSession:
        """With all that isn't committed."""
        self.backlog.release()
        session.pool.close()
        fresh = session.begin_again(self._pool(session.model))
        kept = {outcome.job.file for outcome in session.outcomes}
        self.backlog.keep(kept | self._debounce.keys())
        return fresh

    def _recover(self, session: EncodingSession, last_error: Reason) -> EncodingSession:
        """After a failure: waits a while, and begins again."""
        self.last_error = last_error
        fresh = self._begin_again(session)
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
        self._debounce[job.file] = (time.monotonic() + _REST, directory)

    def _end_rests(self) -> None:
        """Files that changed while they were read are looked at again after a while."""
        now = time.monotonic()
        over = [file for file, (until, _) in self._debounce.items() if until <= now]
        for directory in {self._debounce[file][1] for file in over}:
            self._look_again(directory)
        for file in over:
            del self._debounce[file]
        if over:
            self.backlog.let_go(over)
            self.backlog.look = True

    def _pool(self, model: Model) -> Pool:
        return Pool(self.settings(model), self.config.max_seconds)

    def settings(self, model: Model) -> Settings:
        """How an encoder for `model` is to work."""
        config = self.config
        limits = Limits(config.max_pixels, config.max_bytes, config.max_memory)
        threads = config.threads or processors.count()
        return Settings(model.directory, limits, threads, config.device)

    def _drain(self) -> None:
        try:
            while os.read(self._wake_read, 4096):
                pass
        except BlockingIOError:
            pass


def _is_of_the_data(error: Exception) -> bool:
    """Whether what was to be stored is to blame for an error, not the disk or the database."""
    cause = error.__cause__ if isinstance(error, LibraryError) else error
    if not isinstance(cause, sqlite3.Error):
        return not isinstance(error, (LibraryError, OSError, MemoryError))
    blamed = (sqlite3.DataError, sqlite3.IntegrityError, sqlite3.InterfaceError)
    return isinstance(cause, (*blamed, sqlite3.ProgrammingError))
