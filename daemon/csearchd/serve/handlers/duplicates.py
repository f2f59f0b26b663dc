"""The operation `dupes`: pictures that are the same, and nearly the same."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from csearch.protocol.wire import Message
from csearchd.concurrency.threads import Cancellation
from csearchd.concurrency.workers import Workers
from csearchd.library import listings
from csearchd.library.library import Library
from csearchd.models.active_model import Models
from csearchd.requests.exchange import Exchange
from csearchd.requests.library import DupesRequest
from csearchd.search import duplicates
from csearchd.search.engine import Engine
from csearchd.search.request import Scope
from csearchd.serve.client_paths import ClientPaths
from csearchd.serve.indexing_wait import IndexingWait
from csearchd.serve.operations import Handlers
from csearchd.system.files import seconds_of
from csearchd.watch.watcher import Watcher

_PARAMETERS = 500  # of a statement
_GROUPS = 200  # in a reply

Group = dict[int, float]  # contents with their likeness to the first


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
        exchange.holds(sum(map(len, found)))
        count = files = 0
        for start in range(0, len(found), _GROUPS):
            part = found[start : start + _GROUPS]
            described = await self._workers.wait(self._described, part, scope)
            count += len(described)
            files += sum(len(group["files"]) for group in described)
            await exchange.reply("hits", hits=described)
        return {"groups": count, "files": files}

    def _find(
        self, cancellation: Cancellation, scope: Scope | None, only_exact: bool
    ) -> list[Group]:
        """Returns groups of contents, and contents that have several files as groups of one. Raises
        LibraryError."""
        with self._library.memory_lock:
            catalogue = self._library.catalogue
            held = catalogue.content[: len(catalogue.state)][catalogue.files_in(scope)]
        contents, copies = np.unique(held[held > 0], return_counts=True)
        found: list[Group] = []
        if not only_exact:
            active_model = self._models.active_model
            calibration = self._engine.calibration(active_model)
            near = duplicates.find_groups(
                active_model.table, calibration, contents, cancellation.check
            )
            found = [dict(zip(some.tolist(), alike.tolist(), strict=True)) for some, alike in near]
        grouped = {content for group in found for content in group}
        several = contents[copies > 1].tolist()
        return found + [{content: 1.0} for content in several if content not in grouped]

    def _described(self, groups: Sequence[Group], scope: Scope | None) -> list[Message]:
        """Returns groups with their files that still exist, the largest first, then the oldest."""
        rows: dict[int, list[tuple[int, int, int, bytes]]] = {}
        for row in self._files([content for group in groups for content in group], scope):
            rows.setdefault(row[0], []).append(row[1:])
        found: list[Message] = []
        for group in groups:
            files: list[Message] = [
                {"path": path, "likeness": round(likeness, 4), "pixels": pixels, "size": size,
                 "content": content, "mtime_ns": mtime}
                for content, likeness in group.items()
                for pixels, size, mtime, path in rows.get(content, ())
                if self._watcher.exists(path)
            ]  # fmt: skip
            if len(files) > 1:
                files.sort(key=_order)
                exact = len({file["content"] for file in files}) == 1
                found.append({"exact": exact, "files": files})
        return found

    def _files(
        self, contents: Sequence[int], scope: Scope | None
    ) -> Iterator[tuple[int, int, int, int, bytes]]:
        """Yields content, pixels, bytes, time and path of each file that has one of `contents`."""
        for start in range(0, len(contents), _PARAMETERS):
            part = contents[start : start + _PARAMETERS]
            with self._library.read() as database:
                rows = database.execute(
                    "SELECT c.id, coalesce(c.width * c.height, 0), f.size, f.mtime_ns, "
                    "f.directory, f.name FROM files f JOIN contents c ON c.id = f.content "
                    f"WHERE c.id IN ({','.join('?' * len(part))})",
                    part,
                ).fetchall()
            with self._library.memory_lock:
                tree = self._library.tree
                for *fields, directory, name in rows:
                    inside = scope is None or (directory < len(scope) and scope[directory])
                    if inside and directory in tree:
                        path = tree.path(directory).rstrip(b"/") + b"/" + name
                        yield fields[0], fields[1], fields[2], fields[3], path


def _order(file: Message) -> tuple[int, int, int, bytes]:
    """The largest picture first, then the oldest file."""
    changed = file["mtime_ns"]
    return -file["pixels"], seconds_of(changed), changed, file["path"]
