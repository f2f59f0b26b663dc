"""The operations of the protocol, one function each; csearch.protocol.wire says what they do."""

from __future__ import annotations

import contextlib
import logging
import os
import re
from collections.abc import Awaitable, Callable

import csearch
from csearch.protocol.wire import HITS_PER_REPLY, PROTOCOL, Message
from csearchd import config as configuration
from csearchd.desktop.pictures import drop_thumbnails
from csearchd.errors import ConfigError, LibraryError, ModelError, TookTooLong, TooMany
from csearchd.library import contents, listings, roots
from csearchd.limits import clipped
from csearchd.serve.handlers import completion, concepts, tags
from csearchd.serve.handlers.arguments import directory_argument, path_argument, text_argument
from csearchd.serve.handlers.describe import describe
from csearchd.serve.handlers.duplicates import dupes
from csearchd.serve.handlers.explanation import regions
from csearchd.serve.handlers.search import search
from csearchd.serve.handlers.status import describe_roots, status
from csearchd.serve.request import Request, RequestError
from csearchd.serve.service import Service
from csearchd.system.resource_limits import shortage
from csearchd.tags import tagged_folders
from csearchd.tags.tasks import files_at
from csearchd.watch.rules import Rules

Operation = Callable[[Service, Request], Awaitable[Message]]


class Operations:
    """Finds the operation of a request and runs it."""

    def __init__(self, service: Service) -> None:
        self._service = service

    async def __call__(self, request: Request) -> Message:
        """Raises RequestError for whatever the client has to be told."""
        name = request.message.get("op")
        operation = _TABLE.get(name) if isinstance(name, str) else None
        if operation is None:
            raise RequestError("bad-request", f"unknown operation {clipped(repr(name))}")
        try:
            return await operation(self._service, request)
        except TookTooLong as error:
            raise RequestError("busy", f"it took too long to answer ({name})") from error
        except TooMany as error:
            text = "too many questions that take long are under way; try again later"
            raise RequestError("busy", text) from error
        except LibraryError as error:
            raise RequestError("library", str(error)) from error
        except ModelError as error:
            raise RequestError("no-model", str(error)) from error
        except (MemoryError, OSError, RuntimeError) as error:
            if what := shortage(error):
                raise RequestError("internal", what) from error
            raise


async def _hello(service: Service, request: Request) -> Message:
    theirs = request.message.get("protocol")
    version = text_argument(request.message.get("version", ""), "version")
    if type(theirs) is not int:
        raise RequestError("bad-request", "protocol must be a whole number")
    if _number(version) > _number(csearch.__version__) and _installed() != csearch.__version__:
        service.restart = True
        service.ending.set()
        raise RequestError("restarting", "csearchd restarts as the version that is installed now")
    if theirs > PROTOCOL:
        raise RequestError(
            "newer-client",
            f"this client (csearch {version}) is newer than the service (csearchd "
            f"{csearch.__version__}, {csearch.__file__}); stop it with `csearchctl stop`, so that "
            "the next search starts yours",
        )
    return {"protocol": PROTOCOL, "version": csearch.__version__, "pid": os.getpid()}


async def _answer(service: Service, request: Request) -> Message:
    target = request.front.find(request.message.get("target"))
    if target:
        target.answer_now.set()
    return {}


async def _status(service: Service, request: Request) -> Message:
    if request.message.get("verify"):
        with contextlib.suppress(LibraryError):  # what keeps it from being looked at is told too
            await _verify(service)
    return await service.run(status, service)


async def _add(service: Service, request: Request) -> Message:
    path = await service.wait(directory_argument, service, request.message.get("path"))
    await service.wait(roots.add, service.library, path)
    service.scanner.roots_changed()
    service.scanner.scan(path)
    service.indexer.retry()
    return {"path": path, "images": await service.run(_count, service, path)}


async def _remove(service: Service, request: Request) -> Message:
    path = await service.wait(path_argument, service, request.message.get("path"))
    images = await service.run(_count, service, path)
    if not await service.wait(roots.remove, service.library, path):
        raise RequestError(
            "not-found", f"{os.fsdecode(path)} is not watched; csearchctl roots lists what is"
        )
    service.scanner.roots_changed()
    for root in await service.run(roots.roots, service.library):
        if roots.is_below(root, path):
            service.scanner.scan(root)
    return {"path": path, "images": images}


async def _roots(service: Service, request: Request) -> Message:
    return {"roots": await service.run(describe_roots, service)}


async def _rescan(service: Service, request: Request) -> Message:
    if request.message.get("path") is None:
        paths = await service.run(roots.roots, service.library)
    else:
        paths = [await service.wait(directory_argument, service, request.message["path"])]
    for path in paths:
        service.scanner.scan(path)
    service.indexer.retry()
    await _verify(service)
    return {"directories": paths}


async def _verify(service: Service) -> None:
    if await service.wait(service.library.verify):
        await service.wait(service.indexer.recount)


