"""Runs exiftool: one process for all files, which takes commands on its input (-stay_open)."""

from __future__ import annotations

import json
import os
import secrets
import select
import shutil
import subprocess
import sys
import time
from contextlib import suppress
from typing import Any

from csearchd.errors import SkippedFile
from csearchd.reasons.commands import EXIFTOOL_MISSING
from csearchd.system import attached_process
from csearchd.tags.record import skipped_by

_SECONDS = 120.0  # limit for one command


def installed() -> bool:
    return shutil.which("exiftool") is not None


class Exiftool:
    """An exiftool process, which ends with this one and is started again when it is needed."""

    def __init__(self, directory: str) -> None:
        """`directory` holds the files that it works on; their names must have no line ends."""
        self._directory = directory
        self._process: subprocess.Popen[bytes] | None = None

    def run(self, *arguments: str) -> tuple[bytes, str]:
        """Runs a command; returns its output and its error messages.

        Names of files are relative to the directory. Raises SkippedFile if exiftool doesn't answer.
        """
        if self._process is None or self._process.poll() is not None:
            self._process = self._start()
        token = str(secrets.randbelow(10**9))
        # -echo4 prints to stderr at the end what -execute prints to stdout.
        lines = ["-q", *arguments, "-echo4", f"{{ready{token}}}", f"-execute{token}", ""]
        try:
            assert self._process.stdin
            self._process.stdin.write("\n".join(lines).encode())
            self._process.stdin.flush()
            return self._answers(f"{{ready{token}}}".encode())
        except (OSError, TimeoutError) as error:
            self.close()
            hangs = isinstance(error, TimeoutError)  # and would hang again with this file
            raise SkippedFile("exiftool gave no answer", is_transient=not hangs) from error

    def fields(self, *names: str) -> list[dict[str, Any]]:
        """All metadata of some files, by "group:tag", with numbers unformatted.

        Raises SkippedFile.
        """
        printed, _ = self.run("-j", "-a", "-u", "-n", "-b", "-G3:1", *names)
        try:
            found: list[dict[str, Any]] = json.loads(printed)
        except ValueError as error:
            raise SkippedFile("exiftool can't read it") from error
        return found

    def close(self) -> None:
        if self._process:
            self._process.kill()
            self._process.wait()
            for stream in (self._process.stdin, self._process.stdout, self._process.stderr):
                if stream:
                    with suppress(BrokenPipeError):  # it ended before it had read the command
                        stream.close()
            self._process = None

    def _start(self) -> subprocess.Popen[bytes]:
        program = shutil.which("exiftool")
        if program is None:
            raise SkippedFile(str(EXIFTOOL_MISSING()), is_transient=True)
        # With -stay_open it polls a closed input for ever; the launcher ends it with this process.
        launcher = [sys.executable, "-I", "-S", attached_process.__file__, str(os.getpid())]
        try:
            return subprocess.Popen(
                # -config with an empty name keeps it from reading the user's configuration.
                [*launcher, program, "-config", "", "-stay_open", "True", "-@", "-"],
                cwd=self._directory,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                env={**os.environ, "LC_ALL": "C.UTF-8"},
            )
        except OSError as error:
            raise skipped_by(error, "exiftool can't be started") from error

    def _answers(self, end: bytes) -> tuple[bytes, str]:
        """Output and error messages up to `end`, which both streams print.

        Raises BrokenPipeError, TimeoutError.
        """
        assert self._process and self._process.stdout and self._process.stderr
        streams = (self._process.stdout, self._process.stderr)
        read = {stream.fileno(): b"" for stream in streams}
        poller = select.poll()  # select.select refuses descriptors from 1,024
        for descriptor in read:
            poller.register(descriptor, select.POLLIN)
        deadline = time.monotonic() + _SECONDS
        while not all(text.rstrip().endswith(end) for text in read.values()):
            ready = poller.poll(max(0.0, deadline - time.monotonic()) * 1000)
            if not ready:
                raise TimeoutError
            for descriptor, _ in ready:
                data = os.read(descriptor, 1 << 20)
                if not data:
                    raise BrokenPipeError
                read[descriptor] += data
        out, complaints = (text.rstrip()[: -len(end)] for text in read.values())
        return out, complaints.decode(errors="replace").strip()
