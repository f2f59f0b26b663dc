"""The backlog: which files must be read, in which order, and when the next model is complete.

The next model becomes the active one when no content lacks its vector.
"""

from __future__ import annotations

import sqlite3
import time
from collections import deque
from collections.abc import Iterable, Iterator
from itertools import islice

from csearchd.indexing.growing_files import GrowingFiles
from csearchd.indexing.power_policy import PowerPolicy
from csearchd.library import contents
from csearchd.library.contents import Job, Outcome
from csearchd.library.library import Library
from csearchd.library.roots import is_below
from csearchd.library.signatures import stored
from csearchd.models.active_model import Models
from csearchd.models.installed import Model
from csearchd.system.child_process import SMALL_BATCH
from csearchd.watch.debounce import Debounce

_MAX_QUEUE = 512  # jobs that are looked up at a time
_STAY_SECONDS = 30.0  # that the next model is computed, although new pictures are due


class Backlog:
    """Queues files that are due, newest first; then files whose contents lack a model's vector;
    then files whose metadata an older version has read, or whose contents lack a signature.

    Used by the indexing thread. Any thread may read the counts, and call `prioritise`,
    `stop_prioritising` and `recount`.
    """

    def __init__(
        self, library: Library, models: Models, being_written: Debounce, power_policy: PowerPolicy
    ) -> None:
        """Files that `being_written` holds are not queued. Raises LibraryError."""
        self._library = library
        self._models = models
        self._being_written = being_written
        self._power_policy = power_policy
        self.missing_next_vectors = 0  # contents without a vector of the next model
        self.missing_vectors = 0  # contents without a vector of the active model
        self.outdated_metadata = 0  # files whose metadata an older version read
        self.unsigned = 0  # files whose contents lack a signature
        self.priority_paths: list[bytes] = []  # directories that clients wait for
        self.left_out: list[bytes] = []  # what is being forgotten
        self.queue: deque[tuple[Job, bytes]] = deque()  # the next jobs, with their paths
        self.growing = GrowingFiles()
        self.resting: list[tuple[Job, bytes, float]] = []  # with their directories, and seconds
        self.may_have_more = True  # `fill` may find jobs
        self.held_on_battery = False  # there are pictures to read, but they wait for mains power
        self._hold_on_battery = False  # only few files are read, since the machine is on battery
        self._in_progress: set[int] = set()  # files that were queued and aren't committed
        self._complete: int | None = None  # the row of the model that has all vectors
        self._cursor = (0, 0)  # a model's row, and the last file queued for it
        self._metadata_cursor = 0  # the last file queued for its outdated metadata
        self._signing_cursor = 0  # the last content of which a file was queued for its signature
        self._starts_anew = False  # these cursors must go back, for the next `fill`
        self.signing: set[int] = set()  # files queued for that, which aren't committed
        self._rereading: set[int] = set()  # files queued for that, which aren't committed
        self._switch_at = 0.0  # when the encoder may switch from the next model to the active one
        self.recount()

    @property
    def empty(self) -> bool:
        """Whether nothing is left to read, as far as is known."""
        return not (self.queue or self.may_have_more or self.held_on_battery)

    def recount(self) -> None:
        """Counts missing vectors and signatures, and outdated metadata. Raises LibraryError.

        All files that lack them are tried once more: those of a disk that is mounted now may be
        among those that were passed over.
        """
        next_model = self._models.next_model
        row = self._models.row(next_model) if next_model else 0
        self._complete = None
        with self._library.read() as database:
            self.missing_next_vectors = (
                contents.count_without_vector(database, row) if next_model else 0
            )
            self.outdated_metadata = contents.count_outdated_metadata(database)
            self.unsigned = stored.count_wanting(database)
        self._starts_anew = True
        self.missing_vectors = contents.count_not_in_table(
            self._library, self._models.active_model.table
        )

    def prioritise(self, paths: Iterable[bytes]) -> None:
        """Puts the pictures below `paths`, for which somebody waits, before all others."""
        self.priority_paths.extend(paths)

    def stop_prioritising(self, paths: Iterable[bytes]) -> None:
        """Undoes one `prioritise` with the same paths."""
        for path in paths:
            self.priority_paths.remove(path)

    def hold_on_battery(self, hold: bool) -> None:
        """Sets whether only a few new files, and those with priority, are read."""
        if hold != self._hold_on_battery:
            self._hold_on_battery = hold
            self.clear_queue()

    def clear_queue(self) -> None:
        """Empties the queue, so that files with priority come first."""
        queued = {job.file for job, _ in self.queue}
        self.allow_again(queued)
        self.signing -= queued
        self.queue.clear()
        self._starts_anew = True
        self.may_have_more = True

    def allow_again(self, files: Iterable[int]) -> None:
        """Allows `files` (ids) to be queued again."""
        self._in_progress.difference_update(files)

    def allow_all_but(self, files: Iterable[int]) -> None:
        """Allows all files but these (ids) to be queued again."""
        self._in_progress.intersection_update(files)
        self.signing.intersection_update(files)

    def committed(self, row: int, outcomes: Iterable[Outcome]) -> None:
        """Must be called when outcomes, with vectors of the model `row`, are committed."""
        outcomes = list(outcomes)
        files = {outcome.job.file for outcome in outcomes}
        self.allow_again(files)
        self.outdated_metadata = max(0, self.outdated_metadata - len(files & self._rereading))
        self._rereading -= files
        self.unsigned = max(0, self.unsigned - len(files & self.signing))
        self.signing -= files
        encoded = sum(1 for outcome in outcomes if outcome.vector)
        if row == self._models.active_model.row:
            self.missing_vectors = max(0, self.missing_vectors - encoded)
        else:
            self.missing_next_vectors = max(0, self.missing_next_vectors - encoded)
        self.may_have_more = True

    def fill(self, reader: sqlite3.Connection, model: Model, row: int, idle: bool) -> Model:
        """Fills the queue. Returns the model that is to encode it.

        `model`, with the id `row`, is the current one; `idle`: its encoder has nothing to do. Once
        the next model has all vectors it is activated. Raises LibraryError, or ModelError if the
        next model can't be loaded.
        """
        # Not the ActiveModel itself: `activate` gives its memory back.
        active_row, active = self._models.active_model.row, self._models.active_model.model
        next_model = self._models.next_model
        self.may_have_more = False
        if self._starts_anew:
            self._starts_anew = False
            self._cursor, self._metadata_cursor, self._signing_cursor = (0, 0), 0, 0
        stay = row != active_row and not self.priority_paths and time.monotonic() < self._switch_at
        if not stay:
            self._queue_jobs(self._due_with_priority(reader))
            if not self.queue:
                self._queue_jobs(self._due(reader))
            if self.queue:
                self.may_have_more = True
                return active
        self.held_on_battery = False
        if self._hold_on_battery:
            waiting = self.missing_vectors or self.missing_next_vectors or self.outdated_metadata
            waiting = waiting or self.unsigned
            self.held_on_battery = bool(waiting) or next(contents.due(reader), None) is not None
            return model
        targets = [(active, active_row)] if self._complete != active_row else []
        if next_model:
            targets.append((next_model, self._models.row(next_model)))
        for target, number in targets:
            if self._queue_missing(reader, number):
                if number != row:
                    self._switch_at = time.monotonic() + _STAY_SECONDS
                return target
        if stay:
            self._switch_at, self.may_have_more = 0.0, True  # now the due files are next
        self._cursor = (0, 0)
        self.missing_vectors = (
            contents.count_without_vector(reader, active_row) if self.missing_vectors else 0
        )
        if next_model and idle:
            self.missing_next_vectors = contents.count_without_vector(reader, targets[-1][1])
            if not self.missing_next_vectors:
                self._models.activate(next_model)
        if self.outdated_metadata:
            self._queue_outdated(reader)
        if self.unsigned and not self.queue:
            self._queue_unsigned(reader)
        return model

    def _queue_missing(self, reader: sqlite3.Connection, row: int) -> bool:
        """Queues files without a vector of the model `row`. Returns whether there were any."""
        after = self._cursor[1] if self._cursor[0] == row else 0
        jobs = contents.without_vector(reader, row, after, _MAX_QUEUE)
        if jobs:
            self._queue_jobs(iter(jobs))
            self._cursor = (row, jobs[-1].file)
            self.may_have_more = True
        elif row == self._models.active_model.row and not after:
            self._complete = row
        return bool(jobs)

    def _queue_outdated(self, reader: sqlite3.Connection) -> None:
        """Queues files with outdated metadata; each once, since some may not be readable now."""
        jobs = contents.with_outdated_metadata(reader, self._metadata_cursor, _MAX_QUEUE)
        self._queue_jobs(iter(jobs))
        if jobs:
            self._metadata_cursor = jobs[-1].file
            self._rereading.update(job.file for job in jobs)
            self.may_have_more = True
        else:
            self._rereading.clear()
            self.outdated_metadata = contents.count_outdated_metadata(reader)

    def _queue_unsigned(self, reader: sqlite3.Connection) -> None:
        """Queues files of contents without a signature; each once, since some can't be read
        now."""
        found = stored.wanting(reader, self._signing_cursor, _MAX_QUEUE)
        self._queue_jobs(job for _, job in found)
        if found:
            self._signing_cursor = found[-1][0]
            self.signing |= {job.file for job, _ in self.queue}  # it was empty
            self.may_have_more = True
        else:
            self.unsigned = len(self.signing)  # the others can't be read now

    def _due(self, reader: sqlite3.Connection) -> Iterator[Job]:
        """The files that are due and not in progress; on battery, only a small batch of new
        ones."""
        jobs = (job for job in contents.due(reader) if job.file not in self._in_progress)
        return self._small_batch(jobs) if self._hold_on_battery else jobs

    def _due_with_priority(self, reader: sqlite3.Connection) -> Iterator[Job]:
        """The files that are due in directories with priority. Its cost doesn't grow with the
        number of other files that are due."""
        if not self.priority_paths:
            return
        with self._library.memory_lock:
            tree = self._library.tree
            found = [tree.find(path) for path in self.priority_paths]
            scope = tree.mask(directory for directory in found if directory)
            directories = self._library.catalogue.due_directories(scope)
        for directory in directories:
            yield from contents.due_in(reader, directory, _MAX_QUEUE + len(self._in_progress))

    def _small_batch(self, jobs: Iterable[Job]) -> Iterator[Job]:
        """All of `jobs`, which are sorted newest first, if they are few; else those of files that
        were written since the machine has been on battery, if these are few; else none."""
        newest = list(islice(jobs, SMALL_BATCH + 1))
        if len(newest) > SMALL_BATCH:
            newest = [job for job in newest if job.stat[1] >= self._power_policy.battery_since]
        return iter(newest if len(newest) <= SMALL_BATCH else [])

    def _is_left_out(self, directory: bytes, name: bytes) -> bool:
        path = directory.rstrip(b"/") + b"/" + name
        return any(is_below(path, other) for other in self.left_out)

    def _queue_jobs(self, jobs: Iterator[Job]) -> None:
        """Queues jobs that are not in progress, and whose files are not being written. Those that
        must rest are added to `resting`, and count as in progress."""
        for job in jobs:
            if job.file in self._in_progress:
                continue
            try:
                directory = self._library.tree.path(job.directory)
            except KeyError:
                continue  # the directory was just removed
            if self._being_written.holds(directory, job.name):
                continue
            if self.left_out and self._is_left_out(directory, job.name):
                continue
            if seconds := self.growing.rest(job):
                self.resting.append((job, directory, seconds))
                self._in_progress.add(job.file)
                continue
            self.queue.append((job, directory.rstrip(b"/") + b"/" + job.name))
            self._in_progress.add(job.file)
            self.signing.discard(job.file)
            if len(self.queue) >= _MAX_QUEUE:
                break
