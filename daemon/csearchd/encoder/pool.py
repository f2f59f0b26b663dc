"""The encoder process as the daemon sees it: started when needed, replaced when it dies.

A picture that kills the encoder, or holds it up, must cost only that picture. When the encoder
dies, the pictures that were being read or decoded are suspects: a new encoder gets them one at a
time, and the one that kills it alone is guilty.
"""

from __future__ import annotations

import logging
import os
import select
import signal
import socket
import subprocess
import sys
from collections import deque
from dataclasses import dataclass

from csearch.protocol.wire import Message, ProtocolError, Unpacker, pack
from csearchd.encoder.messages import MAX_FRAME, Settings
from csearchd.encoder.picture_clock import Clock
from csearchd.errors import EncoderUnusable
from csearchd.library.contents import Job
from csearchd.reasons import Reason
from csearchd.reasons import pictures as reasons
from csearchd.reasons.service import UNEXPECTED

log = logging.getLogger(__name__)

_WINDOW = 64  # jobs in the encoder's hands at a time: two batches of the largest,
_WINDOW_OF_THREAD = 8  # or for each thread: a batch of a small one, one decoded meanwhile
_KILLS = (
    3  # that a picture which was alone in the encoder may see: somebody else may have killed it
)
_MOST_SECONDS = 3600.0  # that poll(2) waits at a time: it can't count far
_DYING = 5.0  # seconds: whom a file system doesn't let go can't be killed, nor waited for
_SILENCE = 600.0  # seconds without a word from an encoder that has work: it hangs


@dataclass(frozen=True)
class Event:
    """What happened to a job; it is over, unless `op` is "identified".

    `found` is the `identified` message. An identified job waits for `Pool.answer` or `explain`.
    """

    op: str  # "identified", "encoded", "explained" or "failed"
    job: Job
    found: Message | None = None
    vector: bytes | None = None
    png: bytes | None = None
    reason: Reason | None = None  # why it failed
    changed: bool = False


@dataclass
class _Flight:
    """A job in the encoder's hands."""

    job: Job
    path: bytes
    began: float | None = None  # by the pool's clock: when reading or decoding began
    decoded: bool = False
    found: Message | None = None
    alone: bool = False
    kills: int = 0  # how often an encoder was killed that had this alone
    number: int = 0
    file: int | None = None  # handed over in place of the path


