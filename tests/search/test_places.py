"""Geocoding: points of names, and names of points."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from csearchd.errors import PlaceError
from csearchd.search.places import build, table
from csearchd.search.places.area_names import AreaNames
from csearchd.search.places.cities import Cities
from csearchd.search.places.geocoder import RADIUS, Circle, Geocoder
from csearchd.search.places.names import folded
from support.faults import start_with
from support.user import User


@pytest.fixture(scope="module")
def places() -> Geocoder:
    return Geocoder(table.DIRECTORY)


@pytest.fixture(scope="module")
def cities() -> Cities:
    return Cities(table.read(table.DIRECTORY))


@pytest.mark.parametrize(
    ("text", "north", "east"),
    [
        ("Lisbon", 38.7, -9.1),
        ("lisboa", 38.7, -9.1),
        ("MALMO", 55.6, 13.0),
        ("München", 48.1, 11.6),
        ("東京", 35.7, 139.7),
        ("Paris", 48.9, 2.3),  # that with the most inhabitants
        ("Paris, Texas", 33.7, -95.6),
        ("paris, tx, usa", 33.7, -95.6),
        ("Cambridge, UK", 52.2, 0.1),
        ("New York", 40.7, -74.0),
        ("Vernazza", 44.1, 9.7),  # a village
        ("-33.9, 18.4", -33.9, 18.4),
    ],
)
def test_points(places: Geocoder, text: str, north: float, east: float) -> None:
    found = places.find(text).place
    assert isinstance(found, Circle)
    assert (found.latitude, found.longitude) == (
        pytest.approx(north, abs=0.1),
        pytest.approx(east, abs=0.1),
    )
    assert found.radius == RADIUS


@pytest.mark.parametrize(
    ("text", "radius"),
    [("38.7,-9.1,10km", 10), ("Lisbon, 500 m", 0.5), ("Paris, Texas, 2mi", 3.218688)],
)
def test_radius(places: Geocoder, text: str, radius: float) -> None:
    found = places.find(text).place
    assert isinstance(found, Circle) and found.radius == pytest.approx(radius)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("Lisbno", "did you mean Lisbon?"),
        ("Lisbom", "did you mean Lisbon?"),
        ("Paris, Atlantis", "but Paris, France;"),
        ("91,0", "-90 to 90"),
        ("0,181", "-180 to 180"),
        (",", "no place"),
    ],
)
def test_what_is_no_place(places: Geocoder, text: str, said: str) -> None:
    with pytest.raises(PlaceError) as caught:
        places.find(text)
    assert said in str(caught.value)


def test_names(places: Geocoder) -> None:
    points = [(38.71, -9.14), (52.5, 13.4), (0.0, -30.0), (-17.8, 179.9), (90.0, 0.0)]
    names = places.names(points)
    assert names[:2] == ["Lisbon, Portugal", "Berlin, Germany"]
    assert names[2] == ""  # the sea
    assert names[3].endswith("Fiji")
    assert names[4] == ""
    assert places.names([]) == []


def test_names_that_begin_so_near_points(places: Geocoder) -> None:
    points = np.array([(-33.9, 18.4), (38.7, -9.1), (48.9, 2.3)], np.float32)
    assert places.beginning("lisb", points, 5) == ["Lisbon"]
    assert places.beginning("", points, 2) == ["Cape Town", "Paris"]
    assert places.beginning("Berl", points, 5) == []
    assert places.beginning("", points[:0], 5) == []


@settings(deadline=None)
@given(
    text=st.text(min_size=1, max_size=20), point=st.tuples(st.floats(-90, 90), st.floats(-180, 180))
)
def test_any_text_and_any_point(places: Geocoder, text: str, point: tuple[float, float]) -> None:
    (name,) = places.names([point])
    assert isinstance(name, str)
    try:
        places.find(text)
    except PlaceError as error:
        assert str(error)


@pytest.mark.parametrize(
    ("name", "region"),
    [
        ("Firenze", ("IT", "Italy", "", "Tuscany", "Province of Florence")),
        ("Paris", ("FR", "France", "", "Île-de-France", "Paris")),
        ("Houston", ("US", "United States", "TX", "Texas", "Harris County")),
    ],
)
def test_regions(cities: Cities, name: str, region: tuple[str, ...]) -> None:
    assert cities.region(cities.named(name)[0]) == region


def test_each_city_is_found_by_its_name(cities: Cities) -> None:
    names = list(cities.names())
    assert len(names) > 170_000
    for row in range(0, len(names), 97):
        assert row in cities.named(names[row])


def test_the_package_carries_the_table_with_its_attribution() -> None:
    files = {path.name: path for path in Path(table.DIRECTORY).iterdir()}
    assert files.keys() == {*table.FILES, table.SUMS, "ATTRIBUTION.md"}
    assert sum(path.stat().st_size for path in files.values()) < 10_000_000
    terms = files["ATTRIBUTION.md"].read_text()
    assert "GeoNames" in terms and "Creative Commons Attribution 4.0" in terms


def test_several_threads_may_ask_first() -> None:
    places = Geocoder(table.DIRECTORY)
    assert not places.is_loaded
    with ThreadPoolExecutor(8) as askers:
        found = {
            asked.result().place for asked in [askers.submit(places.find, "Oslo") for _ in range(8)]
        }
    assert len(found) == 1 and places.is_loaded


CITIES = [
    build.City("PT", "", "Beja", ("Beja", "Pax Julia"), 38.0153, -7.8633, 23_000, True),
    build.City("TN", "", "Béja", ("Béja", "باجة"), 36.7256, 9.1817, 59_000, False),
    build.City("US", "OR", "Beja", ("Beja",), 44.9, -123.0, 59_000, True),
    build.City("PT", "", "Baleizão", ("Baleizão",), 38.0233, -7.7157, 900, False),
    build.City("FJ", "", "Naqara", ("Naqara",), -17.0, 179.9999999, 0, True),
]
PLACES = [
    build.Place("PT", "Beja", 38.01, -7.86, build.Regions("Beja", "Beja")),
    build.Place("US", "Beja", 44.9, -123.0, build.Regions("Oregon", "Marion County")),
    build.Place("TN", "Nefza", 36.97, 9.07, build.Regions("Béja Governorate")),
    build.Place("FJ", "Suva", -18.1, 178.4, build.Regions("Central")),
]
COUNTRIES = {"FJ": "Fiji", "PT": "Portugal", "TN": "Tunisia", "US": "United States"}


@pytest.fixture
def small(tmp_path: Path) -> Path:
    """A table of five cities."""
    build.write(str(tmp_path), COUNTRIES, CITIES, build.find_regions(CITIES, PLACES), AreaNames())
    return tmp_path


def test_a_small_table(small: Path) -> None:
    assert build.verify(str(small), CITIES) == 5
    places = Geocoder(str(small))
    cities = Cities(table.read(str(small)))
    # A large place comes first, then the one with more inhabitants.
    assert list(map(cities.label, cities.named("BEJA"))) == [
        "Beja, OR, United States",
        "Beja, Portugal",
        "Béja, Tunisia",
    ]
    assert places.find("pax julia").place[:2] == pytest.approx((38.0153, -7.8633), abs=1e-4)
    assert places.find("Naqara").place[:2] == pytest.approx((-17.0, 180.0), abs=1e-4)
    named = ("Beja, Oregon", "Beja, or, us", "Beja")
    assert len({places.find(name).place for name in named}) == 1
    assert places.names([(38.01, -7.85), (-17.0, -179.99)]) == ["Beja, Portugal", "Naqara, Fiji"]
    regions = {cities.name(row): cities.region(row)[3:] for row in range(len(CITIES))}
    assert regions["Baleizão"] == ("Beja", "Beja")  # as near by
    assert regions["Béja"] == ("Béja Governorate", "")
    assert regions["Naqara"] == ("", "")  # nothing is near


def test_the_same_cities_give_the_same_table(small: Path, tmp_path: Path) -> None:
    before = {name: (small / name).read_bytes() for name in table.FILES}
    build.write(str(small), COUNTRIES, CITIES, build.find_regions(CITIES, PLACES), AreaNames())
    assert {name: (small / name).read_bytes() for name in table.FILES} == before


def test_a_name_that_leads_elsewhere_is_noticed(small: Path) -> None:
    moved = build.City("PT", "", "Beja", ("Beja",), 40.0, -7.8633, 99_000, True)
    with pytest.raises(ValueError, match=r"leads to .+ degrees from Beja"):
        build.verify(str(small), [moved])
    unknown = build.City("PT", "", "Porto", ("Porto",), 41.1, -8.6, 99_000, True)
    with pytest.raises(ValueError, match="Porto doesn't lead to Porto"):
        build.verify(str(small), [unknown])


def remove(file: Path) -> None:
    file.unlink()


def empty(file: Path) -> None:
    file.write_bytes(b"")


def one_bit(file: Path) -> None:
    data = bytearray(file.read_bytes())
    data[len(data) // 2] ^= 4
    file.write_bytes(data)


def directory(file: Path) -> None:
    file.unlink()
    file.mkdir()


@pytest.mark.parametrize("damage", [remove, empty, one_bit, directory])
@pytest.mark.parametrize("name", [*table.FILES, table.SUMS])
def test_damage_is_told_in_one_line_until_it_is_repaired(
    small: Path, name: str, damage: Callable[[Path], None]
) -> None:
    places = Geocoder(str(small))
    whole = (small / name).read_bytes()
    damage(small / name)
    for ask in (lambda: places.find("Beja"), lambda: places.names([(38.0, -7.9)])):
        with pytest.raises(PlaceError) as caught:
            ask()
        assert str(small) in str(caught.value) and "\n" not in str(caught.value)
        assert str(caught.value).endswith("install csearch again")
    assert places.find("38.7,-9.1").place[0] == 38.7  # it needs no names
    if damage is directory:
        (small / name).rmdir()
    (small / name).write_bytes(whole)
    assert places.find("Pax Julia")


@pytest.mark.parametrize("text", ["", "[]", "{}", "[" * 9999, '{"names.txt": "0"}'])
def test_checksums_that_are_none(small: Path, text: str) -> None:
    (small / table.SUMS).write_text(text)
    with pytest.raises(PlaceError, match="install csearch again"):
        Geocoder(str(small)).find("Beja")


def test_a_search_without_the_table_is_an_error_and_others_go_on(user: User) -> None:
    start_with(
        user,
        f"""
from csearchd.search.places import table

table.DIRECTORY = {str(user.home / "none")!r}
""",
    )
    user.take_photos(("cat",))
    user.search("a cat", "--in", user.pictures)
    done = user.csearch("--in", user.pictures, "near:Lisbon", check=2)
    (line,) = done.stderr.decode().splitlines()
    assert "none/sums.json is damaged (No such file or directory)" in line
    assert "; install csearch again" in line
    assert len(user.search("a cat", "--in", user.pictures)) == 1
    assert "Traceback" not in user.log()


def test_folded() -> None:
    assert folded("  São-Tomé'S ") == "sao tome s"
