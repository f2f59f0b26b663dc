"""Contents of pictures: the files that must be read, and the results of reading them."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from csearchd.library.catalogue import FAILED, INDEXED
from csearchd.library.library import Library
from csearchd.library.listings import invalidate, let_be_read, mark_orphans
from csearchd.library.metadata import stored_labels
from csearchd.library.vectors.table import VectorTable
from csearchd.library.volumes import unmounted

METADATA = (
    "taken", "taken_ms", "utc_offset", "date_source", "date_doubtful", "make", "model", "lens",
    "iso", "exposure", "aperture", "focal_length", "latitude", "longitude", "altitude",
    "orientation", "title", "description", "rating", "favourite",
)  # fmt: skip
_FOUND = ("scheme", "identity", "format", "width", "height", "incomplete")  # of a content
_CLOCK_SECONDS = 3600  # after which the state of the clock is stored again
_STAT = ("size", "mtime_ns", "ctime_ns", "inode")


class Job(NamedTuple):
    """A file to read, as its row was when it was queued. Ids are those of rows."""

    file: int
    directory: int
    name: bytes
    stat: tuple[int, int, int, int]  # size, mtime_ns, ctime_ns, inode
    sidecars: int


@dataclass(frozen=True)
class Outcome:
    """The result of a job."""

    job: Job
    # The encoder's `identified` message (encoder.messages), with what `decoded` adds to it
    found: dict[str, Any] | None = None
    vector: bytes | None = None  # float16, little-endian; None if it wasn't encoded
    failure: str | None = None  # why it can't be read or decoded
    unreached: bool = False  # since its directory can't be entered: the next listing tries again
    unsignable: bool = False  # only its content's signature was wanted, and can't be made
    unread: bool = False  # that was wanted, and the file can't be read now: nothing is stored
    paired: bool = False  # a JPEG beside this raw file shows the same, and stands for both


def due(reader: sqlite3.Connection) -> Iterator[Job]:
    """The files that are due, newest first."""
    rows = reader.execute(
        "SELECT id, directory, name, size, mtime_ns, ctime_ns, inode, sidecars FROM files "
        "WHERE due AND directory NOT IN (SELECT directory FROM forgotten) ORDER BY mtime_ns DESC"
    )
    return (job_of(row) for row in rows)


def due_in(reader: sqlite3.Connection, directory: int, limit: int) -> list[Job]:
    """Up to `limit` files in `directory` (an id) that are due, newest first."""
    rows = reader.execute(
        "SELECT id, directory, name, size, mtime_ns, ctime_ns, inode, sidecars FROM files "
        "WHERE due AND directory = ? ORDER BY mtime_ns DESC LIMIT ?",
        (directory, limit),
    )
    return [job_of(row) for row in rows]


def without_vector(reader: sqlite3.Connection, model: int, after: int, limit: int) -> list[Job]:
    """Up to `limit` files, by ascending id from `after` on, whose contents have no vector of
    `model`.
    """
    rows = reader.execute(
        "SELECT f.id, f.directory, f.name, f.size, f.mtime_ns, f.ctime_ns, f.inode, f.sidecars "
        "FROM files f JOIN contents c ON c.id = f.content JOIN directories d ON d.id = f.directory "
        "WHERE f.id > ? AND d.absent IS NULL AND NOT f.due AND f.failure IS NULL "
        "AND c.failure IS NULL AND NOT EXISTS "
        "(SELECT 1 FROM vectors v WHERE v.model = ? AND v.content = c.id) ORDER BY f.id LIMIT ?",
        (after, model, limit),
    )
    return [job_of(row) for row in rows]


def job_of(row: tuple[Any, ...]) -> Job:
    """The job of a row of `files`, with the columns that `due` selects first."""
    return Job(row[0], row[1], row[2], row[3:7], row[7])


def with_outdated_metadata(reader: sqlite3.Connection, after: int, limit: int) -> list[Job]:
    """Up to `limit` files, by ascending id from `after` on, whose metadata an older version
    read."""
    rows = reader.execute(
        "SELECT f.id, f.directory, f.name, f.size, f.mtime_ns, f.ctime_ns, f.inode, f.sidecars "
        "FROM metadata m JOIN files f ON f.id = m.file JOIN directories d ON d.id = f.directory "
        "WHERE d.absent IS NULL AND m.outdated AND m.file > ? AND NOT f.due AND f.failure IS NULL "
        "ORDER BY m.file LIMIT ?",
        (after, limit),
    )
    return [job_of(row) for row in rows]


def count_outdated_metadata(reader: sqlite3.Connection) -> int:
    """The number of files whose metadata an older version read, without those that are due or
    failed.
    """
    (count,) = reader.execute(
        "SELECT count(*) FROM metadata m JOIN files f ON f.id = m.file "
        "JOIN directories d ON d.id = f.directory WHERE m.outdated AND d.absent IS NULL "
        "AND NOT f.due AND f.failure IS NULL"
    ).fetchone()
    return int(count)


def count_not_in_table(library: Library, table: VectorTable) -> int:
    """The number of contents of indexed files that have no vector in `table`.

    It uses the data in memory: the database would take a second for a million, at every start.
    """
    with library.memory_lock:
        catalogue = library.catalogue
        held = np.flatnonzero(catalogue.contents_of(catalogue.state == INDEXED)).astype(np.int32)
    return int(np.count_nonzero(~table.has(held)))


def count_without_vector(reader: sqlite3.Connection, model: int) -> int:
    """The number of contents of files on mounted disks that have no vector of `model`."""
    (count,) = reader.execute(
        "SELECT count(*) FROM contents c WHERE c.failure IS NULL AND c.orphaned IS NULL "
        "AND NOT EXISTS (SELECT 1 FROM vectors v WHERE v.model = ? AND v.content = c.id) "
        "AND EXISTS (SELECT 1 FROM files f JOIN directories d ON d.id = f.directory "
        "WHERE f.content = c.id AND d.absent IS NULL)",
        (model,),
    ).fetchone()
    return int(count)


def is_known(reader: sqlite3.Connection, scheme: int, identity: bytes, model: int) -> bool:
    """Whether a content needs no encoding, since it has a vector of `model` or can't be decoded."""
    row = reader.execute(
        "SELECT 1 FROM contents c WHERE c.scheme = ? AND c.identity = ? AND (c.failure IS NOT NULL "
        "OR EXISTS (SELECT 1 FROM vectors v WHERE v.model = ? AND v.content = c.id))",
        (scheme, identity, model),
    ).fetchone()
    return row is not None


