"""The operation `status`: what the service knows and does."""

from __future__ import annotations

import contextlib
import os
import shlex
import time

import numpy as np

from csearch import __version__
from csearch.protocol.wire import Message
from csearchd.concurrency.lifecycle import Lifecycle
from csearchd.concurrency.single_flight import SingleFlight
from csearchd.concurrency.supervisor import Supervisor
from csearchd.concurrency.timed_calls import TimedCalls
from csearchd.concurrency.workers import Workers
from csearchd.errors import LibraryError, Unanswered
from csearchd.indexing.indexer import Indexer
from csearchd.library import contents, roots
from csearchd.library.catalogue import DUE, FAILED, INDEXED
from csearchd.library.contents import Job
from csearchd.library.integrity.summary import Summary
from csearchd.library.library import Library
from csearchd.library.removal import purging
from csearchd.library.signatures import stored
from csearchd.library.volumes.unmounted import unmounted_roots
from csearchd.models.active_model import Models
from csearchd.models.pytorch import reading_needs
from csearchd.reasons import Reason, told
from csearchd.reasons import service as reasons
from csearchd.requests.exchange import Exchange
from csearchd.requests.service import StatusRequest
from csearchd.search.request import Scope
from csearchd.serve.operations import Handlers
from csearchd.system.filesystem import Mount
from csearchd.tags import tagged_folders
from csearchd.tags.task_queue import TaggingQueue
from csearchd.watch.scanner import Scanner

_ROOT_SECONDS = 1.0  # for a disk to say whether a root is there
_NEXT_JOBS = 5000  # of a backlog, among which those of a scope are looked for


