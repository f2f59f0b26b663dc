"""Tags in an XMP packet: in the three lists that programs read, and the mirror beside them."""

from __future__ import annotations

from csearchd.errors import SkippedFile, XmpError
from csearchd.metadata import acdsee, xmp_edit
from csearchd.metadata.keyword_paths import hierarchical, leaf, leaf_of_path, levels, tags_list
from csearchd.metadata.xmp_packet import (
    CATALOG_SETS,
    HIERARCHICAL,
    LAST_KEYWORD,
    LEDGER,
    LISTS,
    SUBJECT,
    TAGS_LIST,
    Name,
    Packet,
    parse,
)
from csearchd.spelling import folded
from csearchd.tags.record import Record, read_mirror
from csearchd.tags.writers.carrier import without_duplicates


class XmpTags:
    """The tags of a packet, and `more` keywords from elsewhere in the file."""

    def __init__(self, packet: Packet | None, more: frozenset[str] = frozenset()) -> None:
        self._lists = {name: packet.values(name) if packet else [] for name in LISTS}
        self._more = more

    def has(self, word: str, root: str) -> bool:
        return all(form in self._lists[name] for name, form in _forms(word, root).items())

    def is_taken(self, word: str, ours: Record | None) -> bool:
        own: set[tuple[Name, str]] = set()
        for one in ours.words if ours else ():
            own.update(_forms(one, ours.root_of(one) if ours else "").items())
        said = {
            folded(leaf_of_path(text))
            for name, texts in self._lists.items()
            for text in texts
            if (name, text) not in own
        }
        if folded(leaf(word)) not in {folded(leaf(one)) for one in (ours.words if ours else ())}:
            said.update(folded(text) for text in self._more)
        return folded(leaf(word)) in said


def packet_of(content: bytes | None) -> Packet | None:
    """The parsed packet; None without content. Raises SkippedFile."""
    try:
        return parse(content) if content else None
    except XmpError as error:
        raise SkippedFile(str(error)) from error


def mirror_of(packet: Packet | None) -> Record | None:
    """The record in a packet's mirror, if there is one."""
    for text in packet.values(LEDGER) if packet else ():
        if record := read_mirror(text):
            return record
    return None


def with_words(content: bytes | None, drop: Record | None, add: Record | None) -> bytes:
    """A packet without the tags of `drop`, with those of `add`. Raises SkippedFile."""
    packet = packet_of(content or xmp_edit.empty())
    assert packet
    remove: dict[Name, list[str]] = {LEDGER: packet.values(LEDGER)}
    if drop:
        remove.update(_ours(packet, drop))
    more: dict[Name, list[str]] = {}
    if add:
        for word in add.words:
            for name, form in _forms(word, add.root_of(word)).items():
                more.setdefault(name, []).append(form)
        more = {name: without_duplicates(forms) for name, forms in more.items()}
        more[LEDGER] = [add.mirror().decode()]
    try:
        done = xmp_edit.edited(packet, more, remove)
        return acdsee.without(done, _rooted(drop)) if drop and drop.root else done
    except XmpError as error:
        raise SkippedFile(str(error)) from error


def is_empty(content: bytes) -> bool:
    packet = packet_of(content)
    return packet is None or xmp_edit.is_empty(packet)


def _forms(word: str, root: str) -> dict[Name, str]:
    return {
        SUBJECT: leaf(word),
        TAGS_LIST: tags_list(word, root),
        HIERARCHICAL: hierarchical(word, root),
    }


def _paths(record: Record) -> list[str]:
    """The paths of a record's tags, also of those that the user has removed from one list only."""
    words = [*record.words, *(record.removed if record.root else ())]
    return [tags_list(word, record.root_of(word)) for word in words]


def _rooted(record: Record) -> list[str]:
    """Those paths that begin with the root: words that the user chose are in no list of others."""
    return [path for path in _paths(record) if path.startswith(f"{record.root}/")]


def _ours(packet: Packet, record: Record) -> dict[Name, list[str]]:
    """What to remove from each list. A leaf stays if another program's path ends in it.

    Programs such as darktable add every level of a path to the flat list. If the root's levels are
    there, this has happened, since nothing else would add them: then all levels are removed.
    """
    slashes = _paths(record)
    bars = [path.replace("/", "|") for path in slashes]
    lists = {TAGS_LIST: slashes, HIERARCHICAL: bars}
    if record.root:
        rooted = _rooted(record)
        lists |= {LAST_KEYWORD: rooted, CATALOG_SETS: [path.replace("/", "|") for path in rooted]}
    theirs = [
        text for name, ours in lists.items() for text in packet.values(name) if text not in ours
    ]
    leaves = {leaf_of_path(text) for text in theirs}
    gone = [leaf(word) for word in record.words if leaf(word) not in leaves]
    root = levels(record.root)
    if root and set(root).issubset(packet.values(SUBJECT)):
        said = {level for text in theirs for level in levels(text)}
        spread = (level for word in lists[TAGS_LIST] for level in levels(word)[:-1])
        gone += [level for level in spread if level not in said]
    return {**lists, SUBJECT: gone}
