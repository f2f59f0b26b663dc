"""The parts of the running daemon, as the operations see them."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Concatenate, ParamSpec, TypeVar

from csearchd.concurrency.supervisor import Supervisor
from csearchd.concurrency.threads import Threads, Until
from csearchd.config import Config
from csearchd.errors import (
    ConfigError,
    Ended,
    ImageQueryError,
    LibraryError,
    ModelError,
    PlaceError,
    TagsError,
    Unanswered,
    UnreadableError,
)
from csearchd.indexing.indexer import Indexer
from csearchd.library.durability.summary import Summary
from csearchd.library.library import Library
from csearchd.models.active_model import Models
from csearchd.paths import Paths
from csearchd.search.concepts import Concepts
from csearchd.search.engine import Engine
from csearchd.search.history import History
from csearchd.search.image_query import ImageQueries
from csearchd.search.places.geocoder import Geocoder
from csearchd.serve.folder_names import FolderNames
from csearchd.serve.request import RequestError
from csearchd.tags.task_queue import TaggingQueue
from csearchd.watch.scanner import Scanner

P = ParamSpec("P")
R = TypeVar("R")

_EXPECTED = (LibraryError, ModelError, PlaceError)
# Answers to whoever asked; after the client has gone they are no faults.
ANSWERS = (
    *_EXPECTED,
    RequestError,
    ConfigError,
    ImageQueryError,
    TagsError,
    Unanswered,
    UnreadableError,
    OSError,
    Ended,
)


@dataclass
class Service:
    """What boot made. Whatever waits or computes is done in `threads`."""

    paths: Paths
    config: Config
    library: Library
    models: Models
    engine: Engine
    concepts: Concepts
    image_queries: ImageQueries
    places: Geocoder
    scanner: Scanner
    indexer: Indexer
    threads: Threads
    ending: asyncio.Event
    tagging: TaggingQueue
    history: History
    folder_names: FolderNames
    summary: Summary
    supervisor: Supervisor
    first_reads: list[bytes] = field(default_factory=list)
    """Directories never seen before, that a client waits for."""
    tag_news: asyncio.Event = field(default_factory=asyncio.Event)
    """There may be something to tag in the folders that are kept tagged."""
    restart: bool = False
    began: float = field(default_factory=time.monotonic)

    async def run(self, function: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> R:
        """`function` in a thread for searches and status, which never wait long."""
        return await self.threads.answer(lambda _: function(*args, **kwargs))

    async def wait(self, function: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> R:
        """`function` in a thread for what may wait for file systems, or writes the library."""
        return await self.threads.wait(lambda _: function(*args, **kwargs))

    async def walk(
        self,
        function: Callable[Concatenate[Until, P], R],
        *args: P.args,
        **kwargs: P.kwargs,
    ) -> R:
        """As `wait`, for what goes through all that the library knows, which may take hours."""
        return await self.threads.walk(lambda until: function(until, *args, **kwargs))

    def begin(self, name: str, function: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> None:
        """Runs `function` in a thread for what may wait, unless the service ends; nobody waits for
        it."""
        if not self.ending.is_set():
            begun = self.threads.waiting.submit(function, *args, **kwargs)
            self.supervisor.watch(name, begun, _EXPECTED)

    async def slow(
        self,
        kind: str,
        function: Callable[Concatenate[Until, P], R],
        *args: P.args,
        **kwargs: P.kwargs,
    ) -> R:
        """`function` in a thread for slow questions of a kind (csearchd.limits.SLOW)."""
        return await self.threads.slow(kind, lambda until: function(until, *args, **kwargs))
