"""The encoder process: `python -m csearchd.encoder FD [urgent]`; FD is its end of a socketpair.

With `urgent` it keeps its priority, since a user waits for the result.

It reads and decodes files, which the daemon must not, and exits when the daemon does. The messages
are described in csearchd.encoder.messages.
"""

from __future__ import annotations

import logging
import os
import socket
import sys
import threading
import warnings
from collections import deque
from typing import TYPE_CHECKING

from csearch.protocol.wire import Message, ProtocolError, Unpacker, pack
from csearchd.encoder.messages import MAX_FRAME, Settings
from csearchd.models.installed import remedy
from csearchd.reasons import Reason
from csearchd.reasons.models import NO_CONFIGURATION
from csearchd.system.child_process import SMALL_BATCH, enter_background, use_lowest_priority

if TYPE_CHECKING:
    from csearchd.encoder.pipeline import Pipeline


class Link:
    """The encoder's end of the connection to the daemon. `send` and `fail` are thread-safe."""

    def __init__(self, connection: socket.socket, quiet: bool) -> None:
        """With `quiet`, the process lowers its priority when it has more than a few pictures."""
        self._connection = connection
        self._lock = threading.Lock()
        self._quiet = quiet

    def send(self, message: Message) -> None:
        """Sends a message whole; ends the process where the daemon has gone."""
        frame = pack(message)
        try:
            with self._lock:
                self._connection.sendall(frame)
        except OSError:
            os._exit(0)  # the daemon has gone

    def fail(self, reason: Reason) -> None:
        """Tells the daemon that the model can't be used, and ends the process."""
        self.send({"op": "unusable", "reason": reason.to_message()})
        os._exit(1)

    def serve(self) -> None:
        """Does what the daemon asks until it closes the connection."""
        pipeline: Pipeline | None = None
        unpacker = Unpacker(MAX_FRAME)
        files: deque[int] = deque()
        reads = 0
        while data := self._receive(files):
            for message in unpacker.feed(data):
                op = message["op"]
                if op == "configure":
                    pipeline = self._pipeline(message)
                elif pipeline is None:
                    raise ProtocolError(f"{op} before configure")
                elif op == "read":
                    reads += 1
                    if reads == SMALL_BATCH + 1 and self._quiet:
                        use_lowest_priority()
                    named = ("stat", "sidecars", "pair")
                    given = {name: message[name] for name in named if name in message}
                    pipeline.read(message["job"], message["path"], **given)
                elif op == "look":
                    pipeline.read(message["job"], message["path"], fd=files.popleft())
                elif op == "encode":
                    pipeline.encode(message["job"])
                elif op == "explain":
                    pipeline.encode(message["job"], message["query"])
                elif op == "sign":
                    pipeline.sign(message["job"])
                elif op == "skip":
                    pipeline.skip(message["job"])
                else:
                    raise ProtocolError(f"an unknown message: {op}")

    def _receive(self, files: deque[int]) -> bytes:
        """The next bytes from the daemon, b"" at the end.

        Descriptors that come with them are added to `files`.
        """
        try:
            data, came, _, _ = socket.recv_fds(self._connection, 1 << 16, 16)
        except OSError:
            return b""  # the daemon was killed before it had read everything
        files.extend(came)
        return data

    def _pipeline(self, message: Message) -> Pipeline:
        # They import Pillow, once the process is in order.
        from csearchd.encoder.pipeline import Pipeline
        from csearchd.models.preprocess import fault_of

        settings = Settings.from_message(message)
        try:
            return Pipeline(settings, self.send, self.fail)
        except (OSError, ValueError, KeyError, TypeError) as error:
            details, what = fault_of(error), remedy(settings.model)
            self.fail(NO_CONFIGURATION(path=settings.model, details=details, remedy=what))
            raise


def _thread_raised(raised: threading.ExceptHookArgs) -> None:
    """Ends the process when a thread does: its pictures would wait for ever.

    The daemon starts another encoder.
    """
    threading.__excepthook__(raised)
    os._exit(1)


def main() -> None:
    threading.excepthook = _thread_raised
    fd = int(sys.argv[1])
    quiet = sys.argv[2:] != ["urgent"]
    enter_background(fd, quiet)
    warnings.simplefilter("ignore")  # Pillow warns of what is reported as failure, or is harmless
    logging.disable(logging.WARNING)  # and open_clip of what it does
    Link(socket.socket(fileno=fd), quiet).serve()
    os._exit(0)  # without waiting for the threads


if __name__ == "__main__":
    main()
