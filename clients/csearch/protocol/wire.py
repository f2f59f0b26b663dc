"""How clients and the daemon talk: the address, the frames, the kinds of replies.

The daemon's package csearchd.requests says what can be asked: it names a class for each operation,
which documents its fields, its progress, its hits and its result. With this module and those texts
a client can be written in any language.

Address
    A Unix stream socket: `$CSEARCH_SOCKET` if set, else `csearch/csearch.sock` below
    `$XDG_RUNTIME_DIR`, else below `/run/user/UID`, else `/tmp/csearch-UID/csearch.sock`. Only
    processes of the user who owns the daemon are answered (`SO_PEERCRED`); clients say nothing to
    a listener that is neither their own user's nor root's.

Frames
    Four bytes, the length of what follows as an unsigned big-endian integer; then a msgpack map.
    Text is msgpack `str`; paths are msgpack `bin`: a file name is bytes and need not be UTF-8.
    A frame to the daemon holds at most MAX_REQUEST bytes, one from it at most MAX_REPLY. A peer
    that sends something else gets one `error` with `id` nil and is disconnected.

Requests and replies
    A request is `{"id": INT, "op": STR, …}` with the fields of its operation. `id` is the client's
    choice and comes back in every reply to it. Many requests may be under way on one connection;
    each is answered when its answer is ready, in any order. Every request gets any number of
    `progress` and `hits` replies, then exactly one `result` or `error`:

        {"id", "type": "progress", …}       what is being done; may be ignored
        {"id", "type": "hits", "hits": […]} a part of a long answer, best first
        {"id", "type": "result", …}         the end of the answer
        {"id", "type": "error", "code": STR, "message": STR, "reason": REASON}

    A connection begins with `hello` (csearchd.requests.service.HelloRequest).

    `message` is meant for people: what happened, to which file, what to do. Codes: `bad-request`
    (a message that doesn't fit its operation: the text names the field), `not-found`,
    `not-a-directory`, `denied`, `query`, `picture`, `no-model`, `library`, `newer-client`,
    `restarting`, `tagger`, `busy` (try again later), `idle`, `internal`.

    A REASON is a sentence for programs, {"code": STR, "parameters": MAP, "text": STR}: for those
    that translate it, or tell it from others. Its code is finer than that of the error, and stays
    the same when the English `text` is worded differently (csearchd.reasons lists them all). The
    parameters are by name: texts, numbers, paths (bin), or further reasons. An error whose message
    is for programmers has none.

    A request may bring open files (SCM_RIGHTS, unix(7)): their descriptors are sent with bytes of
    its frame, or earlier on the connection, and `files` is their number, at most MAX_FILES. The
    kernel lets FILES_AT_ONCE be sent with one call of sendmsg(2): so many go with the frame's first
    byte, as many more with its second, and so on. Where those that are under way are more than the
    sender may have open, sendmsg fails with ETOOMANYREFS until the daemon has taken some.

    A connection that closes cancels what it asked for; work on the library goes on. The daemon
    closes one whose message takes longer than 10 s to come, or on which nothing was asked for 10
    minutes; where there are too many, the one that has been idle for longest. Other bounds are in
    csearchd.limits. A client that is turned away is told why, in an `error` with `id` nil.
"""

from __future__ import annotations

import os
import stat
import struct

# The class that socket's own is made of: what socket adds takes 5 ms to import.
from _socket import SO_PEERCRED, SOL_SOCKET, socket
from collections.abc import Iterator

import msgpack

from csearch.protocol.quoting import printable

TYPE_CHECKING = False  # typing takes 2 ms to import
if TYPE_CHECKING:
    from typing import Any

PROTOCOL = 1
MAX_REQUEST = 1 << 20
MAX_REPLY = 16 << 20
HITS_PER_REPLY = 1000
MAX_FILES = 5000  # that come with a request
FILES_AT_ONCE = 253  # Linux: SCM_MAX_FD, of one message with SCM_RIGHTS
RESULTS = b"results"  # the directory for folders of results, in the runtime directory

_LENGTH = struct.Struct(">I")
_PEER = struct.Struct("3i")  # pid, uid, gid
_TEMPORARY = b"/tmp"
_ELSEWHERE = "set XDG_RUNTIME_DIR to a directory of yours, or CSEARCH_SOCKET to a path in one"
_SUN_PATH_MAX = 107  # sizeof(sockaddr_un.sun_path) - 1, unix(7)

Message = dict[str, "Any"]


class ProtocolError(Exception):
    """The peer sent something that is not a frame of this protocol."""


class AddressError(Exception):
    """There is no usable place for the socket; the text says why and what to do."""


