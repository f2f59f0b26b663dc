"""Google Takeout's JSON files: which one is a picture's, and what it says."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from csearchd.metadata.record import dated
from csearchd.metadata.sidecars import from_sidecars
from csearchd.metadata.takeout.content import from_takeout
from csearchd.metadata.takeout.names import head, is_of, may_be_takeout, takeout_names
from csearchd.watch.directory_listing import read_listing
from csearchd.watch.rules import Rules

SAID: dict[str, Any] = {
    "title": "IMG_0001.jpg",
    "description": "Boats\nat night",
    "imageViews": "3",
    "creationTime": {"timestamp": "1700000000", "formatted": "…"},
    "photoTakenTime": {"timestamp": "1684059072", "formatted": "May 14, 2023, 10:11:12 AM UTC"},
    "geoData": {"latitude": 38.7223, "longitude": -9.1393, "altitude": 12.0, "latitudeSpan": 0.0},
    "geoDataExif": {"latitude": 1.0, "longitude": 2.0, "altitude": 3.0},
    "people": [{"name": "Anna"}, {"name": "Ben "}, {"name": "Anna"}, {"name": ""}],
    "favorited": True,
    "url": "https://photos.google.com/photo/x",
}
LONG = "A_very_long_title_that_somebody_gave_this_pict"  # 46 characters


def read(said: object) -> dict[str, Any]:
    return dated(from_takeout(json.dumps(said).encode(), b"a.jpg"), b"a.jpg", datetime(2026, 1, 1))


def test_what_it_says() -> None:
    assert read(SAID) == {
        "taken": "2023-05-14T10:11:12", "utc_offset": 0, "date_source": "takeout",
        "latitude": 38.7223, "longitude": -9.1393, "altitude": 12.0,
        "description": "Boats at night", "people": ["Anna", "Ben"], "favourite": 1,
    }  # fmt: skip


@pytest.mark.parametrize(
    ("change", "missing"),
    [
        ({"geoData": {"latitude": 0.0, "longitude": 0.0}, "geoDataExif": None}, "latitude"),
        ({"geoData": {"latitude": 91.0, "longitude": 0.0}, "geoDataExif": None}, "latitude"),
        ({"geoData": {"latitude": "x", "longitude": True}, "geoDataExif": []}, "latitude"),
        ({"photoTakenTime": {"timestamp": "soon"}}, "taken"),
        ({"photoTakenTime": {"timestamp": "9" * 30}}, "taken"),
        ({"photoTakenTime": "1684059072"}, "taken"),
        ({"description": " "}, "description"),
        ({"description": ["x"]}, "description"),
        ({"people": "Anna"}, "people"),
        ({"people": [{"name": 3}, "Ben", None]}, "people"),
        ({"favorited": False}, "favourite"),
        ({"favorited": "yes"}, "favourite"),
    ],
)
def test_what_is_not_as_it_should_be_is_left_out(change: dict[str, Any], missing: str) -> None:
    found = read({**SAID, **change})
    assert missing not in found and len(found) >= 5


def test_the_place_of_the_picture_where_none_was_given() -> None:
    found = read({**SAID, "geoData": {"latitude": 0.0, "longitude": 0.0, "altitude": 0.0}})
    assert (found["latitude"], found["longitude"], found["altitude"]) == (1.0, 2.0, 3.0)
    equator = {"latitude": 0.0, "longitude": 9.5, "altitude": 0.0}
    found = read({**SAID, "geoData": equator})
    assert (found["latitude"], found["longitude"], found.get("altitude")) == (0.0, 9.5, None)


@pytest.mark.parametrize("data", [b"", b"[]", b"3", b"{", b"\xff", b"[" * 100_000, b'{"a": NaN}'])
def test_other_json_says_nothing(data: bytes) -> None:
    assert from_takeout(data, b"a.jpg") == {}


KEYS = st.sampled_from([*SAID, "timestamp", "latitude", "longitude", "altitude", "name"])
VALUES = st.none() | st.booleans() | st.floats() | st.integers() | st.text()


@given(st.recursive(VALUES, lambda few: st.lists(few, max_size=3) | st.dictionaries(KEYS, few)))
def test_no_json_raises(said: object) -> None:
    from_takeout(json.dumps(said).encode("utf-8", "surrogatepass"), b"a.jpg")


@pytest.mark.parametrize(
    ("picture", "names"),
    [
        ("IMG_0001.jpg", ["IMG_0001.jpg.json", "IMG_0001.jpg.supplemental-metadata.json"]),
        ("IMG_0001.jpg", ["IMG_0001.jpg.supplemental-metad.json", "IMG_0001.jpg.s.json"]),
        (
            "IMG_0001(1).jpg",
            ["IMG_0001.jpg(1).json", "IMG_0001.jpg.supplemental-metadata(1).json",
             "IMG_0001(1).jpg.json", "IMG_0001.jpg.supplemen(1).json"],
        ),
        ("IMG_0001-edited.jpg", ["IMG_0001.jpg.json", "IMG_0001-edited.jpg.json"]),
        ("IMG_0001-bearbeitet.jpg", ["IMG_0001.jpg.supplemental-metadata.json"]),
        ("IMG_0001-edited(1).jpg", ["IMG_0001.jpg(1).json"]),
        ("IMG_0001(1)-edited.jpg", ["IMG_0001.jpg(1).json"]),
        ("Screenshot_20230514-101112_Browser.jpg",
         ["Screenshot_20230514-101112_Browser.jpg.supplem.json"]),
        ("PXL_20230514_101112345.MP.jpg", ["PXL_20230514_101112345.MP.jpg.supplemental-met.json"]),
        (f"{LONG}.jpg", [f"{LONG}.json"]),
        (f"{LONG}u.jpg", [f"{LONG}.json"]),
        (f"{LONG[:44]}.jpg", [f"{LONG[:44]}.j.json"]),
        (f"{LONG}u(1).jpg", [f"{LONG}(1).json", f"{LONG[:43]}(1).json"]),
        (f"{LONG[:42]}-edit.jpg", [f"{LONG[:42]}.jpg.json", f"{LONG[:42]}.jpg.json"]),
        ("IMG_0001-EDITED.jpg", ["IMG_0001.jpg.json"]),
        ("21.12(2).11 - 1.jpg", ["21.12(2).11 - 1.jpg.supplemental-metadata(2).json",
                                 "21.12.11 - 1.jpg.supplemental-metadata(2).json"]),
        ("Screenshot_20190317-234331.jpg", ["Screenshot_20190317-234331.jpg.supplemental-me.json"]),
        ("image(2).png", ["image(2).png.supplemental-metadata.json"]),
        ("photo.jpg", ["photo.jpg..json", "photo.jpg.supp.json"]),
        ("Übergröße.jpg", ["Übergröße.jpg.json", "Übergröße.jpg.supplemental-metadata.json"]),
        ("IMG_0001.HEIC", ["IMG_0001.HEIC.supplemental-metadata.json"]),
    ],
)  # fmt: skip
def test_names(picture: str, names: list[str]) -> None:
    found = list(takeout_names(picture.encode()))
    assert set(map(str.encode, names)) <= set(found) and len(set(found)) == len(found)
    assert all(may_be_takeout(name.encode()) for name in names)
    assert {head(name) for name in found} == {head(picture.encode())}


STEMS = st.lists(
    st.sampled_from(
        ["a", "Ü", "海", "İ", "(1)", "(2)", ".", "-edited", "-edi", "-編集済み", "-", " "]
    )
    | st.text(st.characters(exclude_categories=["Cs"], exclude_characters="/\0"), max_size=50),
    max_size=6,
)


@given(STEMS, st.sampled_from([".jpg", ".HEIC", ".png"]))
def test_names_begin_alike(stem: list[str], suffix: str) -> None:
    picture = f"{''.join(stem)}{suffix}".encode()
    assert {head(name) for name in takeout_names(picture)} == {head(picture)}


def test_only_pictures_with_a_json_file_like_theirs_are_looked_up(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sought = []

    def names(picture: bytes) -> Iterator[bytes]:
        sought.append(picture)
        yield from takeout_names(picture)

    monkeypatch.setattr("csearchd.watch.directory_listing.takeout_names", names)
    for name in (
        "IMG_1.jpg", "IMG_1-edited.jpg", "IMG_2.jpg", "IMG_2(1).jpg", "IMG_3.jpg",
        "IMG_1.jpg.supplemental-metadata.json", "IMG_2.jpg.supplemental-metadata(1).json",
        "some-other-export-of-the-settings-of-a-program.json",
    ):  # fmt: skip
        (tmp_path / name).touch()
    listing = read_listing(os.fsencode(tmp_path), Rules(False, []))
    assert listing is not None
    described = {file.name for file in listing.files if file.sidecars}
    assert described == {b"IMG_1.jpg", b"IMG_1-edited.jpg", b"IMG_2(1).jpg"}
    assert set(sought) == described | {b"IMG_2.jpg"}


@pytest.mark.parametrize(
    ("picture", "name"),
    [
        ("IMG_0001.jpg", "IMG_0001.jpg(1).json"),
        ("IMG_0001(1).jpg", "IMG_0001.jpg.json"),
        ("IMG_0001(1).jpg", "IMG_0001.jpg(2).json"),
        ("IMG_0001.jpg", "IMG_00010.jpg.json"),
        ("IMG_0001.jpg", "IMG_0001.json"),
        ("IMG_0001.jpg", "IMG_0001-edited.jpg.json"),
    ],
)
def test_what_is_another_picture_s(picture: str, name: str) -> None:
    assert name.encode() not in set(takeout_names(picture.encode()))


@pytest.mark.parametrize("name", ["package.json", "metadata.json", "IMG.jpg.xmp", "a.jpg"])
def test_files_that_say_nothing_of_pictures(name: str) -> None:
    assert not may_be_takeout(name.encode())


@given(st.binary(min_size=1, max_size=255))
def test_no_name_raises(name: bytes) -> None:
    names = list(takeout_names(name))
    assert len(names) <= 250 and all(one.endswith(b".json") for one in names)
    may_be_takeout(name)


def test_the_likeliest_name_counts(tmp_path: Path) -> None:
    """A file of the picture's whole name, before that of a name without its number or "-edited"."""
    for name, text in (
        ("IMG_1(1).jpg.json", "own"), ("IMG_1.jpg(1).json", "shifted"),
        ("IMG_2.jpg(1).json", "shifted"), ("IMG_2.jpg.json", "original"),
        ("IMG_3-edited.jpg.json", "own"), ("IMG_3.jpg.json", "original"),
    ):  # fmt: skip
        (tmp_path / name).write_text(json.dumps({"description": text}))
    (tmp_path / "IMG_4.jpg.json").mkdir()
    directory = os.open(tmp_path, os.O_RDONLY)
    try:
        found = {
            name: [one.get("description") for one in from_sidecars(name.encode(), directory)]
            for name in ("IMG_1(1).jpg", "IMG_2(1).jpg", "IMG_3-edited.jpg", "IMG_4.jpg", "x.jpg")
        }
    finally:
        os.close(directory)
    assert found == {
        "IMG_1(1).jpg": ["own"], "IMG_2(1).jpg": ["shifted"], "IMG_3-edited.jpg": ["own"],
        "IMG_4.jpg": [], "x.jpg": [],
    }  # fmt: skip


def test_pictures_whose_names_are_cut_off_alike(tmp_path: Path) -> None:
    """Only the titles tell which file is whose."""
    for number, last in (("", "b"), ("(1)", "a")):
        said = {"title": f"{LONG}{last} and more?.jpg", "description": last}
        (tmp_path / f"{LONG}{number}.json").write_text(json.dumps(said))
    directory = os.open(tmp_path, os.O_RDONLY)
    try:
        for name in ("a", "b"):
            (found,) = from_sidecars(f"{LONG}{name}.jpg".encode(), directory)
            assert found["description"] == name
    finally:
        os.close(directory)
    assert is_of("Who? Me & you.jpg", b"Who_ Me _ you.jpg")
    assert is_of(f"{LONG[:45]}?uv.jpg", f"{LONG[:45]}_u.jpg".encode())
