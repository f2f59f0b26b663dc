"""Plans one write or undo: which tags are csearch's, which the user's, and the content to write."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from csearchd.errors import DeltaError, SkippedFile
from csearchd.metadata.keyword_paths import leaf
from csearchd.spelling import folded
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
    "the library's record of its tags is damaged; restore a backup of the library, or remove the "
    "tags with another program"
)
_MAX_DELTA = 700_000  # bytes of a record's `original`, which has to fit into a request

Known = Callable[[str], Record | None]
"""Looks up a write in the ledger by its mark; it may be that of a copied or moved file."""


@dataclass(frozen=True)
class Plan:
    """The content that a carrier is to have, and the ledger's record of it.

    Unless `writes`, both are true already, and nothing is written.
    """

    state: CarrierState
    content: bytes | None
    record: Record | None
    writes: bool


def current_record(
    state: CarrierState, record: Record | None, intended: Record | None, known: Known
) -> Record | None:
    """The record that describes a carrier's state.

    `record` is the ledger's. `intended` was about to be written when a tagger was killed; the state
    tells whether it was. For a copied file, or if the ledger was lost, the mirror leads to it.
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
        return intended  # an undo that was completed
    return record


def plan_write(
    carrier: Carrier,
    state: CarrierState,
    record: Record | None,
    wanted: Sequence[str],
    root: str,
    model: str,
) -> Plan:
    """Plans to write the tags `wanted` in place of those that csearch wrote before.

    `record` describes the state (see `current_record`). Tags that the user has removed are not
    written again, nor those that others have written. Raises SkippedFile.
    """
    given = record.given if record else ()
    chosen = {folded(leaf(word)) for word in given}
    wanted = [*given, *(word for word in wanted if folded(leaf(word)) not in chosen)]
    ours, removed, target = _sort(carrier.keywords(state), record, wanted)
    noted = record is None or not ours or bool(state.mirror and state.mirror.mark == record.mark)
    if set(target) == set(ours) and noted and (not ours or (record and record.root == root)):
        if record and (tuple(ours), tuple(removed)) != (record.words, record.removed):
            record = replace(record, words=tuple(ours), removed=tuple(removed))
        return Plan(state, state.content, record, writes=False)
    still = [word for word in target if word in given]
    new = Record.new(root, target, removed, model, still)
    return _replaced(carrier, state, record, new)


def plan_give(
    carrier: Carrier,
    state: CarrierState,
    record: Record | None,
    add: Sequence[str],
    take: Sequence[str],
    root: str,
) -> Plan:
    """Plans to write the words `add`, which the user chose, and to take back the words `take`.

    `record` describes the state. What another program has written already isn't added; what csearch
    has written by itself counts as chosen from then on. Raises SkippedFile, also for what only
    another program can take back.
    """
    keywords = carrier.keywords(state)
    ours, removed, _ = _sort(keywords, record, ())
    gone = {folded(leaf(word)) for word in take}
    kept = [word for word in ours if folded(leaf(word)) not in gone]
    if any(keywords.is_taken(word, record) for word in take):
        raise SkippedFile("another program has written that word, and can take it back")
    known = {folded(leaf(word)) for word in kept}
    new = [
        word
        for word in without_duplicates(add)
        if folded(leaf(word)) not in known and not keywords.is_taken(word, record)
    ]
    words = [*kept, *new]
    before = record.given if record else ()
    chosen = {folded(leaf(word)) for word in add}
    given = [word for word in words if word in before or folded(leaf(word)) in chosen]
    if words == ours and all(word in before for word in given):
        return Plan(state, state.content, record, writes=False)
    unwanted = [word for word in ours if word not in kept and word not in before]
    removed = [word for word in without_duplicates([*removed, *unwanted]) if word not in words]
    model = record.model if record else ""
    return _replaced(
        carrier,
        state,
        record,
        Record.new(record.root if record else root, words, removed, model, given),
    )


def _replaced(carrier: Carrier, state: CarrierState, record: Record | None, new: Record) -> Plan:
    """Plans to write the words of `new` in place of those of `record`. Raises SkippedFile."""
    base = _without(carrier, state, record) if record else state.content
    if not new.words:
        return Plan(state, base, new.without_words(), writes=True)
    content = carrier.edited(state, base, None, new)
    original = None if base is None or content is None else delta.make(base, content)
    if original and len(original) > _MAX_DELTA:
        if carrier.name != "embedded":
            raise SkippedFile("its previous content is too large to be kept for an undo")
        return Plan(state, content, new, writes=True)  # an undo removes tag by tag
    return Plan(
        state, content, replace(new, digest=digest(content), original=original), writes=True
    )


def plan_undo(carrier: Carrier, state: CarrierState, record: Record | None) -> Plan:
    """Plans to take back what csearch wrote; `record` describes the state. Raises SkippedFile."""
    if record is None:
        return Plan(state, state.content, None, writes=False)
    content = _without(carrier, state, record)
    writes = content != state.content or state.mirror is not None
    return Plan(state, content, record.without_words(), writes)


def _sort(
    keywords: Keywords, record: Record | None, wanted: Sequence[str]
) -> tuple[list[str], list[str], list[str]]:
    """The tags of csearch that are still there, those that the user has removed, and the target."""
    ours: list[str] = []
    removed = list(record.removed) if record else []
    for word in record.words if record else ():
        (ours if record and keywords.has(word, record.root_of(word)) else removed).append(word)
    target = [
        word
        for word in without_duplicates(wanted)
        if word not in removed and (word in ours or not keywords.is_taken(word, record))
    ]
    return ours, without_duplicates(removed), target


def _without(carrier: Carrier, state: CarrierState, record: Record) -> bytes | None:
    """The content without csearch's tags: exactly as before, unless others changed it since."""
    if record.digest == state.digest:
        if record.original is None:
            return None
        assert state.content is not None
        try:
            return delta.apply(record.original, state.content)
        except DeltaError as error:
            raise SkippedFile(DAMAGED) from error
    return carrier.edited(state, state.content, record, None)
