"""Files as if the encoder had looked at them, in a library without any."""

from __future__ import annotations

import os

from csearchd.library import contents
from csearchd.library.library import Library


def look(library: Library, path: str, number: int) -> int:
    """Stores that a file has the content of this number; returns that content's id."""
    directory, _, name = path.rpartition("/")
    with library.read() as database:
        (row,) = database.execute(
            "SELECT id, directory, name, size, mtime_ns, ctime_ns, inode, sidecars FROM files "
            "WHERE directory = ? AND name = ?",
            (library.tree.find(os.fsencode(directory)), os.fsencode(name)),
        ).fetchall()
    job = contents.job_of(row)
    stat = dict(zip(("size", "mtime_ns", "ctime_ns", "inode"), job.stat, strict=True))
    found = {"scheme": 1, "identity": number.to_bytes(32, "big"), "format": "JPEG", **stat}
    contents.store(library, 1, [contents.Outcome(job, found)])
    with library.read() as database:
        (content,) = database.execute(
            "SELECT content FROM files WHERE id = ?", (job.file,)
        ).fetchone()
    return int(content)
