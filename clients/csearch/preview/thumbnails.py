"""Runs the process that decodes pictures for the terminal (csearchd.previews.thumbnails)."""

from __future__ import annotations

import os
import select
import subprocess
import sys
import time

from csearch.protocol.wire import MAX_REPLY, Message, ProtocolError, Unpacker, pack

_SECONDS = 20.0  # limit for one picture, since a file system can hang and a file be hostile


class ThumbnailProcess:
    """The process, which is started when it is first needed."""

    def __init__(self) -> None:
        self._process: subprocess.Popen[bytes] | None = None

    def get(self, path: bytes, width: int, height: int, form: str) -> Message:
        """The picture at `path`, or `{reason}` if it can't be read or takes too long."""
        process = self._process = self._process or _started()
        assert process.stdin and process.stdout
        try:
            request = {"path": path, "width": width, "height": height, "form": form}
            process.stdin.write(pack(request))
            process.stdin.flush()
            return _answer(process.stdout.fileno())
        except (OSError, ProtocolError):
            self.close()
            return {"reason": "it cannot be shown"}

    def close(self) -> None:
        """Ends the process; the next call of `get` starts another one."""
        if self._process:
            self._process.kill()
            self._process.communicate()
            self._process = None


def _started() -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        [sys.executable, "-P", "-m", "csearchd.previews.thumbnails"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
    )


def _answer(descriptor: int) -> Message:
    """The next message from the process. Raises OSError if there is none in time."""
    unpacker = Unpacker(MAX_REPLY)
    deadline = time.monotonic() + _SECONDS
    while select.select([descriptor], [], [], max(0.0, deadline - time.monotonic()))[0]:
        data = os.read(descriptor, 1 << 16)
        if not data:
            raise OSError("it has ended")
        for message in unpacker.feed(data):
            return message
    raise TimeoutError