def store(library: Library, model: int, outcomes: Iterable[Outcome]) -> None:
    """Commits the results of some jobs, with vectors of `model`, in one transaction.

    A result is dropped if its file has changed meanwhile. Raises LibraryError.
    """
    vectors: list[tuple[int, NDArray[np.float16] | None]] = []
    with library.write() as database:
        for outcome in outcomes:
            if outcome.unread:
                continue
            content = None
            if outcome.found:
                content = _store_content(database, outcome.found, outcome.failure)
                if signature := outcome.found.get("signature"):
                    _store_signature(database, content, signature)
            if outcome.unsignable:
                database.execute("UPDATE contents SET signed = 1 WHERE id = ?", (content,))
            if content and outcome.vector:
                _store_vector(library, database, model, content, outcome.vector)
                vectors.append((content, np.frombuffer(outcome.vector, "<f2")))
            _store_file(library, database, outcome, content)
            if content:
                mark_orphans(library, database, [content])

        def add() -> None:
            if model in library.tables:
                library.tables[model].change(vectors)

        library.write_after_commit(add)


def _store_content(database: sqlite3.Connection, found: dict[str, Any], failure: str | None) -> int:
    row = database.execute(
        "INSERT INTO contents (scheme, identity, format, width, height, incomplete, failure) "
        "VALUES (:scheme, :identity, :format, :width, :height, coalesce(:incomplete, 0), :failure) "
        "ON CONFLICT (scheme, identity) DO UPDATE SET format = coalesce(:format, format), "
        "width = coalesce(:width, width), height = coalesce(:height, height), "
        "incomplete = coalesce(:incomplete, incomplete), failure = coalesce(:failure, failure) "
        "RETURNING id",
        {"failure": failure, **{name: found.get(name) for name in _FOUND}},
    ).fetchone()
    return int(row[0])


