"""People whom other programs have named, each in the form that the program writes."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from csearchd.metadata.people.regions import Person, people
from csearchd.metadata.record import merged
from csearchd.metadata.xmp import from_xmp
from csearchd.metadata.xmp_edit import edited
from csearchd.metadata.xmp_packet import HIERARCHICAL, SUBJECT, parse

HEAD = (
    '<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF '
    'xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#"><rdf:Description '
    'xmlns:mwg-rs="http://www.metadataworkinggroup.com/schemas/regions/" '
    'xmlns:stArea="http://ns.adobe.com/xmp/sType/Area#" '
    'xmlns:stDim="http://ns.adobe.com/xap/1.0/sType/Dimensions#" '
    'xmlns:MP="http://ns.microsoft.com/photo/1.2/" '
    'xmlns:MPRI="http://ns.microsoft.com/photo/1.2/t/RegionInfo#" '
    'xmlns:MPReg="http://ns.microsoft.com/photo/1.2/t/Region#" '
    'xmlns:acdsee-rs="http://ns.acdsee.com/regions/" '
    'xmlns:acdsee-stArea="http://ns.acdsee.com/sType/Area#" '
    'xmlns:Iptc4xmpExt="http://iptc.org/std/Iptc4xmpExt/2008-02-29/" '
    'xmlns:dc="http://purl.org/dc/elements/1.1/">'
)
TAIL = "</rdf:Description></rdf:RDF></x:xmpmeta>"
AREA = '<mwg-rs:Area stArea:x="0.5" stArea:y="0.4" stArea:w="0.2" stArea:h="0.2"{}/>'
ANNA = Person("Anna", (0.4, 0.3, 0.2, 0.2))


def packet(inside: str) -> bytes:
    return (HEAD + inside + TAIL).encode()


def mwg(items: str, dimensions: str = "") -> str:
    return (
        f'<mwg-rs:Regions rdf:parseType="Resource">{dimensions}<mwg-rs:RegionList><rdf:Bag>'
        f"{items}</rdf:Bag></mwg-rs:RegionList></mwg-rs:Regions>"
    )


UNIT = AREA.format(' stArea:unit="normalized"')
FORMS = {
    "Lightroom": mwg(
        '<rdf:li><rdf:Description mwg-rs:Type="Face" mwg-rs:Name="Anna" mwg-rs:Rotation="0.0">'
        f"{UNIT}</rdf:Description></rdf:li>"
    ),
    "digiKam": mwg(
        f'<rdf:li mwg-rs:Name="Anna" mwg-rs:Type="Face">{UNIT}</rdf:li>',
        '<mwg-rs:AppliedToDimensions stDim:w="400" stDim:h="300" stDim:unit="pixel"/>',
    ),
    "exiftool": mwg(
        '<rdf:li rdf:parseType="Resource"><mwg-rs:Area rdf:parseType="Resource">'
        "<stArea:h>0.2</stArea:h><stArea:unit>normalized</stArea:unit><stArea:w>0.2</stArea:w>"
        "<stArea:x>0.5</stArea:x><stArea:y>0.4</stArea:y></mwg-rs:Area>"
        "<mwg-rs:Name>Anna</mwg-rs:Name><mwg-rs:Type>Face</mwg-rs:Type></rdf:li>"
    ),
    "without a type": mwg(f'<rdf:li><rdf:Description mwg-rs:Name=" Anna ">{UNIT}'
                          "</rdf:Description></rdf:li>"),
    "pixels": mwg(
        '<rdf:li mwg-rs:Name="Anna" mwg-rs:Type="Face"><mwg-rs:Area stArea:x="200" stArea:y="120" '
        'stArea:w="80" stArea:h="60" stArea:unit="pixel"/></rdf:li>',
        '<mwg-rs:AppliedToDimensions stDim:w="400" stDim:h="300" stDim:unit="pixel"/>',
    ),
    "Windows": (
        '<MP:RegionInfo rdf:parseType="Resource"><MPRI:Regions><rdf:Bag><rdf:li '
        'MPReg:Rectangle="0.4, 0.3, 0.2, 0.2" MPReg:PersonDisplayName="Anna"/></rdf:Bag>'
        "</MPRI:Regions></MP:RegionInfo>"
    ),
    "Windows, older": (
        "<MP:RegionInfo><rdf:Description><MPRI:Regions><rdf:Bag><rdf:li><rdf:Description>"
        "<MPReg:PersonDisplayName>Anna</MPReg:PersonDisplayName>"
        "<MPReg:Rectangle>0.4,0.3,0.2,0.2</MPReg:Rectangle></rdf:Description></rdf:li></rdf:Bag>"
        "</MPRI:Regions></rdf:Description></MP:RegionInfo>"
    ),
    "ACDSee": (
        '<acdsee-rs:Regions rdf:parseType="Resource"><acdsee-rs:RegionList><rdf:Bag>'
        '<rdf:li rdf:parseType="Resource"><acdsee-rs:Name>Anna</acdsee-rs:Name>'
        '<acdsee-rs:Type>Face</acdsee-rs:Type><acdsee-rs:DLYArea acdsee-stArea:x="0.5" '
        'acdsee-stArea:y="0.4" acdsee-stArea:w="0.2" acdsee-stArea:h="0.2"/></rdf:li></rdf:Bag>'
        "</acdsee-rs:RegionList></acdsee-rs:Regions>"
    ),
    "IPTC's regions": (
        "<Iptc4xmpExt:ImageRegion><rdf:Bag><rdf:li rdf:parseType='Resource'>"
        "<Iptc4xmpExt:RegionBoundary rdf:parseType='Resource'>"
        "<Iptc4xmpExt:rbUnit>relative</Iptc4xmpExt:rbUnit><Iptc4xmpExt:rbX>0.4</Iptc4xmpExt:rbX>"
        "<Iptc4xmpExt:rbY>0.3</Iptc4xmpExt:rbY><Iptc4xmpExt:rbW>0.2</Iptc4xmpExt:rbW>"
        "<Iptc4xmpExt:rbH>0.2</Iptc4xmpExt:rbH></Iptc4xmpExt:RegionBoundary>"
        "<Iptc4xmpExt:PersonInImage><rdf:Bag><rdf:li>Anna</rdf:li></rdf:Bag>"
        "</Iptc4xmpExt:PersonInImage></rdf:li></rdf:Bag></Iptc4xmpExt:ImageRegion>"
    ),
}  # fmt: skip
WITHOUT_REGION = {
    "PersonInImage": "<Iptc4xmpExt:PersonInImage><rdf:Bag><rdf:li>Anna</rdf:li><rdf:li>Ben</rdf:li>"
    "</rdf:Bag></Iptc4xmpExt:PersonInImage>",
    "PersonInImageWDetails": "<Iptc4xmpExt:PersonInImageWDetails><rdf:Bag>"
    '<rdf:li rdf:parseType="Resource"><Iptc4xmpExt:PersonName><rdf:Alt>'
    '<rdf:li xml:lang="x-default">Anna</rdf:li></rdf:Alt></Iptc4xmpExt:PersonName></rdf:li>'
    '<rdf:li rdf:parseType="Resource"><Iptc4xmpExt:PersonName><rdf:Alt>'
    '<rdf:li xml:lang="x-default">Ben</rdf:li></rdf:Alt></Iptc4xmpExt:PersonName></rdf:li>'
    "</rdf:Bag></Iptc4xmpExt:PersonInImageWDetails>",
    "names without an area": mwg('<rdf:li mwg-rs:Name="Anna" mwg-rs:Type="Face"/>'
                                 '<rdf:li mwg-rs:Name="Ben" mwg-rs:Type="Face"/>'),
}  # fmt: skip


@pytest.mark.parametrize("form", FORMS)
def test_a_name_and_its_region(form: str) -> None:
    assert people(packet(FORMS[form])) == [ANNA]


@pytest.mark.parametrize("form", WITHOUT_REGION)
def test_names_alone(form: str) -> None:
    assert people(packet(WITHOUT_REGION[form])) == [Person("Anna"), Person("Ben")]


@pytest.mark.parametrize("kind", ["Pet", "Focus", "BarCode"])
def test_regions_of_others_are_no_people(kind: str) -> None:
    item = f'<rdf:li mwg-rs:Name="Rex" mwg-rs:Type="{kind}">{UNIT}</rdf:li>'
    assert people(packet(mwg(item))) == []


@pytest.mark.parametrize("name", ["", "  "])
def test_faces_without_a_name_are_nobody(name: str) -> None:
    item = f'<rdf:li mwg-rs:Name="{name}" mwg-rs:Type="Face">{UNIT}</rdf:li>'
    assert people(packet(mwg(item))) == []


def test_all_forms_together_name_each_once() -> None:
    found = from_xmp(packet("".join([*WITHOUT_REGION.values(), *FORMS.values()])))
    assert found["people"] == ["Anna", "Ben"]
    assert found["regions"] == {"Anna": [0.4, 0.3, 0.2, 0.2]}


def test_several_sources() -> None:
    sidecar = {"people": ["Zoë"], "title": "a"}
    own = {"people": ["ZOË", "Anna"], "regions": {"ZOË": [0.1, 0.1, 0.2, 0.2]}}
    found = merged(sidecar, own)
    assert found["people"] == ["Zoë", "Anna"] and found["regions"] == {"Zoë": [0.1, 0.1, 0.2, 0.2]}


@pytest.mark.parametrize(
    "area",
    ["", '<mwg-rs:Area stArea:x="a" stArea:y="0" stArea:w="1" stArea:h="1"/>',
     '<mwg-rs:Area stArea:x="5" stArea:y="5" stArea:w="1" stArea:h="1"/>',
     '<mwg-rs:Area stArea:x="nan" stArea:y="0.5" stArea:w="1" stArea:h="1"/>',
     '<mwg-rs:Area stArea:x="9" stArea:y="9" stArea:w="9" stArea:h="9" stArea:unit="pixel"/>'],
)  # fmt: skip
def test_a_damaged_area_costs_the_area(area: str) -> None:
    item = f'<rdf:li mwg-rs:Name="Anna" mwg-rs:Type="Face">{area}</rdf:li>'
    assert people(packet(mwg(item))) == [Person("Anna")]


@settings(max_examples=200, deadline=None)
@given(form=st.sampled_from(sorted(FORMS)), cut=st.integers(0, 2000), text=st.binary(max_size=8))
def test_rubbish_never_raises(form: str, cut: int, text: bytes) -> None:
    data = packet(FORMS[form])
    at = cut % len(data)
    for damaged in (data[:at], data[:at] + text + data[at:]):
        assert all(person.name == "Anna" or person.name for person in people(damaged))


def test_very_many_people_are_not_kept() -> None:
    items = "".join(f'<rdf:li mwg-rs:Name="p{n}" mwg-rs:Type="Face"/>' for n in range(3000))
    assert len(people(packet(mwg(items)))) <= 200


@pytest.mark.parametrize(
    "encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32", "utf-32-be"]
)
@pytest.mark.parametrize(
    "start", ["", "<?xpacket begin='\ufeff' id='W5M0MpCehiHzreSzNTczkc9d'?>\n"]
)
def test_encodings_of_packets(encoding: str, start: str) -> None:
    subject = (
        "<dc:subject><rdf:Bag><rdf:li>Möwe</rdf:li><rdf:li>海边</rdf:li></rdf:Bag></dc:subject>"
    )
    text = start + HEAD + FORMS["Lightroom"] + subject + TAIL
    found = from_xmp(text.encode(encoding))
    assert found["keywords"] == ["Möwe", "海边"] and found["people"] == ["Anna"]


@pytest.mark.parametrize(
    ("encoding", "declared"),
    [("latin-1", "ISO-8859-1"), ("cp1252", ""), ("gbk", "GBK"), ("gbk", ""), ("cp932", ""),
     ("cp932", "Shift_JIS")],
)  # fmt: skip
def test_packets_that_are_not_in_unicode(encoding: str, declared: str) -> None:
    words = {"gbk": "北京的春天", "cp932": "東京タワーの夜景"}.get(
        encoding, "Geburtstag von Jürgen"
    )
    start = f'<?xml version="1.0" encoding="{declared}"?>' if declared else ""
    subject = f"<dc:subject><rdf:Bag><rdf:li>{words}</rdf:li></rdf:Bag></dc:subject>"
    assert from_xmp((start + HEAD + subject + TAIL).encode(encoding))["keywords"] == [words]


def test_one_damaged_byte_leaves_the_other_letters() -> None:
    words = "Möwen über der Küste bei Zürich"
    text = HEAD + f"<dc:title>{words}</dc:title>" + TAIL
    assert from_xmp(text.encode() + b"\xff")["title"] == words


def test_writing_tags_leaves_people_alone() -> None:
    before = packet("".join([*WITHOUT_REGION.values(), *FORMS.values()]))
    after = edited(parse(before), {SUBJECT: ["dog"], HIERARCHICAL: ["csearch|dog"]}, {})
    assert after != before and people(after) == people(before)
    added = {SUBJECT: ["dog"], HIERARCHICAL: ["csearch|dog"]}
    assert edited(parse(after), {}, added) == before
