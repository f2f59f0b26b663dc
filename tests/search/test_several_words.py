"""Values of several words without quotes, as shells hand them over."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from csearchd.errors import DateError
from csearchd.search.places import table
from csearchd.search.places.geocoder import Geocoder
from csearchd.search.query_language import grammar, several_words
from csearchd.search.query_language.dates import span

NOW = datetime(2026, 11, 20, 15, 30)
PLACES = Geocoder(table.DIRECTORY)


def following(name: str, value: str, words: Sequence[str]) -> int:
    return several_words.following(name, value, words, NOW, PLACES.goes_on)


def parsed(text: str) -> tuple[dict[str, str], str]:
    """The filters of a query, and its words."""
    query = grammar.parse(text, following=following)
    return {one.name: one.value for one in query.filters}, " ".join(p.text for p in query.parts)


@pytest.mark.parametrize(
    ("query", "filters", "words"),
    [
        ("after:last summer", {"after": "last summer"}, ""),
        ("after:last summer boat", {"after": "last summer"}, "boat"),
        ("boat after:3 weeks ago", {"after": "3 weeks ago"}, "boat"),
        ("on:17 May 2023 boat", {"on": "17 May 2023"}, "boat"),
        ("on:May 2023 a boat", {"on": "May 2023"}, "a boat"),
        ("before:summer of 2022 boat", {"before": "summer of 2022"}, "boat"),
        ("date:May 2023..June 2023 boat", {"date": "May 2023..June 2023"}, "boat"),
        ("date:last week", {"date": "last week"}, ""),
        ("after:two years ago", {"after": "two years ago"}, ""),
        ("after:2023 summer dress", {"after": "2023"}, "summer dress"),
        ("after:2023-05 last bus", {"after": "2023-05"}, "last bus"),
        ("after:yesterday last bus", {"after": "yesterday"}, "last bus"),
        ("after:May flowers", {"after": "May"}, "flowers"),
        ("after:summer dress", {"after": "summer"}, "dress"),
        ('after:"last" summer', {"after": "last"}, "summer"),
        ('after:last "summer"', {"after": "last"}, "summer"),
        ("after:last + summer", {"after": "last"}, "summer"),
        ("near:New York boat", {"near": "New York"}, "boat"),
        ("near:San Francisco", {"near": "San Francisco"}, ""),
        ("near:Rio de Janeiro beach", {"near": "Rio de Janeiro"}, "beach"),
        ("near:Paris, Texas boat", {"near": "Paris, Texas"}, "boat"),
        ("near:Lisbon, 3km boat", {"near": "Lisbon, 3km"}, "boat"),
        ("near:38.7, -9.1 boat", {"near": "38.7, -9.1"}, "boat"),
        ("near:38.7, -9.1, 10km boat", {"near": "38.7, -9.1, 10km"}, "boat"),
        ("near:Mexico City", {"near": "Mexico City"}, ""),
        ("near:Mexico beach", {"near": "Mexico"}, "beach"),
        ("near:York beach", {"near": "York"}, "beach"),
        ("near:Lisbon a dog", {"near": "Lisbon"}, "a dog"),
        ("near:Lisbon tag:old", {"near": "Lisbon", "tag": "old"}, ""),
        ("tag:old town", {"tag": "old"}, "town"),
    ],
)
def test_what_belongs_to_a_value(query: str, filters: dict[str, str], words: str) -> None:
    assert parsed(query) == (filters, words)


def test_the_place_of_a_filter_has_all_of_its_words() -> None:
    (one,) = grammar.parse("boat not:after:last summer", following=following).filters
    assert (one.start, one.end, one.negated, one.joined) == (5, 26, True, True)


_WORDS = st.sampled_from(
    ["last", "summer", "May", "2023", "17", "3", "weeks", "ago", "boat", "a", "of", "week", "-x"]
)


@settings(deadline=None)
@given(value=_WORDS, words=st.lists(_WORDS, max_size=4))
def test_a_date_grows_only_to_a_date(value: str, words: list[str]) -> None:
    count = following("after", value, words)
    assert 0 <= count <= len(words)
    if count:
        assert span(" ".join([value, *words[:count]]), NOW)
    else:
        with pytest.raises((DateError, AssertionError)):
            span(" ".join([value, *words[:1]]), NOW)
            assert not words or several_words._COMPLETE.fullmatch(value)
            raise AssertionError


@settings(deadline=None)
@given(st.lists(st.sampled_from(["near:New", "York", "after:last", "week", "+", '"x"', "a"])))
def test_no_word_is_lost(words: list[str]) -> None:
    text = " ".join(words)
    try:
        query = grammar.parse(text, following=following)
    except grammar.QueryError:
        return
    kept = [one.value for one in query.filters] + [part.text for part in query.parts]
    found = sorted(" ".join(kept).split())
    plain = (word.removeprefix("near:").removeprefix("after:").strip('"') for word in words)
    assert found == sorted(word for word in plain if word != "+")
