"""What is to be done to one file: which words are ours, which the user's, and what comes of it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from csearchd.errors import DeltaError, SkippedFile
from csearchd.tags import delta
from csearchd.tags.record import Record
from csearchd.tags.writers.carrier import (
    Carrier,
    CarrierState,
    Keywords,
    digest,
    without_duplicates,
)

DAMAGED = (
    "what the library noted of it when it was tagged is damaged; restore a backup of the library, "
    "or remove its tags in another program"
)
_MOST_KEPT = 700_000  # bytes of the way back, which has to fit into a request

Known = Callable[[str], Record | None]
"""The ledger's record of a write, by its mark: of a copied or moved file's, perhaps."""


@dataclass(frozen=True)
class Plan:
    """`content` is to be there, and `record` in the ledger; nothing is to be written unless
    `writes`."""

    state: CarrierState
    content: bytes | None
    record: Record | None
    writes: bool


def truth(
    state: CarrierState, record: Record | None, intended: Record | None, known: Known
) -> Record | None:
    """The record that is true of what is there.

    `intended` was about to be written when a tagger was killed: it was written, or it was not.
    """
    marks = {one.mark for one in (record, intended) if one}
    if state.mirror and state.mirror.mark not in marks:  # a copy, or the ledger was lost
        found = known(state.mirror.mark) or state.mirror
        unwanted = (*found.removed, *(record.removed if record else ()))
        return replace(found, removed=tuple(without_duplicates(unwanted)))
    if intended and intended.mark:
        mark = state.mirror.mark if state.mirror else None
        return intended if intended.mark == mark or intended.digest == state.digest else record
    if intended and state.mirror is None and (not record or record.digest != state.digest):
        return intended  # the words were being taken back, and were
    return record


def plan_write(
    carrier: Carrier,
    state: CarrierState,
    record: Record | None,
    wanted: Sequence[str],
    root: str,
    model: str,
) -> Plan:
    """`record` is true of what is there. Raises SkippedFile."""
    ours, removed, target = _sort(carrier.keywords(state), record, wanted)
    noted = record is None or not ours or bool(state.mirror and state.mirror.mark == record.mark)
    if set(target) == set(ours) and noted and (not ours or (record and record.root == root)):
        if record and (tuple(ours), tuple(removed)) != (record.words, record.removed):
            record = replace(record, words=tuple(ours), removed=tuple(removed))
        return Plan(state, state.content, record, writes=False)
    base = _without(carrier, state, record) if record else state.content
    new = Record.new(root, target, removed, model)
    if not target:
        return Plan(state, base, new.without_words(), writes=True)
    content = carrier.edited(state, base, None, new)
    way_back = None if base is None or content is None else delta.make(base, content)
    if way_back and len(way_back) > _MOST_KEPT:
        if carrier.name != "embedded":
            raise SkippedFile("what it held before is too much to be kept")
        return Plan(state, content, new, writes=True)  # taken back word by word
    return Plan(
        state, content, replace(new, digest=digest(content), original=way_back), writes=True
    )


def plan_undo(carrier: Carrier, state: CarrierState, record: Record | None) -> Plan:
    """`record` is true of what is there. Raises SkippedFile."""
    if record is None:
        return Plan(state, state.content, None, writes=False)
    content = _without(carrier, state, record)
    writes = content != state.content or state.mirror is not None
    return Plan(state, content, record.without_words(), writes)


def _sort(
    keywords: Keywords, record: Record | None, wanted: Sequence[str]
) -> tuple[list[str], list[str], list[str]]:
    """What is still ours, what the user has removed, and what is to be there of ours."""
    ours: list[str] = []
    removed = list(record.removed) if record else []
    for word in record.words if record else ():
        (ours if record and keywords.has(word, record.root) else removed).append(word)
    target = [
        word
        for word in without_duplicates(wanted)
        if word not in removed and (word in ours or not keywords.is_taken(word, record))
    ]
    return ours, without_duplicates(removed), target


def _without(carrier: Carrier, state: CarrierState, record: Record) -> bytes | None:
    """What was there before, to the byte if nobody else has changed it since."""
    if record.digest == state.digest:
        if record.original is None:
            return None
        assert state.content is not None
        try:
            return delta.apply(record.original, state.content)
        except DeltaError as error:
            raise SkippedFile(DAMAGED) from error
    return carrier.edited(state, state.content, record, None)
