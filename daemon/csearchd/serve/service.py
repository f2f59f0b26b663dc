"""The parts of the running daemon, as the operations see them."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import ParamSpec, TypeVar

from csearchd.config import Config
from csearchd.encode.models import ModelError
from csearchd.encode.serving import Models
from csearchd.library.database import LibraryError
from csearchd.library.durability.summary import Summary
from csearchd.library.history import History
from csearchd.library.library import Library
from csearchd.paths import Paths
from csearchd.search.concepts import Concepts
from csearchd.search.engine import Engine
from csearchd.search.looking import Looking
from csearchd.search.places import PlaceError, Places
from csearchd.serve.folder_names import FolderNames
from csearchd.serve.request import RequestError
from csearchd.supervisor import Supervisor
from csearchd.tags.tagging import Tagging
from csearchd.tags.vocabulary import TagsError
from csearchd.watch.polling import Unanswered
from csearchd.watch.reading import Reading
from csearchd.watch.scanner import Scanner

P = ParamSpec("P")
R = TypeVar("R")

_EXPECTED = (LibraryError, ModelError, PlaceError)
_ANSWERS = (*_EXPECTED, RequestError, TagsError, Unanswered, OSError)  # to whoever asked


@dataclass
class Service:
    """What boot made. Whatever may wait for the database or compute is done in `threads`."""

    paths: Paths
    config: Config
    library: Library
    models: Models
    engine: Engine
    concepts: Concepts
    looking: Looking
    places: Places
    scanner: Scanner
    reading: Reading
    threads: ThreadPoolExecutor
    ending: asyncio.Event
    tagging: Tagging
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
        """`function` in a thread of its own."""
        return await self.outcome(self.threads.submit(function, *args, **kwargs))

    async def outcome(self, future: Future[R]) -> R:
        """What comes of a future; where nobody waits for it any more, its error is logged."""
        try:
            return await asyncio.wrap_future(future)
        except asyncio.CancelledError:
            self.supervisor.watch("what a client has left", future, _ANSWERS)
            raise

    def begin(self, name: str, function: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> None:
        """Runs `function` in a thread, unless the service ends; nobody waits for it."""
        if self.ending.is_set():
            return
        self.supervisor.watch(name, self.threads.submit(function, *args, **kwargs), _EXPECTED)
