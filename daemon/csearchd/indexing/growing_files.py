"""Lets files that grow rest, so that one that is written slowly isn't read again and again.

A program may write a file in parts, and close it after each, so that nobody can tell the last part.
"""

from __future__ import annotations

import time
from dataclasses import dataclass

from csearchd.library.contents import Job

_MIN_SECONDS, _MAX_SECONDS = 4.0, 30.0  # that a file rests which has grown since it was read
_PAUSES = 2  # it rests for so many times the pause between its last two parts
_FORGET_SECONDS = 60.0  # without a change, after which it isn't growing any more


@dataclass
class _File:
    size: int  # bytes, when it was last read
    inode: int
    last: tuple[int, int]  # size and mtime_ns of the last version that was seen
    seen: float  # when that was first seen, monotonic seconds
    growths: int = 0  # versions that were seen since, each larger than what was read
    rest: float = 0.0  # seconds that the last version must rest


class GrowingFiles:
    """Files that were read in the last minute. Only the indexing thread uses it."""

    def __init__(self) -> None:
        self._files: dict[int, _File] = {}  # by id, those that were read last at the end

    def note_read(self, job: Job) -> None:
        """Must be called when a file is given to the encoder."""
        now = time.monotonic()
        (size, mtime, _, inode), file = job.stat, self._files.pop(job.file, None)
        if file is None or file.inode != inode or now - file.seen > _FORGET_SECONDS:
            file = _File(size, inode, (size, mtime), now)
        file.size = size
        self._files[job.file] = file
        while now - next(iter(self._files.values())).seen > _FORGET_SECONDS:
            del self._files[next(iter(self._files))]

    def rest(self, job: Job) -> float:
        """The seconds that the file must rest before it may be read again; 0 if it may be now."""
        now = time.monotonic()
        (size, mtime, _, inode), file = job.stat, self._files.get(job.file)
        if file is None or file.inode != inode or size <= file.size:
            return 0.0
        if now - file.seen > _FORGET_SECONDS:
            del self._files[job.file]
            return 0.0
        if file.last != (size, mtime):
            file.growths += 1
            pause = now - file.seen if file.growths > 1 else 0.0
            file.rest = min(max(_MIN_SECONDS, _PAUSES * pause), _MAX_SECONDS)
            file.last, file.seen = (size, mtime), now
        return max(0.0, file.seen + file.rest - now)
