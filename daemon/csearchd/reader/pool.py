"""The daemon's end of the reader process, which is started when needed and replaced when it dies.

The reader has one picture at a time, so that one that ends or hangs it is known at once.
"""

from __future__ import annotations

import logging
import os
import select
import signal
import socket
import subprocess
from dataclasses import dataclass

from csearch.protocol.wire import Message, ProtocolError, Unpacker, pack
from csearchd.encoder.picture_time_limit import CountedTime
from csearchd.encoder.process import end, ending, start
from csearchd.errors import EncoderUnusable
from csearchd.library.texts.lines import TextLine
from csearchd.library.texts.queue import PendingText
from csearchd.reader.messages import MAX_FRAME, Settings
from csearchd.reasons import Reason
from csearchd.reasons import pictures as reasons

log = logging.getLogger(__name__)

_MAX_KILLS = 3  # by SIGKILL, which another program may have sent, before a picture fails
_LOOK_SECONDS = 1.0  # between looks at the time that a picture takes
_MAX_POLL_SECONDS = 3600.0  # poll(2) takes an int of milliseconds


@dataclass(frozen=True)
class Answer:
    """What became of a picture: its lines, or why it can't be read."""

    picture: PendingText
    lines: list[TextLine] | None = None
    reason: Reason | None = None
    changed: bool = False  # it isn't the file that was meant, or can't be read now


class ReaderPool:
    """Reads pictures in a reader process. Used by one thread; nothing blocks but `poll`."""

    def __init__(self, settings: Settings, max_seconds: float) -> None:
        """`max_seconds` is how long a part of a picture may take."""
        self.settings = settings
        self.max_seconds = max_seconds
        self._process: subprocess.Popen[bytes] | None = None
        self._socket: socket.socket | None = None
        self._unpacker = Unpacker(MAX_FRAME)
        self._picture: PendingText | None = None
        self._kills = 0
        self._began = 0.0
        self._time = CountedTime()

    @property
    def busy(self) -> bool:
        """Whether a picture is being read."""
        return self._picture is not None

    @property
    def running(self) -> bool:
        """Whether there is a reader process."""
        return self._process is not None

    @property
    def pid(self) -> int | None:
        """The reader's process id."""
        return self._process.pid if self._process else None

    def submit(self, picture: PendingText) -> None:
        """Has a picture read; there must be none that is being read."""
        self._picture, self._kills = picture, 0
        self._ask()

    def poll(self, timeout: float | None, wake: int) -> Answer | None:
        """Waits for the answer, up to `timeout` seconds or until the descriptor `wake` is readable.

        Raises EncoderUnusable where the recogniser can't be used.
        """
        poller = select.poll()
        poller.register(wake, select.POLLIN)
        if self._socket:
            poller.register(self._socket, select.POLLIN)
        if self._picture:
            timeout = _LOOK_SECONDS if timeout is None else min(timeout, _LOOK_SECONDS)
        if timeout is not None:
            timeout = min(timeout, _MAX_POLL_SECONDS) * 1000
        ready = dict(poller.poll(timeout))
        if self._socket and ready.get(self._socket.fileno()):
            try:
                answer = self._receive(self._socket)
            except (OSError, ProtocolError, ValueError, TypeError, KeyError) as error:
                log.debug("the reader ended: %s", error)
                return self._died()
            if answer:
                return answer
        return self._overdue()

    def close(self) -> None:
        """Ends the reader at once and forgets its picture."""
        self._end()
        self._picture = None

    def _ask(self) -> None:
        assert self._picture
        if self._process is None:
            self._spawn()
        self._began = self._time.seconds()
        picture = self._picture
        self._send({"op": "read", "path": picture.path, "stat": list(picture.stat)})

    def _spawn(self) -> None:
        ours, theirs = socket.socketpair()
        with theirs:
            self._process = start("csearchd.reader", theirs.fileno())
        self._socket = ours
        self._unpacker = Unpacker(MAX_FRAME)
        self._send(self.settings.to_message())
        log.debug("reader %d started", self._process.pid)

    def _send(self, message: Message) -> None:
        """Sends a message, which is small enough for the socket to take it at once."""
        assert self._socket
        try:
            self._socket.sendall(pack(message))
        except OSError:
            pass  # it has died; the next poll notices

    def _receive(self, connection: socket.socket) -> Answer | None:
        """Raises OSError or ProtocolError where the reader has died or says what can't be."""
        data = connection.recv(1 << 16)
        if not data:
            raise ConnectionResetError("end of file")
        answer = None
        for message in self._unpacker.feed(data):
            self._began = self._time.seconds()
            if message["op"] == "unusable":
                self.close()
                raise EncoderUnusable(Reason.from_message(message["reason"]))
            answer = self._taken(message) or answer
        return answer

    def _taken(self, message: Message) -> Answer | None:
        picture = self._picture
        if message["op"] == "working" or picture is None:
            return None
        if message["op"] == "words":
            lines = [
                TextLine(text, tuple(box), sure, script)
                for text, box, sure, script in message["lines"]
            ]
            answer = Answer(picture, lines)
        else:
            reason = Reason.from_message(message["reason"])
            answer = Answer(picture, None, reason, bool(message["changed"]))
        self._picture = None
        return answer

    def _died(self) -> Answer | None:
        """Handles the reader's death, for which its picture is to blame, unless it was killed."""
        code = self._end(grace=1.0)
        if self._picture is None:
            return None
        self._kills += 1
        if code == -signal.SIGKILL and self._kills < _MAX_KILLS:
            self._ask()
            return None
        picture, self._picture = self._picture, None
        log.warning("%s ended the reader (%s)", os.fsdecode(picture.path), ending(code))
        return Answer(picture, None, reasons.READING_WORDS_CRASHED(ending=ending(code)))

    def _overdue(self) -> Answer | None:
        """Gives up a picture that takes too long, and ends the reader, which can't be stopped."""
        if not self._picture or not self._process:
            return None
        self._time.update(self._process.pid)
        if self._time.seconds() - self._began < self.max_seconds:
            return None
        picture, self._picture = self._picture, None
        log.warning("%s takes too long; restarting the reader", os.fsdecode(picture.path))
        self._end()
        return Answer(picture, None, reasons.TOO_SLOW(seconds=self.max_seconds))

    def _end(self, grace: float = 0.0) -> int:
        """Ends the reader, if there is one; kills it after `grace` seconds. Its exit status."""
        if self._process is None or self._socket is None:
            return 0
        self._socket.close()
        code = end(self._process, grace)
        self._process = self._socket = None
        return code
