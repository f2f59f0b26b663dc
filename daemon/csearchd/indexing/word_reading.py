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
from csearchd.library.texts.lines import TextLine
from csearchd.library.texts.queue import Guest, PendingText
from csearchd.reader import networks
from csearchd.reader.messages import MEMORY, Settings
from csearchd.reader.pool import Answer, ReaderPool
from csearchd.reasons import OTHER, Reason
from csearchd.system import processors
from csearchd.system.memory import release_free_memory
from csearchd.unexpected import unexpected

log = logging.getLogger(__name__)

_LOOK_SECONDS = 2.0  # between looks whether the encoder, or another program, is still busy
_BATTERY_SECONDS = 30.0  # between looks whether there is mains power again
_PLANNED = 16  # pictures that are asked for at a time
_REST_SECONDS = 60.0  # before a picture is tried again that couldn't be reached
_MAX_REST_SECONDS = 3600.0  # the same after many times
_RESTING_SECONDS = 30.0  # between looks for others while all that is to be read rests
_RETRY_SECONDS = 300.0  # before the recogniser is tried again where it can't be used
_MAX_IDLE_SECONDS = 30.0  # that the reader waits for more before it ends


class WordReading:
    """Lets the reader process read the words of one picture after the other. Any thread may call
    the public methods.

    The thread sleeps while there is nothing to read: commits and what wakes the indexer wake it.
    """

    def __init__(self, library: Library, indexer: Indexer, supervisor: Supervisor) -> None:
        """Words are read while `indexer` has nothing to do, and isn't paused."""
        self._texts = library.texts
        self._texts.version = networks.RECOGNISER if networks.available() else None
        self._indexer = indexer
        self._supervisor = supervisor
        self._power_policy = PowerPolicy()
        self._duty_cycle = DutyCycle()
        self._pool = self._new_pool()
        self._library = library
        # Contents that couldn't be reached: until when they rest, and how long it was
        self._resting: dict[int, tuple[float, float]] = {}
        self._guest: Guest | None = None  # whose file is being read
        self._retry_at = 0.0  # monotonic seconds, before which nothing is tried after an error
        self._busy_until = 0.0  # when the reader last had something to do
        self._stopping = False
        self._pipe = WakePipe()
        self._thread = supervisor.thread("reading words", self._run)
        library.on_commit(self._pipe.wake)
        indexer.accompany(self._pipe.wake, self._power_policy)
        self._texts.queue.on_ask(self._retry)

    def start(self) -> None:
        """Starts the thread."""
        self._thread.start()

    def stop(self, timeout: float) -> None:
        """Stops the thread, and waits for it at most `timeout` seconds."""
        self._stopping = True
        self._pipe.wake()
        self._thread.join(timeout)

    def _retry(self) -> None:
        """Ends a delay after an error, since somebody waits: the cause may be gone."""
        self._texts.last_error = None
        self._retry_at = 0.0
        self._pipe.wake()

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
                if self._texts.last_error != reason:
                    log.error("%s", error)
                self._recover(reason)
            except Exception as error:
                self._supervisor.failed("reading words", error)
                self._recover(unexpected())
        self._pool.close()

    def _run_once(self) -> None:
        pool = self._pool
        wait = None
        if self._texts.recogniser is None and pool.running:
            pool.close()  # it was turned off
            self._guest = None
        if not pool.busy:
            picture, wait = self._next()
            if picture:
                if pool.settings != self._settings() or pool.max_seconds != self._max_seconds:
                    pool.close()
                    pool = self._pool = self._new_pool()
                pool.submit(picture)
        now = time.monotonic()
        if pool.busy:
            self._busy_until = now
        elif pool.running:
            left = self._busy_until + self._idle_seconds - now
            if left <= 0:
                log.debug("the reader is idle and ends")
                pool.close()
                release_free_memory()
            else:
                wait = left if wait is None else min(wait, left)
        answer = pool.poll(wait, self._pipe.fileno())
        self._pipe.drain()
        if answer:
            self._store(answer)

    @property
    def _idle_seconds(self) -> float:
        return min(_MAX_IDLE_SECONDS, self._indexer.config.idle_seconds)

    def _next(self) -> tuple[PendingText | None, float | None]:
        """The next picture, if one may be read now; else after how many seconds that may have
        changed, if nothing wakes the thread before. Raises LibraryError."""
        version = self._texts.recogniser
        now = time.monotonic()
        if version is None or self._indexer.paused:
            return None, None
        if now < self._retry_at:
            return None, self._retry_at - now
        if guest := self._texts.queue.guest:
            self._guest = guest
            return guest.picture, None
        awaited = self._texts.queue.awaited
        if not awaited and self._encodes():
            on_battery = self._indexer.backlog.held_on_battery
            return None, _BATTERY_SECONDS if on_battery else _LOOK_SECONDS
        resting = {one for one, (until, _) in self._resting.items() if until > now}
        planned = self._texts.next_pending(version, _PLANNED + len(resting))
        picture = next((one for one in planned if one.content not in resting), None)
        if not planned:
            self._texts.last_error = None  # there is nothing to retry any more
            return None, None
        if picture is None:
            return None, _RESTING_SECONDS
        if not awaited and (seconds := self._held()):
            return None, seconds
        return picture, None

    def _encodes(self) -> bool:
        """Whether pictures are read by their looks, which goes first."""
        backlog = self._indexer.backlog
        if self._indexer.last_error:
            return False  # which doesn't concern words
        return not backlog.empty or self._indexer.busy or bool(backlog.priority_paths)

    def _held(self) -> float:
        """For how many seconds words must wait at least, for mains power or for other programs; 0
        if they needn't."""
        if not self._indexer.config.on_battery and self._power_policy.on_battery():
            return _BATTERY_SECONDS
        if self._power_policy.others_are_busy(self._pool.pid):
            recently = time.monotonic() - self._busy_until < PAUSE_SECONDS / 2
            return _LOOK_SECONDS if self._duty_cycle.must_pause(recently) else 0.0
        return 0.0

    def _store(self, answer: Answer) -> None:
        """Raises LibraryError; then the picture is read again."""
        version = self._texts.recogniser
        picture = answer.picture
        if guest := self._guest:
            self._guest = None
            guest.lines, guest.reason = answer.lines, answer.reason
            return
        if answer.changed:
            _, before = self._resting.get(picture.content, (0.0, 0.0))
            seconds = min(max(_REST_SECONDS, 2 * before), _MAX_REST_SECONDS)
            self._resting[picture.content] = (time.monotonic() + seconds, seconds)
            return
        self._resting.pop(picture.content, None)
        if version is None:
            return  # turned off meanwhile
        if answer.lines is None:
            self._texts.fail(picture.content, version, str(answer.reason), picture.identity)
        else:
            self._put(picture, version, answer.lines)
        self._texts.last_error = None

    def _put(self, picture: PendingText, version: str, lines: list[TextLine]) -> None:
        """Raises LibraryError. Lines that can't be stored count as failure, else the picture would
        be read for ever."""
        try:
            self._texts.put(picture.content, version, lines, picture.identity)
        except LibraryError:
            raise
        except Exception as error:
            self._supervisor.failed("storing words", error)
            self._texts.fail(picture.content, version, str(unexpected()), picture.identity)

    def _recover(self, reason: Reason) -> None:
        self._texts.last_error = reason
        if self._guest:
            self._guest.reason, self._guest = reason, None
        self._pool.close()
        self._pool = self._new_pool()
        self._retry_at = time.monotonic() + _RETRY_SECONDS

    def _new_pool(self) -> ReaderPool:
        return ReaderPool(self._settings(), self._max_seconds)

    @property
    def _max_seconds(self) -> float:
        return self._indexer.config.max_seconds

    def _settings(self) -> Settings:
        config = self._indexer.config
        memory = min(config.max_memory, MEMORY)
        limits = Limits(config.max_pixels, config.max_bytes, memory)
        return Settings(limits, config.threads or processors.count())
