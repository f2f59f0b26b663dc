"""A user of csearch: a home, a runtime directory, the real commands and the real service."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, Self

from csearch.protocol.wire import MAX_REPLY, Unpacker, pack
from support.photos import NAMES, write_photos

SECONDS = 180.0  # to wait for something that a loaded machine does slowly


def wait_for(condition: Callable[[], Any], what: str, seconds: float = SECONDS) -> Any:
    """What `condition` returns once that is true. Fails after `seconds`."""
    deadline = time.monotonic() + seconds
    while not (found := condition()):
        assert time.monotonic() < deadline, f"waited {seconds} s in vain: {what}"
        time.sleep(0.02)
    return found


# What root starts with it may read and delete what an ordinary user may.
PLAIN = ("setpriv", "--bounding-set=-dac_override,-dac_read_search", "--inh-caps=-all")
_CLIENTS = ("csearch.search", "csearch.control", "csearch.completing")
_SERVICES = ("csearchd", "csearchd.encoder", "csearchd.reader", "csearchd.tags")


class User:
    """Everything is below `home`; nothing of the machine's own user is seen or touched.

    At the end of a `with` all of the user's processes have ended.
    """

    def __init__(self, home: Path, reads_words: bool = False) -> None:
        """`reads_words`: whether the words in pictures are read, which takes most of the processor
        time of a service that has little else to do."""
        self.home = home
        self.pictures = home / "Pictures"
        self.runtime = home / "run"
        self.data = home / ".local" / "share" / "csearch"
        self.config = home / ".config" / "csearch" / "config.toml"
        self.address = self.runtime / "csearch" / "csearch.sock"
        self.pictures.mkdir(exist_ok=True)
        self.runtime.mkdir(mode=0o700, exist_ok=True)
        if not reads_words and not self.config.exists():
            self.config.parent.parent.mkdir(mode=0o700, exist_ok=True)
            self.config.parent.mkdir(mode=0o700)
            self.config.touch(mode=0o600)
            self.config.write_text("[text]\nenabled = false\n")
        # What the terminal of whoever runs the tests can do is nothing to them. Bytecode is kept,
        # as an installed command's is: compiling takes longer than a search.
        left_out = ("XDG_", "PYTHONDONTWRITEBYTECODE", "COLUMNS", "LINES", "NO_COLOR", "DOMTERM")
        left_out += ("VTE_VERSION", "KONSOLE_VERSION", "KITTY_", "TERM_PROGRAM", "WT_SESSION")
        self.environment = {
            **{k: v for k, v in os.environ.items() if not k.startswith(left_out)},
            "HOME": str(home),
            "XDG_RUNTIME_DIR": str(self.runtime),
        }
        self._daemons: list[subprocess.Popen[bytes]] = []

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.end()
        print(self.log())  # shown where the test fails

    def take_photos(self, names: tuple[str, ...] = NAMES) -> list[Path]:
        return write_photos(self.pictures, names)

    def run(
        self, module: str, *arguments: object, check: int | None = 0, **options: Any
    ) -> subprocess.CompletedProcess[bytes]:
        """Runs a command to its end; `check` is the exit status that it must have. With `plain`,
        root may do no more in it than others."""
        prefix = PLAIN if options.pop("plain", False) and os.getuid() == 0 else ()
        done = subprocess.run(
            [*prefix, sys.executable, "-P", "-m", module, *map(_argument, arguments)],
            env=self.environment,
            cwd=options.pop("cwd", self.home),
            capture_output=True,
            timeout=SECONDS * 2,
            **options,
        )
        if check is not None:
            assert done.returncode == check, (done.returncode, done.stdout, done.stderr)
        return done

    def begin(self, module: str, *arguments: object) -> subprocess.Popen[bytes]:
        """Starts a command that may be interrupted."""
        return subprocess.Popen(
            [sys.executable, "-P", "-m", module, *map(_argument, arguments)],
            env=self.environment,
            cwd=self.home,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )

    def csearch(self, *arguments: object, **options: Any) -> subprocess.CompletedProcess[bytes]:
        return self.run("csearch.search", *arguments, **options)

    def csearchctl(self, *arguments: object, **options: Any) -> subprocess.CompletedProcess[bytes]:
        return self.run("csearch.control", *arguments, **options)

    def search(self, *arguments: object, check: int | None = 0) -> list[Path]:
        """The paths that csearch prints."""
        output = self.csearch("-0", *arguments, check=check).stdout
        return [Path(os.fsdecode(path)) for path in output.split(b"\0") if path]

    def status(self) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(self.csearchctl("status", "--json").stdout)
        return found

    def settle(self) -> dict[str, Any]:
        """Waits until there is nothing left to do; returns the status. Fails once nothing has been
        done for SECONDS: beside other programs, pictures are read slowly."""
        done, deadline = None, 0.0
        while (status := self.status())["state"] != "idle" or status["pending"]:
            now = status["images"], status["pending"], status["encoded"], status["failed"]
            if now != done:
                done, deadline = now, time.monotonic() + SECONDS
            assert time.monotonic() < deadline, f"nothing was done for {SECONDS} s: {status}"
            time.sleep(0.02)
        return status

    def start(
        self, wait: bool = True, prefix: tuple[str, ...] = (), **options: Any
    ) -> subprocess.Popen[bytes]:
        """Starts csearchd in the foreground of a process that `end` looks after."""
        log = (self.home / "csearchd.log").open("ab")
        daemon = subprocess.Popen(
            [*prefix, sys.executable, "-P", "-m", "csearchd"],
            env={**self.environment, **options.pop("environment", {})},
            cwd=self.home,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            **options,
        )
        log.close()
        self._daemons.append(daemon)
        if wait:
            wait_for(lambda: self.answers() or daemon.poll() is not None, "a daemon that answers")
            assert daemon.poll() is None, self.log()
        return daemon

    def log(self) -> str:
        """What the daemons have written, however they were started."""
        files = [self.home / "csearchd.log", self.home / ".cache" / "csearch" / "csearchd.log"]
        return "".join(file.read_text(errors="replace") for file in files if file.exists())

    def answers(self) -> bool:
        with socket.socket(socket.AF_UNIX) as probe:
            try:
                probe.connect(str(self.address))
            except OSError:
                return False
        return True

    @contextmanager
    def connect(self) -> Iterator[Client]:
        with socket.socket(socket.AF_UNIX) as connection:
            connection.settimeout(SECONDS)
            connection.connect(str(self.address))
            yield Client(connection)

    def pids(self, module: str) -> list[int]:
        """This user's running processes of `python -m module`."""
        return [pid for pid in _processes() if self._runs(pid, module)]

    def held_open(self, part: str) -> int:
        """How many descriptors the service has of files with that in their paths."""
        (service,) = self.pids("csearchd")
        found = 0
        for descriptor in os.scandir(f"/proc/{service}/fd"):
            with suppress(FileNotFoundError):  # closed meanwhile
                found += part in os.readlink(descriptor)
        return found

    def _runs(self, pid: int, module: str) -> bool:
        try:
            words = Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
            home = b"HOME=" + os.fsencode(self.home)
            ours = home in Path(f"/proc/{pid}/environ").read_bytes().split(b"\0")
        except OSError:
            return False
        return ours and b"-m" in words and words[words.index(b"-m") + 1] == module.encode()

    def end(self) -> None:
        """Ends whatever was started for this user, and who might start more."""
        wait_for(self._ended, "processes to end")
        for daemon in self._daemons:
            daemon.wait()

    def _ended(self) -> bool:
        """Whether nothing runs any more. What does is killed."""
        running = [pid for module in (*_CLIENTS, *_SERVICES) for pid in self.pids(module)]
        for pid in running:
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                pass
        return not running


class Client:
    """A bare connection, for what the commands never send."""

    def __init__(self, connection: socket.socket) -> None:
        self.socket = connection
        self._unpacker = Unpacker(MAX_REPLY)
        self._messages: list[dict[str, Any]] = []

    def send(self, **message: Any) -> None:
        self.socket.sendall(pack(message))

    def receive(self) -> dict[str, Any] | None:
        """The next message; None when the daemon has closed the connection."""
        while not self._messages:
            data = self.socket.recv(1 << 16)
            if not data:
                return None
            self._messages.extend(self._unpacker.feed(data))
        return self._messages.pop(0)

    def ask(self, **message: Any) -> dict[str, Any]:
        """Sends a request; its last reply."""
        self.send(id=1, **message)
        while (reply := self.receive()) and reply["type"] in ("progress", "hits"):
            pass
        assert reply is not None
        return reply


def _argument(value: object) -> str | bytes:
    return value if isinstance(value, bytes) else str(value)


def _processes() -> Iterable[int]:
    return [int(name) for name in os.listdir("/proc") if name.isdigit()]
