"""The operation `dupes`: the same pictures, and nearly the same ones."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from csearch.protocol.wire import Message
from csearchd.concurrency.threads import Until
from csearchd.library import listings
from csearchd.search import duplicates
from csearchd.search.request import Scope
from csearchd.serve.handlers.arguments import directory_argument
from csearchd.serve.handlers.search import scope_of, wait_for_reading
from csearchd.serve.request import Request
from csearchd.serve.service import Service

_PARAMETERS = 500  # of a statement
_GROUPS = 200  # in a reply

Group = dict[int, float]  # contents with their likeness to the first


async def dupes(service: Service, request: Request) -> Message:
    """See csearch.protocol.wire."""
    scope = None
    if request.message.get("path") is not None:
        path = await service.wait(directory_argument, service, request.message["path"])
        if not await service.run(listings.was_scanned, service.library, path):
            await wait_for_reading(service, request, [path])
        scope = await service.run(scope_of, service, [path])
    only_exact = bool(request.message.get("exact"))
    found = await service.slow("compare", _find, service, scope, only_exact)
    request.holds(sum(map(len, found)))
    count = files = 0
    for start in range(0, len(found), _GROUPS):
        part = found[start : start + _GROUPS]
        described = await service.wait(_described, service, part, scope)
        count += len(described)
        files += sum(len(group["files"]) for group in described)
        await request.reply("hits", hits=described)
    return {"groups": count, "files": files}


def _find(until: Until, service: Service, scope: Scope | None, only_exact: bool) -> list[Group]:
    """Groups of contents, those with several files alone included. Raises LibraryError."""
    with service.library.memory_lock:
        catalogue = service.library.catalogue
        held = catalogue.content[: len(catalogue.state)][catalogue.files_in(scope)]
    contents, copies = np.unique(held[held > 0], return_counts=True)
    found: list[Group] = []
    if not only_exact:
        active_model = service.models.active_model
        calibration = service.engine.calibration(active_model)
        near = duplicates.find_groups(active_model.table, calibration, contents, until.check)
        found = [dict(zip(some.tolist(), alike.tolist(), strict=True)) for some, alike in near]
    grouped = {content for group in found for content in group}
    several = contents[copies > 1].tolist()
    return found + [{content: 1.0} for content in several if content not in grouped]


def _described(service: Service, groups: Sequence[Group], scope: Scope | None) -> list[Message]:
    """Groups with the files that are there, the largest first, then the oldest."""
    rows: dict[int, list[tuple[int, int, int, bytes]]] = {}
    for row in _files(service, [content for group in groups for content in group], scope):
        rows.setdefault(row[0], []).append(row[1:])
    found: list[Message] = []
    for group in groups:
        files: list[Message] = [
            {"path": path, "likeness": round(likeness, 4), "pixels": pixels, "size": size,
             "content": content, "mtime_ns": mtime}
            for content, likeness in group.items()
            for pixels, size, mtime, path in rows.get(content, ())
            if service.scanner.watcher.exists(path)
        ]  # fmt: skip
        if len(files) > 1:
            files.sort(key=lambda file: (-file["pixels"], file["mtime_ns"], file["path"]))
            exact = len({file["content"] for file in files}) == 1
            found.append({"exact": exact, "files": files})
    return found


def _files(
    service: Service, contents: Sequence[int], scope: Scope | None
) -> Iterator[tuple[int, int, int, int, bytes]]:
    """Content, pixels, bytes, time and path of each file that has one of `contents`."""
    for start in range(0, len(contents), _PARAMETERS):
        part = contents[start : start + _PARAMETERS]
        with service.library.read() as database:
            rows = database.execute(
                "SELECT c.id, coalesce(c.width * c.height, 0), f.size, f.mtime_ns, f.directory, "
                "f.name FROM files f JOIN contents c ON c.id = f.content "
                f"WHERE c.id IN ({','.join('?' * len(part))})",
                part,
            ).fetchall()
        with service.library.memory_lock:
            tree = service.library.tree
            for *fields, directory, name in rows:
                inside = scope is None or (directory < len(scope) and scope[directory])
                if inside and directory in tree:
                    path = tree.path(directory).rstrip(b"/") + b"/" + name
                    yield fields[0], fields[1], fields[2], fields[3], path
