"""Values of filters that were refused or misunderstood once, asked of the real service."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from csearchd.library.metadata.candidates import matching
from csearchd.spelling import unaccented
from support.album import write_photo, xmp
from support.user import User

NFD = "NFD"


@pytest.fixture(scope="module")
def owner(tmp_path_factory: pytest.TempPathFactory) -> Iterator[User]:
    with User(tmp_path_factory.mktemp("a")) as someone:
        folder = someone.pictures / unicodedata.normalize(NFD, "Österreich 2020")
        write_photo(
            folder / "Café Müller.jpg", "coffee", taken="2020:01:01 10:00:00", iso=400,
            place=(47.27, 11.39), size=(4000, 2500), camera=("Lowe", "Ubercam"),
            packet=xmp(("Zürich", "old town"), 5, "Größe", ("Zoë Åström",), "Smørrebrød"),
        )  # fmt: skip
        write_photo(
            someone.pictures / "Łódź" / "rocket.jpg", "rocket", taken="2021:07:10 10:00:00",
            place=(43.77, 11.25), size=(400, 300),
            packet=xmp(("old",), 3),
        )  # fmt: skip
        write_photo(someone.pictures / "cat.jpg", "cat", taken="2022:08:02 10:00:00")
        someone.search("x", "--in", someone.pictures)
        yield someone


def asked(user: User, *query: str, check: int | None = 0) -> tuple[set[str], str]:
    """The names of the results, and what stderr says."""
    done = user.csearch("--in", user.pictures, *query, check=check)
    names = {Path(line).stem for line in done.stdout.decode().splitlines()}
    return names, done.stderr.decode()


COFFEE = {"Café Müller"}


@pytest.mark.parametrize(
    ("query", "names"),
    [
        ("folder:Osterreich", COFFEE),
        ("folder:österreich", COFFEE),
        (f"folder:{unicodedata.normalize(NFD, 'ÖSTERREICH')}", COFFEE),
        ("folder:Oster*", COFFEE),
        ("folder:Lodz", {"rocket"}),
        ("folder:łódź", {"rocket"}),
        ("name:cafe", COFFEE),
        ("name:muller", COFFEE),
        ("name:CAFÉ*", COFFEE),
        ("name:cat", {"cat"}),
        ("name:cát", {"cat"}),
        ("tag:zurich", COFFEE),
        ("tag:Zuri*", COFFEE),
        ("person:zoe", COFFEE),
        ("person:astrom", COFFEE),
        ("title:grosse", COFFEE),
        ("description:smorrebrod", COFFEE),
        ("camera:Löwe", COFFEE),
        ("camera:übercam", COFFEE),
        ("not:folder:osterreich", {"rocket", "cat"}),
        ("after:20200101 before:20200102", COFFEE),
        ("after:20210101", {"rocket", "cat"}),
        ("on:202107", {"rocket"}),
        ("on:2020.01.01", COFFEE),
        ("on:2020/01/01", COFFEE),
        ("on:2020:01:01", COFFEE),
        ("date:20210101..20211231", {"rocket"}),
        ("after:summer 2021 before:summer 2022", {"rocket"}),
        ("near:Italy", {"rocket"}),
        ("near:Italien", {"rocket"}),
        ("near:Tuscany", {"rocket"}),
        ("near:Toskana", {"rocket"}),
        ("near:Österreich", COFFEE),
        ("near:Tirol", COFFEE),
        ("not:near:Italy", {"Café Müller", "cat"}),
        ("size:10MP", COFFEE),
        ("rating:5", COFFEE),
        ("rating:>1star", {"Café Müller", "rocket"}),
        ("rating:<=5", {"Café Müller", "rocket"}),
    ],
)
def test_filters(owner: User, query: str, names: set[str]) -> None:
    assert asked(owner, query)[0] == names


@pytest.mark.parametrize(
    ("query", "said"),
    [
        ("size:10", "with MP after the number: size:10MP"),
        ("size:>10", "size:>10MP"),
        ("size:5..10", "size:5..10MP"),
        ("size:10MB", "size:10MP"),
        ("size:4000x2500", "size:10.0MP"),
        ("size:large", "size:>10MP"),
        ("rating:6", "there are at most 5 stars"),
        ("rating:>5.5", "there are at most 5 stars"),
        ("rating:0..10", "there are at most 5 stars"),
        ("rating:>5", "there are at most 5 stars"),
        ("rating:4..2", "4 is more than 2; write rating:2..4"),
        ("iso:400..100", "400 is more than 100; write iso:100..400"),
        ("size:12..9.5MP", "12 is more than 9.5; write size:9.5..12MP"),
        ("date:2023-05-17..2023-05-16", "2023-05-17 is later than 2023-05-16"),
        ("after:last", 'a date of several words is written in quotes: after:"last summer"'),
        ("after:yonder", "is not a date"),
        ("on:200112", "write 2001-12 or 2020-01-12"),
        ("near:Itlay", "did you mean Italy?"),
        ("near:Italien,100km", "a distance goes with a city or a point"),
        ("place:Rome", "did you mean near:"),
        ("since:2020", "did you mean after:"),
        ("filetype:png", "did you mean type:"),
        ("taag:x", "did you mean tag:"),
        ("cinema:x", "known filters: after"),
    ],
)
def test_what_is_refused(owner: User, query: str, said: str) -> None:
    names, told = asked(owner, query, check=2)
    assert not names and said in told


@pytest.mark.parametrize(
    ("query", "said"),
    [
        (["near:Italy"], "near:Italy means all of Italy"),
        (["near:Tuscany dog"], "near:Tuscany means all of Tuscany, Italy"),
        (["near:Florence"], "near:Florence means within 25 km of Florence, Italy"),
        (["near:New York", "x"], 'near:"New York" means within 25 km of New York City'),
        (["after:last", "summer"], 'understood as after:"last summer"'),
        (["after:last summer"], 'understood as after:"last summer"'),
        (["boat", "not:after:last summer"], 'understood as not:after:"last summer"'),
        (["dog -grass"], "to leave something out: dog - grass"),
        (["a dog -grass -tree"], "to leave something out: a dog - grass - tree"),
    ],
)
def test_what_is_said_once_beside_the_results(owner: User, query: list[str], said: str) -> None:
    _, told = asked(owner, *query, check=None)
    assert told.count(said) == 1, told


@pytest.mark.parametrize("query", ['"dog -grass"', "dog - grass", "x-ray dog", "dog -5", "-- -x"])
def test_other_dashes_are_nothing_special(owner: User, query: str) -> None:
    assert "leave something out" not in asked(owner, query, check=None)[1]


_NAMES = st.text(alphabet="aeoäéøłßIıİſK\u0308\u0301Åœ12 .=≠_%", max_size=6)


@given(name=_NAMES, text=_NAMES)
@example(name="1\u03011", text="11")
def test_the_database_leaves_out_nothing_that_matches(name: str, text: str) -> None:
    import sqlite3

    condition, patterns = matching("name", text)
    database = sqlite3.connect(":memory:")
    database.execute("CREATE TABLE t (name TEXT)")
    database.execute("INSERT INTO t VALUES (?)", (name,))
    (found,) = database.execute(f"SELECT count(*) FROM t WHERE {condition}", patterns).fetchone()
    assert found or unaccented(text) not in unaccented(name)


@given(st.text())
def test_names_without_accents_stay_so(text: str) -> None:
    plain = unaccented(text)
    assert unaccented(plain) == plain
    for form in ("NFC", "NFD"):
        assert unaccented(unicodedata.normalize(form, text)) == plain  # type: ignore[arg-type]
