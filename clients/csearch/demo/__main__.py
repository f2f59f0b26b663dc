"""The keeper: runs a search service in a temporary directory until its standard input ends.

It writes `listening at PATH`, the path of the socket, once the service answers; otherwise the
reason why it doesn't.
"""

from __future__ import annotations

import os
import select
import signal
import socket
import subprocess
import sys
import tempfile
import time

from csearch.protocol.quoting import harmless

_START_SECONDS = 30.0
_STOP_SECONDS = 5.0
_POLL_SECONDS = 0.02
_LOG_LINES = 5
_LONGEST = 70  # bytes of a directory that leave room for a socket below it: sun_path in unix(7)


def main() -> None:
    """Ends with status 1 where the service can't be started."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    try:
        with tempfile.TemporaryDirectory(
            prefix="csearch-demo-", dir=_place(), ignore_cleanup_errors=True
        ) as top:
            _keep(top)
    except OSError as error:
        sys.exit(_say(str(error)))


def _place() -> str:
    """The directory for temporary ones. Raises OSError where none can be written to."""
    chosen = tempfile.gettempdir()
    return chosen if len(os.fsencode(chosen)) <= _LONGEST else "/tmp"


def _keep(top: str) -> None:
    """Runs the service with all its files below `top`. Raises OSError; SystemExit."""
    address = os.path.join(top, "socket")
    log = os.path.join(top, "log")
    with open(log, "wb") as output:
        service = subprocess.Popen(
            [sys.executable, "-P", "-m", "csearchd"],
            env=_environment(top, address),
            cwd="/",
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
        )
    try:
        if _listens(service, address):
            print(f"listening at {address}", flush=True)
            _wait(service)
        else:
            sys.exit(_say(_last_words(log)))
    finally:
        _end(service)


def _environment(top: str, address: str) -> dict[str, str]:
    """The user's, with other directories, and without the session bus."""
    names = ("XDG_CONFIG_HOME", "XDG_DATA_HOME", "XDG_CACHE_HOME", "XDG_RUNTIME_DIR")
    left_out = ("DBUS_SESSION_BUS_ADDRESS", "NOTIFY_SOCKET", "CSEARCH_CONFINE")
    kept = {name: value for name, value in os.environ.items() if name not in left_out}
    return {**kept, **dict.fromkeys(names, top), "CSEARCH_SOCKET": address}


def _listens(service: subprocess.Popen[bytes], address: str) -> bool:
    """Waits until the service accepts connections; False if it ends, or never does."""
    deadline = time.monotonic() + _START_SECONDS
    while service.poll() is None and time.monotonic() < deadline:
        with socket.socket(socket.AF_UNIX) as probe:
            if probe.connect_ex(address) == 0:
                return True
        if _client_left(_POLL_SECONDS):
            sys.exit(0)
    return False


def _client_left(seconds: float) -> bool:
    """Whether standard input ends within so many seconds; nothing is ever written to it."""
    return bool(select.select([0], [], [], seconds)[0])


def _wait(service: subprocess.Popen[bytes]) -> None:
    """Until standard input or the service ends."""
    ended = os.pidfd_open(service.pid)
    try:
        select.select([0, ended], [], [])
    finally:
        os.close(ended)


def _end(service: subprocess.Popen[bytes]) -> None:
    service.terminate()
    try:
        service.wait(_STOP_SECONDS)
    except subprocess.TimeoutExpired:
        service.kill()
        service.wait()


def _last_words(log: str) -> str:
    with open(log, errors="replace") as file:
        lines = file.read().splitlines()[-_LOG_LINES:]
    return "\n".join(map(harmless, lines)) or f"it did not answer for {_START_SECONDS:.0f} seconds"


def _say(text: str) -> int:
    """Tells the client; the exit status."""
    print(text, flush=True)
    return 1


if __name__ == "__main__":
    main()
