"""Drives a real encoder process, as the daemon's pool does."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from csearch.protocol.wire import Message, Unpacker, pack
from csearchd.encoder.messages import MAX_FRAME, Limits, Settings

LIMITS = Limits(pixels=300_000_000, bytes=512 << 20, memory=1 << 30)


class Encoder:
    """`wanted` answers `identified`: whether the picture is to be encoded. `program` is what Python
    runs."""

    def __init__(
        self,
        model: Path,
        limits: Limits = LIMITS,
        wanted: Callable[[Message], bool] = lambda found: True,
        device: str = "cpu",
        threads: int = 2,
        program: tuple[str, ...] = ("-m", "csearchd.encoder"),
        quiet: bool = False,
    ) -> None:
        """With `quiet` it lowers its priority, and may take minutes beside busy programs."""
        ours, theirs = socket.socketpair()
        ours.settimeout(120)
        self.socket = ours
        with theirs:
            self.process = subprocess.Popen(
                [sys.executable, *program, str(theirs.fileno()), *([] if quiet else ["urgent"])],
                pass_fds=[theirs.fileno()],
                stdin=subprocess.DEVNULL,
                start_new_session=True,  # it lowers the priority of its session
                env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
            )
        self._unpacker = Unpacker(MAX_FRAME)
        self._wanted = wanted
        self._jobs = 0
        self.log: list[Message] = []
        settings = Settings(str(model), limits, threads, device)
        self.send(settings.to_message())

    def __enter__(self) -> Encoder:
        return self

    def __exit__(self, *exception: object) -> None:
        self.socket.close()
        self.process.wait(10)

    def send(self, message: Message) -> None:
        self.socket.sendall(pack(message))

    def run(self, paths: list[bytes]) -> list[Message]:
        """What became of each file: its `identified` (where skipped), `encoded` (with what
        `identified` said) or `failed` message."""
        jobs = {}
        for path in paths:
            self._jobs += 1
            jobs[self._jobs] = path
            self.send({"op": "read", "job": self._jobs, "path": path})
        found: dict[int, Message] = {}
        over: dict[int, Message] = {}
        while len(over) < len(jobs):
            for message in self.receive():
                job = message.get("job", -1)
                if message["op"] == "identified":
                    found[job] = message
                    if self._wanted(message):
                        self.send({"op": "encode", "job": job})
                    else:
                        self.send({"op": "skip", "job": job})
                        over[job] = message
                elif message["op"] in ("encoded", "failed"):
                    over[job] = {**found.get(job, {}), **message}
                elif message["op"] == "unusable":
                    raise AssertionError(message["reason"])
        return [over[job] for job in jobs]

    def receive(self) -> list[Message]:
        """The next messages. Raises EOFError when the encoder has ended."""
        while True:
            data = self.socket.recv(1 << 16)
            if not data:
                raise EOFError
            messages = list(self._unpacker.feed(data))
            self.log += messages
            if messages:
                return messages

    def reason(self, path: Path) -> str:
        """Why the file at `path` failed; fails itself where it did not."""
        (message,) = self.run([os.fsencode(path)])
        assert message["op"] == "failed", message
        reason: Any = message["reason"]["text"]
        assert isinstance(reason, str) and "Traceback" not in reason and "\n" not in reason
        return reason

    @property
    def arithmetic(self) -> list[str]:
        """The towers that were ready, first to last."""
        return [message["arithmetic"] for message in self.log if message["op"] == "ready"]

    def imported(self, library: str) -> bool:
        """Whether the encoder has mapped a file of that name."""
        with open(f"/proc/{self.process.pid}/maps") as file:
            return library in file.read()

    def vector(self, path: Path) -> NDArray[np.float32]:
        """The vector of the picture at `path`."""
        (message,) = self.run([os.fsencode(path)])
        assert message["op"] == "encoded", message
        return np.frombuffer(message["vector"], "<f2").astype(np.float32)
