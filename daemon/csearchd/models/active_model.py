"""Which model answers, and which is to answer next."""

from __future__ import annotations

import logging
import threading
from dataclasses import dataclass, replace

from csearchd.errors import ModelError
from csearchd.library.library import Library
from csearchd.library.vectors.table import VectorTable
from csearchd.models.installed import STARTER, Model, find_model, installed_models
from csearchd.models.text_tower import TextTower
from csearchd.reasons import OTHER, Reason
from csearchd.system import processors
from csearchd.system.memory import release_free_memory

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class ActiveModel:
    """A model that can answer: its row, its vectors and its text tower, all in memory."""

    model: Model
    row: int
    table: VectorTable
    tower: TextTower


class Models:
    """The serving model, and the coming one while its vectors are being made.

    Both are settings of the library, so that a change of model goes on after a restart.
    """

    def __init__(self, library: Library, directory: str, threads: int) -> None:
        """`directory` has the installed models. Raises ModelError if none can serve."""
        self._library = library
        self._directory = directory
        self._threads = _threads(threads)
        self._lock = threading.Lock()
        self.last_error: Reason | None = None  # why another model serves than the one in use
        name = library.setting("model") or STARTER
        try:
            self.active_model = self._load(find_model(directory, name))
        except ModelError as error:
            if name == STARTER:
                raise
            log.warning("%s; the built-in model serves instead", error)
            self.last_error = error.reason or OTHER(text=str(error))
            self.active_model = self._load(find_model(directory, STARTER))
        self.next_model: Model | None = None
        if coming := library.setting("next_model"):
            try:
                self.next_model = find_model(directory, coming)
            except ModelError as error:
                log.warning("%s; keeping %s", error, self.active_model.model.name)
                library.set("next_model", None)

    def use(self, name: str) -> Model:
        """Asks for a change to the model `name`. Raises ModelError."""
        with self._lock:
            model = find_model(self._directory, name)
            if model.fingerprint == self.active_model.model.fingerprint:
                self.next_model = self.last_error = None
                with self._library.write():
                    self._library.set("model", model.name)
                    self._library.set("next_model", None)
            else:
                self._library.set("next_model", name)
                self.next_model = model
        return model

    def activate(self, model: Model) -> None:
        """The coming model has all its vectors: it serves from now on. Raises ModelError."""
        active_model = gone = self._load(model)
        try:
            with self._lock:
                if self.next_model != model:
                    return
                with self._library.write():
                    self._library.set("model", model.name)
                    self._library.set("next_model", None)
                gone, self.active_model = self.active_model, active_model
                self.next_model = self.last_error = None
        finally:  # nobody keeps the vectors of the other one up to date
            self._library.release(gone.row)
        log.info("%s serves now", model.name)

    @property
    def fingerprints(self) -> set[str]:
        """Those of the models that are installed, and of those that are in use."""
        used = [self.active_model.model, *([self.next_model] if self.next_model else [])]
        return {model.fingerprint for model in (*used, *installed_models(self._directory))}

    def use_threads(self, threads: int) -> None:
        """Lets the text tower compute in so many threads from now on; 0: as many as pay."""
        with self._lock:
            if _threads(threads) != self._threads:
                self._threads = _threads(threads)
                tower = TextTower(self.active_model.model, self._threads)
                self.active_model = replace(self.active_model, tower=tower)

    def row(self, model: Model) -> int:
        return self._library.model(model.fingerprint, model.name, model.dimensions)

    def _load(self, model: Model) -> ActiveModel:
        tower = TextTower(model, self._threads)  # first: it knows whether the dimensions are right
        row = self.row(model)
        table = self._library.vectors(row, model.dimensions)
        release_free_memory()  # loading both takes twice what they are
        return ActiveModel(model, row, table, tower)


def _threads(asked: int) -> int:
    return asked or min(4, processors.count())
