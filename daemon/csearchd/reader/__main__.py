"""The reader process: `python -m csearchd.reader FD`; FD is its end of a socketpair.

It reads, decodes and recognises pictures, which the daemon must not, and exits when the daemon
does. The messages are described in csearchd.reader.messages.
"""

from __future__ import annotations

import logging
import os
import socket
import sys
import warnings
from typing import TYPE_CHECKING

from csearch.protocol.wire import Message, ProtocolError, Unpacker, pack
from csearchd.errors import PictureError, UnreadableError
from csearchd.reader.messages import MAX_FRAME, Settings
from csearchd.reasons import OTHER, Reason
from csearchd.reasons import pictures as reasons
from csearchd.system.child_process import SMALL_BATCH, enter_background, use_lowest_priority
from csearchd.system.files import is_another, open_file, open_parent, read_file
from csearchd.system.memory import limit_growth, release_free_memory

if TYPE_CHECKING:
    from csearchd.reader.decode import Decoder
    from csearchd.reader.reading import Reader

_GROWTH = 900_000_000  # bytes beyond which allocations fail, as a safeguard


class Link:
    """The reader's end of the connection to the daemon."""

    def __init__(self, connection: socket.socket) -> None:
        self._connection = connection
        self._settings: Settings | None = None
        self._decoder: Decoder | None = None
        self._reader: Reader | None = None

    def serve(self) -> None:
        """Does what the daemon asks until it closes the connection."""
        unpacker = Unpacker(MAX_FRAME)
        read = 0
        while data := self._receive():
            for message in unpacker.feed(data):
                if message["op"] == "configure":
                    self._configure(Settings.from_message(message))
                elif message["op"] == "read":
                    read += 1
                    if read == SMALL_BATCH + 1:
                        use_lowest_priority()
                    self._read(message["path"], tuple(message["stat"]))
                else:
                    raise ProtocolError(f"an unknown message: {message['op']}")

    def _configure(self, settings: Settings) -> None:
        limit_growth(_GROWTH)
        try:  # also to import what may be broken or missing here, for which no picture is to blame
            from csearchd.reader.decode import Decoder  # Pillow, once the process is in order
            from csearchd.reader.reading import Reader

            self._reader = Reader(settings.threads, lambda: self._send({"op": "working"}))
        except Exception as error:  # onnxruntime's have no common class
            reason = reasons.READER_UNUSABLE(details=f"{type(error).__name__}: {error}"[:300])
            self._send({"op": "unusable", "reason": reason.to_message()})
            os._exit(1)
        self._settings, self._decoder = settings, Decoder(settings.limits)

    def _read(self, path: bytes, stat: tuple[int, ...]) -> None:
        try:
            self._send({"op": "words", "lines": self._lines(path, stat)})
        except UnreadableError as error:
            self._failed(error.reason, error.changed)
        except PictureError as error:
            self._failed(error.reason)
        except MemoryError:
            self._failed(reasons.WORDS_EXCEED_MEMORY())
        except Exception as error:  # a hostile file must not end the process
            self._failed(reasons.UNREADABLE(reason=OTHER(text=str(error))))
        release_free_memory()

    def _lines(self, path: bytes, stat: tuple[int, ...]) -> list[tuple[object, ...]]:
        """Raises UnreadableError, PictureError and MemoryError."""
        assert self._settings and self._decoder and self._reader
        directory = open_parent(path)
        try:
            name = os.path.basename(path)
            fd, file = open_file(name, self._settings.limits.bytes, directory)
        finally:
            os.close(directory)
        if is_another(file, stat):
            os.close(fd)
            raise UnreadableError(reasons.CHANGED_BEFORE(), changed=True, file=file)
        data = read_file(fd, file)
        self._send({"op": "working"})
        picture = self._decoder.decode(data, name)
        del data
        self._send({"op": "working"})
        return [tuple(line) for line in self._reader.read(picture)]

    def _failed(self, reason: Reason, changed: bool = False) -> None:
        self._send({"op": "failed", "reason": reason.to_message(), "changed": changed})

    def _receive(self) -> bytes:
        try:
            return self._connection.recv(1 << 16)
        except OSError:
            return b""  # the daemon was killed before it had read everything

    def _send(self, message: Message) -> None:
        try:
            self._connection.sendall(pack(message))
        except OSError:
            os._exit(0)  # the daemon has gone


def main() -> None:
    fd = int(sys.argv[1])
    enter_background(fd, quiet=True)
    warnings.simplefilter("ignore")  # Pillow warns of what is reported as failure, or is harmless
    logging.disable(logging.WARNING)
    Link(socket.socket(fileno=fd)).serve()
    os._exit(0)


if __name__ == "__main__":
    main()
