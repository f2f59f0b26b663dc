"""The daemon's end of the encoder process, which is started when needed and replaced when it dies.

A picture that kills the encoder, or hangs it, must cost only that picture. When the encoder dies,
the pictures that were being read or decoded are suspects: a new encoder gets them one at a time,
and a picture fails if the encoder dies while it has no other picture.
"""

from __future__ import annotations

import logging
import os
import select
import signal
import socket
import subprocess
from collections import deque
from dataclasses import dataclass, replace

from csearch.protocol.wire import Message, ProtocolError, Unpacker, pack
from csearchd.encoder.devices.left import DeviceWatch, LeftDevices
from csearchd.encoder.messages import MAX_FRAME, Settings, Want
from csearchd.encoder.picture_time_limit import CountedTime
from csearchd.encoder.process import end, ending, start
from csearchd.errors import EncoderUnusable
from csearchd.library.contents import Job
from csearchd.reasons import Reason, models
from csearchd.reasons import pictures as reasons
from csearchd.unexpected import unexpected

log = logging.getLogger(__name__)

# Jobs that the encoder has at a time: two batches of a large tower, or for each thread one batch of
# a small tower and one that is decoded meanwhile, whichever is more
_WINDOW = 64
_WINDOW_PER_THREAD = 8
_MAX_KILLS = 3  # by SIGKILL, which another program may have sent, before a lone picture fails
_MAX_POLL_SECONDS = 3600.0  # poll(2) takes an int of milliseconds
_ALL_OF_IT = 0.9  # of a picture's time limit, in which nothing at all came from the encoder
_SILENCE_SECONDS = 600.0  # after which an encoder that has work and sends nothing is killed
_SILENCE_MARGIN = 60.0  # by which that is more than a picture's time limit, at least


@dataclass(frozen=True)
class Event:
    """What happened to a job. The job is over, unless `op` is "identified".

    An identified job waits for `Pool.answer` or `Pool.explain`.
    """

    op: str  # "identified", "paired", "encoded", "signed", "explained" or "failed"
    job: Job
    found: Message | None = None  # the `identified` message (csearchd.encoder.messages)
    vector: bytes | None = None  # of "encoded"; a unit vector, little-endian float16
    png: bytes | None = None  # of "explained"; a PNG file
    reason: Reason | None = None  # of "failed"
    changed: bool = False  # of "failed": the file changed meanwhile and should be tried again

    @property
    def unreached(self) -> bool:
        """Whether it failed since its directory can't be entered."""
        return self.reason is not None and self.reason.code == reasons.UNREACHABLE.code


@dataclass
class _Flight:
    """A job that the encoder has, or will get."""

    job: Job
    path: bytes
    began: float | None = None  # in counted time: when reading or decoding began
    decoded: bool = False
    found: Message | None = None
    alone: bool = False  # the encoder has no other
    kills: int = 0  # how many encoders died that had no other
    number: int = 0  # by which messages name it
    file: int | None = None  # an open descriptor that is sent in place of the path
    pairing: bool = False  # a raw file's JPEGs are being decoded
    unpaired: bool = False  # they ended the encoder: it is read without them

    def anew(self) -> _Flight:
        """The same job, of which nothing is done."""
        return replace(self, began=None, decoded=False, found=None, pairing=False)


