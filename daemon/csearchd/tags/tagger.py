"""The tagger's work: plans for some files, the ledger's word that they are noted, then the files.

What the daemon and the tagger say to each other is in csearch.protocol (`tags-serve`). Killed at
any moment, the ledger knows what was about to be written where.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass

from csearch.protocol import Message
from csearchd.tags import xmp
from csearchd.tags.plan import Plan, plan_undo, plan_write, truth
from csearchd.tags.record import LeftAlone, Record
from csearchd.tags.replace import sweep
from csearchd.tags.writers import embedded
from csearchd.tags.writers.carrier import Carrier, Seen
from csearchd.tags.writers.embedded import EmbeddedCarrier
from csearchd.tags.writers.sidecar import SidecarCarrier
from csearchd.tags.writers.xattr import XattrCarrier

_PLANS = 32  # that are noted together
_HELD = 64 << 20  # bytes of files that are held
_ENTRY = 900_000  # bytes of a request

Ask = Callable[..., Message]
"""Asks the daemon: operation, arguments → its result."""


@dataclass
class _Planned:
    item: Message
    carrier: Carrier
    true: Record | None  # of what is there before
    plan: Plan
    row: int | None

    @property
    def size(self) -> int:
        return len(self.plan.content or b"") + len(self.plan.seen.content or b"")


class Tagger:
    """Used by one thread."""

    def __init__(self, ask: Ask, directory: str, most: int) -> None:
        """`directory` is for files of our own; `most` the bytes of the largest picture."""
        self._ask = ask
        embedded.sweep(directory)
        self._embedded = EmbeddedCarrier(directory, most)
        carriers: tuple[Carrier, ...] = (XattrCarrier(), SidecarCarrier(), self._embedded)
        self._carriers = {carrier.name: carrier for carrier in carriers}
        self._swept: set[bytes] = set()

    def sweep(self, directory: bytes) -> None:
        """Removes what a killed tagger has left there."""
        if directory not in self._swept:
            self._swept.add(directory)
            sweep(directory)

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
                except (LeftAlone, OSError) as error:
                    done.append(_outcome(item, "left", _left_alone(error)))
                    continue
                if one.plan.writes:
                    open_files.callback(one.plan.seen.close)
                    planned.append(one)
                else:
                    one.plan.seen.close()
                    done.append(_outcome(item, "unchanged", row=one.row, record=one.plan.record))
                if len(planned) >= _PLANS or sum(one.size for one in planned) > _HELD:
                    self._write(planned, done, is_stopped)
                    open_files.close()
            self._write(planned, done, is_stopped)

    def close(self) -> None:
        self._embedded.close()

    def _plan(self, item: Message) -> _Planned:
        path, carrier = item["path"], self._carriers[item["carrier"]]
        self.sweep(os.path.dirname(path))
        if item["probe"] and carrier is self._embedded:
            _expect_ours(path)
        seen = carrier.look(path)
        try:
            return self._planned(item, carrier, seen)
        except BaseException:
            seen.close()
            raise

    def _planned(self, item: Message, carrier: Carrier, seen: Seen) -> _Planned:
        row: int | None = item["row"]
        record, intended = (
            Record.from_message(item[name]) if item[name] else None
            for name in ("record", "intended")
        )

        def known(mark: str) -> Record | None:
            nonlocal row
            found = self._ask("tags-known", mark=mark)
            row = row or found["row"]
            return Record.from_message(found["record"]) if found["record"] else None

        record = truth(seen, record, intended, known)
        if item["kind"] == "settle":
            plan = Plan(seen, seen.content, record, writes=False)
        elif item["kind"] == "write":
            plan = plan_write(carrier, seen, record, item["words"], item["root"], item["model"])
        else:
            plan = plan_undo(carrier, seen, record)
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
                    one.carrier.put(one.plan.seen, one.plan.content, mirrored)
                    outcome = _outcome(one.item, "written", row=row, record=record)
                except LeftAlone as error:
                    outcome = _outcome(one.item, "left", error, row, one.true)
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
    error: LeftAlone | None = None,
    row: int | None = None,
    record: Record | None = None,
) -> Message:
    """Without a row the ledger stays as it is: what a killed tagger intended can't be told yet."""
    return {
        "item": item["item"],
        "outcome": outcome,
        "reason": str(error) if error else None,
        "passing": bool(error and error.passing),
        "row": row,
        "record": _message(record),
    }


def _left_alone(error: LeftAlone | OSError) -> LeftAlone:
    if isinstance(error, LeftAlone):
        return error
    return LeftAlone(f"it can't be read: {error.strerror}")


def _expect_ours(path: bytes) -> None:
    """Raises FileNotFoundError unless the picture holds our name: most have never been tagged, and
    to ask exiftool takes long."""
    try:
        with open(path, "rb") as file:
            if xmp.OURS.encode() in file.read():
                return
    except OSError:
        pass
    raise FileNotFoundError
