"""The model that answers queries, and the next one, whose vectors are still being computed.

`Models.use` chooses the next model. csearchd.indexing.backlog calls `Models.activate` when all its
vectors are there; until then the old model answers.

A version of the program may bring a starter with another image tower. Its text tower was kept, so
it answers from the vectors of the starter that it succeeds until its own are there.
"""

from __future__ import annotations

import logging
import threading
from dataclasses import dataclass, replace

from csearchd.errors import ModelError
from csearchd.library.library import Library
from csearchd.library.vectors.table import VectorTable
from csearchd.models.identity.checksums import Verifier
from csearchd.models.installed import STARTER, Model, find_model, installed_models
from csearchd.models.pytorch import reading_needs
from csearchd.models.text_tower import TextTower
from csearchd.reasons import OTHER, Reason
from csearchd.system import processors
from csearchd.system.memory import release_free_memory

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class ActiveModel:
    """A model that is loaded and can answer queries."""

    model: Model
    row: int  # its id in the table `models`
    table: VectorTable
    tower: TextTower
    verifier: Verifier


class Models:
    """The active model, and the next one while its vectors are being computed.

    Both are settings in the library, so that a change of model continues after a restart. Any
    thread may call the methods.
    """

    def __init__(self, library: Library, directory: str, threads: int) -> None:
        """Loads the active model from `directory`, where models are installed, or the built-in one
        if it can't be used. `threads`: of the text tower; 0 chooses. Raises ModelError if neither
        can be loaded."""
        self._library = library
        self._directory = directory
        self._threads = _thread_count(threads)
        self.verifier = Verifier(library.cache.directory)
        self._lock = threading.Lock()
        self.last_error: Reason | None = None  # why the built-in model serves instead
        name = library.setting("model") or STARTER
        try:
            self.active_model = self._load(self._serving(find_model(directory, name)))
        except ModelError as error:
            if name == STARTER:
                raise
            log.warning("%s; the built-in model serves instead", error)
            self.last_error = error.reason or OTHER(text=str(error))
            self.active_model = self._load(self._serving(find_model(directory, STARTER)))
        library.set("active_fingerprint", self.active_model.model.fingerprint)
        self.next_model: Model | None = None
        if coming := library.setting("next_model"):
            try:
                self.next_model = find_model(directory, coming)
            except ModelError as error:
                log.warning("%s; keeping %s", error, self.active_model.model.name)
                library.set("next_model", None)

    def use(self, name: str) -> Model:
        """Makes the installed model `name` the next one, or the active one at once if that has its
        vectors of pictures. Returns it. Raises ModelError, also for one that no picture could be
        read with, or LibraryError."""
        with self._lock:
            model = find_model(self._directory, name)
            if model != self.active_model.model and (reason := reading_needs(model)):
                raise ModelError(reason)
            if self.row(model) == self.active_model.row:
                if model != self.active_model.model:  # it has another text tower
                    self.active_model = self._load(model)
                self.next_model = self.last_error = None
                with self._library.write():
                    self._library.set("model", model.name)
                    self._library.set("active_fingerprint", model.fingerprint)
                    self._library.set("next_model", None)
                release_free_memory()
            else:
                self._library.set("next_model", name)
                self.next_model = model
        return model

    def activate(self, model: Model) -> None:
        """Makes `model`, the next one, active, now that all its vectors are there. Raises
        ModelError."""
        try:
            self._replace_active(model)
        finally:  # only now nothing refers to the other model any more
            release_free_memory()

    def _replace_active(self, model: Model) -> None:
        loaded = unused = self._load(model)
        try:
            with self._lock:
                if self.next_model != model:
                    return
                with self._library.write():
                    self._library.set("model", model.name)
                    self._library.set("active_fingerprint", model.fingerprint)
                    self._library.set("next_model", None)
                unused, self.active_model = self.active_model, loaded
                self.next_model = self.last_error = None
        finally:  # nothing keeps the other model's vectors up to date any more
            if unused.row != self.active_model.row:
                self._library.unload_vectors(unused.row)
        log.info("%s serves now", model.name)

    @property
    def fingerprints(self) -> set[str]:
        """The fingerprints of the installed models, the active and the next one included."""
        used = [self.active_model.model, *([self.next_model] if self.next_model else [])]
        models = (*used, *installed_models(self._directory))
        return {name for model in models for name in (model.fingerprint, model.image_fingerprint)}

    def set_threads(self, threads: int) -> None:
        """Sets the number of the text tower's threads; 0 chooses. Raises ModelError."""
        with self._lock:
            if _thread_count(threads) != self._threads:
                self._threads = _thread_count(threads)
                tower = TextTower(self.active_model.model, self._threads)
                self.active_model = replace(self.active_model, tower=tower)
        release_free_memory()

    def row(self, model: Model) -> int:
        """The id of `model` in the table `models`, added if it is new. Raises LibraryError."""
        return self._library.model_row(
            model.fingerprint, model.name, model.dimensions, model.image_fingerprint
        )

    def _serving(self, model: Model) -> Model:
        """`model`, which the settings name as the active one; or if the one that it succeeds was
        active last, that one, with `model` next unless another is.

        Pictures that are new meanwhile are read with the image tower of `model`, since the other
        one has gone: their vectors are comparable, as both image towers were fitted to one text
        tower. Raises LibraryError.
        """
        active = self._library.setting("active_fingerprint")
        if active is None and not self._library.has_vectors(model.fingerprint):
            active = model.succeeds  # the setting is younger than the library
        if active != model.succeeds or not self._library.has_vectors(model.succeeds):
            return model
        if self._library.setting("next_model") is None:
            self._library.set("next_model", model.name)
        return replace(model, fingerprint=model.succeeds, image_fingerprint="", succeeds="")

    def _load(self, model: Model) -> ActiveModel:
        self.verifier.check_text_side(model)
        tower = TextTower(model, self._threads)  # before the table: it checks the dimensions
        row = self.row(model)
        table = self._library.load_vectors(row, model.dimensions)
        release_free_memory()  # loading takes twice the memory of the result
        return ActiveModel(model, row, table, tower, self.verifier)


def _thread_count(requested: int) -> int:
    return requested or min(4, processors.count())
