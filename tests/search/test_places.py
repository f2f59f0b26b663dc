"""Places: names to points and points to names."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from csearchd.search.gazetteer import FILES, folded
from csearchd.search.places import RADIUS, PlaceError, Places


@pytest.fixture(scope="module")
def places(tmp_path_factory: pytest.TempPathFactory) -> Places:
    return Places(str(tmp_path_factory.mktemp("c") / "cache"))


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
        ("-33.9, 18.4", -33.9, 18.4),
    ],
)
def test_points(places: Places, text: str, north: float, east: float) -> None:
    found = places.find(text)
    assert (found.latitude, found.longitude) == (
        pytest.approx(north, abs=0.1),
        pytest.approx(east, abs=0.1),
    )
    assert found.radius == RADIUS


@pytest.mark.parametrize(
    ("text", "radius"),
    [("38.7,-9.1,10km", 10), ("Lisbon, 500 m", 0.5), ("Paris, Texas, 2mi", 3.218688)],
)
def test_radius(places: Places, text: str, radius: float) -> None:
    assert places.find(text).radius == pytest.approx(radius)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("Lisbno", "did you mean Lisbon?"),
        ("Paris, Atlantis", "but Paris, France;"),
        ("91,0", "-90 to 90"),
        ("0,181", "-180 to 180"),
        (",", "no city"),
    ],
)
def test_what_is_no_place(places: Places, text: str, said: str) -> None:
    with pytest.raises(PlaceError) as caught:
        places.find(text)
    assert said in str(caught.value)


def test_names(places: Places) -> None:
    points = [(38.71, -9.14), (52.5, 13.4), (0.0, -30.0), (-17.8, 179.9), (90.0, 0.0)]
    names = places.names(points)
    assert names[:2] == ["Lisbon, Portugal", "Berlin, Germany"]
    assert names[2] == ""  # the sea
    assert names[3].endswith("Fiji")
    assert names[4] == ""
    assert places.names([]) == []


@settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    text=st.text(min_size=1, max_size=20), point=st.tuples(st.floats(-90, 90), st.floats(-180, 180))
)
def test_any_text_and_any_point(places: Places, text: str, point: tuple[float, float]) -> None:
    (name,) = places.names([point])
    assert isinstance(name, str)
    try:
        places.find(text)
    except PlaceError as error:
        assert str(error)


def test_a_damaged_gazetteer_is_told(tmp_path: Path) -> None:
    Places(str(tmp_path)).find("Lisbon")
    (made,) = tmp_path.iterdir()
    assert {path.name for path in made.iterdir()} == set(FILES)
    for name, damage in (("places.npy", b"x"), ("keys.npy", b""), ("countries.txt", b"x\n")):
        whole = (made / name).read_bytes()
        (made / name).write_bytes(damage)
        with pytest.raises(PlaceError, match="remove it"):
            Places(str(tmp_path)).find("Lisbon")
        (made / name).write_bytes(whole)
    Places(str(tmp_path)).find("Lisbon")


def test_folded() -> None:
    assert folded("  São-Tomé'S ") == "sao tome s"
