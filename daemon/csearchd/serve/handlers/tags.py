"""The operations `tags-…`: those of csearchctl, and those of the tagger."""

from __future__ import annotations

import asyncio
import functools
import logging
import os

from csearch.protocol.wire import HITS_PER_REPLY, Message
from csearchd.concurrency.threads import Until, setter
from csearchd.errors import LibraryError, TagsError, Unanswered
from csearchd.library import roots
from csearchd.library.metadata.details import details
from csearchd.metadata.keyword_paths import leaf
from csearchd.serve.handlers import tagger_reports
from csearchd.serve.handlers.arguments import (
    asked,
    directory_argument,
    path_argument,
    text_argument,
)
from csearchd.serve.handlers.search import wait_for_reading
from csearchd.serve.request import Request, RequestError
from csearchd.serve.service import Service
from csearchd.system.inode_identity import inode_identity
from csearchd.tags import ledger, tagged_folders
from csearchd.tags.folder_tracker import FolderTracker
from csearchd.tags.ledger import Entry
from csearchd.tags.tasks import (
    MODES,
    TagLocation,
    Task,
    files_at,
    files_in_chunks,
    unfinished,
    watched_root_of,
)
from csearchd.tags.undo.locations import locations, relocated
from csearchd.tags.undo.mark_search import find_marks
from csearchd.tags.writers.exiftool import MISSING, installed

log = logging.getLogger(__name__)

_PARAMETERS = 500  # in one SQL statement
_PROGRESS_SECONDS = 0.1
_KEEP_SECONDS = 2.0  # between looks for what is due in folders that are kept tagged
_MOST_KEEP_SECONDS = 60.0  # where nothing comes of them
_TROUBLE_SECONDS = 5.0  # until the first look at whether a trouble has ended; then it is doubled
_LOST = "it is not there any more, nor found elsewhere"
_CHANGED = "it changed since it was tagged, and what was tagged is not found elsewhere"


async def write(service: Service, request: Request) -> Message:
    """See csearch.protocol.wire."""
    mode = _mode(request)
    path = await service.wait(directory_argument, service, request.message.get("path"))
    await wait_for_reading(service, request, [path])
    task = Task.write(mode, await service.wait(tagged_folders.files_below, service.library, path))
    await _do(service, request, task)
    await _tell_left(request, task.left)
    # What has been written is being read again: `status` shows it from now on.
    if task.changed:
        service.scanner.scan(path)
    return _result(task)


async def preview(service: Service, request: Request) -> Message:
    """What `write` would write, and writes nothing. See csearch.protocol.wire."""
    path = await service.wait(directory_argument, service, request.message.get("path"))
    await wait_for_reading(service, request, [path])
    files = await service.wait(tagged_folders.files_below, service.library, path)
    tagged = 0
    for start in range(0, len(files), HITS_PER_REPLY):
        part = files[start : start + HITS_PER_REPLY]
        hits = await service.slow("compare", _suggested, service, part)
        tagged += sum(1 for hit in hits if hit["tags"])
        await request.reply("hits", hits=hits)
    return {"files": len(files), "tagged": tagged}


def _suggested(until: Until, service: Service, files: list[int]) -> list[Message]:
    """The words that some files would get beside those that they have. Raises RequestError."""
    hits: list[Message] = []
    for start in range(0, len(files), _PARAMETERS):
        until.check()
        part = files[start : start + _PARAMETERS]
        try:
            words = service.tagging.scoring.words(service.models.active_model, part)
        except TagsError as error:
            raise RequestError("tagger", str(error)) from None
        with service.library.read() as database:
            known = details(database, part)
        for file, path, _, _ in files_at(service.library, part):
            there = {word.casefold() for word in known.get(file, {}).get("keywords", ())}
            tags = [
                [word, round(confidence, 3)]
                for word, confidence in words.get(file, ())
                if leaf(word).casefold() not in there
            ]
            hits.append({"path": path, "tags": tags})
    return hits


async def keep(service: Service, request: Request) -> Message:
    mode = _mode(request)
    path = await service.wait(directory_argument, service, request.message.get("path"))
    known = await service.wait(roots.roots, service.library)
    watched = any(roots.is_below(path, root) for root in known)
    if not watched:  # what comes later is seen only there
        await service.wait(roots.add, service.library, path)
        service.scanner.roots_changed()
    await service.wait(tagged_folders.add, service.library, path, mode)
    service.tag_news.set()
    (service.scanner.refresh if watched else service.scanner.scan)(path)
    return {"path": path, "added": not watched}


