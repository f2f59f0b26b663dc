"""People, keywords and names in every spelling, asked of the real service."""

from __future__ import annotations

import io
import json
import unicodedata
from pathlib import Path

import pytest
from PIL import Image

from support.photos import drawn
from support.user import User

NFD = "NFD"
XMP = (
    '<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF '
    'xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#"><rdf:Description '
    'xmlns:dc="http://purl.org/dc/elements/1.1/" '
    'xmlns:lr="http://ns.adobe.com/lightroom/1.0/" '
    'xmlns:mwg-rs="http://www.metadataworkinggroup.com/schemas/regions/" '
    'xmlns:stArea="http://ns.adobe.com/xmp/sType/Area#">{}</rdf:Description></rdf:RDF></x:xmpmeta>'
)


def people(*names: str) -> str:
    items = "".join(
        f'<rdf:li mwg-rs:Name="{name}" mwg-rs:Type="Face"><mwg-rs:Area stArea:x="0.5" '
        'stArea:y="0.5" stArea:w="0.2" stArea:h="0.4" stArea:unit="normalized"/></rdf:li>'
        for name in names
    )
    return (
        '<mwg-rs:Regions rdf:parseType="Resource"><mwg-rs:RegionList><rdf:Bag>'
        f"{items}</rdf:Bag></mwg-rs:RegionList></mwg-rs:Regions>"
    )


def tags(*words: str) -> str:
    items = "".join(f"<rdf:li>{word}</rdf:li>" for word in words)
    return f"<lr:hierarchicalSubject><rdf:Bag>{items}</rdf:Bag></lr:hierarchicalSubject>"


PICTURES = {
    "anna.jpg": people("Anna Müller", "Ben"),
    "ben.jpg": people("Ben"),
    "annabelle.jpg": people("Annabelle"),
    "zoe.jpg": people(unicodedata.normalize(NFD, "ZOË")) + tags(unicodedata.normalize(NFD, "Möwe")),
    unicodedata.normalize(NFD, "Straße.jpg"): tags("Möwe", "Orte|a|b|c|d|e|f|g|h|i|j"),
    unicodedata.normalize(NFD, "Übung.jpg"): tags("12&quot; vinyl", "darktable|exported"),
    "quote.jpg": tags("&quot;Rex&quot;"),
}


@pytest.fixture(scope="module")
def user(tmp_path_factory: pytest.TempPathFactory) -> User:
    with User(tmp_path_factory.mktemp("home")) as someone:
        folder = someone.pictures / unicodedata.normalize(NFD, "Früher")
        folder.mkdir()
        for number, (name, inside) in enumerate(PICTURES.items()):
            stream = io.BytesIO()
            image = Image.open(io.BytesIO(drawn(number)))
            image.save(stream, "JPEG", xmp=XMP.format(inside).encode())
            (folder / name).write_bytes(stream.getvalue())
        someone.csearchctl("add", someone.pictures)
        someone.csearch("-g", "--wait", "type:jpeg")
        yield someone


def found(user: User, *query: str) -> set[str]:
    done = user.csearch("-g", "-t", "50", *query, check=None)
    return {
        unicodedata.normalize("NFC", Path(line).name) for line in done.stdout.decode().splitlines()
    }


@pytest.mark.parametrize(
    ("query", "names"),
    [
        (["person:Anna"], {"anna.jpg"}),
        (["person:anna"], {"anna.jpg"}),
        (['person:"anna müller"'], {"anna.jpg"}),
        (["person:Müller"], {"anna.jpg"}),
        (["person:Ben"], {"anna.jpg", "ben.jpg"}),
        (["person:Anna", "person:Ben"], {"anna.jpg"}),
        (["person:Ben", "not:person:Anna"], {"ben.jpg"}),
        (["person:Anna*"], {"anna.jpg", "annabelle.jpg"}),
        (["person:zoë"], {"zoe.jpg"}),
        ([f"person:{unicodedata.normalize(NFD, 'Zoë')}"], {"zoe.jpg"}),
        (["person:Nobody"], set()),
        (["tag:möwe"], {"zoe.jpg", "Straße.jpg"}),
        ([f"tag:{unicodedata.normalize(NFD, 'MÖWE')}"], {"zoe.jpg", "Straße.jpg"}),
        (["tag:j"], {"Straße.jpg"}),
        (["tag:orte"], {"Straße.jpg"}),
        (["tag:e/f"], {"Straße.jpg"}),
        (["tag:orte/a/b/c/d/e/f/g/h/i/j"], {"Straße.jpg"}),
        (["tag:f/e"], set()),
        (['tag:"12"" vinyl"'], {"Übung.jpg"}),
        (['tag:"""Rex"""'], {"quote.jpg"}),
        (["tag:exported"], set()),
        (["tag:darktable*"], set()),
        (["name:übung"], {"Übung.jpg"}),
        (["name:ÜB*"], {"Übung.jpg"}),
        (["name:STRASSE"], {"Straße.jpg"}),
        (["name:straße"], {"Straße.jpg"}),
    ],
)
def test_filters(user: User, query: list[str], names: set[str]) -> None:
    assert found(user, *query) == names


@pytest.mark.parametrize("form", ["NFC", "NFD"])
def test_folders(user: User, form: str) -> None:
    folder = unicodedata.normalize(form, "früher")  # type: ignore[arg-type]
    assert len(found(user, f"folder:{folder}")) == len(PICTURES)


def test_people_in_json_and_in_a_format(user: User) -> None:
    done = user.csearch("-g", "--json", "person:Anna")
    assert json.loads(done.stdout)["people"] == ["Anna Müller", "Ben"]
    done = user.csearch("-g", "--format", "{people}", "person:Anna")
    assert "Anna Müller" in done.stdout.decode() and "Ben" in done.stdout.decode()


@pytest.mark.parametrize(
    ("typed", "completed"),
    [
        ("person:an", ["person:annabelle", 'person:"anna Müller"']),
        ("person:zo", ["person:zoË"]),
        (unicodedata.normalize(NFD, "tag:mö"), [unicodedata.normalize(NFD, "tag:mö") + "we"]),
        ("tag:12", ['tag:"12"" vinyl"']),
        ('tag:"12"" v', ['tag:"12"" vinyl"']),
        ("tag:f", ["tag:f"]),
        ("tag:orte/a", ["tag:orte/a", "tag:orte/a/b/c/d/e/f/g/h/i/j"]),
    ],
)
def test_completion(user: User, typed: str, completed: list[str]) -> None:
    done = user.run("csearch.completing", "zsh", "csearch", "'", typed)
    lines = [line.partition("\t")[0] for line in done.stdout.decode().splitlines()[1:]]
    assert set(lines) >= set(completed)