def _store_signature(database: sqlite3.Connection, content: int, signature: bytes) -> None:
    database.execute(
        "INSERT OR REPLACE INTO signatures (content, pixels) VALUES (?, ?)", (content, signature)
    )
    database.execute("UPDATE contents SET signed = 1 WHERE id = ?", (content,))


def _store_vector(
    library: Library, database: sqlite3.Connection, model: int, content: int, vector: bytes
) -> None:
    database.execute(
        "INSERT INTO vectors VALUES (?, ?, ?, 1) ON CONFLICT (model, content) "
        "DO UPDATE SET vector = excluded.vector, passes = passes + 1",
        (model, content, vector),
    )
    library.add_to_counter("encoded", 1)


def _store_file(
    library: Library, database: sqlite3.Connection, outcome: Outcome, content: int | None
) -> None:
    job = outcome.job
    row = database.execute(
        "SELECT size, mtime_ns, ctime_ns, inode, content, due, sidecars FROM files "
        "WHERE id = ? AND directory = ? AND name = ?",
        job[:3],
    ).fetchone()
    if job.directory not in library.tree:
        return  # its disk was unmounted; the file that was read may be another of that name
    if row is None or row[:4] != job.stat or row[6] != job.sidecars:
        return  # it was removed, or has changed and is due again
    stat = [outcome.found[name] for name in _STAT] if outcome.found else list(job.stat)
    if not any(job.stat[2:]):  # they don't tell versions apart on its file system
        stat[2:] = 0, 0
    failure = outcome.failure if content is None else None
    database.execute(
        "UPDATE files SET size = ?, mtime_ns = ?, ctime_ns = ?, inode = ?, content = ?, due = 0, "
        "failure = ?, paired = ? WHERE id = ?",
        (*stat, content, failure, outcome.paired, job.file),
    )
    if outcome.unreached:
        let_be_read(database, job.file)
        invalidate(database, job.directory)
    if content:
        database.execute("UPDATE contents SET orphaned = NULL WHERE id = ?", (content,))
    if row[4] and row[4] != content:
        mark_orphans(library, database, [row[4]])
    if outcome.paired:
        database.execute("DELETE FROM metadata WHERE file = ?", (job.file,))
        for labels in (library.keywords, library.people):
            stored_labels.store(library, database, job.file, labels, ())
        library.after_commit(lambda: library.catalogue.remove([job.file]))
        library.after_commit(lambda: library.photo_metadata.remove([job.file]))
        return
    if outcome.found:
        metadata = outcome.found.get("metadata", {})
        database.execute(
            f"INSERT OR REPLACE INTO metadata (file, outdated, {', '.join(METADATA)}) "
            f"VALUES (?, 0{', ?' * len(METADATA)})",
            (job.file, *(metadata.get(name) for name in METADATA)),
        )
        for labels, key in ((library.keywords, "keywords"), (library.people, "people")):
            stored_labels.store(library, database, job.file, labels, metadata.get(key, ()))
        stored_labels.store_regions(database, job.file, metadata.get("regions", {}))
    state = FAILED if _has_failed(database, content, failure) else INDEXED
    if row[5] and state == INDEXED and not outcome.vector:
        library.add_to_counter("reused", 1)

    def update_memory() -> None:
        library.catalogue.put(job.file, job.directory, content, state)
        library.photo_metadata.put(job.file, stat[1], outcome.found or {})

    # After the commit: a client that waits until nothing is due must then find the committed rows.
    library.after_commit(update_memory)


