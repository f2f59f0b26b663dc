"""The thread that has words in pictures read, once nothing is left to encode."""

from __future__ import annotations

import logging
import time

from csearchd.concurrency.supervisor import Supervisor
from csearchd.concurrency.wake_pipe import WakePipe
from csearchd.encoder.messages import Limits
from csearchd.errors import EncoderUnusable, LibraryError
from csearchd.indexing.indexer import Indexer
from csearchd.indexing.power_policy import PAUSE_SECONDS, DutyCycle, PowerPolicy
from csearchd.library.library import Library
from csearchd.library.texts.queue import PendingText
from csearchd.reader import networks
from csearchd.reader.messages import MEMORY, Settings
from csearchd.reader.pool import Answer, ReaderPool
from csearchd.reasons import OTHER, Reason
from csearchd.system import processors
from csearchd.system.memory import release_free_memory
from csearchd.unexpected import unexpected

log = logging.getLogger(__name__)

_LOOK_SECONDS = 2.0  # between looks whether there is something to read
_AWAITED_SECONDS = 0.2  # the same while somebody waits for words
_PLANNED = 16  # pictures that are asked for at a time
_REST_SECONDS = 60.0  # before a picture is tried again that couldn't be reached
_RETRY_SECONDS = 300.0  # before the recogniser is tried again where it can't be used
_MAX_IDLE_SECONDS = 30.0  # that the reader waits for more before it ends


class WordReading:
    """Lets the reader process read the words of one picture after the other. Any thread may call
    the public methods."""

    def __init__(self, library: Library, indexer: Indexer, supervisor: Supervisor) -> None:
        """Words are read while `indexer` has nothing to do, and isn't paused."""
        self._texts = library.texts
        self._texts.version = networks.RECOGNISER if networks.available() else None
        self._indexer = indexer
        self._supervisor = supervisor
        self.last_error: Reason | None = None  # why nothing is read, at present
        self._power_policy = PowerPolicy()
        self._duty_cycle = DutyCycle()
        self._pool = self._new_pool()
        self._resting: dict[int, float] = {}  # contents that couldn't be reached, and until when
        self._retry_at = 0.0  # monotonic seconds, before which nothing is tried after an error
        self._busy_until = 0.0  # when the reader last had something to do
        self._stopping = False
        self._pipe = WakePipe()
        self._thread = supervisor.thread("reading words", self._run)

    def start(self) -> None:
        """Starts the thread."""
        self._thread.start()

    def stop(self, timeout: float) -> None:
        """Stops the thread, and waits for it at most `timeout` seconds."""
        self._stopping = True
        self._pipe.wake()
        self._thread.join(timeout)

    @property
    def reader_pid(self) -> int | None:
        """The reader's process id; None while there is none."""
        return self._pool.pid

    def _run(self) -> None:
        self._pool.close()  # after a restart by the supervisor
        while not self._stopping:
            try:
                self._run_once()
            except (EncoderUnusable, LibraryError) as error:
                reason = error.reason or OTHER(text=str(error))
                if self.last_error != reason:
                    log.error("%s", error)
                self._recover(reason)
            except Exception as error:
                self._supervisor.failed("reading words", error)
                self._recover(unexpected())
        self._pool.close()

    def _run_once(self) -> None:
        pool = self._pool
        if not pool.busy and (picture := self._next()):
            if pool.settings != self._settings():
                pool.close()
                pool = self._pool = self._new_pool()
            pool.submit(picture)
        now = time.monotonic()
        if pool.busy:
            self._busy_until = now
        elif pool.running and now - self._busy_until >= self._idle_seconds:
            log.debug("the reader is idle and ends")
            pool.close()
            release_free_memory()
        wait = _AWAITED_SECONDS if self._texts.queue.awaited else _LOOK_SECONDS
        answer = pool.poll(wait, self._pipe.fileno())
        self._pipe.drain()
        if answer:
            self._store(answer)

    @property
    def _idle_seconds(self) -> float:
        return min(_MAX_IDLE_SECONDS, self._indexer.config.idle_seconds)

    def _next(self) -> PendingText | None:
        """The next picture, if one may be read now. Raises LibraryError."""
        version = self._texts.recogniser
        if version is None or self._indexer.paused or time.monotonic() < self._retry_at:
            return None
        awaited = self._texts.queue.awaited
        if not awaited and (self._encodes() or self._is_held()):
            return None
        now = time.monotonic()
        self._resting = {one: until for one, until in self._resting.items() if until > now}
        planned = self._texts.next_pending(version, _PLANNED + len(self._resting))
        return next((one for one in planned if one.content not in self._resting), None)

    def _encodes(self) -> bool:
        """Whether pictures are read by their looks, which goes first."""
        backlog = self._indexer.backlog
        if self._indexer.last_error:
            return False  # which doesn't concern words
        return not backlog.empty or self._indexer.busy or bool(backlog.priority_paths)

    def _is_held(self) -> bool:
        """Whether words must wait for mains power, or for other programs."""
        if not self._indexer.config.on_battery and self._power_policy.on_battery():
            return True
        if self._power_policy.others_are_busy(self._pool.pid):
            recently = time.monotonic() - self._busy_until < PAUSE_SECONDS / 2
            return self._duty_cycle.must_pause(recently)
        return False

    def _store(self, answer: Answer) -> None:
        """Raises LibraryError; then the picture is read again."""
        version = self._texts.recogniser
        content = answer.picture.content
        if answer.changed:
            self._resting[content] = time.monotonic() + _REST_SECONDS
        elif version is None or not self._texts.queue.is_current(answer.picture):
            return  # turned off or forgotten meanwhile
        elif answer.lines is not None:
            self._texts.put(content, version, answer.lines)
        else:
            self._texts.fail(content, version, str(answer.reason))
        self.last_error = None

    def _recover(self, reason: Reason) -> None:
        self.last_error = reason
        self._pool.close()
        self._pool = self._new_pool()
        self._retry_at = time.monotonic() + _RETRY_SECONDS

    def _new_pool(self) -> ReaderPool:
        return ReaderPool(self._settings(), self._indexer.config.max_seconds)

    def _settings(self) -> Settings:
        config = self._indexer.config
        memory = min(config.max_memory, MEMORY)
        limits = Limits(config.max_pixels, config.max_bytes, memory)
        return Settings(limits, config.threads or processors.count())
