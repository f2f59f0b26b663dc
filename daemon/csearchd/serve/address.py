"""The socket and the lock: one daemon for a library."""

from __future__ import annotations

import asyncio
import fcntl
import logging
import os
import socket
import stat
import time

from csearch.protocol.private_directory import make_directories, make_private
from csearch.protocol.quoting import printable
from csearch.protocol.system_errors import in_words
from csearch.protocol.wire import AddressError
from csearchd.concurrency.lifecycle import Lifecycle
from csearchd.errors import AlreadyServed, LockedError

log = logging.getLogger(__name__)

_LISTEN_FIRST = 3  # SD_LISTEN_FDS_START, sd_listen_fds(3)
# For a daemon that is about to end, or is just starting; less than clients wait for this one, so
# that they hear why it can't serve.
_WAIT_SECONDS = 25.0
_LOOK_SECONDS = 3.0  # between looks at the socket's file
_BACKLOG = 1024  # connections that wait to be accepted: more than come at once


def take_lock(path: str, address: bytes) -> int:
    """Locks the library and returns the descriptor that holds the lock until it is closed.

    It waits for the lock of another daemon, since one that has lost its socket ends by itself.
    Raises AlreadyServed if one answers at `address`, LockedError if one keeps the lock, OSError.
    """
    make_directories(os.path.dirname(path))
    lock = os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
    deadline = time.monotonic() + _WAIT_SECONDS
    while True:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if answers(address):
                os.close(lock)
                raise AlreadyServed from None
            if time.monotonic() > deadline:
                holder = os.pread(lock, 20, 0).decode(errors="replace").strip()
                os.close(lock)
                raise LockedError(
                    f"csearchd with process id {holder or 'unknown'} holds {printable(path)} and "
                    "serves another socket; csearchctl stop ends it, or set XDG_DATA_HOME as well"
                ) from None
            time.sleep(0.05)
            continue
        os.ftruncate(lock, 0)
        os.pwrite(lock, b"%d\n" % os.getpid(), 0)
        return lock


def answers(address: bytes) -> bool:
    """Whether somebody listens at `address`."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
        probe.setblocking(False)
        try:
            probe.connect(address)
        except BlockingIOError:  # more wait for it already than are let to
            return True
        except OSError:
            return False
    return True


def inherited_socket() -> socket.socket | None:
    """Returns the listening socket that systemd opened for us, or None (sd_listen_fds(3))."""
    if os.environ.get("LISTEN_PID") != str(os.getpid()) or os.environ.get("LISTEN_FDS") != "1":
        return None
    os.set_inheritable(_LISTEN_FIRST, True)  # it has to survive a restart in place
    return socket.socket(fileno=_LISTEN_FIRST)


class OwnSocket:
    """A listening socket of our own, and its file."""

    def __init__(self, address: bytes) -> None:
        """Listens at `address`. The caller holds the lock, so a file at which nobody listens is
        stale.

        Raises AddressError.
        """
        self.address = address
        directory = os.path.dirname(address)
        try:
            if os.path.basename(directory).startswith(b"csearch"):
                make_private(directory)
            else:  # $CSEARCH_SOCKET may name a shared one: its mode, and the peer's check, must do
                make_directories(directory)
            if answers(address):
                raise AddressError(
                    f"another program listens at {printable(address)}; end it, or set "
                    "CSEARCH_SOCKET to another path"
                )
            _remove_stale(address)
            self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
            before = os.umask(0o177)
            try:
                self.socket.bind(address)
            finally:
                os.umask(before)
            self.socket.listen(_BACKLOG)
            self._identity = _file_identity(address)
        except OSError as error:
            where = printable(address)
            raise AddressError(f"cannot listen at {where}: {in_words(error)}") from error

    def is_ours(self) -> bool:
        """Whether the file at the address is still the one that was made here."""
        return self._identity is not None and _file_identity(self.address) == self._identity

    async def watch(self, lifecycle: Lifecycle) -> None:
        """Ends the daemon when nobody can reach it any more, so that a new one can start."""
        while self.is_ours():
            await asyncio.sleep(_LOOK_SECONDS)
        log.warning("%s is not this daemon's socket any more", os.fsdecode(self.address))
        lifecycle.end()

    def remove(self) -> None:
        """Removes the file, if it is ours."""
        if self.is_ours():
            os.unlink(self.address)


def _remove_stale(address: bytes) -> None:
    """Removes a socket's file. Raises OSError, and AddressError for a file that is no socket."""
    try:
        info = os.lstat(address)
    except FileNotFoundError:
        return
    if not stat.S_ISSOCK(info.st_mode):
        raise AddressError(
            f"{printable(address)} is a file, not a socket, and stays as it is; remove it, or "
            "set CSEARCH_SOCKET to another path"
        )
    os.unlink(address)


def _file_identity(path: bytes) -> tuple[int, int] | None:
    try:
        info = os.lstat(path)
    except OSError:
        return None
    return info.st_ino, info.st_mtime_ns
