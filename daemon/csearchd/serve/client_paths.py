"""Paths that clients name. The file servers behind them may hang."""

from __future__ import annotations

import errno
import os
from collections.abc import Callable
from typing import TypeVar

from csearchd.errors import RequestError, Unanswered
from csearchd.library.library import Library
from csearchd.reasons import PATH, from_system
from csearchd.reasons import pictures as reasons
from csearchd.system import annex
from csearchd.watch.watcher import Watcher

T = TypeVar("T")


class ClientPaths:
    """Resolves paths and asks about them, in threads that may wait for file systems."""

    def __init__(self, library: Library, watcher: Watcher) -> None:
        self._library = library
        self._watcher = watcher

    def resolve(self, path: bytes) -> bytes:
        """Returns the real path, resolved as far as it exists and file servers answer. A picture in
        git-annex is known by the path of its link."""
        above, name = os.path.split(path)
        link = os.path.join(self._watcher.resolve_local(above), name)
        try:
            if annexed := self._watcher.timed_call(link, lambda: _annexed(link)):
                return annexed
        except Unanswered:
            pass
        path = self._watcher.resolve_local(path)
        try:
            return self._watcher.timed_call(path, lambda: os.path.realpath(path))
        except Unanswered:
            return path

    def directory(self, path: bytes) -> bytes:
        """Returns the real path of a directory. Raises RequestError where it can't be listed."""
        local = self._watcher.resolve_local(path)
        try:
            return self._watcher.timed_call(local, lambda: _real_directory(local), patient=True)
        except Unanswered:
            with self._library.memory_lock:
                if self._library.tree.find(local) is not None:
                    return local  # what is known of it can be found
            raise _unanswered(path) from None
        except NotADirectoryError:
            raise RequestError("not-a-directory", reasons.NOT_A_DIRECTORY(path=path)) from None
        except PermissionError:
            raise RequestError("denied", reasons.DIRECTORY_DENIED(path=path)) from None
        except OSError as error:
            if error.errno == errno.ENOENT:
                raise RequestError("not-found", reasons.NO_DIRECTORY(path=path)) from None
            raise RequestError("not-found", PATH(path=path, reason=from_system(error))) from None

    def ask(self, path: bytes, question: Callable[[bytes], T]) -> T:
        """Returns what `question` says of a real path. Raises RequestError where that fails or
        takes too long."""
        try:
            return self._watcher.timed_call(path, lambda: question(path), patient=True)
        except Unanswered:
            raise _unanswered(path) from None
        except OSError as error:
            raise RequestError("not-found", PATH(path=path, reason=from_system(error))) from None


def _annexed(path: bytes) -> bytes | None:
    """Returns the real path of the link of git-annex at `path`; None if there is none."""
    try:
        target = os.readlink(path)
    except OSError:
        return None
    above = os.path.realpath(os.path.dirname(path))
    return annex.linked_content(above, target) and os.path.join(above, os.path.basename(path))


def _unanswered(path: bytes) -> RequestError:
    return RequestError("not-found", reasons.UNANSWERED(path=path))


def _real_directory(path: bytes) -> bytes:
    """Returns the real path. Raises OSError unless it is a directory that can be listed."""
    real = os.path.realpath(path, strict=True)
    with os.scandir(real):
        return real