class Pool:
    """Runs jobs in an encoder. Used by one thread; nothing blocks but `poll`."""

    def __init__(
        self,
        settings: Settings,
        max_seconds: float,
        urgent: bool = False,
        left: LeftDevices | None = None,
    ) -> None:
        """`max_seconds` is the time limit of a picture (csearchd.encoder.picture_time_limit).

        With `urgent` the encoder keeps its priority, since a user waits. `left`: the devices that
        other pools have left.
        """
        self._left = left or LeftDevices()
        self._device = DeviceWatch(self._left)
        self._silence = 0.0  # seconds, for which the encoder was killed
        self._urgent = urgent
        self._window = max(_WINDOW, settings.threads * _WINDOW_PER_THREAD)
        self.settings = settings
        self.max_seconds = max_seconds
        self._process: subprocess.Popen[bytes] | None = None
        self._socket: socket.socket | None = None
        self._unpacker = Unpacker(MAX_FRAME)
        self._outbox = bytearray()
        self._outgoing: list[int] = []  # descriptors to send with the next bytes
        self._flights: dict[int, _Flight] = {}
        self._waiting: deque[_Flight] = deque()  # to be sent, some of them again
        self._suspects: deque[_Flight] = deque()
        self._number = 0
        self._ready = False
        self._loading = False  # another tower, while the first one serves
        self._remark: Reason | None = None
        self._time = CountedTime()
        self._heard = 0.0

    @property
    def room(self) -> int:
        """How many jobs may be submitted now."""
        return 0 if self._suspects else max(0, self._window - self.busy)

    @property
    def busy(self) -> int:
        """How many submitted jobs are not over."""
        return len(self._flights) + len(self._waiting) + len(self._suspects)

    @property
    def remark(self) -> Reason | None:
        """Why the encoder doesn't use a device."""
        return self._left.remark or self._remark

    @property
    def running(self) -> bool:
        """Whether there is an encoder process."""
        return self._process is not None

    @property
    def pid(self) -> int | None:
        """The encoder's process id."""
        return self._process.pid if self._process else None

    def submit(self, job: Job, path: bytes, file: int | None = None) -> None:
        """Has the picture at `path` read, or the regular file open as the descriptor `file`.

        The caller must keep `file` open until the job is over.
        """
        self._waiting.append(_Flight(job, path, file=file))

    def explain(self, job: Job, query: bytes) -> None:
        """Answers an identified job: asks for the regions that match a query.

        `query` is its unit vector, little-endian float32.
        """
        for number, flight in self._flights.items():
            if flight.job is job:
                self._send({"op": "explain", "job": number, "query": query})
                return

    def answer(self, job: Job, want: Want) -> None:
        """Answers an identified job: asks for its vector, or its signature, or ends the job."""
        for number, flight in self._flights.items():
            if flight.job is job:
                self._send({"op": want, "job": number})
                if want == "skip":
                    del self._flights[number]
                return

    def poll(self, timeout: float | None, wake: int) -> list[Event]:
        """Waits for events, up to `timeout` seconds or until the descriptor `wake` is readable.

        Raises EncoderUnusable; then all jobs are forgotten, and the pool can be used again.
        """
        self._dispatch()
        poller = select.poll()
        poller.register(wake, select.POLLIN)
        if self._socket:
            mode = select.POLLIN | (select.POLLOUT if self._outbox else 0)
            poller.register(self._socket, mode)
        if self._flights:
            timeout = min(timeout if timeout is not None else 1.0, 1.0)
        if timeout is not None:
            timeout = min(timeout, _MAX_POLL_SECONDS) * 1000
        ready = dict(poller.poll(timeout))
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
        """Ends the encoder at once and forgets all jobs."""
        self._end()
        self._flights.clear()
        self._waiting.clear()
        self._suspects.clear()

    def _end(self, grace: float = 0.0) -> int:
        """Ends the encoder, if there is one; kills it after `grace` seconds. Its exit status."""
        if self._process is None or self._socket is None:
            return 0
        self._socket.close()
        code = end(self._process, grace)
        self._process = self._socket = None
        return code

    def _dispatch(self) -> None:
        """Sends the jobs that the encoder may get now."""
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
        if not self._flights:
            self._heard = self._time.seconds()  # it had nothing to say
        self._number += 1
        self._flights[self._number] = replace(flight.anew(), alone=alone, number=self._number)
        if flight.file is not None:
            os.lseek(flight.file, 0, os.SEEK_SET)  # the encoder's copy shares the offset
            self._outgoing.append(flight.file)
        message: Message = {"op": "look", "job": self._number, "path": flight.path}
        if flight.file is None:
            message.update(op="read", stat=flight.job.stat, sidecars=bool(flight.job.sidecars))
            message.update(pair=not flight.unpaired)
        self._send(message)

    def _spawn(self) -> None:
        ours, theirs = socket.socketpair()
        with theirs:
            self._process = start("csearchd.encoder", theirs.fileno(), self._urgent)
        ours.setblocking(False)
        self._socket = ours
        self._unpacker = Unpacker(MAX_FRAME)
        self._outbox.clear()
        self._outgoing.clear()
        self._ready = self._loading = False
        self._silence = 0.0
        self._device.started()
        self._heard = self._time.seconds()
        self._send(replace(self.settings, without=self._left.names).to_message())
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
            self._heard = self._time.seconds()
            try:
                for message in self._unpacker.feed(data):
                    if event := self._take(message):
                        events.append(event)
            except ProtocolError as error:
                log.error("the encoder says what can't be: %s", error)
                return events + self._died()

    def _take(self, message: Message) -> Event | None:
        """As `_handle`, but a message that is invalid fails its job.

        Raises ProtocolError where its job isn't known.
        """
        try:
            return self._handle(message)
        except EncoderUnusable:
            raise
        except Exception as error:
            log.exception("a message of the encoder can't be understood")
            flight = self._flights.get(message.get("job", 0))
            if flight is None:
                raise ProtocolError(f"a message of no job: {error}") from error
            self.answer(flight.job, "skip")
            return Event("failed", flight.job, reason=unexpected())

    def _handle(self, message: Message) -> Event | None:
        op = message["op"]
        if op == "ready":
            self._ready, self._loading = True, False
            self._device.ready(message["arithmetic"])
            self._remark = Reason.from_message(message["remark"]) if message["remark"] else None
            log.info(
                "the image tower is ready after %.1f s, computing in %s",
                message["seconds"],
                message["arithmetic"],
            )
            return None
        if op == "loading":
            self._ready, self._loading = False, True
            self._device.loading(message["device"])
            return None
        if op == "unusable":
            self.close()
            raise EncoderUnusable(Reason.from_message(message["reason"]))
        flight = self._flights.get(message["job"])
        if flight is None:
            return None
        if op in ("started", "pairing", "decoding"):
            flight.began, flight.pairing = self._time.seconds(), op == "pairing"
        elif op == "decoded":
            flight.decoded = True
            if flight.found:
                flight.found |= {key: message[key] for key in ("incomplete", "signature")}
        elif op == "waiting":
            flight.began = None
        elif op == "identified":
            flight.found = message
            flight.began = None  # it waits for us, and then for its turn
            return Event("identified", flight.job, message)
        elif op == "encoded":
            del self._flights[flight.number]
            return Event("encoded", flight.job, flight.found, message["vector"])
        elif op in ("paired", "signed"):
            del self._flights[flight.number]
            return Event(op, flight.job, flight.found)
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
        """Handles the encoder's death: a lone picture fails, several become suspects."""
        code = self._end(grace=1.0)
        how = ending(code)
        flights = list(self._flights.values())
        self._flights.clear()
        if not flights:
            log.info("the encoder ended (%s) with nothing to do", how)
            return []
        if self._silence:
            how = models.NO_ANSWER(seconds=round(self._silence))
        decoding = any(f.began is not None and not f.decoded for f in flights)
        sure = not decoding and bool(self._silence or code != -signal.SIGKILL)
        if self._device.is_at_fault(how, sure, flights[0].alone):
            (self._suspects if flights[0].alone else self._waiting).extendleft(reversed(flights))
            return []
        if flights[0].alone and self._device.is_loading:
            self._suspects.extendleft(flights)
            return []
        if flights[0].alone:
            (flight,) = flights
            flight.kills += 1
            # While a tower is being loaded, that may have ended it.
            loading = self._loading or (flight.began is not None and not self._ready)
            doubtful = code == -signal.SIGKILL or (loading and not flight.decoded)
            if doubtful and flight.kills < _MAX_KILLS:
                self._suspects.appendleft(flight)
                return []
            if flight.began is None and not self._loading:
                self.close()
                raise EncoderUnusable(reasons.ENDED_BEFORE_READING(ending=how))
            if self._loading or ((flight.began is None or flight.decoded) and not self._ready):
                self.close()
                raise EncoderUnusable(reasons.ENDED_WHILE_LOADING(ending=how))
            log.warning("%s ended the encoder (%s)", os.fsdecode(flight.path), how)
            if flight.pairing:
                self._suspects.appendleft(replace(flight, unpaired=True, kills=0))
                return []
            crash = reasons.ENCODING_CRASHED if flight.decoded else reasons.DECODING_CRASHED
            reason = crash(ending=how)
            return [Event("failed", flight.job, flight.found, reason=reason)]
        suspects = [f for f in flights if f.began is not None and not f.decoded] or flights
        log.warning("the encoder ended (%s); trying %d pictures one by one", how, len(suspects))
        self._suspects.extend(suspects)
        suspected = {id(flight) for flight in suspects}
        self._waiting.extendleft(f for f in reversed(flights) if id(f) not in suspected)
        return []

    def _overdue(self) -> list[Event]:
        """Fails a picture that takes too long, and ends the encoder, which can't be interrupted."""
        if self._process and self._flights:
            self._time.update(self._process.pid)
        now = self._time.seconds()
        silence = now - self._heard
        limit = max(_SILENCE_SECONDS, self.max_seconds + _SILENCE_MARGIN)
        if self._process and self._flights and silence > limit:
            self._silence = silence
            self._process.kill()
            return []
        for flight in self._flights.values():
            if flight.began is None or flight.decoded or now - flight.began < self.max_seconds:
                continue
            if self._process and self._device.is_busy and silence >= _ALL_OF_IT * self.max_seconds:
                self._silence = silence  # a driver may hold all threads
                self._process.kill()
                return []
            log.warning("%s takes too long; restarting the encoder", os.fsdecode(flight.path))
            others = [other for other in self._flights.values() if other is not flight]
            self._end()
            self._flights.clear()
            for other in others:
                (self._suspects if other.alone else self._waiting).appendleft(other)
            if flight.pairing:
                self._waiting.appendleft(replace(flight, unpaired=True))
                return []
            reason = reasons.TOO_SLOW(seconds=self.max_seconds)
            return [Event("failed", flight.job, flight.found, reason=reason)]
        return []
