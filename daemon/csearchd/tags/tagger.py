"""The tagger: plans writes, has the daemon note them in the ledger, and then carries them out.

So the ledger knows what was about to be written where, if the tagger is killed at any moment. The
messages between the daemon and the tagger are described in csearchd.requests.tagger.
"""

from __future__ import annotations

import logging
import os
import resource
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass

from csearch.protocol.errors import ClientError
from csearch.protocol.wire import Message
from csearchd.errors import SkippedFile
from csearchd.metadata import xmp_packet
from csearchd.tags.plan import Plan, current_record, plan_give, plan_undo, plan_write
from csearchd.tags.record import Record, skipped_by
from csearchd.tags.writers import embedded
from csearchd.tags.writers.carrier import Carrier, CarrierState
from csearchd.tags.writers.embedded import EmbeddedCarrier
from csearchd.tags.writers.freshness import is_current
from csearchd.tags.writers.open_file import OpenFile
from csearchd.tags.writers.safe_write import sweep
from csearchd.tags.writers.sidecar import SidecarCarrier
from csearchd.tags.writers.xattr import XattrCarrier

log = logging.getLogger(__name__)

_MAX_PLANS = 32  # that are noted in one request
_PLAN_DESCRIPTORS = 5  # that a plan may keep open
_OTHER_DESCRIPTORS = 32  # for exiftool, connections and so on
_MAX_HELD_BYTES = 64 << 20  # of files whose plans are not carried out yet
_MAX_REQUEST_BYTES = 900_000

Ask = Callable[..., Message]
"""Sends a request to the daemon, given its operation and arguments; returns the result.

Raises ClientError."""


class _OtherPicture(SkippedFile):
    """Another picture has the path of the one whose tags are to be taken back."""


@dataclass
class _Planned:
    item: Message
    carrier: Carrier
    current: Record | None  # of the carrier's state before the write
    plan: Plan
    row: int | None

    @property
    def size(self) -> int:
        return len(self.plan.content or b"") + len(self.plan.state.content or b"")


class Tagger:
    """Used by one thread."""

    def __init__(self, ask: Ask, directory: str, max_bytes: int) -> None:
        """`directory` holds temporary files; larger pictures than `max_bytes` are skipped."""
        self._ask = ask
        self._max_bytes = max_bytes
        self._max_plans = _max_plans()
        embedded.sweep(directory)
        self._embedded = EmbeddedCarrier(directory, max_bytes)
        carriers: tuple[Carrier, ...] = (XattrCarrier(), SidecarCarrier(), self._embedded)
        self._carriers = {carrier.name: carrier for carrier in carriers}
        self._swept: set[bytes] = set()

    def sweep(self, directory: bytes, top: bytes) -> None:
        """Removes what a killed tagger has left in a directory, once.

        No symbolic link is followed below `top`.
        """
        if directory not in self._swept:
            self._swept.add(directory)
            sweep(directory, top)

    def do(self, items: list[Message], is_stopped: Callable[[], bool]) -> None:
        """Plans, notes and carries out items, and reports the outcome of each.

        Once `is_stopped`, no further file is written; the remaining items are reported as dropped.
        """
        with ExitStack() as open_files:
            planned: list[_Planned] = []
            done: list[Message] = []
            inodes: set[tuple[int, int] | None] = set()
            for item in items:
                if is_stopped():
                    done.append(_outcome(item, "dropped"))
                    continue
                try:
                    inode = _inode(item)
                    # A pending write to another carrier or hard link of the file comes first.
                    if inode in inodes:
                        self._write(planned, done, is_stopped)
                        open_files.close()
                        inodes.clear()
                    inodes.add(inode)
                    one = self._plan(item)
                except (FileNotFoundError, NotADirectoryError):
                    done.append(_outcome(item, "gone"))
                    continue
                except _OtherPicture as error:
                    done.append(_outcome(item, "gone", error))
                    continue
                except ClientError:
                    raise
                except Exception as error:
                    done.append(_outcome(item, "left", _skipped(error, item)))
                    continue
                if one.plan.writes:
                    open_files.callback(one.plan.state.close)
                    planned.append(one)
                else:
                    one.plan.state.close()
                    done.append(_outcome(item, "unchanged", row=one.row, record=one.plan.record))
                if (
                    len(planned) >= self._max_plans
                    or sum(one.size for one in planned) > _MAX_HELD_BYTES
                ):
                    self._write(planned, done, is_stopped)
                    open_files.close()
            self._write(planned, done, is_stopped)

    def close(self) -> None:
        self._embedded.close()

    def _plan(self, item: Message) -> _Planned:
        path, top, carrier = item["path"], _top(item), self._carriers[item["carrier"]]
        self.sweep(os.path.dirname(path), top)
        if item["probe"] and carrier is self._embedded:
            _check_has_mark(path, top, self._max_bytes)
        state = carrier.read_state(path, top)
        try:
            if item["kind"] in ("write", "give"):
                self._check_is_current(item, state)
            return self._planned(item, carrier, state)
        except BaseException:
            state.close()
            raise

    def _check_is_current(self, item: Message, state: CarrierState) -> None:
        """Raises SkippedFile unless the picture is the one that the tags were chosen for."""
        if state.picture is None:
            OpenFile(item["path"], _top(item)).close()  # raises SkippedFile with the reason
            raise FileNotFoundError
        if not self._is_scored(item, state):
            raise SkippedFile("it changed since it was read", is_transient=True)

    def _is_scored(self, item: Message, state: CarrierState) -> bool:
        """Whether the picture is the one that the library has read, or that was tagged."""
        scored = item.get("scored")
        if scored is None:
            return True  # it can't be told
        return state.picture is not None and is_current(state.picture, scored, self._max_bytes)

    def _planned(self, item: Message, carrier: Carrier, state: CarrierState) -> _Planned:
        row: int | None = item["row"]
        before, intended = (
            Record.from_message(item[name]) if item[name] else None
            for name in ("record", "intended")
        )

        def known(mark: str) -> Record | None:
            nonlocal row
            found = self._ask("tags-known", mark=mark)
            row = row or found["row"]
            return Record.from_message(found["record"]) if found["record"] else None

        record = current_record(state, before, intended, known)
        if item["kind"] == "write":
            plan = plan_write(carrier, state, record, item["words"], item["root"], item["model"])
            return _Planned(item, carrier, record, plan, row)
        if item["kind"] == "give":
            plan = plan_give(carrier, state, record, item["add"], item["take"], item["root"])
            return _Planned(item, carrier, record, plan, row)
        left = {one.digest for one in (before, intended) if one and one.mark and one.digest}
        if row and not (state.mirror or state.digest in left or self._is_scored(item, state)):
            raise _OtherPicture("another picture is in its place")
        if item["kind"] == "settle":
            plan = Plan(state, state.content, record, writes=False)
        else:
            plan = plan_undo(carrier, state, record)
        return _Planned(item, carrier, record, plan, row)

    def _write(
        self, planned: list[_Planned], done: list[Message], is_stopped: Callable[[], bool]
    ) -> None:
        """Carries out `planned`, and reports it together with `done`. Both lists are emptied."""
        for part in _parts(planned):
            if is_stopped():
                done += [_outcome(one.item, "dropped") for one in part]
                continue
            entries = [
                {"item": one.item["item"], "row": one.row, "record": _message(one.plan.record)}
                for one in part
            ]
            rows = self._ask("tags-intend", entries=entries)["rows"]
            for one, row in zip(part, rows, strict=True):
                record = one.plan.record
                mirrored = record if record and record.words else None
                if is_stopped():
                    done.append(_outcome(one.item, "dropped", row=row, record=one.current))
                    continue
                try:
                    one.carrier.put(one.plan.state, one.plan.content, mirrored)
                    outcome = _outcome(one.item, "written", row=row, record=record)
                except Exception as error:
                    outcome = _outcome(
                        one.item, "left", _skipped(error, one.item), row, one.current
                    )
                done.append(outcome)
            self._report(done)
        self._report(done)
        planned.clear()

    def _report(self, done: list[Message]) -> None:
        while done:
            part, size = 0, 0
            while part < len(done) and size < _MAX_REQUEST_BYTES:
                size += _size(done[part]["record"])
                part += 1
            self._ask("tags-done", entries=done[:part])
            del done[:part]