async def leave(service: Service, request: Request) -> Message:
    path = await service.wait(path_argument, service, request.message.get("path"))
    gone = await service.wait(tagged_folders.remove, service.library, path)
    if not gone:
        above = await service.wait(tagged_folders.enclosing, service.library, path)
        hint = f"; {os.fsdecode(above)} is, with all below it" if above else ""
        raise RequestError("not-found", f"{os.fsdecode(path)} is not kept tagged{hint}")
    return {"paths": gone}


async def undo(service: Service, request: Request) -> Message:
    path, is_there = None, True
    if request.message.get("path") is not None:
        path = await service.wait(path_argument, service, request.message.get("path"))
        above = await service.wait(tagged_folders.enclosing, service.library, path)
        if above:
            raise RequestError(
                "bad-request",
                f"{os.fsdecode(path)} would be tagged again: {os.fsdecode(above)} is kept tagged; "
                "csearchctl tags off ends that",
            )
        is_there = await service.wait(asked, service, path, os.path.lexists)
        if await service.wait(
            asked, service, path, os.path.isdir
        ):  # it may have come from elsewhere
            await wait_for_reading(service, request, [path])
    gone = await service.wait(tagged_folders.remove, service.library, path or b"/")
    found = await service.wait(locations, service.library, path)
    tagged = bool(found or gone)
    if path is not None and not tagged and not is_there:
        raise RequestError("not-found", f"{os.fsdecode(path)}: there is no such file or directory")
    return {**await _take_back(service, request, path, found), "folders": gone}


async def _take_back(
    service: Service, request: Request, path: bytes | None, found: list[TagLocation]
) -> Message:
    """Takes back what is at some places. What isn't there any more is followed to where it is now;
    what is nowhere is told with its last path."""
    library, total = service.library, len(found)
    rows = {place.row for place in found if place.row is not None}
    written: set[bytes | int] = set()
    left: dict[tuple[bytes, str], None] = {}
    kept: set[int] = set()  # rows that were told of
    changed: set[int] = set()
    before, searched = len(rows) + 1, False
    while True:
        task = Task.undo(found)
        await _do(service, request, task)
        written |= task.written
        left |= dict.fromkeys(task.left)
        kept |= task.rows_left
        changed |= task.changed_rows
        await service.wait(ledger.detach, library, task.changed_rows)
        files = [place.file for place in found if place.file is not None]
        await service.wait(ledger.forget_visits, library, files)
        lost = await service.wait(ledger.unsettled, library, rows - kept)
        if lost and len(lost) < before:  # as long as that helps: they may be moved all the time
            before = len(lost)
            await _scan(service, path)
            found = await service.wait(relocated, library, lost)
        elif lost and not searched:
            searched = True
            found = await service.walk(find_marks, library, lost)
        else:
            break
    there = await service.wait(_paths, service, lost)
    for entry in lost:
        reason = _CHANGED if entry.row in changed else _LOST
        left[there.get(entry.file or 0, entry.path), reason] = None
    await _tell_left(request, list(left))
    return {"files": total, "written": len(written), "left": len(left)}


def _paths(service: Service, entries: list[Entry]) -> dict[int, bytes]:
    files = [entry.file for entry in entries if entry.file is not None]
    return {file: path for file, path, _, _ in files_in_chunks(service.library, files)}


async def _scan(service: Service, path: bytes | None) -> None:
    """Waits until the library knows all files that are there."""
    known = await service.wait(roots.roots, service.library)
    if path is not None and await service.wait(asked, service, path, os.path.isdir):
        known.append(path)
    scans = [service.scanner.scan(one) for one in dict.fromkeys(known)]
    while not all(scan.done.is_set() for scan in scans) and not service.scanner.last_error:
        await asyncio.sleep(_PROGRESS_SECONDS)


async def serve(service: Service, request: Request) -> Message:
    """Gives the tagger its work until there is none."""
    entries = await service.wait(ledger.unfinished, service.library)
    tops = await service.wait(roots.roots, service.library)
    directories = {os.path.dirname(entry.path) for entry in entries if not entry.damaged}
    sweep = [[path, watched_root_of(path, tops)] for path in sorted(directories)]
    try:
        begun = False
        async for items in service.tagging.work():
            if not begun:
                most = service.config.encode.max_bytes
                await request.reply("progress", sweep=sweep, max_bytes=most)
                begun = True
            if items:
                await request.reply("hits", hits=items)
            else:
                await request.reply("progress", stop=True)
    except RuntimeError:
        raise RequestError("bad-request", "another tagger is at work") from None
    return {}


async def intend(service: Service, request: Request) -> Message:
    try:
        return {"rows": await service.tagging.intend(tagger_reports.intentions(request.message))}
    except KeyError:
        raise RequestError("bad-request", "that work was given by another service") from None


