"""Tags in the extended attribute `user.xdg.tags`, separated by commas.

The mirror is in `user.csearch.tags`. Attributes belong to the inode, so all hard links have them.
"""

from __future__ import annotations

import errno
import os

from csearchd.errors import SkippedFile
from csearchd.metadata.keyword_paths import leaf
from csearchd.spelling import folded
from csearchd.tags.record import Record, read_mirror, skipped_by
from csearchd.tags.writers.carrier import CarrierState, Keywords, without_duplicates
from csearchd.tags.writers.open_file import OpenFile

TAGS = "user.xdg.tags"
MIRROR = "user.csearch.tags"
_UNSUPPORTED = (errno.ENOTSUP, errno.EOPNOTSUPP)


class _Keywords:
    def __init__(self, content: bytes | None) -> None:
        self._tags = _split(content)

    def has(self, word: str, root: str) -> bool:
        return leaf(word).encode() in self._tags

    def is_taken(self, word: str, ours: Record | None) -> bool:
        own = {leaf(one).encode() for one in ours.words} if ours else set()
        theirs = {_fold(tag) for tag in self._tags if tag not in own}
        return folded(leaf(word)) in theirs


class XattrCarrier:
    name = "xattr"

    def read_state(self, path: bytes, top: bytes) -> CarrierState:
        file = OpenFile(path, top)
        try:
            mirror = read_mirror(_get(file.fd, MIRROR))
            return CarrierState(path, _get(file.fd, TAGS), mirror, file)
        except BaseException:
            file.close()
            raise

    def keywords(self, state: CarrierState) -> Keywords:
        return _Keywords(state.content)

    def edited(
        self, state: CarrierState, content: bytes | None, drop: Record | None, add: Record | None
    ) -> bytes | None:
        parts = content.split(b",") if content else []
        if drop:
            ours = {leaf(word).encode() for word in drop.words}
            parts = [part for part in parts if part.strip() not in ours]
        if add:
            parts += [leaf(word).encode() for word in without_duplicates(add.words)]
        if not parts:
            return None if not content or drop else content
        return b",".join(parts)

    def put(self, state: CarrierState, content: bytes | None, record: Record | None) -> None:
        """Sets the tags in one system call, which is atomic, and then the mirror."""
        assert state.picture
        fd = state.picture.fd
        if not state.picture.is_there() or _get(fd, TAGS) != state.content:
            raise SkippedFile("its tags changed meanwhile", is_transient=True)
        try:
            if content != state.content:
                _set(fd, TAGS, content)
            try:
                _set(fd, MIRROR, record.mirror() if record else None)
            except OSError:
                _set(fd, TAGS, state.content)
                raise
        except OSError as error:
            raise _reason(error) from error


def _get(fd: int, name: str) -> bytes | None:
    try:
        return os.getxattr(fd, name)
    except OSError as error:
        if error.errno in (errno.ENODATA, *_UNSUPPORTED):
            return None
        raise _reason(error) from error


def _set(fd: int, name: str, value: bytes | None) -> None:
    """Sets an attribute, or removes it. Raises OSError."""
    if value is not None:
        os.setxattr(fd, name, value)
        return
    try:
        os.removexattr(fd, name)
    except OSError as error:
        if error.errno != errno.ENODATA:
            raise


def _reason(error: OSError) -> SkippedFile:
    if error.errno in _UNSUPPORTED:
        return SkippedFile("its file system has no extended attributes; use --mode sidecar")
    if error.errno in (errno.ENOSPC, errno.E2BIG, errno.EDQUOT):
        # On the disk, or in this file's inode: most file systems report both alike.
        is_transient = error.errno != errno.E2BIG
        return SkippedFile(
            "there is no room for more extended attributes", is_transient=is_transient
        )
    if error.errno in (errno.EACCES, errno.EROFS):
        return SkippedFile("it is read-only")
    return skipped_by(error, "its extended attributes can't be changed")


def _split(content: bytes | None) -> set[bytes]:
    return {part.strip() for part in (content or b"").split(b",")} - {b""}


def _fold(tag: bytes) -> str:
    return folded(tag.decode(errors="replace"))
