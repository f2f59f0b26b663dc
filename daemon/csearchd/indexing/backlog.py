"""What is to be read, and what of it comes next."""

from __future__ import annotations

import sqlite3
import time
from collections import deque
from collections.abc import Iterable, Iterator
from itertools import islice

from csearchd.indexing.power_policy import PowerPolicy
from csearchd.library import contents
from csearchd.library.contents import Job, Outcome
from csearchd.library.library import Library
from csearchd.models.active_model import Models
from csearchd.models.installed import Model
from csearchd.system.child_process import SMALL_BATCH
from csearchd.watch.debounce import Debounce

_CHOICE = 512  # jobs that are looked up at a time
_STAY_SECONDS = 30.0  # with the coming model, though new pictures want the serving one


class Backlog:
    """Due files, newest first; then contents of which a model lacks the vector; then files of which
    an older version took the metadata.

    Used by the indexing thread. Any thread may read the counts, and call `prioritise`,
    `stop_prioritising` and `recount`.
    """

    def __init__(
        self, library: Library, models: Models, being_written: Debounce, power_policy: PowerPolicy
    ) -> None:
        """Files that `being_written` holds are left alone. Raises LibraryError."""
        self._library = library
        self._models = models
        self._being_written = being_written
        self._power_policy = power_policy
        self.missing_next_vectors = 0  # contents that the coming model lacks
        self.missing_vectors = 0  # contents that the serving model lacks
        self.outdated_metadata = 0  # files whose metadata an older version took
        self.priority_paths: list[bytes] = []  # directories that somebody waits for
        self.queue: deque[tuple[Job, bytes]] = deque()  # what comes next, with its path
        self.look = True  # there may be work that hasn't been looked for
        self.held_on_battery = False  # there are pictures to read, but the battery is spared
        self._sparing = False  # the battery is to be spared
        self._held: set[int] = set()  # files that have been chosen and aren't committed
        self._complete: int | None = None  # the model that lacks no vector, as far as is known
        self._cursor = (0, 0)  # a model, and the last file that was chosen since it lacks a vector
        self._renewed = 0  # the last file that was chosen since its metadata are outdated
        self._renewing: set[int] = set()  # files that are read for that, and aren't committed
        self._change_at = 0.0  # when the encoder may change from the coming model to the serving
        self.recount()

    @property
    def empty(self) -> bool:
        """Whether nothing is left, as far as has been looked."""
        return not (self.queue or self.look or self.held_on_battery)

    def recount(self) -> None:
        """Counts what the models lack. Raises LibraryError."""
        coming = self._models.next_model
        row = self._models.row(coming) if coming else 0
        self._complete = None
        with self._library.read() as database:
            self.missing_next_vectors = (
                contents.count_without_vector(database, row) if coming else 0
            )
            self.outdated_metadata = contents.count_outdated_metadata(database)
        self.missing_vectors = contents.count_not_in_table(
            self._library, self._models.active_model.table
        )

    def prioritise(self, paths: Iterable[bytes]) -> None:
        """Puts the pictures below `paths`, for which somebody waits, before all others."""
        self.priority_paths.extend(paths)

    def stop_prioritising(self, paths: Iterable[bytes]) -> None:
        for path in paths:
            self.priority_paths.remove(path)

    def spare(self, sparing: bool) -> None:
        """Whether the battery is to be spared from now on."""
        if sparing != self._sparing:
            self._sparing = sparing
            self.release()

    def release(self) -> None:
        """Empties the queue: something else may have to go first."""
        self.let_go(job.file for job, _ in self.queue)
        self.queue.clear()
        self._cursor = (0, 0)
        self._renewed = 0
        self.look = True

    def let_go(self, files: Iterable[int]) -> None:
        """These files may be chosen again."""
        self._held.difference_update(files)

    def keep(self, files: Iterable[int]) -> None:
        """All chosen files but these may be chosen again."""
        self._held.intersection_update(files)

    def committed(self, row: int, outcomes: Iterable[Outcome]) -> None:
        """What came of some files is in the library, with vectors of the model `row`."""
        outcomes = list(outcomes)
        files = {outcome.job.file for outcome in outcomes}
        self.let_go(files)
        self.outdated_metadata = max(0, self.outdated_metadata - len(files & self._renewing))
        self._renewing -= files
        made = sum(1 for outcome in outcomes if outcome.vector)
        if row == self._models.active_model.row:
            self.missing_vectors = max(0, self.missing_vectors - made)
        else:
            self.missing_next_vectors = max(0, self.missing_next_vectors - made)
        self.look = True

    def choose(self, reader: sqlite3.Connection, model: Model, row: int, idle: bool) -> Model:
        """Fills the queue. Returns the model that the vectors are to be of.

        `model`, of that row, is the one whose encoder runs; `idle`: it has nothing left to do.
        Raises LibraryError, or ModelError where the coming model is complete but can't serve.
        """
        active_model, coming = self._models.active_model, self._models.next_model
        self.look = False
        stay = (
            row != active_model.row
            and not self.priority_paths
            and time.monotonic() < self._change_at
        )
        if not stay:
            self._queue_jobs(self._wanted_due(reader))
            if not self.queue:
                self._queue_jobs(self._due(reader))
            if self.queue:
                self.look = True
                return active_model.model
        self.held_on_battery = False
        if self._sparing:
            waiting = self.missing_vectors or self.missing_next_vectors or self.outdated_metadata
            self.held_on_battery = bool(waiting) or next(contents.due(reader), None) is not None
            return model
        targets = (
            [(active_model.model, active_model.row)] if self._complete != active_model.row else []
        )
        if coming:
            targets.append((coming, self._models.row(coming)))
        for target, number in targets:
            if self._lacks(reader, number):
                if number != row:
                    self._change_at = time.monotonic() + _STAY_SECONDS
                return target
        if stay:
            self._change_at, self.look = 0.0, True  # what has been put off is next
        self._cursor = (0, 0)
        self.missing_vectors = (
            contents.count_without_vector(reader, active_model.row) if self.missing_vectors else 0
        )
        if coming and idle:
            self.missing_next_vectors = contents.count_without_vector(reader, targets[-1][1])
            if not self.missing_next_vectors:
                self._models.activate(coming)
        if self.outdated_metadata:
            self._renew(reader)
        return model

    def _lacks(self, reader: sqlite3.Connection, row: int) -> bool:
        """Queues files of which the model `row` lacks the vector. Returns whether there are any."""
        after = self._cursor[1] if self._cursor[0] == row else 0
        jobs = contents.without_vector(reader, row, after, _CHOICE)
        if jobs:
            self._queue_jobs(iter(jobs))
            self._cursor = (row, jobs[-1].file)
            self.look = True
        elif row == self._models.active_model.row and not after:
            self._complete = row
        return bool(jobs)

    def _renew(self, reader: sqlite3.Connection) -> None:
        """Queues files whose metadata are outdated: each once, since some can't be read now."""
        jobs = contents.with_outdated_metadata(reader, self._renewed, _CHOICE)
        self._queue_jobs(iter(jobs))
        if jobs:
            self._renewed = jobs[-1].file
            self._renewing.update(job.file for job in jobs)
            self.look = True
        else:
            self._renewing.clear()
            self.outdated_metadata = contents.count_outdated_metadata(reader)

    def _due(self, reader: sqlite3.Connection) -> Iterator[Job]:
        """Due files: where somebody waits for some that aren't under way, only those. On battery
        none but those, and a handful of new ones."""
        free = (job for job in contents.due(reader) if job.file not in self._held)
        return self._handful(free) if self._sparing else free

    def _wanted_due(self, reader: sqlite3.Connection) -> Iterator[Job]:
        """Due files that somebody waits for. Costs nothing that grows with the number of all that
        are due."""
        if not self.priority_paths:
            return
        with self._library.memory_lock:
            tree = self._library.tree
            found = [tree.find(path) for path in self.priority_paths]
            scope = tree.mask(directory for directory in found if directory)
            directories = self._library.catalogue.due_directories(scope)
        for directory in directories:
            yield from contents.due_in(reader, directory, _CHOICE + len(self._held))

    def _handful(self, jobs: Iterable[Job]) -> Iterator[Job]:
        """The jobs, newest first, if they are few; else those of files written since the machine
        has been on battery, if those are."""
        newest = list(islice(jobs, SMALL_BATCH + 1))
        if len(newest) > SMALL_BATCH:
            newest = [job for job in newest if job.stat[1] >= self._power_policy.battery_since]
        return iter(newest if len(newest) <= SMALL_BATCH else [])

    def _queue_jobs(self, jobs: Iterator[Job]) -> None:
        for job in jobs:
            if job.file in self._held:
                continue
            try:
                directory = self._library.tree.path(job.directory)
            except KeyError:
                continue  # it has just been removed
            if self._being_written.holds(directory, job.name):
                continue
            self.queue.append((job, directory.rstrip(b"/") + b"/" + job.name))
            self._held.add(job.file)
            if len(self.queue) >= _CHOICE:
                break
