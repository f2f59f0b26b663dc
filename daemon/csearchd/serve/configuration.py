"""The configuration that is in effect."""

from __future__ import annotations

import logging

from csearchd import config as configuration
from csearchd.config import Config
from csearchd.indexing.indexer import Indexer
from csearchd.library import roots
from csearchd.library.library import Library
from csearchd.models.active_model import Models
from csearchd.tags.task_queue import TaggingQueue
from csearchd.watch.rules import Rules
from csearchd.watch.scanner import Scanner


class Configuration:
    def __init__(
        self,
        path: str,
        config: Config,
        library: Library,
        models: Models,
        scanner: Scanner,
        indexer: Indexer,
        tagging: TaggingQueue,
    ) -> None:
        """`config` was read from the file at `path`; the other parts are told of a new one."""
        self.current = config
        library.texts.enabled = config.text.enabled
        self.path = path
        self._library = library
        self._models = models
        self._scanner = scanner
        self._indexer = indexer
        self._tagging = tagging

    def reload(self) -> None:
        """Reads the file again and lets it take effect.

        Raises ConfigError, LibraryError or ModelError.
        """
        config = configuration.load(self.path)
        self._models.set_threads(config.search.threads)
        self.current = config
        self._library.texts.enabled = config.text.enabled
        logging.getLogger().setLevel(config.log.level.upper())
        self._indexer.config = config.encode
        self._indexer.left_devices.clear()
        self._tagging.root = config.tags.root
        self._tagging.scoring.config = config.tags
        self._scanner.rules = Rules(config.scan.hidden, config.scan.exclude)
        for path in roots.roots(self._library):
            self._scanner.scan(path)
        self._indexer.wake()
