"""Starts the daemon: as an installed systemd unit if a user manager runs, else as a process."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable

from csearch.directories import cache_directory
from csearch.protocol.errors import StartError
from csearch.protocol.private_directory import make_directories
from csearch.protocol.quoting import harmless, printable
from csearch.protocol.system_errors import in_words

TYPE_CHECKING = False  # typing takes 2 ms to import
if TYPE_CHECKING:
    from _socket import socket

START_SECONDS = 30.0
POLL_SECONDS = 0.02
UNIT = "csearchd.service"
SOCKET_UNIT = "csearchd.socket"
LOG_LINES = 5  # that an error message quotes from a daemon that ended at once
# The next start truncates a larger log; the daemon itself keeps it smaller (csearchd.logs). Under
# systemd there is none.
MAX_LOG_BYTES = 5_000_000


def start_daemon(path: bytes, connect: Callable[[bytes], socket]) -> socket:
    """Starts the daemon, waits until it listens at `path`, and returns a connected socket.

    Raises StartError if it ends, with the last lines of its log, or doesn't listen in time.
    """
    if installed_unit(path):
        _start_unit()
        child = None
    else:
        child = _Child(path)
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline:
        try:
            return connect(path)
        except OSError:
            pass
        if child:
            child.check()
        time.sleep(POLL_SECONDS)
    where = (
        f"; its log is {printable(child.log)}" if child else f"; see journalctl --user -u {UNIT}"
    )
    raise StartError(
        f"the search service does not listen at {printable(path)} after {START_SECONDS:.0f} "
        f"seconds{where}"
    )


def installed_unit(path: bytes) -> bool:
    """Whether the user manager has a unit for the daemon that listens at `path`."""
    if not managed(path):
        return False
    state = systemctl("show", "--property=LoadState", "--value", UNIT)
    return state is not None and state[1].strip() == "loaded"


def connecting_starts(path: bytes) -> bool:
    """Whether the user manager listens at `path`, and a connection would start the daemon."""
    if not managed(path):
        return False
    states = systemctl("is-active", SOCKET_UNIT, UNIT)
    # One word per unit: "active", "inactive", "deactivating" …; none if systemctl fails.
    match states[1].split() if states else []:
        case ["active", service]:
            return service not in ("active", "activating", "reloading")
    return False


def is_starting(path: bytes) -> bool:
    """Whether the user manager is starting the daemon that listens at `path`.

    The daemon listens at once and answers when its library is open.
    """
    state = systemctl("is-active", UNIT) if managed(path) else None
    return state is not None and state[1].strip() in ("activating", "reloading")


def managed(path: bytes) -> bool:
    """Whether the socket at `path` belongs to a session with a user manager."""
    runtime = os.path.dirname(os.path.dirname(path))
    return not os.environ.get("CSEARCH_SOCKET") and os.path.exists(runtime + b"/systemd/private")


def _start_unit() -> None:
    done = systemctl("start", UNIT)
    if done is None or done[0] != 0:
        said = harmless(done[2].strip()) if done else "systemctl does not answer"
        raise StartError(f"{UNIT} could not be started: {said}; see journalctl --user -u {UNIT}")


def systemctl(*arguments: str) -> tuple[int, str, str] | None:
    """Exit status, output and error output of `systemctl --user`; None if it can't be run."""
    import subprocess

    environment = dict(os.environ)
    environment.setdefault("XDG_RUNTIME_DIR", f"/run/user/{os.getuid()}")
    try:
        done = subprocess.run(
            ["systemctl", "--user", *arguments],
            env=environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            errors="replace",
            timeout=START_SECONDS,
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    return done.returncode, done.stdout, done.stderr


class _Child:
    """A daemon that this client has started, detached from its terminal and directory."""

    def __init__(self, path: bytes) -> None:
        import subprocess

        environment = os.environb.copy()
        if environment.get(b"CSEARCH_SOCKET"):
            environment[b"CSEARCH_SOCKET"] = path  # absolute, since the daemon's directory is /
        self.log = os.path.join(cache_directory(), "csearchd.log")
        try:
            make_directories(cache_directory())
            flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_NONBLOCK  # it may be a pipe
            output = os.open(self.log, flags, 0o600)
        except OSError as error:
            raise StartError(
                f"{printable(self.log)}: cannot be written: {in_words(error)}"
            ) from error
        self._log_start = os.fstat(output).st_size
        if self._log_start > MAX_LOG_BYTES:
            os.ftruncate(output, 0)
            self._log_start = 0
        try:
            self._process = subprocess.Popen(
                # -P: the root directory is not searched for modules.
                [sys.executable, "-P", "-m", "csearchd"],
                env=environment,
                cwd="/",
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                start_new_session=True,
            )
        except OSError as error:
            raise StartError(
                "the search service could not be started: "
                f"{printable(sys.executable) or 'Python'} cannot be run: {in_words(error)}"
            ) from error
        finally:
            os.close(output)

    def __del__(self) -> None:
        """Keeps Popen from warning that the daemon is still running, which is intended."""
        if hasattr(self, "_process") and self._process.returncode is None:
            self._process.returncode = 0

    def check(self) -> None:
        """Raises StartError if the daemon has failed.

        Status 0 is no failure: the daemon ends with it if another one was faster.
        """
        status = self._process.poll()
        if status:
            end = f"was killed by signal {-status}" if status < 0 else f"ended (status {status})"
            raise StartError(f"the search service {end}:\n{self._last_words()}")

    def _last_words(self) -> str:
        try:
            with open(self.log, "rb") as file:
                file.seek(self._log_start)
                lines = file.read().decode(errors="replace").splitlines()
        except OSError:
            lines = []
        return "\n".join(f"  {harmless(line)}" for line in lines[-LOG_LINES:]) or (
            f"  see {printable(self.log)}"
        )