def _parts(planned: list[_Planned]) -> Iterator[list[_Planned]]:
    """Splits plans into parts that fit into one request each."""
    part: list[_Planned] = []
    size = 0
    for one in planned:
        more = _size(_message(one.plan.record))
        if part and size + more > _MAX_REQUEST_BYTES:
            yield part
            part, size = [], 0
        part.append(one)
        size += more
    if part:
        yield part


def _size(record: Message | None) -> int:
    return len(str(record["words"])) + len(record["original"] or b"") + 500 if record else 100


def _message(record: Record | None) -> Message | None:
    return record.to_message() if record else None


def _inode(item: Message) -> tuple[int, int] | None:
    """Device and inode of the picture; None if only its sidecar is left. Raises OSError."""
    try:
        info = os.lstat(item["path"])
    except FileNotFoundError:
        if item["carrier"] == "sidecar" and item["kind"] != "write":
            return None
        raise
    return info.st_dev, info.st_ino


def _outcome(
    item: Message,
    outcome: str,
    error: SkippedFile | None = None,
    row: int | None = None,
    record: Record | None = None,
) -> Message:
    """An entry of a report. Without `row` the ledger keeps its entry: nothing is certain yet."""
    return {
        "item": item["item"],
        "outcome": outcome,
        "reason": str(error) if error else None,
        "passing": bool(error and error.is_transient),
        "row": row,
        "record": _message(record),
    }


def _skipped(error: Exception, item: Message) -> SkippedFile:
    if isinstance(error, SkippedFile):
        return error
    if isinstance(error, OSError):
        return skipped_by(error, "it can't be read")
    # A hostile or damaged file can make a parser raise anything; other files must not suffer.
    log.error("%s", os.fsdecode(item["path"]), exc_info=error)
    return SkippedFile(
        f"an error in csearchd ({type(error).__name__}); the service's log says more"
    )


def _check_has_mark(path: bytes, top: bytes, max_bytes: int) -> None:
    """Raises FileNotFoundError unless a picture contains csearch's XMP namespace.

    Most pictures don't, and to find that out with exiftool takes long.
    """
    try:
        file = OpenFile(path, top)
        try:
            if xmp_packet.OURS.encode() in file.read(max_bytes):
                return
        finally:
            file.close()
    except (SkippedFile, OSError):
        pass
    raise FileNotFoundError


def _top(item: Message) -> bytes:
    return item.get("top") or b"/"


def _max_plans() -> int:
    """The number of plans that the limit on open files allows."""
    limit, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    if limit == resource.RLIM_INFINITY:
        return _MAX_PLANS
    return max(1, min(_MAX_PLANS, (limit - _OTHER_DESCRIPTORS) // _PLAN_DESCRIPTORS))
