"""Starts the parts of the daemon in order, runs them, and stops them in reverse."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import logging
import os
import signal
import socket
from functools import partial

from csearch.protocol.wire import socket_path
from csearchd.concurrency.lifecycle import Lifecycle
from csearchd.concurrency.single_flight import SingleFlight
from csearchd.concurrency.supervisor import Supervisor
from csearchd.concurrency.threads import Threads
from csearchd.concurrency.workers import Workers
from csearchd.config import Config
from csearchd.desktop.bus import SessionBus
from csearchd.errors import ConfigError, LibraryError, ModelError
from csearchd.indexing.indexer import Indexer
from csearchd.indexing.word_reading import WordReading
from csearchd.library.integrity.summary import Summary
from csearchd.library.library import Library
from csearchd.models.active_model import Models
from csearchd.paths import Paths
from csearchd.reasons import Reason
from csearchd.search.concepts import Concepts
from csearchd.search.engine import Engine
from csearchd.search.history import History
from csearchd.search.image_query import ImageQueries
from csearchd.search.likely_words import LikelyWords
from csearchd.search.places import table
from csearchd.search.places.geocoder import Geocoder
from csearchd.serve.address import OwnSocket, inherited_socket
from csearchd.serve.client_paths import ClientPaths
from csearchd.serve.configuration import Configuration
from csearchd.serve.folder_names import FolderNames
from csearchd.serve.handlers.completion import CompletionHandlers
from csearchd.serve.handlers.concepts import ConceptHandlers
from csearchd.serve.handlers.control import ControlHandlers
from csearchd.serve.handlers.describe import DescribeHandlers
from csearchd.serve.handlers.duplicates import DuplicateHandlers
from csearchd.serve.handlers.explanation import Explanations, RegionHandlers
from csearchd.serve.handlers.filter_values import FilterValues
from csearchd.serve.handlers.hits import Hits
from csearchd.serve.handlers.library import LibraryHandlers
from csearchd.serve.handlers.models import ModelHandlers
from csearchd.serve.handlers.queries import QueryResolver
from csearchd.serve.handlers.search import SearchHandlers
from csearchd.serve.handlers.status import StatusHandlers, StatusReport
from csearchd.serve.handlers.tagger import TaggerHandlers
from csearchd.serve.handlers.tags import TagHandlers
from csearchd.serve.home.handlers import HomeHandlers
from csearchd.serve.indexing_wait import IndexingWait
from csearchd.serve.library_upkeep import RESCUED, THOROUGH, LibraryUpkeep
from csearchd.serve.notify import Notifier
from csearchd.serve.operations import ANSWERS, EXPECTED, Operations
from csearchd.serve.saved.handlers import SavedHandlers
from csearchd.serve.saved.upkeep import SavedUpkeep
from csearchd.serve.server import Server
from csearchd.serve.suggestions.choices import Choices
from csearchd.serve.suggestions.handlers import SuggestionHandlers
from csearchd.serve.suggestions.suggesting import Suggesting
from csearchd.serve.tag_upkeep import TagUpkeep
from csearchd.serve.text_handlers import TextHandlers, TextWait
from csearchd.system.memory import release_free_memory
from csearchd.tags.tag_scorer import TagScorer
from csearchd.tags.task_queue import TaggingQueue
from csearchd.watch.debounce import Debounce
from csearchd.watch.rules import Rules
from csearchd.watch.scanner import Scanner

log = logging.getLogger(__name__)

_PREPARE_SECONDS = 1.0  # until what the first search needs is made, if none has come
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
    # What runs the parts.
    lifecycle, supervisor = Lifecycle(), Supervisor()
    supervisor.catch_all(asyncio.get_running_loop())
    library.report_failure = supervisor.failed
    threads = Threads(lambda future: supervisor.watch("what a client has left", future, ANSWERS))
    workers = Workers(threads, lifecycle, supervisor, EXPECTED)

    # What watches, reads, searches and tags.
    rules, debounce = Rules(config.scan.hidden, config.scan.exclude), Debounce()
    scanner = Scanner(
        library, rules, debounce, lambda: indexer.wake(), lambda: indexer.recount(), supervisor
    )
    watcher = scanner.watcher
    indexer = Indexer(library, models, config.encode, debounce, scanner.list_soon, supervisor)
    word_reading = WordReading(library, indexer, supervisor)
    engine = Engine(library, models, watcher.existing_paths, supervisor.failed)
    library.texts.queue.likely = LikelyWords(models, engine.embed)
    concepts = Concepts(library, models, engine.embed)
    image_queries = ImageQueries(
        library,
        models,
        lambda model: (indexer.settings(model), indexer.config.max_seconds),
        indexer.left_devices,
    )
    places = Geocoder(table.DIRECTORY)
    scoring = TagScorer(library, paths.vocabulary, config.tags, concepts)
    tagging = TaggingQueue(
        library,
        models,
        scoring,
        config.tags.root,
        scanner.list_soon,
        threads.waiting,
        supervisor,
        partial(watcher.timed_call, patient=True),
    )

    # What the operations share.
    configuration = Configuration(paths.config, config, library, models, scanner, indexer, tagging)
    summary = Summary(library)
    report = StatusReport(
        library, summary, models, scanner, indexer, tagging, supervisor, lifecycle
    )
    upkeep = LibraryUpkeep(library, summary, models, indexer, configuration, lifecycle, workers)
    tag_upkeep = TagUpkeep(library, models, scanner, tagging, workers)
    verification = SingleFlight(upkeep.verify)
    client_paths = ClientPaths(library, watcher)
    indexing_wait = IndexingWait(library, scanner, indexer, workers)
    text_wait = TextWait(library, indexer, workers)
    queries = QueryResolver(models, concepts, places, image_queries, client_paths, workers)
    saved = SavedUpkeep(library, models, engine, queries, client_paths, indexing_wait, workers)
    hits = Hits(library, places)
    explanations = Explanations(library, models, engine, scoring)
    filter_values = FilterValues(library, places, FolderNames(library))
    completion = CompletionHandlers(
        library,
        History(paths.history),
        paths.history,
        paths.models,
        filter_values,
        configuration,
        workers,
    )
    operations = Operations(
        SearchHandlers(
            library,
            models,
            engine,
            scanner,
            queries,
            client_paths,
            indexing_wait,
            text_wait,
            hits,
            explanations,
            completion,
            report,
            workers,
        ),
        RegionHandlers(image_queries, queries, workers),
        DuplicateHandlers(library, models, engine, watcher, client_paths, indexing_wait, workers),
        DescribeHandlers(
            library, models, scoring, queries, hits, explanations, client_paths, workers
        ),
        completion,
        SuggestionHandlers(
            Suggesting(filter_values, completion.past_queries),
            Choices(library, filter_values, places),
            workers,
        ),
        HomeHandlers(
            library,
            models,
            scoring,
            places,
            completion.past_queries,
            watcher.existing_paths,
            workers,
        ),
        ConceptHandlers(library, concepts, queries, client_paths, indexing_wait, workers),
        TagHandlers(
            library, models, scanner, tagging, tag_upkeep, client_paths, indexing_wait, workers
        ),
        TaggerHandlers(library, tagging, configuration, workers),
        LibraryHandlers(
            library,
            scanner,
            indexer,
            client_paths,
            report,
            completion,
            verification,
            upkeep.forgotten,
            workers,
        ),
        SavedHandlers(library, saved, queries, client_paths, workers),
        TextHandlers(library, image_queries, queries, client_paths, text_wait, workers),
        ModelHandlers(models, indexer, report, workers),
        StatusHandlers(report, verification, workers),
        ControlHandlers(lifecycle, configuration, indexer, workers),
    )
    listening = own.socket if own else inherited
    assert listening is not None
    server = Server(listening, operations, supervisor)
    bus = SessionBus(operations, library, watcher, workers, supervisor)
    notifier = Notifier()

    if rescued := os.environ.pop(RESCUED, None):
        library.remarks.append(Reason.from_json(rescued))
    for remark in filter(None, [*library.remarks, summary.remark]):
        log.error("%s", remark)

    scanner.start()
    indexer.start()
    word_reading.start()
    supervisor.start("accepting connections", server.run)
    _handle_signals(lifecycle, configuration, workers)
    supervisor.start("purging", upkeep.purge)
    supervisor.start(
        "telling the service manager", lambda: notifier.keep_status(report.line, workers)
    )
    supervisor.start("joining the session bus", bus.run)
    supervisor.start("tidying up after the tagger", tag_upkeep.settle_unfinished)
    supervisor.start("keeping folders tagged", tag_upkeep.keep_tagged)
    supervisor.start("keeping the library", upkeep.keep)
    supervisor.start("filling the folders of saved searches", saved.keep)
    supervisor.start("checking the library", upkeep.check)
    if own:
        supervisor.start("watching the socket", lambda: own.watch(lifecycle))
    supervisor.start("showing signs of life", notifier.show_life)
    notifier.send("READY=1")
    # So that the first filter needn't wait for it.
    workers.begin("loading photo metadata", library.load_photo_metadata)
    loop = asyncio.get_running_loop()
    preparing = loop.call_later(_PREPARE_SECONDS, workers.begin, "preparing", _prepare, engine)
    log.info(
        "ready with %s, %d pictures", models.active_model.model.name, len(models.active_model.table)
    )

    await lifecycle.ended()

    log.info("restarting" if lifecycle.restarts else "ending")
    notifier.send("STOPPING=1")
    preparing.cancel()
    server.stop()
    tagging.stop()
    await supervisor.stop()
    word_reading.stop(_STOP_SECONDS)
    indexer.stop(_STOP_SECONDS)
    scanner.stop(_STOP_SECONDS)
    threads.stop()
    with contextlib.suppress(LibraryError, OSError):  # the next start writes it instead
        summary.update()
    return lifecycle.restarts


def _prepare(engine: Engine) -> None:
    engine.prepare()
    release_free_memory()  # what it took to start, too
    gc.freeze()  # what is there now stays: no need to look through it while somebody waits


def _handle_signals(lifecycle: Lifecycle, configuration: Configuration, workers: Workers) -> None:
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, lifecycle.end)
    loop.add_signal_handler(signal.SIGHUP, workers.begin, "reloading", _reload, configuration)


def _reload(configuration: Configuration) -> None:
    try:
        configuration.reload()
        log.info("the configuration was read again")
    except (ConfigError, LibraryError, ModelError) as error:
        log.error("%s; the old configuration stays", error)