class Pool:
    """Runs jobs in an encoder. Used by one thread; nothing blocks but `poll`."""

    def __init__(self, settings: Settings, max_seconds: float, urgent: bool = False) -> None:
        """`urgent`: somebody waits, so that the encoder isn't to give way to others."""
        self._urgent = urgent
        self._window = max(_WINDOW, settings.threads * _WINDOW_OF_THREAD)
        self.settings = settings
        self.max_seconds = max_seconds
        self._process: subprocess.Popen[bytes] | None = None
        self._socket: socket.socket | None = None
        self._unpacker = Unpacker(MAX_FRAME)
        self._outbox = bytearray()
        self._outgoing: list[int] = []  # files that go with it
        self._flights: dict[int, _Flight] = {}
        self._waiting: deque[_Flight] = deque()  # to be sent, again or at last
        self._suspects: deque[_Flight] = deque()
        self._number = 0
        self._ready = False
        self._clock = Clock()
        self._heard = 0.0

    @property
    def room(self) -> int:
        """How many jobs may be submitted now."""
        return 0 if self._suspects else max(0, self._window - self.busy)

    @property
    def busy(self) -> int:
        """How many jobs are not over."""
        return len(self._flights) + len(self._waiting) + len(self._suspects)

    @property
    def running(self) -> bool:
        return self._process is not None

    @property
    def pid(self) -> int | None:
        return self._process.pid if self._process else None

    def submit(self, job: Job, path: bytes, file: int | None = None) -> None:
        """Reads the picture at `path`, or the open regular `file`, which must stay so until it is
        over."""
        self._waiting.append(_Flight(job, path, file=file))

    def explain(self, job: Job, query: bytes) -> None:
        """Answers an identified job: the regions that match `query` are wanted (float32)."""
        for number, flight in self._flights.items():
            if flight.job is job:
                self._send({"op": "explain", "job": number, "query": query})
                return

    def answer(self, job: Job, encode: bool) -> None:
        """Answers an identified job; one that isn't to be encoded is over."""
        for number, flight in self._flights.items():
            if flight.job is job:
                self._send({"op": "encode" if encode else "skip", "job": number})
                if not encode:
                    del self._flights[number]
                return

    def poll(self, timeout: float | None, wake: int) -> list[Event]:
        """Waits up to `timeout` seconds, or until the descriptor `wake` is readable, for events.

        Raises EncoderUnusable; jobs that were not over then are forgotten, and the pool can be used
        again.
        """
        self._dispatch()
        poller = select.poll()
        poller.register(wake, select.POLLIN)
        if self._socket:
            mode = select.POLLIN | (select.POLLOUT if self._outbox else 0)
            poller.register(self._socket, mode)
        if self._flights:
            timeout = min(timeout if timeout is not None else 1.0, 1.0)
        ready = dict(poller.poll(None if timeout is None else min(timeout, _MOST_SECONDS) * 1000))
        events: list[Event] = []
        if self._socket and (mask := ready.get(self._socket.fileno())):
            try:
                if mask & select.POLLOUT:
                    self._flush()
                if mask & ~select.POLLOUT:
                    events = self._receive()
            except (OSError, ProtocolError):
                events = self._died()
        return events + self._overdue()

    def close(self) -> None:
        """Ends the encoder at once; what it had is forgotten."""
        self._end()
        self._flights.clear()
        self._waiting.clear()
        self._suspects.clear()

    def _end(self, patience: float = 0.0) -> int:
        """Ends the encoder, if there is one, after `patience` seconds. Returns its exit status."""
        if self._process is None or self._socket is None:
            return 0
        self._socket.close()
        try:
            code = self._process.wait(patience)
        except subprocess.TimeoutExpired:
            self._process.kill()
            try:
                code = self._process.wait(_DYING)
            except subprocess.TimeoutExpired:
                code = -signal.SIGKILL
        self._process = self._socket = None
        return code

    def _dispatch(self) -> None:
        """Sends what may be sent now."""
        if self._suspects:
            if not self._flights:
                self._start(self._suspects.popleft(), alone=True)
            return
        if any(flight.alone for flight in self._flights.values()):
            return
        while self._waiting and len(self._flights) < self._window:
            self._start(self._waiting.popleft(), alone=False)

    def _start(self, flight: _Flight, alone: bool) -> None:
        if self._process is None:
            self._spawn()
        self._number += 1
        self._flights[self._number] = _Flight(
            flight.job,
            flight.path,
            alone=alone,
            kills=flight.kills,
            number=self._number,
            file=flight.file,
        )
        if flight.file is not None:
            os.lseek(flight.file, 0, os.SEEK_SET)  # the encoder's copy shares the offset
            self._outgoing.append(flight.file)
        message: Message = {"op": "look", "job": self._number, "path": flight.path}
        if flight.file is None:
            message.update(op="read", stat=flight.job.stat)
        self._send(message)

    def _spawn(self) -> None:
        ours, theirs = socket.socketpair()
        with theirs:
            # -P: what lies in the directory the daemon runs in must not be imported
            command = [sys.executable, "-P", "-m", "csearchd.encoder", str(theirs.fileno())]
            command += ["urgent"] if self._urgent else []
            self._process = subprocess.Popen(
                command,
                pass_fds=[theirs.fileno()],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                env=_environment(),
                start_new_session=True,  # a Ctrl-C meant for the daemon is not the encoder's
            )
        ours.setblocking(False)
        self._socket = ours
        self._unpacker = Unpacker(MAX_FRAME)
        self._outbox.clear()
        self._outgoing.clear()
        self._ready = False
        self._heard = self._clock.seconds()
        self._send(self.settings.to_message())
        log.debug("encoder %d started", self._process.pid)

    def _send(self, message: Message) -> None:
        self._outbox += pack(message)
        try:
            self._flush()
        except OSError:
            pass  # it has died; the next poll notices

    def _flush(self) -> None:
        if self._socket is None:
            return
        try:
            while self._outbox:
                # Files go with the first bytes, and so arrive before their frame is complete.
                sent = (
                    socket.send_fds(self._socket, [self._outbox], self._outgoing)
                    if self._outgoing
                    else self._socket.send(self._outbox)
                )
                self._outgoing.clear()
                del self._outbox[:sent]
        except BlockingIOError:
            pass

    def _receive(self) -> list[Event]:
        assert self._socket is not None
        events: list[Event] = []
        while True:
            try:
                data = self._socket.recv(1 << 16)
            except BlockingIOError:
                return events
            except OSError:
                return events + self._died()
            if not data:
                return events + self._died()
            self._heard = self._clock.seconds()
            try:
                for message in self._unpacker.feed(data):
                    if event := self._take(message):
                        events.append(event)
            except ProtocolError as error:
                log.error("the encoder says what can't be: %s", error)
                return events + self._died()

    def _take(self, message: Message) -> Event | None:
        """As `_handle`; a message that is not as it should be costs its job. Raises ProtocolError
        where that isn't known."""
        try:
            return self._handle(message)
        except EncoderUnusable:
            raise
        except Exception as error:
            log.exception("a message of the encoder can't be understood")
            flight = self._flights.get(message.get("job", 0))
            if flight is None:
                raise ProtocolError(f"a message of no job: {error}") from error
            self.answer(flight.job, encode=False)
            return Event("failed", flight.job, reason=UNEXPECTED())

    def _handle(self, message: Message) -> Event | None:
        op = message["op"]
        if op == "ready":
            self._ready = True
            log.info(
                "the image tower is ready after %.1f s, computing in %s",
                message["seconds"],
                message["arithmetic"],
            )
            return None
        if op == "loading":
            self._ready = False
            return None
        if op == "unusable":
            self.close()
            raise EncoderUnusable(Reason.from_message(message["reason"]))
        flight = self._flights.get(message["job"])
        if flight is None:
            return None
        if op in ("started", "decoding"):
            flight.began = self._clock.seconds()
        elif op == "decoded":
            flight.decoded = True
        elif op == "waiting":
            flight.began = None
        elif op == "identified":
            flight.found = message
            flight.began = None  # it waits for us, and then for its turn
            return Event("identified", flight.job, message)
        elif op == "encoded":
            del self._flights[flight.number]
            return Event("encoded", flight.job, flight.found, message["vector"])
        elif op == "explained":
            del self._flights[flight.number]
            return Event("explained", flight.job, flight.found, png=message["png"])
        elif op == "failed":
            del self._flights[flight.number]
            found = flight.found or (message if "identity" in message else None)
            reason = Reason.from_message(message["reason"])
            return Event("failed", flight.job, found, reason=reason, changed=message["changed"])
        return None

    def _died(self) -> list[Event]:
        """The encoder is gone: finds the suspects, or the guilty one."""
        code = self._end(patience=1.0)
        how = _ending(code)
        flights = list(self._flights.values())
        self._flights.clear()
        if not flights:
            log.info("the encoder ended (%s) with nothing to do", how)
            return []
        if flights[0].alone:
            (flight,) = flights
            flight.kills += 1
            if code == -signal.SIGKILL and flight.kills < _KILLS:
                self._suspects.appendleft(flight)
                return []
            if flight.began is None:
                self.close()
                raise EncoderUnusable(reasons.ENDED_BEFORE_READING(ending=how))
            if flight.decoded and not self._ready:
                self.close()
                raise EncoderUnusable(reasons.ENDED_WHILE_LOADING(ending=how))
            log.warning("%s ended the encoder (%s)", os.fsdecode(flight.path), how)
            crash = reasons.ENCODING_CRASHED if flight.decoded else reasons.DECODING_CRASHED
            reason = crash(ending=how)
            return [Event("failed", flight.job, flight.found, reason=reason)]
        suspects = [f for f in flights if f.began is not None and not f.decoded] or flights
        log.warning("the encoder ended (%s); trying %d pictures one by one", how, len(suspects))
        self._suspects.extend(suspects)
        guilty = {id(flight) for flight in suspects}
        self._waiting.extendleft(f for f in reversed(flights) if id(f) not in guilty)
        return []

    def _overdue(self) -> list[Event]:
        """Gives up a picture that takes too long, and with it the encoder that can't let go."""
        if self._process and self._flights:
            self._clock.look(self._process.pid)
        now = self._clock.seconds()
        if self._process and self._flights and now - self._heard > _SILENCE:
            self._process.kill()
            return []
        for flight in self._flights.values():
            if flight.began is None or flight.decoded or now - flight.began < self.max_seconds:
                continue
            log.warning("%s takes too long; restarting the encoder", os.fsdecode(flight.path))
            others = [other for other in self._flights.values() if other is not flight]
            self._end()
            self._flights.clear()
            for other in others:
                (self._suspects if other.alone else self._waiting).appendleft(other)
            return [
                Event(
                    "failed",
                    flight.job,
                    flight.found,
                    reason=reasons.TOO_SLOW(seconds=self.max_seconds),
                )
            ]
        return []


def _environment() -> dict[str, str]:
    """Ours, without what the service manager means for us alone, and without a network."""
    private = {"NOTIFY_SOCKET", "LISTEN_PID", "LISTEN_FDS", "LISTEN_FDNAMES", "WATCHDOG_USEC"}
    private.add("OPENBLAS_NUM_THREADS")  # PyTorch may use that library too
    kept = {name: value for name, value in os.environ.items() if name not in private}
    return kept | {"HF_HUB_OFFLINE": "1"}


def _ending(code: int) -> Reason | str:
    if code >= 0:
        return reasons.EXIT_STATUS(status=code)
    try:
        return signal.Signals(-code).name
    except ValueError:
        return f"signal {-code}"
