"""The property acdsee:categories, which digiKam writes and reads back: escaped XML inside XMP.

    <Categories><Category Assigned="0">animal<Category Assigned="1">dog</Category></Category>…

Categories are removed from the packet's bytes in place, so that everything else stays as it is.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from xml.sax.saxutils import unescape

from csearchd.metadata.keyword_paths import levels
from csearchd.metadata.xmp_edit import blanks_before
from csearchd.metadata.xmp_packet import Name, Packet, parse

CATEGORIES = Name("http://ns.acdsee.com/iptc/1.0/", "acdsee", "categories")
_QUOTE = rb"(?:&quot;|&apos;|[\"'])"
_TAG = re.compile(
    rb"&lt;(?:(?P<end>/)Category|Category Assigned=" + _QUOTE + rb"(?P<assigned>[01])" + _QUOTE
    + rb")(?:&gt;|>)"
)  # fmt: skip
_WHOLE = re.compile(rb"\s*&lt;Categories(?:&gt;|>)(.*)&lt;/Categories(?:&gt;|>)\s*", re.DOTALL)
_ATTRIBUTE = rb"\s+[\w.-]+:categories\s*=\s*(?:\"([^\"]*)\"|'([^']*)')"
_ELEMENT = rb"\s*<[\w.-]+:categories\s*>([^<]*)</[\w.-]+:categories\s*>"


@dataclass
class _Category:
    name: str = ""
    start: int = 0
    end: int = 0
    assigned: int | None = None  # where the "1" of its attribute is
    below: list[_Category] = field(default_factory=list)
    on_path: bool = False  # on one of the paths to remove
    unassigned: bool = False  # the last of such a path, whose assignment is removed

    @property
    def is_removed(self) -> bool:
        kept = self.assigned is not None and not self.unassigned
        return self.on_path and not kept and all(one.is_removed for one in self.below)


def without(data: bytes, paths: Sequence[str]) -> bytes:
    """A packet without some categories, and without those above them that hold nothing else.

    A path is such as "csearch/animal/dog". A property that isn't as digiKam writes it is left as it
    is. Raises XmpError.
    """
    found = _find(parse(data))
    if found is None:
        return data
    span, (start, end) = found
    tree = _tree(data, start, end)
    if tree is None:
        return data
    for path in paths:
        _mark(tree, levels(path))
    if not any(one.on_path for one in tree.below):
        return data
    if all(one.is_removed for one in tree.below):
        return data[: span[0]] + data[span[1] :]
    parts, at = [], 0
    for begin, until, instead in _edits(tree):
        parts += [data[at:begin], instead]
        at = until
    return b"".join([*parts, data[at:]])


def _find(packet: Packet) -> tuple[tuple[int, int], tuple[int, int]] | None:
    """The spans of the property and of its text; None unless there is exactly one."""
    key = f"{CATEGORIES.uri} {CATEGORIES.name}"
    places = [
        (_ATTRIBUTE, node.start, node.start + len(node.start_tag))
        for node in packet.descriptions
        if key in node.attributes
    ]
    places += [
        (_ELEMENT, blanks_before(packet.data, one.start), one.end)
        for one in packet.found(CATEGORIES)
    ]
    if len(places) != 1:
        return None
    pattern, start, end = places[0]
    matches = list(re.compile(pattern).finditer(packet.data, start, end))
    if len(matches) != 1:
        return None
    (match,) = matches
    return match.span(), match.span(match.lastindex or 1)


def _tree(data: bytes, start: int, end: int) -> _Category | None:
    """The categories in a text; None where it isn't as digiKam writes it."""
    whole = _WHOLE.fullmatch(data, start, end)
    if whole is None:
        return None
    top = _Category()
    open_ones, at = [top], whole.start(1)
    for tag in _TAG.finditer(data, whole.start(1), whole.end(1)):
        text = data[at : tag.start()]
        at = tag.end()
        current = open_ones[-1]
        if text.strip():
            if current is top or current.below or current.name:
                return None
            current.name = _unescaped(text)
        if not tag["end"]:
            one = _Category(start=tag.start())
            one.assigned = tag.start("assigned") if tag["assigned"] == b"1" else None
            current.below.append(one)
            open_ones.append(one)
        elif current is top:
            return None
        else:
            open_ones.pop().end = tag.end()
    return top if open_ones == [top] and at == whole.end(1) else None


def _unescaped(text: bytes) -> str:
    return unescape(text.decode(errors="replace"), {"&quot;": '"', "&apos;": "'"})


def _mark(tree: _Category, names: Sequence[str]) -> None:
    """Marks the categories of a path, if all of them are there, for removal."""
    path = [tree]
    for name in names:
        below = next((one for one in path[-1].below if one.name == name), None)
        if below is None:
            return
        path.append(below)
    for one in path[1:]:
        one.on_path = True
    path[-1].unassigned = True


def _edits(tree: _Category) -> Iterator[tuple[int, int, bytes]]:
    """The edits in the order of the text: start, end, replacement."""
    for one in tree.below:
        if one.is_removed:
            yield one.start, one.end, b""
            continue
        if one.unassigned and one.assigned is not None:
            yield one.assigned, one.assigned + 1, b"0"
        yield from _edits(one)