class StatusReport:
    """Describes the service and its library; used in threads that never wait long."""

    def __init__(
        self,
        library: Library,
        summary: Summary,
        models: Models,
        scanner: Scanner,
        indexer: Indexer,
        tagging: TaggingQueue,
        supervisor: Supervisor,
        lifecycle: Lifecycle,
    ) -> None:
        self._library = library
        self._summary = summary
        self._models = models
        self._scanner = scanner
        self._indexer = indexer
        self._tagging = tagging
        self._supervisor = supervisor
        self._lifecycle = lifecycle
        self._disks = TimedCalls(_ROOT_SECONDS)

    def status(self, ask: bool = False) -> Message:
        """Returns, after programs that provide file systems were asked whether they still run if
        `ask`:

        state     idle, scanning, encoding or paused
        model     name of the model that answers
        next_model  None, or {name, done, total} of the model that will answer
        images    files that can be found now
        pending   files known to need work
        encoded   image-tower passes ever made for what is kept
        reused    files that were recognised and not encoded again
        reason    why nothing is read, where the user didn't ask for that: text, or None
        failed    files that can't be read or decoded
        text      words in pictures, {read, pending, failed}: files whose words are known, are still
                  to be read, can't be read; text_reason: why none are read, text, or None
        forgetting  forgotten files of which what was known is still to be deleted
        rate      files read a second, lately; remaining: seconds left, or None
        roots     [{path, present, images, pending, failed, watch, directories, reconciled, failure,
                  every, lost}]; watch: how changes are noticed: "watched" as they happen, "polled"
                  (scanned now and then, on file systems that don't tell of changes) or "scanned"
                  (every few minutes, where there is too much to watch); directories: how many are
                  watched; reconciled: when it was last compared with the disk as a whole, seconds
                  since 1970, or None; failure: why it can't be listed at present, or None; every:
                  seconds between scans of one that is polled, or None before the first; lost: how
                  often events were lost so far. A root whose disk isn't
                  mounted has present: False, path: where it was last, absent: since when (seconds
                  since 1970), waiting: its files, which come back with it; nothing of it is in the
                  other counts
        known     [{path, images, pending, failed}]: what was read for searches below directories
                  that aren't watched, without the roots in them
        watch     {directories: how many are watched, lost: how often events were lost so far,
                  unread: paths of network and cloud mounts below roots that nobody has added}
        scanning  [path]: what is being compared with the disk
        tags      {folders: [{path, mode, present, watched: whether it is in a root, left: pictures
                  that were left alone}] that are kept tagged, waiting: pictures to be tagged or
                  whose tags are being taken back, trouble: what went wrong last, or None}
        notes     what can't be done at the moment, and why: lines for the user; and what has failed
                  in the background since yesterday
        remarks   the notes as reasons (csearch.protocol.wire)
        tasks     [{name, failures: how often, error: the last one, at: when that was (seconds since
                  1970), running: whether it goes on}] of background work that has failed
        version, pid, uptime (seconds), memory (bytes, resident), encoder (its process id or None)
        """
        indexer, scanner = self._indexer, self._scanner
        if ask:
            scanner.notice_ended_mounts()
        active_model, next_model = self._models.active_model, self._models.next_model
        with self._library.memory_lock:
            catalogue = self._library.catalogue
            images = int(np.count_nonzero(active_model.table.has(catalogue.content)))
            due, failed = catalogue.count(DUE), catalogue.count(FAILED)
            counters = dict(self._library.counters)
        # After `due`, so that what isn't due any more is counted here.
        text = self._library.texts.counts()
        text_reason = self._library.texts.remark or self._library.texts.last_error
        scanning = scanner.scanning
        left_out = scanner.watcher.remote.unread_below()
        unread = [unread_mount(mount) for mount in left_out]
        backlog = indexer.backlog
        pending = (
            due
            + backlog.missing_vectors
            + (backlog.missing_next_vectors if next_model else 0)
            + max(backlog.outdated_metadata, backlog.unsigned)  # mostly the same files
        )
        rate = indexer.rate if pending and not (indexer.paused or backlog.held_on_battery) else 0.0
        return {
            "state": self._state(pending, scanning),
            "model": active_model.model.name,
            "next_model": self._next_model(images),
            "images": images,
            "pending": pending,
            "reason": "waiting: on battery"
            if backlog.held_on_battery and not indexer.paused
            else None,
            "encoded": counters["encoded"],
            "reused": counters["reused"],
            "failed": failed,
            "text": text._asdict(),
            "text_reason": str(text_reason) if text_reason else None,
            "forgetting": purging.count(self._library),
            "rate": round(rate, 1),
            "remaining": round(pending / rate) if rate > 0 else None,
            "roots": self.roots(),
            "known": self.known(),
            "watch": {
                "directories": scanner.watcher.watched_directories,
                "lost": scanner.watcher.overflows,
                "unread": [mount.point for mount in left_out],
            },
            "scanning": scanning,
            "tags": self._tags(),
            **told(self.remarks() + unread + self._supervisor.remarks),
            "tasks": self._supervisor.failures,
            "version": __version__,
            "pid": os.getpid(),
            "uptime": round(time.monotonic() - self._lifecycle.began),
            "memory": _resident(),
            "encoder": indexer.encoder_pid,
        }

    def line(self) -> str:
        """Returns the state in one line, for the service manager. Raises LibraryError."""
        now = self.status()
        text = f"{now['state']}: {now['images']} pictures"
        return text + (f", {now['pending']} to do" if now["pending"] else "")

    def remarks(self, reading: bool = True) -> list[Reason]:
        """Returns what keeps pictures from being found or, with `reading`, from being read, as
        lines for the user."""
        scanner, models = self._scanner, self._models
        found = [scanner.last_error, scanner.incomplete_reason, scanner.watcher.last_error]
        found += [
            models.last_error,
            *models.verifier.remarks,
            models.active_model.table.last_error,
            *self._library.cache.damaged,
        ]
        found += [self._library.last_error, *self._library.remarks, self._summary.remark]
        found += self._reading() if reading else []
        return list(dict.fromkeys(remark for remark in found if remark))

    def _reading(self) -> list[Reason | None]:
        """Returns what is said of the reading of pictures, and what slows or keeps it up."""
        indexer, models = self._indexer, self._models
        found = [
            indexer.last_error,
            reading_needs(models.active_model.model),
            indexer.encoder_remark,
        ]
        backlog = indexer.backlog
        if indexer.paused:
            found.append(reasons.PAUSED())
        elif backlog.held_on_battery:
            found.append(reasons.ON_BATTERY())
        elif indexer.throttled:
            found.append(reasons.SLOWED())
        elif backlog.missing_vectors:
            model = models.active_model.model.name
            found.append(reasons.READ_FOR_MODEL(count=backlog.missing_vectors, model=model))
        elif backlog.outdated_metadata:
            found.append(reasons.READ_FOR_METADATA(count=backlog.outdated_metadata))
        elif backlog.unsigned:
            found.append(reasons.READ_FOR_SIGNATURES(count=backlog.unsigned))
        return found

    @property
    def reads_anything_again(self) -> bool:
        """Whether pictures that were read are read again, wherever they are."""
        backlog = self._indexer.backlog
        return bool(backlog.missing_vectors or backlog.outdated_metadata or backlog.unsigned)

    def reads_again(self, scope: Scope) -> bool:
        """Returns whether pictures in a scope in which none is due are read again soon: for another
        model, their metadata or a signature. Raises LibraryError."""
        backlog = self._indexer.backlog
        if backlog.missing_vectors:
            with self._library.memory_lock:
                catalogue = self._library.catalogue
                files = catalogue.files_in(scope) & (catalogue.state == INDEXED)
                held = np.flatnonzero(catalogue.contents_of(files)).astype(np.int32)
            if not self._models.active_model.table.has(held).all():
                return True
        jobs: list[Job] = []
        if backlog.outdated_metadata or backlog.unsigned:
            with self._library.read() as database:
                jobs += contents.with_outdated_metadata(database, 0, _NEXT_JOBS)
                jobs += (job for _, job in stored.wanting(database, 0, _NEXT_JOBS))
        return any(job.directory < len(scope) and scope[job.directory] for job in jobs)

    def known(self) -> list[Message]:
        """Returns what is known beside the roots, as in `status`. Raises LibraryError."""
        described: list[Message] = []
        watched = roots.roots(self._library)
        table = self._models.active_model.table
        for path in roots.unwatched(self._library):
            with self._library.memory_lock:
                tree, catalogue = self._library.tree, self._library.catalogue
                directory = tree.find(path)
                if directory is None:
                    continue  # it has just been forgotten
                inner = [tree.find(root) for root in watched if roots.is_below(root, path)]
                scope = tree.mask([directory]) & ~tree.mask(root for root in inner if root)
                inside = catalogue.files_in(scope)
                counts = {
                    "images": int(np.count_nonzero(table.has(catalogue.content[inside]))),
                    "pending": catalogue.count(DUE, scope),
                    "failed": catalogue.count(FAILED, scope),
                }
            if any(counts.values()):
                described.append({"path": path, **counts})
        return described

    def roots(self) -> list[Message]:
        """Returns the roots as in `status`. Raises LibraryError."""
        described: list[Message] = []
        table = self._models.active_model.table
        watcher = self._scanner.watcher
        for path, reconciled, failure in roots.last_scans(self._library):
            mode = watcher.mode(path)
            present = mode == "polled" or self._is_directory(path)
            with self._library.memory_lock:
                directory = self._library.tree.find(path)
                if directory is None:
                    continue  # it has just been removed
                scope = self._library.tree.mask([directory])
                catalogue = self._library.catalogue
                inside = catalogue.files_in(scope)
                described.append(
                    {
                        "path": path,
                        "present": present,
                        "images": int(np.count_nonzero(table.has(catalogue.content[inside]))),
                        "pending": catalogue.count(DUE, scope),
                        "failed": catalogue.count(FAILED, scope),
                        "watch": mode,
                        "directories": watcher.watched_below(path),
                        "reconciled": reconciled,
                        "failure": failure,
                        "every": watcher.remote.interval(path),
                        "lost": watcher.overflows_since(path),
                    }
                )
        with self._library.read() as database:
            away = unmounted_roots(database)
        described += [
            {
                "path": root.path,
                "present": False,
                "absent": root.since,
                "waiting": root.files,
                "images": 0,
                "pending": 0,
                "failed": 0,
                "watch": None,
                "directories": 0,
                "reconciled": None,
                "failure": None,
                "every": None,
                "lost": 0,
            }
            for root in away
        ]
        return described

    def _is_directory(self, path: bytes) -> bool:
        """Whether a root is there; True where its disk doesn't answer in time."""
        try:
            return self._disks.call(path, lambda: os.path.isdir(path))
        except Unanswered:
            return True

    def _state(self, pending: int, scanning: list[bytes]) -> str:
        if self._indexer.paused:
            return "paused"
        if scanning:
            return "scanning"
        if self._indexer.backlog.held_on_battery and pending:
            return "paused"
        return "encoding" if pending else "idle"

    def _tags(self) -> Message:
        kept = tagged_folders.read(self._library)
        left = tagged_folders.count_skipped(self._library, kept)
        watched = roots.roots(self._library) if kept else []
        there = self._scanner.watcher.exists
        return {
            "folders": [
                {
                    "path": path,
                    "mode": mode,
                    "present": there(path),
                    "watched": any(roots.is_below(path, root) for root in watched),
                    "left": left[path],
                }
                for path, mode in kept.items()
            ],
            "waiting": self._tagging.waiting,
            "trouble": self._tagging.last_error,
        }

    def _next_model(self, images: int) -> Message | None:
        next_model = self._models.next_model
        if next_model is None:
            return None
        missing = self._indexer.backlog.missing_next_vectors
        return {"name": next_model.name, "done": max(0, images - missing), "total": images}


class StatusHandlers:
    def __init__(
        self, report: StatusReport, verification: SingleFlight[None], workers: Workers
    ) -> None:
        """`verification` looks for damaged files in the cache."""
        self._report = report
        self._verification = verification
        self._workers = workers

    def handlers(self) -> Handlers:
        return {StatusRequest: self._status}

    async def _status(self, request: StatusRequest, exchange: Exchange) -> Message:
        if request.verify:
            with contextlib.suppress(LibraryError):  # why it can't be looked at is told too
                await self._verification.run()
        return await self._workers.answer(self._report.status, True)


def unread_mount(mount: Mount) -> Reason:
    """Returns a remark on a network or cloud file system that is not read."""
    command = f"csearchctl add {shlex.quote(os.fsdecode(mount.point))}"
    return reasons.MOUNT_NOT_READ(path=mount.point, kind=mount.kind, command=command)


def _resident() -> int:
    with open("/proc/self/statm") as file:
        return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")