def _has_failed(database: sqlite3.Connection, content: int | None, failure: str | None) -> bool:
    if failure or content is None:
        return True
    row = database.execute("SELECT failure FROM contents WHERE id = ?", (content,)).fetchone()
    return row[0] is not None


def purge(library: Library, keep: int, limit: int = 1000) -> int:
    """Deletes contents that have had no file for more than `keep` seconds.

    Deletes at most `limit` contents, so that no other transaction waits long. Returns how many it
    deleted. Raises LibraryError.
    """
    now = library.clock.now()
    before = now - keep
    with library.write() as database:
        # The wall clock may have been wrong when the library was created.
        database.execute("UPDATE contents SET orphaned = ? WHERE orphaned > ?", (now, now))
        stored = library.setting("clock")
        if stored is None or now - int(stored.split()[0]) >= _CLOCK_SECONDS:
            library.set("clock", library.clock.state)
        rows = database.execute(
            "SELECT id FROM contents WHERE orphaned < ? AND NOT EXISTS "
            "(SELECT 1 FROM concept_examples WHERE content = contents.id) LIMIT ?",
            (before, limit),
        ).fetchall()
        delete(library, database, [row[0] for row in rows])
        if rows:
            stored_labels.delete_unused(library, database)
    if rows:
        library.vacuum()
    return len(rows)


def without_file(database: sqlite3.Connection, contents: Iterable[int]) -> list[int]:
    """Those of `contents` that no file has."""
    return [
        row[0]
        for row in database.execute(
            "SELECT value FROM json_each(?) WHERE NOT EXISTS "
            "(SELECT 1 FROM files WHERE content = value)",
            (json.dumps(list(contents)),),
        )
    ]


def known_below(library: Library, path: bytes) -> set[int]:
    """The contents of the file at `path`, or of the files below it, mounted or not. Raises
    LibraryError."""
    with library.read() as database:
        held = _contents_below(library, database, path)
        held |= unmounted.contents_of(database, unmounted.directories_at(database, path))
        if not held and (file := unmounted.file_at(database, path)) and file[2]:
            held = {file[2]}
    return held


def _contents_below(library: Library, database: sqlite3.Connection, path: bytes) -> set[int]:
    """The contents of the file at `path`, or of the files below it."""
    directory = library.tree.find(path)
    if directory is not None:
        with library.memory_lock:
            inside = library.catalogue.files_in(library.tree.mask([directory]))
            return {int(content) for content in library.catalogue.content[inside] if content}
    parent, _, name = path.rpartition(b"/")
    rows = database.execute(
        "SELECT content FROM files WHERE directory = ? AND name = ? AND content IS NOT NULL",
        (library.tree.find(parent or b"/"), name),
    )
    return {row[0] for row in rows}


def delete(library: Library, database: sqlite3.Connection, contents: Collection[int]) -> None:
    """Deletes contents without files, and their vectors of all models; inside a `write()`.

    A later content may get the id of a deleted one.
    """
    numbers = json.dumps(list(contents))
    (passes,) = database.execute(
        "SELECT coalesce(sum(passes), 0) FROM json_each(?) JOIN vectors ON content = value",
        (numbers,),
    ).fetchone()
    library.add_to_counter("encoded", -passes)
    library.texts.delete(database, contents)
    for table in ("vectors", "signatures"):
        database.execute(
            f"DELETE FROM {table} WHERE content IN (SELECT value FROM json_each(?))", (numbers,)
        )
    database.execute(
        "DELETE FROM contents WHERE id IN (SELECT value FROM json_each(?))", (numbers,)
    )

    def remove() -> None:
        for table in library.tables.values():
            table.remove_all(contents)

    library.write_after_commit(remove)