async def done(service: Service, request: Request) -> Message:
    await service.tagging.done(tagger_reports.outcomes(request.message))
    return {}


async def known(service: Service, request: Request) -> Message:
    mark = text_argument(request.message.get("mark"), "mark")
    entry = await service.wait(ledger.by_mark, service.library, mark)
    if entry is None:
        return {"row": None, "record": None}
    return {"row": entry.row if entry.file is None else None, "record": entry.record}


def hear_news(service: Service) -> None:
    """Whenever the library has changed, `keep_tagged` looks."""
    service.library.on_commit(setter(service.tag_news))


async def settle_unfinished(service: Service) -> None:
    """Sees to what a killed tagger has left."""
    while True:
        try:
            service.tagging.add(Task.settle(await service.wait(unfinished, service.library)))
            return
        except LibraryError:  # status says it already
            await asyncio.sleep(_MOST_KEEP_SECONDS)


async def keep_tagged(service: Service) -> None:
    """Tags what is new in the folders that are kept tagged, whenever the library has changed."""
    news = service.tag_news
    following = FolderTracker(service.library, lambda path: _born(service, path))
    patience, last_error = _KEEP_SECONDS, _TROUBLE_SECONDS
    while True:
        news.clear()  # what comes while this round looks makes another
        before = service.tagging.progress
        kept: dict[bytes, str] = {}
        try:
            await service.tagging.look_again()
            for old, new in await service.wait(following.follow, service.scanner.complete):
                log.info("%s is kept tagged as %s", os.fsdecode(old), os.fsdecode(new))
            kept = await service.wait(tagged_folders.read, service.library)
            due = {path: mode for path, mode in kept.items() if path not in following.strange}
            if due and not service.tagging.is_busy:
                await _tag_due(service, due)
        except LibraryError:
            pass  # status says it already
        except TagsError as error:
            active_model = service.models.active_model
            service.tagging.fail(
                f"folders aren't kept tagged: {error}",
                functools.partial(service.tagging.scoring.check, active_model),
            )
        moved = service.tagging.progress != before
        patience = _KEEP_SECONDS if moved or not kept else min(2 * patience, _MOST_KEEP_SECONDS)
        if service.tagging.recoverable:  # no commit tells that it has ended
            await asyncio.sleep(last_error)
            last_error = min(2 * last_error, _MOST_KEEP_SECONDS)
            continue
        last_error = _TROUBLE_SECONDS
        if not following.strange:
            await news.wait()
        await asyncio.sleep(patience)


def _born(service: Service, path: bytes) -> tuple[int, int] | None:
    """As csearchd.system.inode_identity, where a server may hang."""
    try:
        return service.scanner.watcher.timed_call(path, lambda: inode_identity(path))
    except Unanswered:
        return None


async def _tag_due(service: Service, kept: dict[bytes, str]) -> None:
    edition = await service.wait(service.tagging.scoring.edition, service.models.active_model)
    for path, mode in kept.items():
        files = await service.wait(tagged_folders.due_files, service.library, path, mode, edition)
        if files:
            task = Task.write(mode, files)
            service.tagging.add(task)
            await task.finished.wait()


async def _do(service: Service, request: Request, task: Task) -> None:
    """Waits for the end of a task, and says how far it is; who doesn't wait ends it."""
    service.library.expect_in_place()
    service.tagging.add(task)
    try:
        while not task.finished.is_set():
            await request.reply(
                "progress",
                phase="tagging" if task.kind == "write" else "undoing",
                done=task.done,
                total=task.total,
                failed=len(task.left),
            )
            try:
                await asyncio.wait_for(task.finished.wait(), _PROGRESS_SECONDS)
            except TimeoutError:
                pass
    finally:
        task.cancel()
    if task.error:
        service.tag_news.set()  # who waits for that looks whether the trouble has ended
        raise RequestError("tagger", task.error)


async def _tell_left(request: Request, left: list[tuple[bytes, str]]) -> None:
    left = sorted(left)
    for start in range(0, len(left), HITS_PER_REPLY):
        part = left[start : start + HITS_PER_REPLY]
        await request.reply("hits", hits=[{"path": path, "reason": why} for path, why in part])


def _result(task: Task) -> Message:
    return {"files": task.total, "written": len(task.written), "left": len(task.left)}


def _mode(request: Request) -> str:
    mode = request.message.get("mode")
    if mode not in MODES:
        raise RequestError("bad-request", f"mode must be one of {', '.join(MODES)}")
    if mode == "embedded" and not installed():
        raise RequestError("tagger", MISSING)
    return str(mode)
