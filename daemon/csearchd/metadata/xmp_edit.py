"""Editing XMP packets in place: items of lists are added and removed, every other byte stays."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from xml.sax.saxutils import escape

from csearchd.errors import XmpError
from csearchd.metadata.xmp_packet import (
    LEDGER,
    OURS,
    TAGS_LIST,
    Description,
    Name,
    Packet,
    Property,
)
from csearchd.metadata.xmp_parser import RDF

_ABOUT = re.compile(rb"\s(?:[\w.-]+:)?about\s*=\s*(\"[^\"]*\"|'[^']*')")
_EMPTY = (
    b"<?xpacket begin='\xef\xbb\xbf' id='W5M0MpCehiHzreSzNTczkc9d'?>\n"
    b"<x:xmpmeta xmlns:x='adobe:ns:meta/'>\n"
    b"<rdf:RDF xmlns:rdf='" + RDF.encode() + b"'>\n</rdf:RDF>\n</x:xmpmeta>\n<?xpacket end='w'?>"
)
_BLANK = b" \t\r\n"
_OUR_NAMESPACE = re.compile(rb"\s+xmlns:([\w.-]+)\s*=\s*[\"']" + OURS.encode() + rb"[\"']")

Lists = Mapping[Name, Sequence[str]]
Edit = tuple[int, int, bytes]  # start, end, replacement


def empty() -> bytes:
    """A packet without properties."""
    return _EMPTY


def edited(packet: Packet, add: Lists, remove: Lists) -> bytes:
    """The packet after removing items from lists, then adding items to lists.

    A list or node that becomes empty is removed as a whole. Raises XmpError where a property that
    gets items is no list.
    """
    edits: list[Edit] = []
    removed: set[int] = set()  # where removed properties begin
    fresh: dict[Name, Sequence[str]] = {}
    for name in {**add, **remove}:
        more = list(add.get(name, ()))
        unwanted = set(remove.get(name, ()))
        for found in packet.found(name):
            kept = [item for item in found.items if item.text not in unwanted]
            usable = found.container is not None
            if not usable and more:
                raise XmpError(f"its {name.prefix}:{name.name} is not a list")
            if not kept and not more and found.items:
                removed.add(found.start)
                edits.append((blanks_before(packet.data, found.start), found.end, b""))
                continue
            for item in found.items:
                if item.text in unwanted:
                    edits.append((blanks_before(packet.data, item.start), item.end, b""))
            if more:
                edits.append(_insertion(packet, found, more))
                more = []
        if more:
            _refuse_attribute(packet, name)
            fresh[name] = more
    for node in packet.descriptions:
        if node.properties and removed.issuperset(node.properties) and not node.attributes:
            edits = [edit for edit in edits if not node.start < edit[1] <= node.end]
            edits.append((blanks_before(packet.data, node.start), node.end, b""))
    if fresh:
        edits.append(_new_node(packet, fresh))
    done = _applied(packet.data, edits)
    return _without_our_namespace(done) if remove.get(LEDGER) else done


def _without_our_namespace(data: bytes) -> bytes:
    """Removes our namespace's declaration where nothing uses it.

    Other programs move our list into a node of theirs, and the declaration with it.
    """
    for declared in _OUR_NAMESPACE.finditer(data):
        rest = data[: declared.start()] + data[declared.end() :]
        if not re.search(rb"[\s</]" + declared[1] + b":", rest):
            return rest
    return data


def is_empty(packet: Packet) -> bool:
    """Whether the packet has no properties."""
    return not any(node.properties or node.attributes for node in packet.descriptions)


def _insertion(packet: Packet, found: Property, texts: Sequence[str]) -> Edit:
    assert found.container is not None
    prefix = found.container.rpartition(b":")[0]
    li = prefix + b":li" if prefix else b"li"
    if found.inside is None:  # <rdf:Bag/>
        start = packet.data.index(b"<" + found.container, found.start + 1)
        end = packet.data.index(b"/>", start)
        items = b"".join(_element(li, text) for text in texts)
        return end, end + 2, b">" + items + b"</" + found.container + b">"
    if found.items:
        last = found.items[-1]
        blank = packet.data[blanks_before(packet.data, last.start) : last.start]
        return last.end, last.end, b"".join(blank + _element(li, text) for text in texts)
    return found.inside, found.inside, b"".join(_element(li, text) for text in texts)


def _refuse_attribute(packet: Packet, name: Name) -> None:
    if any(f"{name.uri} {name.name}" in node.attributes for node in packet.descriptions):
        raise XmpError(f"its {name.prefix}:{name.name} is not a list")


def _new_node(packet: Packet, lists: Lists) -> Edit:
    """The edit that adds a node with lists at the end; it declares all its own namespaces."""
    declared = "".join(f"\n  xmlns:{name.prefix}='{name.uri}'" for name in lists)
    about = _about(packet.descriptions)
    lines = [
        f"\n <rdf:Description xmlns:rdf='{RDF}' rdf:about=".encode() + about + declared.encode(),
        b">",
    ]
    for name, texts in lists.items():
        kind = "Seq" if name is TAGS_LIST else "Bag"
        items = "".join(f"\n    <rdf:li>{escape(text)}</rdf:li>" for text in texts)
        tag = f"{name.prefix}:{name.name}"
        lines.append(f"\n  <{tag}>\n   <rdf:{kind}>{items}\n   </rdf:{kind}>\n  </{tag}>".encode())
    lines.append(b"\n </rdf:Description>")
    node = b"".join(lines)
    if packet.is_closed:  # <rdf:RDF/>
        end = packet.rdf_start + len(packet.rdf_tag)
        name_end = re.split(rb"[\s/>]", packet.rdf_tag[1:], maxsplit=1)[0]
        return end - 2, end, b">" + node + b"\n</" + name_end + b">"
    at = blanks_before(packet.data, packet.rdf_end)
    return at, at, node


def _about(descriptions: Sequence[Description]) -> bytes:
    """The quoted value of rdf:about in the packet; all nodes must have the same."""
    for node in descriptions:
        if matched := _ABOUT.search(node.start_tag):
            return matched[1]
    return b"''"


def _element(tag: bytes, text: str) -> bytes:
    return b"<" + tag + b">" + escape(text).encode() + b"</" + tag + b">"


def blanks_before(data: bytes, at: int) -> int:
    """Where the blanks that precede the position `at` begin."""
    while at > 0 and data[at - 1] in _BLANK:
        at -= 1
    return at


def _applied(data: bytes, edits: Sequence[Edit]) -> bytes:
    parts, at = [], 0
    for start, end, instead in sorted(edits):
        if start < at:
            raise XmpError("its XMP has an unusual structure")
        parts += [data[at:start], instead]
        at = end
    return b"".join([*parts, data[at:]])
