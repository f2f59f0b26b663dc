"""What Picasa's .picasa.ini says of the pictures in its directory."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from csearchd.metadata.picasa import from_picasa
from csearchd.metadata.record import merged
from csearchd.metadata.sidecars import from_sidecars
from support.photos import write_drawn
from support.user import User, wait_for

ANNA = "8e62398ebda8c1a5"
BEN = "d10a8325c557b085"
HEAD = f"[Contacts2]\r\n{ANNA}=Anna Müller;anna@example.org;\r\n{BEN}=Ben;;\r\n"


def said(section: str, head: str = HEAD, name: str = "IMG_1.jpg") -> dict[str, Any]:
    return from_picasa(f"{head}[IMG_1.jpg]\r\n{section}\r\n".encode(), name)


def test_everything_that_picasa_says() -> None:
    faces = f"faces=rect64(3333333366666666),{ANNA};rect64(999900007fff),{BEN};"
    found = said(
        f"star=yes\nrotate=rotate(1)\n{faces}\nkeywords=garden, summer,Garden\n"
        "caption=In the garden = outside\ngeotag=48.858,2.294\nbackuphash=29377\nfilters=crop64=1;"
    )
    people = ["Anna Müller", "Ben"]
    assert merged(found) == {
        "favourite": 1, "rating": 5, "keywords": ["garden", "summer"],
        "description": "In the garden = outside", "latitude": 48.858, "longitude": 2.294,
        "people": people, "regions": {"Anna Müller": [0.2, 0.2, 0.2, 0.2]},
    }  # fmt: skip


@pytest.mark.parametrize(
    ("edges", "region"),
    [
        ("0000000033336666", [0.0, 0.0, 0.2, 0.4]),
        ("33336666", [0.0, 0.0, 0.2, 0.4]),  # zeros in front are left out
        ("3333ffffffff", [0.0, 0.2, 1.0, 0.8]),
        ("66663333cccc9999", [0.4, 0.2, 0.4, 0.4]),
        ("ffff", None),  # without a width
        ("9999999933333333", None),
    ],
)
def test_regions(edges: str, region: list[float] | None) -> None:
    found = said(f"faces=rect64({edges}),{ANNA}")
    assert found["people"] == ["Anna Müller"]
    assert found.get("regions", {}).get("Anna Müller") == region


@pytest.mark.parametrize(
    "section",
    [
        "faces=rect64(3333333366666666),ffffffffffffffff",
        "faces=rect64(3333333366666666),0123456789abcdef",
        "faces=rect64(3333333366666666)", "faces=rect64(xyz),8e62398ebda8c1a5", "faces=",
        "star=no", "caption=", "keywords=,", "geotag=91,0", "geotag=0,0", "geotag=north",
        "hidden=yes",
    ],
)  # fmt: skip
def test_what_says_nothing(section: str) -> None:
    assert said(section) == {}


def test_names_of_accounts_are_no_names() -> None:
    """As Picasa 3.8 wrote them."""
    head = f"[Contacts]\n{ANNA}=joedoe_lh,cb989580bc43a91\n"
    assert said(f"faces=rect64(3333333366666666),{ANNA}", head) == {}


@pytest.mark.parametrize("name", ["IMG_1.jpg", "img_1.JPG"])
def test_names_of_pictures_differ_in_case(name: str) -> None:
    assert said("star=yes", name=name) == {"favourite": 1}
    assert said("star=yes", name="IMG_2.jpg") == {}


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "cp1252"])
def test_character_sets(encoding: str) -> None:
    ini = "[Müller [1].jpg]\r\ncaption=Schöne Grüße vom Fluß\r\n".encode(encoding)
    assert from_picasa(ini, "Müller [1].jpg") == {"description": "Schöne Grüße vom Fluß"}


@given(st.binary(max_size=300), st.text(max_size=20))
def test_no_file_raises(data: bytes, name: str) -> None:
    from_picasa(data, name)


@pytest.mark.parametrize("ini", [".picasa.ini", "Picasa.ini"])
def test_sidecars_count_more(tmp_path: Path, ini: str) -> None:
    (tmp_path / ini).write_text("[a.jpg]\ncaption=of Picasa\nstar=yes\n")
    (tmp_path / "a.jpg.json").write_text('{"title": "a.jpg", "description": "of Takeout"}')
    directory = os.open(tmp_path, os.O_RDONLY)
    try:
        found = merged(*from_sidecars(b"a.jpg", directory))
    finally:
        os.close(directory)
    assert found == {"description": "of Takeout", "favourite": 1, "rating": 5}


def test_a_change_reaches_the_pictures_of_its_directory(user: User) -> None:
    a, _ = write_drawn(user.pictures, 2)
    user.start()
    user.csearchctl("add", user.pictures)
    assert user.settle()["encoded"] == 2
    ini = user.pictures / ".picasa.ini"
    faces = f"faces=rect64(3333333366666666),{ANNA}"

    def named(name: str) -> list[Path]:
        return user.search(f"person:{name}", "-g", check=None)

    ini.write_text(f"{HEAD}[{a.name}]\n{faces}\nstar=yes\n")
    wait_for(lambda: named("Anna") == [a], "Anna")
    assert user.search("rating:5", "-g") == [a]
    ini.write_text(f"{HEAD.replace('Anna Müller', 'Clara')}[{a.name}]\n{faces}\n")
    wait_for(lambda: named("Clara") == [a] and not named("Anna"), "Clara")
    renamed = a.rename(user.pictures / "other.png")
    wait_for(lambda: user.settle()["images"] == 2 and not named("Clara"), "nobody")
    renamed.rename(a)
    wait_for(lambda: named("Clara") == [a], "Clara again")
    ini.unlink()
    wait_for(lambda: not named("Clara"), "nobody")
    assert user.settle()["encoded"] == 2
