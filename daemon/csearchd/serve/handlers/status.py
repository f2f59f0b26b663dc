"""What the daemon says of itself: the `status` operation and `csearchctl status --json`."""

from __future__ import annotations

import os
import time

import numpy as np

from csearch import __version__
from csearch.protocol.wire import Message
from csearchd.indexing.power_policy import BATTERY, LOAD
from csearchd.library import roots
from csearchd.library.catalogue import DUE, FAILED
from csearchd.library.volumes.unmounted import unmounted_roots
from csearchd.serve.service import Service
from csearchd.tags import tagged_folders


def status(service: Service) -> Message:
    """state     idle, scanning, encoding or paused
    model     name of the model that answers
    next_model  None, or {name, done, total} of the model that will answer
    images    files that can be found now
    pending   files known to need work
    encoded   image-tower passes ever made for what is kept
    reused    files that were recognised and not encoded again
    reason    why nothing is read, where the user didn't ask for that: text, or None
    failed    files that can't be read or decoded
    rate      files read a second, lately; remaining: seconds left, or None
    roots     [{path, present, images, pending, failed, watch, directories, reconciled, lost}];
              watch: how changes are noticed: "watched" as they happen, "polled" (scanned every
              minute, on file systems whose changes are not told) or "scanned" (every few minutes,
              where too much is to be watched); directories: how many are watched; reconciled: when
              it was last compared with the disk as a whole, seconds since 1970, or None; lost: how
              often events were lost so far. A root whose disk isn't mounted has present: False,
              path: where it was last, absent: since when (seconds since 1970), waiting: its files,
              which come back with it; nothing of it is in the other counts
    watch     {directories: how many are watched, lost: how often events were lost so far}
    scanning  [path]: what is being compared with the disk
    tags      {folders: [{path, mode, present, watched: whether it is in a root, left: pictures that
              were left alone}] that are kept tagged, waiting: pictures to be tagged or whose
              tags are being taken back, trouble: what went wrong last, or None}
    notes     what can't be done at the moment, and why: lines for the user; and what has failed in
              the background since yesterday
    tasks     [{name, failures: how often, error: the last one, at: when that was (seconds since
              1970), running: whether it goes on}] of background work that has failed
    version, pid, uptime (seconds), memory (bytes, resident), encoder (its process id or None)
    """
    indexer, scanner = service.indexer, service.scanner
    active_model, coming = service.models.active_model, service.models.next_model
    with service.library.memory_lock:
        catalogue = service.library.catalogue
        images = int(np.count_nonzero(active_model.table.has(catalogue.content)))
        due, failed = catalogue.count(DUE), catalogue.count(FAILED)
        counters = dict(service.library.counters)
    scanning = scanner.scanning
    pending = (
        due
        + indexer.backlog.missing_vectors
        + (indexer.backlog.missing_next_vectors if coming else 0)
        + indexer.backlog.outdated_metadata
    )
    rate = (
        indexer.rate if pending and not (indexer.paused or indexer.backlog.held_on_battery) else 0.0
    )
    return {
        "state": state(service, pending, scanning),
        "model": active_model.model.name,
        "next_model": _coming(service, images),
        "images": images,
        "pending": pending,
        "reason": "waiting: on battery"
        if indexer.backlog.held_on_battery and not indexer.paused
        else None,
        "encoded": counters["encoded"],
        "reused": counters["reused"],
        "failed": failed,
        "rate": round(rate, 1),
        "remaining": round(pending / rate) if rate > 0 else None,
        "roots": describe_roots(service),
        "watch": {"directories": scanner.watcher.directories, "lost": scanner.watcher.overflows},
        "scanning": scanning,
        "tags": _tags(service),
        "notes": notes(service) + service.supervisor.notes,
        "tasks": service.supervisor.failures,
        "version": __version__,
        "pid": os.getpid(),
        "uptime": round(time.monotonic() - service.began),
        "memory": _resident(),
        "encoder": indexer.encoder_pid,
    }


def state(service: Service, pending: int, scanning: list[bytes]) -> str:
    if service.indexer.paused:
        return "paused"
    if scanning:
        return "scanning"
    if service.indexer.backlog.held_on_battery and pending:
        return "paused"
    return "encoding" if pending else "idle"


def notes(service: Service) -> list[str]:
    """What stands in the way, if anything."""
    scanner, indexer = service.scanner, service.indexer
    models = service.models
    found = [
        scanner.last_error,
        scanner.incomplete_reason,
        indexer.last_error,
        scanner.watcher.last_error,
    ]
    found += [
        models.last_error,
        models.active_model.table.last_error,
        *service.library.cache.damaged,
    ]
    found += [service.library.last_error, *service.library.remarks, service.summary.remark]
    if indexer.paused:
        found.append("reading is paused; csearchctl resume goes on with it")
    elif indexer.backlog.held_on_battery:
        found.append(BATTERY)
    elif indexer.throttled:
        found.append(LOAD)
    elif indexer.backlog.missing_vectors:
        model = models.active_model.model.name
        found.append(
            f"{indexer.backlog.missing_vectors} pictures are read anew, for the model {model}"
        )
    elif indexer.backlog.outdated_metadata:
        found.append(
            f"{indexer.backlog.outdated_metadata} pictures are read again, "
            "for more of their metadata"
        )
    return list(dict.fromkeys(note for note in found if note))


def describe_roots(service: Service) -> list[Message]:
    """The roots with how far they are."""
    described: list[Message] = []
    table = service.models.active_model.table
    for path, reconciled in roots.reconciled(service.library):
        mode = service.scanner.watcher.mode(path)
        present = mode == "polled" or os.path.isdir(path)  # a server of files may hang
        with service.library.memory_lock:
            directory = service.library.tree.find(path)
            if directory is None:
                continue  # it has just been removed
            scope = service.library.tree.mask([directory])
            catalogue = service.library.catalogue
            inside = catalogue.files_in(scope)
            described.append(
                {
                    "path": path,
                    "present": present,
                    "images": int(np.count_nonzero(table.has(catalogue.content[inside]))),
                    "pending": catalogue.count(DUE, scope),
                    "failed": catalogue.count(FAILED, scope),
                    "watch": mode,
                    "directories": service.scanner.watcher.watched_below(path),
                    "reconciled": reconciled,
                    "lost": service.scanner.watcher.overflows_since(path),
                }
            )
    with service.library.read() as database:
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
            "lost": 0,
        }
        for root in away
    ]
    return described


def _tags(service: Service) -> Message:
    kept = tagged_folders.read(service.library)
    left = tagged_folders.count_skipped(service.library, kept)
    watched = roots.roots(service.library) if kept else []
    there = service.scanner.watcher.exists
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
        "waiting": service.tagging.waiting,
        "trouble": service.tagging.last_error,
    }


def _coming(service: Service, images: int) -> Message | None:
    coming = service.models.next_model
    if coming is None:
        return None
    missing = service.indexer.backlog.missing_next_vectors
    return {"name": coming.name, "done": max(0, images - missing), "total": images}


def _resident() -> int:
    with open("/proc/self/statm") as file:
        return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")
