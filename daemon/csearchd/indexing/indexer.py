"""The indexing thread: gives files to the encoder, and commits its results."""

from __future__ import annotations

import logging
import os
import sqlite3
import threading
import time
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import replace

from csearchd.concurrency.errands import Errands
from csearchd.concurrency.supervisor import Supervisor
from csearchd.concurrency.wake_pipe import WakePipe
from csearchd.config import Encode
from csearchd.encoder.devices.left import LeftDevices
from csearchd.encoder.messages import Limits, Settings
from csearchd.encoder.pool import Event, Pool
from csearchd.errors import EncoderUnusable, LibraryError, ModelError
from csearchd.indexing.backlog import Backlog
from csearchd.indexing.encoding_session import EncodingSession
from csearchd.indexing.power_policy import PAUSE_SECONDS, POWER_SECONDS, DutyCycle, PowerPolicy
from csearchd.indexing.rate import Rate
from csearchd.library import contents, listings
from csearchd.library.contents import Job, Outcome
from csearchd.library.library import Library
from csearchd.library.roots import is_below
from csearchd.models.active_model import Models
from csearchd.models.installed import Model
from csearchd.reasons import OTHER, Reason
from csearchd.system import processors
from csearchd.system.memory import release_free_memory
from csearchd.system.writers import REST_SECONDS
from csearchd.unexpected import unexpected
from csearchd.watch.debounce import Debounce

log = logging.getLogger(__name__)

_COMMIT_SECONDS = 0.25  # between commits: a kill loses no more, and pictures are found soon
_COMMIT_JOBS = 128
_QUIET_SECONDS = 2.0  # before a file that changed while it was read is listed again
_MAX_QUIET_SECONDS = 30.0
_ERRAND_SECONDS = 5.0  # to wait for what this thread is to do for another
_MIN_RETRY_SECONDS = 10.0  # before the next attempt if nothing can be written or encoded
_MAX_RETRY_SECONDS = 300.0  # up to which the delay is doubled


