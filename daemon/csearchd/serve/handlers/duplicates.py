"""The operation `dupes`: pictures that are the same, nearly the same, or of one burst."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from csearch.protocol.wire import Message
from csearchd.concurrency.threads import Cancellation
from csearchd.concurrency.workers import Workers
from csearchd.library import listings
from csearchd.library.library import Library
from csearchd.library.metadata.details import details
from csearchd.library.metadata.photo_metadata import PhotoMetadata
from csearchd.library.signatures import stored
from csearchd.models.active_model import Models
from csearchd.requests.exchange import Exchange
from csearchd.requests.library import DupesRequest
from csearchd.search.duplicates.best import downloads, richness
from csearchd.search.duplicates.comparison import Comparison
from csearchd.search.duplicates.groups import find_groups
from csearchd.search.duplicates.shots import Contents, Shots
from csearchd.search.engine import Engine
from csearchd.search.request import Scope
from csearchd.serve.client_paths import ClientPaths
from csearchd.serve.indexing_wait import IndexingWait
from csearchd.serve.operations import Handlers
from csearchd.system.files import seconds_of, stored_time
from csearchd.watch.watcher import Watcher

_PARAMETERS = 500  # of a statement
_SHOWN = ("width", "height", "taken")  # of the details of a file
_GROUPS = 200  # in a reply
_TRIES = 16  # as of `Comparison`


class Group(NamedTuple):
    contents: dict[int, float | None]  # with their likeness to the first
    burst: bool = False


class _File(NamedTuple):
    id: int
    content: int
    pixels: int
    size: int
    mtime_ns: int
    path: bytes


class DuplicateHandlers:
    def __init__(
        self,
        library: Library,
        models: Models,
        engine: Engine,
        watcher: Watcher,
        paths: ClientPaths,
        indexing_wait: IndexingWait,
        workers: Workers,
    ) -> None:
        self._library = library
        self._models = models
        self._engine = engine
        self._watcher = watcher
        self._paths = paths
        self._indexing_wait = indexing_wait
        self._workers = workers

    def handlers(self) -> Handlers:
        return {DupesRequest: self._dupes}

    async def _dupes(self, request: DupesRequest, exchange: Exchange) -> Message:
        scope = None
        if request.path is not None:
            path = await self._workers.wait(self._paths.directory, request.path)
            if not await self._workers.answer(listings.was_scanned, self._library, path):
                await self._indexing_wait.wait_for(exchange, [path])
            scope = await self._workers.answer(self._indexing_wait.scope_of, [path])
        found = await self._workers.compute("compare", self._find, scope, bool(request.exact))
        exchange.holds(sum(len(group.contents) for group in found))
        counts = dict.fromkeys(("groups", "files", "near", "bursts", "spare"), 0)
        for start in range(0, len(found), _GROUPS):
            part = found[start : start + _GROUPS]
            described = await self._workers.wait(self._described, part, scope)
            for group in described:
                _count(group, counts)
            await exchange.reply("hits", hits=described)
        unsigned = 0 if request.exact else await self._workers.wait(self._count_unsigned, scope)
        return {**counts, "unsigned": unsigned}

    def _find(
        self, cancellation: Cancellation, scope: Scope | None, only_exact: bool
    ) -> list[Group]:
        """Returns groups of contents, and contents that have several files as groups of one. Raises
        LibraryError."""
        metadata = (
            self._library.photo_metadata if only_exact else self._library.load_photo_metadata()
        )
        with self._library.memory_lock:
            catalogue = self._library.catalogue
            files = np.flatnonzero(catalogue.files_in(scope))
            held = catalogue.content[files]
        files, held = files[held > 0], held[held > 0]
        contents, copies = np.unique(held, return_counts=True)
        several = contents[copies > 1].tolist()
        if only_exact:
            return [Group({content: 1.0}) for content in several]
        active_model = self._models.active_model
        table, calibration = active_model.table, self._engine.calibration(active_model)
        shots = Shots(metadata, files, held)
        comparison = Comparison(self._library, shots, cancellation.check, _TRIES)
        largest_first = _by_size(metadata, files, held, contents)
        near = find_groups(table, calibration, comparison, largest_first, cancellation.check)
        found = [
            Group(dict(zip(some.tolist(), alike.tolist(), strict=True))) for some, alike in near
        ]
        grouped = {content for group in found for content in group.contents}
        found += [Group({content: 1.0}) for content in several if content not in grouped]
        copied = {content for group in found for content in list(group.contents)[1:]}
        others = contents[~np.isin(contents, list(copied))]
        for burst in shots.bursts(table, calibration, others):
            found.append(Group(dict.fromkeys(burst.tolist()), burst=True))
        return found

    def _count_unsigned(self, scope: Scope | None) -> int:
        """The number of files in the scope that have no signature yet. Raises LibraryError."""
        with self._library.read() as database:
            files = stored.files_wanting(database)
        with self._library.memory_lock:
            inside = self._library.catalogue.files_in(scope)
        return sum(1 for file in files if file < len(inside) and inside[file])

    def _described(self, groups: Sequence[Group], scope: Scope | None) -> list[Message]:
        """Returns groups with their files that are still as they were read, the one to keep
        first, but the shots of a burst in their order."""
        every = [content for group in groups for content in group.contents]
        known: dict[int, list[_File]] = {}
        for file in self._files(every, scope):
            known.setdefault(file.content, []).append(file)
        with self._library.read() as database:
            told = details(database, [file.id for some in known.values() for file in some])
        saved_to = downloads().rstrip(b"/") + b"/"

        def order(file: _File) -> tuple[bool, int, int, bool, int, int, bytes]:
            about = told.get(file.id, {})
            return (
                bool(about.get("incomplete")), -file.pixels, -richness(about),
                file.path.startswith(saved_to), seconds_of(file.mtime_ns), file.mtime_ns, file.path,
            )  # fmt: skip

        found: list[Message] = []
        for group in groups:
            there = [
                file
                for content in group.contents
                for file in known.get(content, ())
                if self._watcher.exists(file.path) and _is_unchanged(file)
            ]
            if not group.burst:
                there.sort(key=order)
            files = [_message(file, group.contents[file.content], told) for file in there]
            contents = {file["content"] for file in files}
            if group.burst:
                shots = list({file["content"]: file for file in reversed(files)}.values())[::-1]
                if len(shots) > 1:
                    found.append({"kind": "burst", "exact": False, "files": shots})
            elif len(files) > 1:
                exact = len(contents) == 1
                kind = "exact" if exact else "near"
                found.append({"kind": kind, "exact": exact, "files": files})
        return found

    def _files(self, contents: Sequence[int], scope: Scope | None) -> Iterator[_File]:
        """Yields each file that has one of `contents`, but not those that have changed since, and
        may show something else now."""
        for start in range(0, len(contents), _PARAMETERS):
            part = contents[start : start + _PARAMETERS]
            with self._library.read() as database:
                rows = database.execute(
                    "SELECT f.id, c.id, coalesce(c.width * c.height, 0), f.size, f.mtime_ns, "
                    "f.directory, f.name FROM files f JOIN contents c ON c.id = f.content "
                    f"WHERE NOT f.due AND c.id IN ({','.join('?' * len(part))})",
                    part,
                ).fetchall()
            with self._library.memory_lock:
                tree = self._library.tree
                for *fields, directory, name in rows:
                    inside = scope is None or (directory < len(scope) and scope[directory])
                    if inside and directory in tree:
                        path = tree.path(directory).rstrip(b"/") + b"/" + name
                        yield _File._make((*fields, path))


def _is_unchanged(file: _File) -> bool:
    """Whether a file is still the one that was read: nobody watches those that were only searched
    below a directory."""
    try:
        info = os.lstat(file.path)
    except OSError:
        return False
    return (info.st_size, stored_time(info.st_mtime_ns)) == (file.size, file.mtime_ns)


def _message(file: _File, likeness: float | None, told: dict[int, dict[str, Any]]) -> Message:
    """A file of a group, as it is told."""
    about = told.get(file.id, {})
    return {
        "path": file.path,
        "likeness": likeness and round(likeness, 4),
        "pixels": file.pixels,
        "size": file.size,
        "mtime_ns": file.mtime_ns,
        "content": file.content,
        **{name: about.get(name) for name in _SHOWN},
    }


def _by_size(
    metadata: PhotoMetadata, files: NDArray[np.int64], held: Contents, contents: Contents
) -> Contents:
    """`contents`, of which `held` are those of `files`, the largest picture first."""
    pixels = np.zeros(int(contents.max(initial=0)) + 1, np.float32)
    known = files < len(metadata.megapixel_column)
    pixels[held[known]] = metadata.megapixel_column[files[known]]
    found: Contents = contents[np.lexsort((contents, -pixels[contents]))]
    return found


def _count(group: Message, counts: dict[str, int]) -> None:
    """Adds a group to the counts of the result."""
    if group["kind"] == "burst":
        counts["bursts"] += 1
        return
    counts["groups"] += 1
    counts["near"] += group["kind"] == "near"
    counts["files"] += len(group["files"])
    counts["spare"] += len(group["files"]) - len({file["content"] for file in group["files"]})
