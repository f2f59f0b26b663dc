"""What the service manager gives and is told: sockets, readiness, signs of life."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator

import pytest

from support.user import SECONDS, User, wait_for


@pytest.fixture
def manager(user: User) -> Iterator[socket.socket]:
    """Where a service manager would listen."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as notify:
        notify.bind(str(user.home / "notify"))
        notify.settimeout(SECONDS)
        user.environment["NOTIFY_SOCKET"] = str(user.home / "notify")
        yield notify


def heard(manager: socket.socket, state: str) -> str:
    """Waits for a message that begins with `state`; fails after a while."""
    while not (message := manager.recv(4096).decode()).startswith(state):
        pass
    return message


def test_readiness_status_life_and_the_end_are_told(user: User, manager: socket.socket) -> None:
    daemon = user.start(wait=False, environment={"WATCHDOG_USEC": "200000"})
    heard(manager, "READY=1")
    assert user.answers()
    assert "pictures" in heard(manager, "STATUS=")
    heard(manager, "WATCHDOG=1")
    heard(manager, "WATCHDOG=1")
    daemon.send_signal(signal.SIGTERM)
    heard(manager, "STOPPING=1")
    assert daemon.wait(SECONDS) == 0


def activated(user: User, manager: socket.socket) -> subprocess.Popen[bytes]:
    """A daemon that was given its socket by the manager, and answers."""
    user.address.parent.mkdir(mode=0o700)
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(str(user.address))
        listening.listen()
        # systemd's own form: the socket is descriptor 3, LISTEN_PID names the process
        code = (
            "import os, sys; fd = int(sys.argv[1]); os.dup2(fd, 3);"
            "os.environ.update(LISTEN_FDS='1', LISTEN_PID=str(os.getpid()));"
            "os.execv(sys.executable, [sys.executable, '-P', '-m', 'csearchd'])"
        )
        daemon = subprocess.Popen(
            [sys.executable, "-P", "-c", code, str(listening.fileno())],
            pass_fds=[listening.fileno()],
            env=user.environment,
            stderr=subprocess.PIPE,
        )
    heard(manager, "READY=1")
    user.take_photos(("cat",))
    assert user.search("a cat", "--in", user.pictures)
    return daemon


def test_a_socket_from_the_manager_is_served_and_left(user: User, manager: socket.socket) -> None:
    daemon = activated(user, manager)
    daemon.terminate()
    assert daemon.wait(SECONDS) == 0
    assert user.address.exists(), "the manager's socket isn't the daemon's to remove"
    assert daemon.stderr is not None and b"Traceback" not in daemon.stderr.read()


def test_sighup_reads_the_configuration_again(user: User) -> None:
    daemon = user.start()
    wait_for(lambda: "ready with" in user.log(), "the service to heed signals")
    user.config.parent.mkdir(parents=True, exist_ok=True)
    user.config.write_text("[scan]\nhidden = true\n")
    daemon.send_signal(signal.SIGHUP)
    (user.pictures / ".hidden").mkdir()
    from support.photos import write_drawn

    write_drawn(user.pictures / ".hidden", 1)
    # The first search may come before the signal.
    wait_for(
        lambda: len(user.search("anything", "--in", user.pictures, check=None)) == 1,
        "the hidden picture",
    )


def test_without_a_runtime_directory(user: User) -> None:
    del user.environment["XDG_RUNTIME_DIR"]
    user.environment["CSEARCH_SOCKET"] = str(user.home / "a.sock")
    user.take_photos(("cat",))
    assert user.search("a cat", "--in", user.pictures)
    assert os.path.exists(user.home / "a.sock")


def test_a_path_that_is_too_long_for_a_socket(user: User) -> None:
    user.environment["CSEARCH_SOCKET"] = "/tmp/" + "x" * 120
    told = user.csearch("-g", "anything", check=2).stderr.decode()
    assert "CSEARCH_SOCKET" in told and "107" in told
