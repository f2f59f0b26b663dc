"""Countries and regions, cities of their names, and which pictures lie in them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from csearchd.errors import PlaceError
from csearchd.search.places import area_names, build, table
from csearchd.search.places.areas import Area
from csearchd.search.places.geocoder import Geocoder


@pytest.fixture(scope="module")
def places() -> Geocoder:
    return Geocoder(table.DIRECTORY)


def area(places: Geocoder, text: str) -> Area:
    found = places.find(text).place
    assert isinstance(found, Area), f"{text} is {found}"
    return found


@pytest.mark.parametrize(
    ("names", "label"),
    [
        ("Italy, Italien, Italia, italy, ITALIA", "Italy"),
        ("Austria, Österreich, Osterreich, Oesterreich", "Austria"),
        ("Germany, Deutschland", "Germany"),
        ("Switzerland, Schweiz, Suisse, Svizzera", "Switzerland"),
        ("Poland, Polen, Polska", "Poland"),
        ("Sweden, Schweden, Sverige", "Sweden"),
        ("Japan, 日本", "Japan"),
        ("Greece, Griechenland, Ελλάδα", "Greece"),
        ("USA, America, United States", "United States"),
        ("UK, Great Britain, Großbritannien", "United Kingdom"),
        ("Holland, Niederlande, Nederland", "The Netherlands"),
        ("Tuscany, Toskana, Toscana", "Tuscany, Italy"),
        ("Bavaria, Bayern", "Bavaria, Germany"),
        ("Sicily, Sizilien, Sicilia", "Sicily, Italy"),
        ("Catalonia, Katalonien, Catalunya, Cataluña", "Catalonia, Spain"),
        ("Balearic Islands, Balearen, Illes Balears", "Balearic Islands, Spain"),
        ("Brittany, Bretagne", "Brittany, France"),
        ("Carinthia, Kärnten, Kaernten", "Carinthia, Austria"),
        ("Valais, Wallis, Kanton Wallis", "Valais, Switzerland"),
        ("Scotland, Schottland", "Scotland, United Kingdom"),
        ("England", "England, United Kingdom"),
        ("California, Kalifornien", "California, United States"),
        ("Texas", "Texas, United States"),
        ("Crete, Kreta", "Crete, Greece"),
        ("region New York, New York state, state of New York", "New York, United States"),
    ],
)
def test_names_of_areas(places: Geocoder, names: str, label: str) -> None:
    assert {area(places, name).label for name in names.split(", ")} == {label}


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("Italy", ["near:Italy means all of Italy"]),
        ("Lisbon", ["near:Lisbon means within 25 km of Lisbon, Portugal"]),
        ("Lisbon, 3km", ["near:Lisbon means within 3 km of Lisbon, Portugal"]),
        ("New York", ['near:"New York" means within 25', 'near:"region New York" means all of']),
        ("Salzburg", ["near:Salzburg means within 25 km of Salzburg", "all of Salzburg, Austria"]),
        ("Brandenburg", ["all of Brandenburg, Germany", 'near:"Brandenburg, 25km" means around']),
        ("Brandenburg, 25km", ["within 25 km of Brandenburg an der Havel, Germany"]),
        ("Georgia", ["near:Georgia means all of Georgia"]),
        ("Georgia, US", ["all of Georgia, United States"]),
        ("Toskana, Italien", ['near:"Toskana, Italien" means all of Tuscany, Italy']),
        ("Victoria", ["all of Victoria, Australia"]),
        ("Ontario", ["all of Ontario, Canada", "around Ontario, CA, United States"]),
        ("Granada", ["within 25 km of Granada, Spain"]),
        ("Tunis", ["within 25 km of Tunis, Tunisia"]),
        ("Buenos Aires", ["within 25 km of Buenos Aires, Argentina"]),
        ("Wien", ["within 25 km of Vienna, Austria"]),
        ("Rom", ["within 25 km of Rome, Italy"]),
        ("Florenz, Toskana", ["within 25 km of Florence, Italy"]),
        ("Paris, Frankreich", ["within 25 km of Paris, France"]),
        ("London, England", ["within 25 km of London, United Kingdom"]),
        ("Paris, TX, USA", ["within 25 km of Paris, TX, United States"]),
        ("Tuscany, it,", ['near:"Tuscany, it," means all of Tuscany, Italy']),
        ("38.7,-9.1", []),
    ],
)
def test_what_was_taken_is_said(places: Geocoder, text: str, said: list[str]) -> None:
    remarks = list(map(str, places.find(text).remarks))
    assert len(remarks) >= len(said)
    for part, remark in zip(said, remarks, strict=False):
        assert part in remark


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("Itlay", "did you mean Italy?"),
        ("Tuscny", "did you mean Tuscany?"),
        ("Germny", "did you mean Germany?"),
        ("Qwrtzuiop", "of the cities over 1,000 inhabitants, regions and countries"),
        ("Tuscany, Spain", "there is no Tuscany, Spain"),
        ("London, Wales", "there is no London, Wales, but London, United Kingdom"),
        ("Italien, 100km", "Italy is an area; a distance goes with a city or a point"),
    ],
)
def test_what_is_no_place(places: Geocoder, text: str, said: str) -> None:
    with pytest.raises(PlaceError) as caught:
        places.find(text)
    assert said in str(caught.value)


POINTS = {
    "Florence": (43.77, 11.25), "Rome": (41.9, 12.5), "Innsbruck": (47.27, 11.39),
    "Bolzano": (46.5, 11.35), "Monaco": (43.735, 7.42), "Ajaccio": (41.93, 8.74),
    "Cagliari": (39.22, 9.12), "Lugano": (46.0, 8.96), "Fiji": (-17.0, 179.99),
    "the Atlantic": (40.0, -40.0), "the pole": (-90.0, 0.0), "Nuuk": (64.18, -51.72),
    "Anchorage": (61.22, -149.9), "Chukotka": (64.42, -173.23),
}  # fmt: skip


@pytest.mark.parametrize(
    ("name", "inside"),
    [
        ("Italy", {"Florence", "Rome", "Bolzano", "Cagliari"}),
        ("Tuscany", {"Florence"}),
        ("Austria", {"Innsbruck"}),
        ("Tyrol", {"Innsbruck"}),
        ("France", {"Ajaccio"}),
        ("Corsica", {"Ajaccio"}),
        ("Sardinien", {"Cagliari"}),
        ("Tessin", {"Lugano"}),
        ("Monaco", {"Monaco"}),
        ("Fiji", {"Fiji"}),
        ("Greenland", {"Nuuk"}),
        ("Alaska", {"Anchorage"}),
        ("Russia", {"Chukotka"}),
    ],
)
def test_points_in_areas(places: Geocoder, name: str, inside: set[str]) -> None:
    found = places.inside(area(places, name), np.array(list(POINTS.values())))
    assert {point for point, is_inside in zip(POINTS, found, strict=True) if is_inside} == inside


@settings(deadline=None, max_examples=30)
@given(st.lists(st.tuples(st.floats(-90, 90), st.floats(-180, 180)), max_size=20))
def test_every_point_has_one_country_at_most(
    places: Geocoder, points: list[tuple[float, float]]
) -> None:
    array = np.array(points).reshape(-1, 2)
    names = ("Italy", "France", "Switzerland", "Russia", "Canada", "United States", "China")
    masks = [places.inside(area(places, name), array) for name in names]
    assert np.sum(masks, axis=0).max(initial=0) <= 1


def test_the_names_of_a_small_table(tmp_path: Path) -> None:
    cities = [
        build.City("PT", "", "Beja", ("Beja",), 38.0, -7.86, 23_000, True, "03"),
        build.City("PT", "", "Moura", ("Moura",), 38.1, -7.4, 8_000, True, "03"),
        build.City("TN", "", "Béja", ("Béja",), 36.7, 9.2, 59_000, True, "01"),
    ]
    regions = [build.Regions("Beja"), build.Regions("Beja"), build.Regions("Béja Governorate")]
    names = area_names.AreaNames(
        {("PT", "03"): ["Baixo Alentejo"]}, {("TN", ""): ["Moura", "Tunisie"]}
    )
    build.write(str(tmp_path), {"PT": "Portugal", "TN": "Tunisia"}, cities, regions, names)
    assert build.verify(str(tmp_path), cities) == 2
    places = Geocoder(str(tmp_path))
    assert area(places, "Baixo Alentejo").label == "Beja, Portugal"
    assert area(places, "tunisie").label == "Tunisia"
    assert not isinstance(places.find("Moura").place, Area)  # a foreign name gives way to a city
    assert places.inside(
        area(places, "Portugal"), np.array([[38.05, -7.5], [36.7, 9.2]])
    ).tolist() == [
        True,
        False,
    ]