class Indexer:
    """Lets the encoder read the files of the backlog. Any thread may call the public methods."""

    def __init__(
        self,
        library: Library,
        models: Models,
        config: Encode,
        debounce: Debounce,
        list_again: Callable[[bytes], object],
        supervisor: Supervisor,
    ) -> None:
        """Files that `debounce` holds are not read. `list_again` is called with a directory in
        which a file has changed while it was read. Raises LibraryError."""
        self._library = library
        self._models = models
        self._list_again = list_again
        self._supervisor = supervisor
        self.config = config
        self.paused = library.setting("paused") is not None
        self.last_error: Reason | None = None  # why nothing is read, at present
        self.failed_at = 0.0  # when that was last found out, monotonic seconds
        self.throttled = False  # pictures are read slowly, since other programs are busy
        self._power_policy = PowerPolicy()
        self._power_policies = [self._power_policy]  # that a resumption tells to ignore the battery
        self.backlog = Backlog(library, models, debounce, self._power_policy)
        self._duty_cycle = DutyCycle()
        # Files that have changed while they were read: when to list them, and their directories
        self._changed_files: dict[int, tuple[float, bytes]] = {}
        self._rate = Rate()
        self._committed = time.monotonic()  # when results were last committed
        active_model = models.active_model
        self.left_devices = LeftDevices()
        self._session = EncodingSession(
            active_model.model, active_model.row, self._pool(active_model.model)
        )
        self._woken = False  # files with priority may be due
        self._retry = threading.Event()  # set to end the delay after an error
        self._busy_until = time.monotonic()  # when the encoder last had something to do
        self._retry_seconds = _MIN_RETRY_SECONDS
        self._stopping = False
        self._pipe = WakePipe()
        self._listeners: list[Callable[[], object]] = []
        self._errands = Errands(self.wake)
        self._thread = supervisor.thread("reading pictures", self._run)

    def start(self) -> None:
        """Starts the thread."""
        self._thread.start()

    def stop(self, timeout: float) -> None:
        """Stops the thread, and waits for it at most `timeout` seconds."""
        self._stopping = True
        self.wake()
        self._thread.join(timeout)

    def wake(self) -> None:
        """Wakes the thread: there may be new files to read, or it must stop."""
        self.backlog.may_have_more = self._woken = True
        self._pipe.wake()
        for listener in self._listeners:
            listener()

    def accompany(self, listener: Callable[[], object], policy: PowerPolicy) -> None:
        """Calls `listener`, which must be quick, whenever the thread is woken: pictures, disks or
        the configuration may have changed. `policy` ignores the battery when this one does. To be
        called before `start`."""
        self._listeners.append(listener)
        self._power_policies.append(policy)

    def retry(self) -> None:
        """Ends a delay after an error: the cause may be gone."""
        self._retry.set()
        self.wake()

    def prioritise(self, paths: Iterable[bytes]) -> None:
        """Puts the pictures below `paths`, for which somebody waits, before all others."""
        self.backlog.prioritise(paths)
        self.wake()

    def stop_prioritising(self, paths: Iterable[bytes]) -> None:
        """Undoes one `prioritise` with the same paths."""
        self.backlog.stop_prioritising(paths)

    def leave_out(self, path: bytes) -> None:
        """Begins to read nothing at and below `path`, which is to be forgotten, until `allow`."""
        self.backlog.left_out.append(path)

    def drop(self, path: bytes) -> None:
        """Drops what is being read there, or was and isn't stored; after a while it returns
        without."""
        self._errands.ask(lambda: self._drop(path), _ERRAND_SECONDS)

    def allow(self, path: bytes) -> None:
        """Undoes one `leave_out` of `path`."""
        self.backlog.left_out.remove(path)
        self.wake()

    def pause(self, paused: bool) -> None:
        """Pauses or resumes reading; the daemon remembers that over restarts. Raises
        LibraryError."""
        self._library.set("paused", "yes" if paused else None)
        self.paused = paused
        if not paused:
            for policy in self._power_policies:
                policy.ignore_battery()
            self.backlog.held_on_battery = False
        self.retry()

    def recount(self) -> None:
        """Counts missing vectors again, after models or mounts have changed. Raises
        LibraryError."""
        self.backlog.recount()
        self.wake()

    @property
    def busy(self) -> bool:
        """Whether pictures are being read."""
        return bool(self._session.pool.busy)

    @property
    def encoder_pid(self) -> int | None:
        """The encoder's process id; None while there is none."""
        return self._session.pool.pid

    @property
    def encoder_remark(self) -> Reason | None:
        """Why the encoder doesn't use a device that there is, or that was asked for."""
        return self._session.pool.remark

    @property
    def rate(self) -> float:
        """The number of pictures read per second, over the last few seconds."""
        return self._rate.value

    def _run(self) -> None:
        self._session = self._restarted(self._session)  # after a restart by the supervisor
        while not self._stopping:
            self._errands.run()
            session = self._session
            try:
                with self._library.read() as reader:
                    self._session = self._run_once(reader, session)
            except (EncoderUnusable, LibraryError, ModelError) as error:
                reason = error.reason or OTHER(text=str(error))
                if self.last_error != reason:
                    log.error("%s", error)
                self._session = self._recover(session, reason)
            except Exception as error:
                self._supervisor.failed("reading pictures", error)
                self._session = self._recover(session, unexpected())
        self._session.pool.close()
        try:
            self._commit(self._session)
        except LibraryError as error:
            log.error("%s", error)

    def _run_once(self, reader: sqlite3.Connection, session: EncodingSession) -> EncodingSession:
        """Submits jobs, waits, handles answers and commits. Returns the session to continue
        with."""
        pool, backlog = session.pool, self.backlog
        active = bool(backlog.queue or pool.busy) and not self.paused and not backlog.priority_paths
        self.throttled = active and self._power_policy.others_are_busy(pool.pid)
        was_idle = not pool.busy
        if not self.paused and pool.room:
            session = self._fill_pool(reader, session)
            pool = session.pool
        waiting = bool(session.outcomes or self._changed_files)
        if pool.busy:
            self._busy_until = time.monotonic()
            if was_idle:
                self._rate.begin()
        idle = pool.running and not pool.busy
        left = max(0.0, self._busy_until + self.config.idle_seconds - time.monotonic())
        timeout = _COMMIT_SECONDS if waiting else left if idle else None
        if backlog.held_on_battery or self.throttled:
            limit = POWER_SECONDS if backlog.held_on_battery else PAUSE_SECONDS / 4
            timeout = limit if timeout is None else min(timeout, limit)
        events = pool.poll(timeout, self._pipe.fileno())
        self._pipe.drain()
        self._handle(reader, session, events)
        if idle and not waiting and left == 0 and (self.paused or not backlog.may_have_more):
            log.debug("the encoder is idle and ends")
            pool.close()
            release_free_memory()
        self._list_changed_files()
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
        """Handles all events, then raises the last LibraryError."""
        last_error: LibraryError | None = None
        for event in events:
            try:
                signing = event.job.file in self.backlog.signing
                copies = session.handle(reader, event, signing)
                if event.changed:
                    self._note_changed(event)
                    self.backlog.signing.discard(event.job.file)  # it will be due
                    self.backlog.allow_again(copy.file for copy in copies)  # they are still due
                    self.backlog.may_have_more = True
                elif event.unreached:  # it may be entered again already
                    self._note_changed(event)
            except LibraryError as error:
                last_error = error
            except Exception as error:
                with suppress(LibraryError):  # the next attempt to write reports it
                    self._give_up(session, event.job, error)
        if last_error:
            raise last_error

    def _fill_pool(self, reader: sqlite3.Connection, session: EncodingSession) -> EncodingSession:
        """Submits as many jobs as the pool has room for. Returns a new session if the model, or the
        encoder's settings, must be changed."""
        backlog = self.backlog
        hold = not self.config.on_battery and self._power_policy.on_battery()
        if self._woken and backlog.priority_paths:
            backlog.clear_queue()  # files with priority may be due
        self._woken = False
        backlog.hold_on_battery(hold)
        if not backlog.queue and backlog.may_have_more:
            idle = not session.pool.busy and not session.outcomes
            model = backlog.fill(reader, session.model, session.row, idle)
            while backlog.resting:
                job, directory, seconds = backlog.resting.pop()
                self._changed_files[job.file] = (time.monotonic() + seconds, directory)
            if backlog.empty:
                self.last_error = None  # there is nothing to retry any more
            if model != session.model or self._needs_other_pool(session.pool, model):
                if not idle:
                    backlog.clear_queue()
                    return session  # its jobs are finished first
                session.pool.close()
                session = EncodingSession(model, self._models.row(model), self._pool(model))
        room = session.pool.room
        if self.throttled and self._duty_cycle.must_pause(bool(session.pool.busy)):
            room = 0
        while backlog.queue and room:
            job, path = backlog.queue.popleft()
            backlog.growing.note_read(job)
            try:
                session.pool.submit(job, path)
            except Exception as error:
                self._give_up(session, job, error)
            room -= 1
        return session

    def _needs_other_pool(self, pool: Pool, model: Model) -> bool:
        """Whether a new pool for `model` would have other settings."""
        return pool.settings != self.settings(model) or pool.max_seconds != self.config.max_seconds

    def _commit(self, session: EncodingSession) -> None:
        """Commits all outcomes. Raises LibraryError; then they are kept for the next attempt."""
        self._rate.add(len(session.outcomes))
        try:
            contents.store(self._library, session.row, session.outcomes)
            self.backlog.committed(session.row, session.outcomes)
        except Exception as error:
            if not _is_caused_by_data(error):
                raise
            while session.outcomes:  # one of them is the cause, and must not affect the others
                self._store_alone(session, session.outcomes[0])
                self.backlog.committed(session.row, [session.outcomes.pop(0)])
        session.clear_outcomes()
        self.last_error = None
        self._retry_seconds = _MIN_RETRY_SECONDS
        self._committed = time.monotonic()

    def _store_alone(self, session: EncodingSession, outcome: Outcome) -> None:
        """Commits an outcome; without its metadata if these can't be stored. Raises
        LibraryError."""
        try:
            contents.store(self._library, session.row, [outcome])
            return
        except Exception as error:
            if not _is_caused_by_data(error):
                raise
            self._supervisor.failed("storing what was read", error)
        try:
            bare = {**outcome.found, "metadata": {}} if outcome.found else None
            contents.store(self._library, session.row, [replace(outcome, found=bare)])
        except Exception as error:
            if not _is_caused_by_data(error):
                raise
            self._give_up(session, outcome.job, error)

    def _give_up(self, session: EncodingSession, job: Job, error: Exception) -> None:
        """Ends a job that has led to an unexpected error, and records that its file can't be read.
        Raises LibraryError."""
        log.error("%s can't be read: %s", os.fsdecode(job.name), unexpected())
        self._supervisor.failed("reading a picture", error)
        listings.mark_failed(self._library, job.file, str(unexpected()))
        self.backlog.allow_again([job.file, *(copy.file for copy in session.give_up(job))])
        self.backlog.signing.discard(job.file)
        self.backlog.may_have_more = True

    def _restarted(self, session: EncodingSession) -> EncodingSession:
        """A new session that keeps the outcomes that aren't committed."""
        self.backlog.clear_queue()
        session.pool.close()
        fresh = session.restarted(self._pool(session.model))
        kept = {outcome.job.file for outcome in session.outcomes}
        self.backlog.allow_all_but(kept | self._changed_files.keys())
        return fresh

    def _recover(self, session: EncodingSession, last_error: Reason) -> EncodingSession:
        """Waits a while after an error. Returns a new session."""
        self.last_error, self.failed_at = last_error, time.monotonic()
        fresh = self._restarted(session)
        deadline = time.monotonic() + self._retry_seconds
        self._retry_seconds = min(2 * self._retry_seconds, _MAX_RETRY_SECONDS)
        while not self._stopping and not self._retry.is_set():
            left = deadline - time.monotonic()
            if left <= 0:
                break
            fresh.pool.poll(left, self._pipe.fileno())
            self._pipe.drain()
        self._retry.clear()
        self.backlog.may_have_more = True
        return fresh

    def _drop(self, path: bytes) -> None:
        """Drops what is being read, and delays of files at and below `path`; all outcomes if one
        is of such a file, since others may rely on its vector."""
        session = self._session
        if any(self._is_below(outcome.job, path) for outcome in session.outcomes):
            session.clear_outcomes()
        for file, (_, directory) in list(self._changed_files.items()):
            if is_below(directory, path):
                del self._changed_files[file]
        self._session = self._restarted(session)

    def _is_below(self, job: Job, path: bytes) -> bool:
        """Whether a job's file is at or below `path`, or its directory was removed."""
        try:
            directory = self._library.tree.path(job.directory)
        except KeyError:
            return True
        return is_below(directory.rstrip(b"/") + b"/" + job.name, path)

    def _note_changed(self, event: Event) -> None:
        """Lets the directory of a file that has changed while it was read be listed after a while.

        A file that may still be written, since it is incomplete, rests as long as it has rested
        already: it isn't read again and again while its writer pauses; and not before the encoder
        would take it as it is.
        """
        job, delay = event.job, _QUIET_SECONDS
        if event.found:
            rested = max(0.0, time.time() - event.found["ctime_ns"] / 1e9)
            delay = min(max(delay, rested, REST_SECONDS - rested), _MAX_QUIET_SECONDS)
        try:
            directory = self._library.tree.path(job.directory)
        except KeyError:
            self.backlog.allow_again([job.file])
            return
        self._changed_files[job.file] = (time.monotonic() + delay, directory)

    def _list_changed_files(self) -> None:
        """Requests listings for files that have changed while they were read, and are quiet
        since."""
        now = time.monotonic()
        quiet = [file for file, (until, _) in self._changed_files.items() if until <= now]
        for directory in {self._changed_files[file][1] for file in quiet}:
            self._list_again(directory)
        for file in quiet:
            del self._changed_files[file]
        if quiet:
            self.backlog.allow_again(quiet)
            self.backlog.may_have_more = True

    def _pool(self, model: Model) -> Pool:
        return Pool(self.settings(model), self.config.max_seconds, left=self.left_devices)

    def settings(self, model: Model) -> Settings:
        """The settings of an encoder for `model`."""
        config = self.config
        limits = Limits(config.max_pixels, config.max_bytes, config.max_memory)
        threads = config.threads or processors.count()
        cache = self._library.cache.directory
        return Settings(model.directory, limits, threads, config.device, cache)


def _is_caused_by_data(error: Exception) -> bool:
    """Whether the stored data, and not the disk or the database, has caused an error."""
    cause = error.__cause__ if isinstance(error, LibraryError) else error
    if not isinstance(cause, sqlite3.Error):
        return not isinstance(error, (LibraryError, OSError, MemoryError))
    causes = (sqlite3.DataError, sqlite3.IntegrityError, sqlite3.InterfaceError)
    return isinstance(cause, (*causes, sqlite3.ProgrammingError))
