"""The daemon, from start to end: a recipe."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import logging
import os
import signal
import socket

from csearch.protocol.wire import socket_path
from csearchd.concurrency.supervisor import Supervisor
from csearchd.concurrency.threads import Threads
from csearchd.config import Config
from csearchd.desktop.bus import SessionBus
from csearchd.errors import ConfigError, LibraryError, ModelError
from csearchd.indexing.indexer import Indexer
from csearchd.library import contents, roots
from csearchd.library.durability.summary import Summary
from csearchd.library.library import Library
from csearchd.library.model_cleanup import delete_unused_vectors
from csearchd.models.active_model import Models
from csearchd.paths import Paths
from csearchd.search.concepts import Concepts
from csearchd.search.engine import Engine
from csearchd.search.history import History
from csearchd.search.image_query import ImageQueries
from csearchd.search.places.geocoder import Geocoder
from csearchd.serve import result_folders
from csearchd.serve.address import OwnSocket, inherited_socket
from csearchd.serve.folder_names import FolderNames
from csearchd.serve.handlers.operations import Operations, reload
from csearchd.serve.handlers.status import state, status
from csearchd.serve.handlers.tags import hear_news, keep_tagged, settle_unfinished
from csearchd.serve.library_upkeep import RESCUED, THOROUGH, check_library, keep_library
from csearchd.serve.notify import Notifier
from csearchd.serve.server import Server
from csearchd.serve.service import ANSWERS, Service
from csearchd.system.memory import release_free_memory
from csearchd.tags.tag_scorer import TagScorer
from csearchd.tags.task_queue import TaggingQueue
from csearchd.watch.debounce import Debounce
from csearchd.watch.rules import Rules
from csearchd.watch.scanner import Scanner

log = logging.getLogger(__name__)

_LOOK_SECONDS = 3.0  # between looks at the socket's file
_PREPARE_SECONDS = 1.0  # until what the first search needs is made, if none has come
_STATUS_SECONDS = 30.0  # between lines to the service manager
_PURGE_SECONDS = 300.0  # between purges of contents without files
_STOP_SECONDS = 0.7  # for a thread to end; a hung file system may hold one for ever


def serve(paths: Paths, config: Config) -> bool:
    """Runs the daemon until it is told to end. Returns whether it is to start again.

    The caller holds the lock. Raises LibraryError, ModelError or AddressError where it can't start.
    """
    library = Library(paths.library, paths.cache, os.environ.pop(THOROUGH, None) is not None)
    models = Models(library, paths.models, config.search.threads)
    inherited = inherited_socket()
    own = None if inherited else OwnSocket(socket_path())
    try:
        return asyncio.run(_run(paths, config, library, models, inherited, own))
    finally:
        if own:
            own.remove()
        library.close()


async def _run(
    paths: Paths,
    config: Config,
    library: Library,
    models: Models,
    inherited: socket.socket | None,
    own: OwnSocket | None,
) -> bool:
    supervisor = Supervisor()
    supervisor.catch_all(asyncio.get_running_loop())
    rules = Rules(config.scan.hidden, config.scan.exclude)
    debounce = Debounce()
    scanner = Scanner(
        library,
        rules,
        debounce,
        lambda: indexer.wake(),
        lambda: indexer.recount(),
        supervisor,
    )
    indexer = Indexer(library, models, config.encode, debounce, scanner.list_soon, supervisor)
    threads = Threads(lambda future: supervisor.watch("what a client has left", future, ANSWERS))
    engine = Engine(library, models, scanner.watcher.existing_paths)
    concepts = Concepts(library, models, engine.embed)
    image_queries = ImageQueries(
        library, models, lambda model: (indexer.settings(model), indexer.config.max_seconds)
    )
    places = Geocoder(library.cache)
    ending = asyncio.Event()
    tagging = TaggingQueue(
        library,
        models,
        TagScorer(library, paths.vocabulary, config.tags, concepts),
        config.tags.root,
        scanner.list_soon,
        threads.waiting,
        supervisor,
    )
    service = Service(
        paths,
        config,
        library,
        models,
        engine,
        concepts,
        image_queries,
        places,
        scanner,
        indexer,
        threads,
        ending,
        tagging,
        History(paths.history),
        FolderNames(library),
        Summary(library),
        supervisor,
    )
    if rescued := os.environ.pop(RESCUED, None):
        library.remarks.append(rescued)
    for remark in filter(None, [*library.remarks, service.summary.remark]):
        log.error("%s", remark)
    listening = own.socket if own else inherited
    assert listening is not None
    operations = Operations(service)
    server = Server(listening, operations, supervisor)
    bus = SessionBus(service, operations)
    library.on_commit(bus.changed)
    hear_news(service)
    notifier = Notifier()

    scanner.start()
    indexer.start()
    for path in roots.roots(library):
        scanner.scan(path)
    supervisor.start("accepting connections", server.run)
    _handle_signals(service)
    supervisor.start("purging", lambda: _purge(service))
    supervisor.start("telling the service manager", lambda: _tell(service, notifier))
    supervisor.start("joining the session bus", bus.run)
    supervisor.start("tidying up after the tagger", lambda: settle_unfinished(service))
    supervisor.start("keeping folders tagged", lambda: keep_tagged(service))
    supervisor.start("keeping the library", lambda: keep_library(service))
    supervisor.start("checking the library", lambda: check_library(service))
    if own:
        supervisor.start("watching the socket", lambda: _watch_socket(service, own))
    if seconds := notifier.watchdog_seconds:
        supervisor.start("showing signs of life", lambda: _show_life(notifier, seconds))
    notifier.send("READY=1")
    # So that the first filter needn't wait for it.
    service.begin("loading facts", library.load_photo_metadata)
    loop = asyncio.get_running_loop()
    preparing = loop.call_later(_PREPARE_SECONDS, service.begin, "preparing", _prepare, engine)
    log.info(
        "ready with %s, %d pictures", models.active_model.model.name, len(models.active_model.table)
    )

    await ending.wait()

    log.info("restarting" if service.restart else "ending")
    notifier.send("STOPPING=1")
    preparing.cancel()
    server.stop()
    tagging.stop()
    await supervisor.stop()
    indexer.stop(_STOP_SECONDS)
    scanner.stop(_STOP_SECONDS)
    threads.stop()
    with contextlib.suppress(LibraryError, OSError):  # the next start writes it instead
        service.summary.update()
    return service.restart


def _prepare(engine: Engine) -> None:
    engine.prepare()
    release_free_memory()  # what it took to start, too
    gc.freeze()  # what is there now stays: no need to look through it while somebody waits


def _handle_signals(service: Service) -> None:
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, service.ending.set)
    loop.add_signal_handler(signal.SIGHUP, service.begin, "reloading", _reload, service)


def _reload(service: Service) -> None:
    try:
        reload(service)
        log.info("the configuration was read again")
    except (ConfigError, LibraryError, ModelError) as error:
        log.error("%s; the old configuration stays", error)


async def _purge(service: Service) -> None:
    """Deletes what has had no file, or no model, for long, a little at a time."""
    while True:
        keep = service.config.library.keep_days * 86400
        try:
            while await service.wait(contents.purge, service.library, keep):
                await asyncio.sleep(0.1)
            installed = await service.wait(lambda: service.models.fingerprints)
            while await service.wait(delete_unused_vectors, service.library, installed, keep):
                await asyncio.sleep(0.1)
            await service.wait(service.library.flush_caches)
        except (LibraryError, OSError) as error:
            log.error("%s", error)
        await service.wait(result_folders.remove_old)
        await asyncio.sleep(_PURGE_SECONDS)


async def _tell(service: Service, notifier: Notifier) -> None:
    """Keeps the service manager's line about us true."""
    while notifier.active:
        try:
            now = await service.run(status, service)
        except LibraryError as error:
            notifier.status(str(error))
        else:
            text = f"{state(service, now['pending'], now['scanning'])}: {now['images']} pictures"
            notifier.status(text + (f", {now['pending']} to do" if now["pending"] else ""))
        await asyncio.sleep(_STATUS_SECONDS)


async def _watch_socket(service: Service, own: OwnSocket) -> None:
    """A daemon that nobody can reach any more ends and lets a new one in."""
    while own.is_ours():
        await asyncio.sleep(_LOOK_SECONDS)
    log.warning("%s is not this daemon's socket any more", os.fsdecode(own.address))
    service.ending.set()


async def _show_life(notifier: Notifier, seconds: float) -> None:
    while True:
        notifier.send("WATCHDOG=1")
        await asyncio.sleep(seconds)
