"""The tagger's work: plans for some files, the ledger's word that they are noted, then the files.

What the daemon and the tagger say to each other is in csearchd.requests.tagger. Killed
at any moment, the ledger knows what was about to be written where.
"""

from __future__ import annotations

import logging
import os
import resource
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass

from csearch.errors import ClientError
from csearch.protocol.wire import Message
from csearchd.errors import SkippedFile
from csearchd.metadata import xmp_packet
from csearchd.tags.plan import Plan, plan_undo, plan_write, truth
from csearchd.tags.record import Record, skipped_by
from csearchd.tags.writers import embedded
from csearchd.tags.writers.carrier import Carrier, CarrierState
from csearchd.tags.writers.embedded import EmbeddedCarrier
from csearchd.tags.writers.freshness import is_current
from csearchd.tags.writers.replace import OpenFile, sweep
from csearchd.tags.writers.sidecar import SidecarCarrier
from csearchd.tags.writers.xattr import XattrCarrier

log = logging.getLogger(__name__)

_PLANS = 32  # that are noted together
_EACH = 5  # descriptors that a plan may hold
_DESCRIPTORS = 32  # that are needed beside them
_HELD = 64 << 20  # bytes of files that are held
_ENTRY = 900_000  # bytes of a request

Ask = Callable[..., Message]
"""Asks the daemon: operation, arguments → its result. Raises ClientError."""


class _Another(SkippedFile):
    """What is to be taken back isn't here: the file is another one now."""


@dataclass
class _Planned:
    item: Message
    carrier: Carrier
    true: Record | None  # of what is there before
    plan: Plan
    row: int | None

    @property
    def size(self) -> int:
        return len(self.plan.content or b"") + len(self.plan.state.content or b"")


class Tagger:
    """Used by one thread."""

    def __init__(self, ask: Ask, directory: str, max_bytes: int) -> None:
        """`directory` is for files of our own; `max_bytes` the bytes of the largest picture."""
        self._ask = ask
        self._max_bytes = max_bytes
        self._plans = _most_plans()
        embedded.sweep(directory)
        self._embedded = EmbeddedCarrier(directory, max_bytes)
        carriers: tuple[Carrier, ...] = (XattrCarrier(), SidecarCarrier(), self._embedded)
        self._carriers = {carrier.name: carrier for carrier in carriers}
        self._swept: set[bytes] = set()

    def sweep(self, directory: bytes, top: bytes) -> None:
        """Removes what a killed tagger has left there; `top` is as in
        csearchd.tags.writers.replace."""
        if directory not in self._swept:
            self._swept.add(directory)
            sweep(directory, top)

    def do(self, items: list[Message], is_stopped: Callable[[], bool]) -> None:
        """Plans, notes and writes; reports each item's outcome.

        Once `is_stopped`, nothing is begun any more: the rest is dropped.
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
                    if inode in inodes:  # another carrier's change, or another name's, comes first
                        self._write(planned, done, is_stopped)
                        open_files.close()
                        inodes.clear()
                    inodes.add(inode)
                    one = self._plan(item)
                except (FileNotFoundError, NotADirectoryError):
                    done.append(_outcome(item, "gone"))
                    continue
                except _Another as error:
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
                if len(planned) >= self._plans or sum(one.size for one in planned) > _HELD:
                    self._write(planned, done, is_stopped)
                    open_files.close()
            self._write(planned, done, is_stopped)

    def close(self) -> None:
        self._embedded.close()

    def _plan(self, item: Message) -> _Planned:
        path, top, carrier = item["path"], _top(item), self._carriers[item["carrier"]]
        self.sweep(os.path.dirname(path), top)
        if item["probe"] and carrier is self._embedded:
            _expect_ours(path, top, self._max_bytes)
        state = carrier.read_state(path, top)
        try:
            if item["kind"] == "write":
                self._expect_scored(item, state)
            return self._planned(item, carrier, state)
        except BaseException:
            state.close()
            raise

    def _expect_scored(self, item: Message, state: CarrierState) -> None:
        """Raises SkippedFile unless the picture is the one that the words are of."""
        if state.picture is None:
            OpenFile(item["path"], _top(item)).close()  # which says why
            raise FileNotFoundError
        if not self._is_scored(item, state):
            raise SkippedFile("it changed since it was read", is_transient=True)

    def _is_scored(self, item: Message, state: CarrierState) -> bool:
        """Whether the picture is the one that the library has read, or was tagged."""
        scored = item.get("scored")
        if scored is None:
            return True  # nobody knows
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

        record = truth(state, before, intended, known)
        if item["kind"] == "write":
            plan = plan_write(carrier, state, record, item["words"], item["root"], item["model"])
            return _Planned(item, carrier, record, plan, row)
        left = {one.digest for one in (before, intended) if one and one.mark and one.digest}
        if row and not (state.mirror or state.digest in left or self._is_scored(item, state)):
            raise _Another("another picture is in its place")
        if item["kind"] == "settle":
            plan = Plan(state, state.content, record, writes=False)
        else:
            plan = plan_undo(carrier, state, record)
        return _Planned(item, carrier, record, plan, row)

    def _write(
        self, planned: list[_Planned], done: list[Message], is_stopped: Callable[[], bool]
    ) -> None:
        """Writes what is planned, and reports it with what is done already. Both are emptied."""
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
                    done.append(_outcome(one.item, "dropped", row=row, record=one.true))
                    continue
                try:
                    one.carrier.put(one.plan.state, one.plan.content, mirrored)
                    outcome = _outcome(one.item, "written", row=row, record=record)
                except Exception as error:
                    outcome = _outcome(one.item, "left", _skipped(error, one.item), row, one.true)
                done.append(outcome)
            self._report(done)
        self._report(done)
        planned.clear()

    def _report(self, done: list[Message]) -> None:
        while done:
            part, size = 0, 0
            while part < len(done) and size < _ENTRY:
                size += _size(done[part]["record"])
                part += 1
            self._ask("tags-done", entries=done[:part])
            del done[:part]


def _parts(planned: list[_Planned]) -> Iterator[list[_Planned]]:
    """Those that fit into a request together."""
    part: list[_Planned] = []
    size = 0
    for one in planned:
        more = _size(_message(one.plan.record))
        if part and size + more > _ENTRY:
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
    """What names the picture; None for a sidecar that has outlived it. Raises OSError."""
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
    """Without a row the ledger stays as it is: what a killed tagger intended can't be told yet."""
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
    # What a hostile or damaged file does to a parser must not cost the others.
    log.error("%s", os.fsdecode(item["path"]), exc_info=error)
    return SkippedFile(
        f"an error in csearchd ({type(error).__name__}); the service's log says more"
    )


def _expect_ours(path: bytes, top: bytes, max_bytes: int) -> None:
    """Raises FileNotFoundError unless the picture holds our name: most have never been tagged, and
    to ask exiftool takes long."""
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


def _most_plans() -> int:
    """As many as there are descriptors for, beside those that exiftool and the connections need."""
    limit, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    if limit == resource.RLIM_INFINITY:
        return _PLANS
    return max(1, min(_PLANS, (limit - _DESCRIPTORS) // _EACH))
