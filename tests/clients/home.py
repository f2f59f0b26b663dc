"""A user at a terminal, and stand-ins for the parts of the service."""

from __future__ import annotations

import os
import subprocess
import sys
import textwrap
from pathlib import Path
from typing import Any

import pexpect

from support.user import User

_MODULES = {"csearch": "csearch.search", "csearchctl": "csearch.control"}
SECONDS = 60.0  # for what takes no time


class Home(User):
    """Runs the commands where the pictures are, by the names that users know."""

    def __init__(self, home: Path) -> None:
        super().__init__(home)
        self.socket = os.fsencode(self.address)
        self.environment |= {"LC_ALL": "C.UTF-8"}
        self.offered = self.data / "model-offered"
        self.offered.parent.mkdir(parents=True)
        self.offered.touch()  # most tests are not about this question

    def begin(self, command: str, *arguments: str | bytes, **options: Any) -> subprocess.Popen:
        pipes = {"stdin": subprocess.DEVNULL, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
        return subprocess.Popen(
            _command(command) + list(arguments),
            env=self.environment,
            cwd=self.pictures,
            **{**pipes, **options},
        )

    def ask(self, command: str, *arguments: str | bytes) -> subprocess.CompletedProcess[bytes]:
        process = self.begin(command, *arguments)
        output, errors = process.communicate(timeout=SECONDS)
        return subprocess.CompletedProcess(process.args, process.returncode, output, errors)

    def terminal(self, command: str, *arguments: str, columns: int = 80, **more: str) -> Terminal:
        """Runs a command on a terminal (an xterm without links, if `more` doesn't say else)."""
        return Terminal(
            _command(command) + list(arguments),
            {**self.environment, "TERM": "xterm", **more},
            str(self.pictures),
            columns,
        )

    def stand_in(self, module: str, code: str) -> None:
        """Puts a module before the installed ones, for commands run from now on."""
        first = self.home / "stand-ins"
        path = first / Path(*module.split(".")).with_suffix(".py")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(textwrap.dedent(code))
        for parent in path.parents:
            if parent == first:
                break
            (parent / "__init__.py").touch()
        old = self.environment.get("PYTHONPATH", "")
        if not old.startswith(str(first)):
            self.environment["PYTHONPATH"] = f"{first}:{old}" if old else str(first)


class Terminal:
    """A command on a pseudo-terminal."""

    def __init__(
        self, command: list[str], environment: dict[str, str], directory: str, columns: int
    ) -> None:
        self.process = pexpect.spawn(
            command[0],
            command[1:],
            env=environment,
            cwd=directory,
            dimensions=(24, columns),
            timeout=SECONDS,
            echo=False,
            use_poll=True,
        )

    def finish(self) -> tuple[str, int]:
        """What was written since the last look, and the exit status."""
        self.process.expect(pexpect.EOF)
        output: bytes = self.process.before
        self.process.close()
        assert self.process.exitstatus is not None, f"signal {self.process.signalstatus}"
        return output.decode().replace("\r\n", "\n"), self.process.exitstatus


def _command(name: str) -> list[str]:
    return [sys.executable, "-P", "-m", _MODULES[name]]