async def _pause(service: Service, request: Request) -> Message:
    await service.wait(service.indexer.pause, True)
    return {}


async def _resume(service: Service, request: Request) -> Message:
    await service.wait(service.indexer.pause, False)
    return {}


async def _reload(service: Service, request: Request) -> Message:
    try:
        await service.wait(reload, service)
    except ConfigError as error:
        raise RequestError("bad-request", f"{error}; the old configuration stays") from error
    return {}


def reload(service: Service) -> None:
    """Reads the configuration again and lets it take effect.

    Raises ConfigError, LibraryError or ModelError.
    """
    config = configuration.load(service.paths.config)
    service.models.use_threads(config.search.threads)
    service.config = config
    logging.getLogger().setLevel(config.log.level.upper())
    service.indexer.config = config.encode
    service.tagging.root = config.tags.root
    service.tagging.scoring.config = config.tags
    service.scanner.rules = Rules(config.scan.hidden, config.scan.exclude)
    for path in roots.roots(service.library):
        service.scanner.scan(path)
    service.indexer.wake()


async def _stop(service: Service, request: Request) -> Message:
    service.ending.set()
    return {}


async def _failed(service: Service, request: Request) -> Message:
    found = await service.run(listings.failures, service.library)
    request.holds(len(found))
    for start in range(0, len(found), HITS_PER_REPLY):
        part = found[start : start + HITS_PER_REPLY]
        await request.reply("hits", hits=[{"path": path, "reason": why} for path, why in part])
    retried = 0
    if request.message.get("retry"):
        retried = await service.wait(listings.retry_failed, service.library)
        for path, _ in found:
            if service.library.tree.find(path) is not None:  # else it is a file
                service.scanner.scan(path)
                retried += 1
        service.indexer.retry()
    return {"count": len(found), "retried": retried}


async def _forget(service: Service, request: Request) -> Message:
    path = await service.wait(path_argument, service, request.message.get("path"))
    await completion.forget(service, path)
    known = await service.wait(_paths_below, service, path)
    files = await service.wait(contents.forget_path, service.library, path)
    for picture in known:
        await service.wait(drop_thumbnails, picture)
    if files is None:
        raise RequestError("not-found", f"{os.fsdecode(path)}: nothing is known of it")
    return {"files": files}


def _paths_below(service: Service, path: bytes) -> list[bytes]:
    files = tagged_folders.files_below(service.library, path)
    parts = (files[start : start + 500] for start in range(0, len(files), 500))
    return [row[1] for part in parts for row in files_at(service.library, part)]


async def _models(service: Service, request: Request) -> Message:
    described = await service.run(status, service)
    coming = described["next_model"]
    return {
        "current": described["model"],
        "next": coming["name"] if coming else None,
        "done": coming["done"] if coming else 0,
        "total": coming["total"] if coming else 0,
    }


async def _use(service: Service, request: Request) -> Message:
    name = text_argument(request.message.get("model"), "model")
    model = await service.wait(service.models.use, name)
    await service.wait(service.indexer.recount)
    service.indexer.retry()
    return {"model": model.name, "total": service.indexer.backlog.missing_next_vectors}


def _count(service: Service, path: bytes) -> int:
    with service.library.memory_lock:
        directory = service.library.tree.find(path)
        if directory is None:
            return 0
        inside = service.library.catalogue.files_in(service.library.tree.mask([directory]))
        return int(inside.sum())


def _installed() -> str:
    """The version in the file that a new process would import."""
    try:
        with open(csearch.__file__, encoding="utf-8") as file:
            found = re.search(r'^__version__ = "([^"]+)"', file.read(), re.MULTILINE)
    except OSError:
        return csearch.__version__
    return found[1] if found else csearch.__version__


def _number(version: str) -> list[int]:
    return [int(part) for part in re.findall(r"\d{1,9}", version)]


_TABLE: dict[str, Operation] = {
    "tags-preview": tags.preview,
    "tags-write": tags.write,
    "tags-on": tags.keep,
    "tags-off": tags.leave,
    "tags-undo": tags.undo,
    "tags-serve": tags.serve,
    "tags-intend": tags.intend,
    "tags-done": tags.done,
    "tags-known": tags.known,
    "regions": regions,
    "dupes": dupes,
    "teach": concepts.teach,
    "concepts": concepts.list_concepts,
    "concept-rename": concepts.rename,
    "concept-remove": concepts.remove,
    "hello": _hello,
    "search": search,
    "answer": _answer,
    "status": _status,
    "add": _add,
    "remove": _remove,
    "roots": _roots,
    "rescan": _rescan,
    "pause": _pause,
    "resume": _resume,
    "reload": _reload,
    "stop": _stop,
    "failed": _failed,
    "forget": _forget,
    "describe": describe,
    "complete": completion.complete,
    "history-clear": completion.clear,
    "models": _models,
    "use": _use,
}