def socket_path() -> bytes:
    """Where the daemon's socket is, as an absolute path.

    Raises AddressError where the path is too long for a socket, or where the directory that
    stands in for a runtime directory belongs to somebody else.
    """
    override = os.environb.get(b"CSEARCH_SOCKET")
    if override:
        path = os.path.abspath(override)
    else:
        path = os.path.join(runtime_directory(), b"csearch.sock")
    if len(path) > _SUN_PATH_MAX:
        raise AddressError(
            f"the socket's path has {len(path)} bytes, more than the {_SUN_PATH_MAX} that Linux "
            f"allows: {printable(path)}; set CSEARCH_SOCKET to a shorter one"
        )
    return path


def runtime_directory() -> bytes:
    """The directory of the socket, the lock and folders of results; it need not exist.

    Raises AddressError as socket_path does.
    """
    runtime = os.environb.get(b"XDG_RUNTIME_DIR")
    if runtime and os.path.isabs(runtime):
        return os.path.join(runtime, b"csearch")
    uid = os.getuid()
    standard = b"/run/user/%d" % uid
    if os.path.isdir(standard) and os.access(standard, os.W_OK):
        return os.path.join(standard, b"csearch")
    fallback = os.path.join(_TEMPORARY, b"csearch-%d" % uid)
    try:
        info = os.lstat(fallback)
    except FileNotFoundError:
        return fallback
    if info.st_uid != uid:
        raise AddressError(
            f"{printable(fallback)} belongs to another user (uid {info.st_uid}), and in /tmp only "
            f"they or root can remove it; {_ELSEWHERE}"
        )
    if not stat.S_ISDIR(info.st_mode):
        raise AddressError(f"{printable(fallback)} is not a directory; remove it, or {_ELSEWHERE}")
    if info.st_mode & 0o077:
        raise AddressError(
            f"others can enter {printable(fallback)}; chmod 700 {printable(fallback)} closes it, "
            f"or {_ELSEWHERE}"
        )
    return fallback


def peer_uid(connection: socket) -> int:
    """The user at the other end (SO_PEERCRED, unix(7)); of a listener, who began to listen."""
    return _credentials(connection)[1]


def peer_pid(connection: socket) -> int:
    """Its process; of a listener, the one that began to listen, such as systemd."""
    return _credentials(connection)[0]


def _credentials(connection: socket) -> tuple[int, int, int]:
    found = connection.getsockopt(SOL_SOCKET, SO_PEERCRED, _PEER.size)
    pid, uid, gid = _PEER.unpack(found)
    return pid, uid, gid


def pack(message: Message) -> bytes:
    """`message` as a frame. What isn't Unicode in a text (parts of a path) becomes "?"."""
    body: bytes = msgpack.packb(message, use_bin_type=True, unicode_errors="replace")
    return _LENGTH.pack(len(body)) + body


class Unpacker:
    """Cuts a stream of bytes into messages."""

    def __init__(self, limit: int, elements: int | None = None) -> None:
        """`limit`: bytes of a message; `elements`: of all its arrays and maps together."""
        self._limit = limit
        self._elements = elements
        self._buffer = bytearray()

    def feed(self, data: bytes) -> Iterator[Message]:
        """Yields the messages that `data` completes. Raises ProtocolError."""
        self._buffer += data
        while len(self._buffer) >= _LENGTH.size:
            (length,) = _LENGTH.unpack_from(self._buffer)
            if length > self._limit:
                raise ProtocolError(f"a frame of {length} bytes; at most {self._limit} are allowed")
            end = _LENGTH.size + length
            if len(self._buffer) < end:
                return
            body = bytes(self._buffer[_LENGTH.size : end])
            del self._buffer[:end]
            yield _decode(body, self._elements)

    @property
    def waiting(self) -> int:
        """Bytes of a frame that has begun and is not complete."""
        return len(self._buffer)


def _decode(body: bytes, elements: int | None) -> Message:
    options: dict[str, Any] = {}
    if elements is not None and len(body) > elements:  # each takes a byte at least
        left = elements

        def count(values: Any) -> Any:
            nonlocal left
            left -= len(values)
            if left < 0:
                raise ValueError(f"more than {elements} elements")
            return values

        options = {"list_hook": count, "object_hook": count}
        options |= {"max_array_len": elements, "max_map_len": elements}
    try:
        message = msgpack.unpackb(body, raw=False, strict_map_key=False, **options)
    except Exception as error:  # msgpack's errors have no common base
        raise ProtocolError(f"a frame that is not msgpack: {error}") from error
    if not isinstance(message, dict):
        raise ProtocolError("a frame that is not a map")
    return message
