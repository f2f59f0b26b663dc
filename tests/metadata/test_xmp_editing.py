"""XMP packets: our words come and go, and everything else stays, byte for byte."""

from __future__ import annotations

import xml.etree.ElementTree as ET

import pytest
from hypothesis import given
from hypothesis import strategies as st

from csearchd.errors import XmpError
from csearchd.metadata.xmp_edit import edited, empty, is_empty
from csearchd.metadata.xmp_packet import (
    HIERARCHICAL,
    LEDGER,
    LISTS,
    SUBJECT,
    TAGS_LIST,
    Name,
    parse,
)
from csearchd.metadata.xmp_parser import RDF

OTHER = Name("http://example.org/other/", "other", "thing")
TEXTS = st.text(st.characters(codec="utf-8", exclude_categories=["C", "Z"]), min_size=1, max_size=9)
BLANKS = st.sampled_from(["", " ", "\n", "\n   ", "\t\r\n"])
LI = f"{{{RDF}}}li"


@st.composite
def packets(draw: st.DrawFn) -> bytes:
    """As programs write them: other prefixes, attributes, blanks, several nodes, padding."""
    from xml.sax.saxutils import escape, quoteattr

    rdf = draw(st.sampled_from(["rdf", "r"]))
    about = draw(st.sampled_from(["''", '""', "'uuid:1'"]))
    blank = draw(BLANKS)
    names = draw(st.lists(st.sampled_from([*LISTS, OTHER]), unique=True, max_size=4))
    nodes = []
    for name in names:
        items = draw(st.lists(TEXTS, max_size=3))
        kind = draw(st.sampled_from(["Bag", "Seq"]))
        lis = "".join(f"{blank}<{rdf}:li>{escape(item)}</{rdf}:li>" for item in items)
        container = f"<{rdf}:{kind}>{lis}{blank}</{rdf}:{kind}>" if lis else f"<{rdf}:{kind}/>"
        body = f"<p:{name.name}>{blank}{container}{blank}</p:{name.name}>"
        attribute = ""
        if draw(st.booleans()):
            attribute = f" xmlns:x='urn:x/' x:note={quoteattr(draw(TEXTS))}"
        nodes.append(
            f"{blank}<{rdf}:Description {rdf}:about={about} xmlns:p='{name.uri}'{attribute}>"
            f"{blank}{body}<!-- {'kept'} --></{rdf}:Description>"
        )
    inside = "".join(nodes)
    whole = f"<{rdf}:RDF xmlns:{rdf}='{RDF}'>{inside}{blank}</{rdf}:RDF>"
    if not inside and draw(st.booleans()):
        whole = f"<{rdf}:RDF xmlns:{rdf}='{RDF}'/>"
    packet = f"<x:xmpmeta xmlns:x='adobe:ns:meta/'>{blank}{whole}</x:xmpmeta>"
    if draw(st.booleans()):
        padding = " " * draw(st.integers(0, 50))
        packet = f"<?xpacket begin='\ufeff' id='W5'?>{packet}{padding}<?xpacket end='w'?>"
    return packet.encode()


def lists(packet: bytes) -> dict[str, list[str]]:
    """All lists, as another parser sees them."""
    found: dict[str, list[str]] = {}
    for node in ET.fromstring(packet).iter(f"{{{RDF}}}Description"):
        for key, value in node.attrib.items():
            if key != f"{{{RDF}}}about":
                found.setdefault(key, []).append(value)
        for child in node:
            found.setdefault(child.tag, []).extend(li.text or "" for li in child.iter(LI))
    return {key: items for key, items in found.items() if items}


def key(name: Name) -> str:
    return f"{{{name.uri}}}{name.name}"


@given(packets(), st.dictionaries(st.sampled_from([*LISTS, LEDGER]), st.lists(TEXTS, min_size=1)))
def test_what_is_added_is_there_and_nothing_else_changes(
    packet: bytes, add: dict[Name, list[str]]
) -> None:
    before = lists(packet)
    new = edited(parse(packet), add, {})
    after = lists(new)
    for name, texts in add.items():
        assert after.pop(key(name)) == before.pop(key(name), []) + texts
    assert after == before
    assert packet.count(b"kept") == new.count(b"kept")


@given(packets(), st.dictionaries(st.sampled_from([*LISTS, LEDGER]), st.lists(TEXTS, min_size=1)))
def test_what_was_added_can_be_taken_out(packet: bytes, add: dict[Name, list[str]]) -> None:
    before = parse(packet)
    ours = {
        name: [text for text in texts if text not in before.values(name)]
        for name, texts in add.items()
    }
    new = edited(before, {name: texts for name, texts in ours.items() if texts}, {})
    assert lists(edited(parse(new), {}, ours)) == lists(packet)


@given(packets())
def test_no_edit_is_no_change(packet: bytes) -> None:
    assert edited(parse(packet), {}, {SUBJECT: ["\u2603 that nobody wrote"]}) == packet


@given(packets(), st.data())
def test_a_damaged_packet_is_refused_or_understood(packet: bytes, data: st.DataObject) -> None:
    at = data.draw(st.integers(0, len(packet) - 1))
    byte = data.draw(st.integers(0, 255))
    try:
        found = parse(packet[:at] + bytes([byte]) + packet[at + 1 :])
        lists(edited(found, {SUBJECT: ["dog"]}, {}))
    except XmpError:
        pass
    with pytest.raises(XmpError):
        parse(packet[: packet.index(b"RDF") + at // 4][:-1])


def test_an_empty_packet_is_empty_again() -> None:
    add = {SUBJECT: ["a&b"], TAGS_LIST: ["x/a"], HIERARCHICAL: ["x|a"], LEDGER: ['{"mark":"<"}']}
    full = edited(parse(empty()), add, {})
    assert parse(full).values(LEDGER) == ['{"mark":"<"}']
    assert not is_empty(parse(full))
    assert edited(parse(full), {}, add) == empty()
    assert is_empty(parse(empty()))


@pytest.mark.parametrize(
    "packet",
    [
        b"<!DOCTYPE a [<!ENTITY b 'c'>]><a>&b;</a>",
        b"\xff\xfe<\0a\0/\0>\0",
        b"<?xml version='1.0' encoding='iso-8859-1'?><a/>",
        b"<a/>",
        b"",
        b"<a>" * 100_000,
        b"<x:xmpmeta xmlns:x='adobe:ns:meta/'>",
    ],
)
def test_what_is_strange_is_refused(packet: bytes) -> None:
    with pytest.raises(XmpError):
        parse(packet)


def test_keywords_that_are_no_list_are_left_alone() -> None:
    for form in ("<dc:subject>dog</dc:subject>", ""):
        attribute = "" if form else " dc:subject='dog'"
        packet = (
            f"<rdf:RDF xmlns:rdf='{RDF}'><rdf:Description xmlns:dc='{SUBJECT.uri}'{attribute}>"
            f"{form}</rdf:Description></rdf:RDF>"
        ).encode()
        with pytest.raises(XmpError, match="not a list"):
            edited(parse(packet), {SUBJECT: ["cat"]}, {})
