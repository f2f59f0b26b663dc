"""Categories that digiKam copies from our words: they go with them, and nobody else's do."""

from __future__ import annotations

import re
from xml.sax.saxutils import escape, quoteattr

import pytest

from csearchd.metadata import acdsee
from csearchd.metadata.xmp_packet import parse

OURS = ["csearch/animal/dog", "csearch/sky"]


def category(name: str, *below: str, assigned: bool = False) -> str:
    return f'<Category Assigned="{assigned:d}">{name}{"".join(below)}</Category>'


def packet(text: str, form: str) -> bytes:
    if form == "attribute":
        property_, inside = f"\n  acdsee:categories={quoteattr(text)}", ""
    else:
        inside = f"\n  <acdsee:categories>{escape(text)}</acdsee:categories>"
        property_ = ""
    return (
        '<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-'
        'syntax-ns#"> <rdf:Description rdf:about="" xmlns:acdsee="http://ns.acdsee.com/iptc/1.0/" '
        f'xmlns:xmp="http://ns.adobe.com/xap/1.0/" xmp:Rating="3"{property_}>{inside}'
        "</rdf:Description></rdf:RDF></x:xmpmeta>"
    ).encode()


def categories(*inside: str) -> str:
    return f"<Categories>{''.join(inside)}</Categories>"


DOG = category("animal", category("dog", assigned=True))
SKY = category("sky", assigned=True)
THEIRS = category("places", category("café & bar", assigned=True))


@pytest.mark.parametrize("form", ["attribute", "element"])
@pytest.mark.parametrize(
    ("before", "after"),
    [
        (categories(category("csearch", DOG, SKY)), None),
        (categories(category("csearch", DOG, SKY), THEIRS), categories(THEIRS)),
        (categories(THEIRS, category("csearch", SKY)), categories(THEIRS)),
        (categories(THEIRS, DOG), categories(THEIRS, DOG)),
        (
            categories(category("csearch", SKY, category("mine", assigned=True))),
            categories(category("csearch", category("mine", assigned=True))),
        ),
        (
            categories(category("csearch", category("sky", THEIRS, assigned=True))),
            categories(category("csearch", category("sky", THEIRS))),
        ),
    ],
)
def test_ours_go_and_theirs_stay(form: str, before: str, after: str | None) -> None:
    found = acdsee.without(packet(before, form), OURS)
    if after is not None:
        assert found == packet(after, form)
        return
    parse(found)
    nothing = re.sub(rb'\s+acdsee:categories=""', b"", packet("", "attribute"))
    assert found == nothing


@pytest.mark.parametrize("form", ["attribute", "element"])
@pytest.mark.parametrize(
    "text",
    [
        "",
        "csearch/sky",
        categories(),
        categories(category("csearch", SKY)).replace("</Categories>", ""),
        categories("stray", category("csearch", SKY)),
        categories(category("csearch", SKY, "stray")),
        categories(category("csearch", SKY)).replace("</Category>", "", 1),
        categories(category("csearch", SKY)).replace("Assigned", "assigned"),
        categories(category("csearch", SKY), "</Category>"),
    ],
)
def test_what_is_not_understood_stays(form: str, text: str) -> None:
    data = packet(text, form)
    assert acdsee.without(data, OURS) == data


def test_where_there_are_two_none_is_touched() -> None:
    data = packet(categories(category("csearch", SKY)), "attribute")
    node = re.findall(rb"<rdf:Description.*</rdf:Description>", data, re.DOTALL)[0]
    twice = data.replace(node, node + node)
    assert acdsee.without(twice, OURS) == twice
