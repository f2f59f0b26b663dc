"""Paths that clients name: checked, and resolved, wherever a server of files may hang."""

from __future__ import annotations

import errno
import os
from collections.abc import Callable
from typing import TypeGuard, TypeVar

from csearchd import limits
from csearchd.errors import Unanswered
from csearchd.serve.request import RequestError
from csearchd.serve.service import Service

T = TypeVar("T")


def path_argument(service: Service, path: object) -> bytes:
    """A path that need not exist any more, resolved as far as it does. Raises RequestError."""
    if not is_path(path):
        raise RequestError("bad-request", "a path must be absolute (bin)")
    return resolved(service, path)


def is_path(path: object) -> TypeGuard[bytes]:
    """Whether it is an absolute path that the kernel would take."""
    return (
        isinstance(path, bytes)
        and path.startswith(b"/")
        and b"\0" not in path
        and len(path) <= limits.PATH_BYTES
    )


def shown(path: bytes) -> str:
    """A path in a message; what is no UTF-8 becomes "?"."""
    return os.fsdecode(path).encode(errors="replace").decode()


def text_argument(value: object, name: str, most: int = limits.NAME) -> str:
    """A text of at most so many characters. Raises RequestError."""
    if not isinstance(value, str):
        raise RequestError("bad-request", f"{name} must be a text")
    if len(value) > most:
        raise RequestError("bad-request", f"{name} has {len(value)} characters; at most {most}")
    return value


def resolved(service: Service, path: bytes) -> bytes:
    """The real path, as far as servers of files answer."""
    path = service.scanner.watcher.resolve_local(path)
    try:
        return service.scanner.watcher.timed_call(path, lambda: os.path.realpath(path))
    except Unanswered:
        return path


def directory_argument(service: Service, path: object) -> bytes:
    """The real path of a directory that a client names. Raises RequestError."""
    if not is_path(path):
        raise RequestError("bad-request", "a directory must be given as an absolute path (bin)")
    local = service.scanner.watcher.resolve_local(path)
    try:
        return service.scanner.watcher.timed_call(
            local, lambda: _real_directory(local), patient=True
        )
    except Unanswered:
        with service.library.memory_lock:
            if service.library.tree.find(local) is not None:
                return local  # what is known of it can be found
        raise _unanswered(path) from None
    except NotADirectoryError:
        raise RequestError("not-a-directory", f"{shown(path)}: is not a directory") from None
    except PermissionError:
        raise RequestError("denied", f"{shown(path)}: permission denied") from None
    except OSError as error:
        reason = "no such directory" if error.errno == errno.ENOENT else error.strerror
        raise RequestError("not-found", f"{shown(path)}: {reason}") from None


def asked(service: Service, path: bytes, question: Callable[[bytes], T]) -> T:
    """What `question` says of a real path. Raises RequestError where that fails, or takes too
    long."""
    try:
        return service.scanner.watcher.timed_call(path, lambda: question(path), patient=True)
    except Unanswered:
        raise _unanswered(path) from None
    except OSError as error:
        raise RequestError("not-found", f"{shown(path)}: {error.strerror}") from None


def _unanswered(path: bytes) -> RequestError:
    return RequestError("not-found", f"{shown(path)}: its file system doesn't answer")


def _real_directory(path: bytes) -> bytes:
    """Raises OSError unless it can be listed."""
    real = os.path.realpath(path, strict=True)
    with os.scandir(real):
        return real
