"""What programs on the bus can offer to somebody who writes a query."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from support.album import write_album
from support.bus import OWN, Bus, needs_bus, on_bus
from support.user import User, wait_for

pytestmark = needs_bus


@pytest.fixture(scope="module")
def album(settled: User) -> Iterator[Bus]:
    """A bus with a service that knows the album."""
    write_album(settled.pictures / "Album")
    settled.csearchctl("add", settled.pictures)
    settled.settle()
    made = Bus(settled)
    made.start()
    wait_for(lambda: on_bus(made), "the service on the bus")
    yield made
    made.stop()


def suggested(bus: Bus, query: str, position: int | None = None) -> list[tuple[Any, ...]]:
    at = len(query) if position is None else position
    found = bus.call(OWN, "Suggest", "su", query, at)
    told = [{key: variant.value for key, variant in one.items()} for one in found[0]]
    return [(one["kind"], one["text"], one["start"], one["end"]) for one in told]


def choices(bus: Bus, what: str, prefix: str = "") -> list[tuple[Any, ...]]:
    told = bus.call(OWN, "Choices", "ss", what, prefix)[0]
    return [(one["value"].value, one["word"].value, one["count"].value) for one in told]


def test_a_word_may_be_the_beginning_of_a_filter(album: Bus) -> None:
    assert ("tag", "tag:beach", 2, 4) in suggested(album, "a be")
    assert ("person", 'person:"Anna Smith"', 0, 3) in suggested(album, "ann")
    assert ("near", "near:Lisbon", 0, 4) in suggested(album, "Lisb at sea", 4)
    assert ("camera", 'camera:"nikon d750"', 0, 5) in suggested(album, "nikon")
    assert ("filter", "rating:", 0, 3) in suggested(album, "rat")
    assert suggested(album, "zzz") == []


def test_the_values_of_a_filter(album: Bus) -> None:
    assert suggested(album, "boats tag:b") == [("tag", "tag:beach", 6, 11)]
    assert suggested(album, "tag:beach") == [], "it is there already"
    assert ("type", "type:png", 0, 6) in suggested(album, "type:p")


def test_past_queries(album: Bus) -> None:
    album.user.search("a cat", "-g")
    wait_for(lambda: suggested(album, ""), "a past query")
    assert suggested(album, "a c")[0] == ("query", "a cat", 0, 3)
    assert suggested(album, "")[0] == ("query", "a cat", 0, 0)


def test_choices_have_counts(album: Bus) -> None:
    assert ("beach", "tag:beach", 2) in choices(album, "tag")
    assert choices(album, "tag", "par") == [("Paris", "tag:Paris", 1)]
    assert ("Lisbon", "near:Lisbon", 2) in choices(album, "near")
    assert {value: count for value, _, count in choices(album, "type")}["png"] == 1
    assert "jpg" not in [value for value, *_ in choices(album, "type")], "once as jpeg"
    months = [(value, count) for value, _, count in choices(album, "months")]
    assert months[:2] == [("2010-03", 1), ("2018-06", 1)] and ("2023-05", 1) in months
    stars = [(value, count) for value, _, count in choices(album, "rating")]
    assert stars == [(">=5", 1), (">=4", 1), (">=3", 2), (">=2", 2), (">=1", 2)]


def test_nothing_is_chosen_of_what_is_no_filter(album: Bus) -> None:
    with pytest.raises(AssertionError, match="what must be months or a filter"):
        choices(album, "colour")


def test_a_search_tells_its_filters(album: Bus) -> None:
    query = 'a cat not:tag:"old town" near:Lisbon'
    _, result = album.call(OWN, "Search", "sa{sv}", query, {})
    told = [{key: v.value for key, v in one.items()} for one in result["filters"].value]
    assert [(one["name"], one["value"], one["negated"]) for one in told] == [
        ("tag", "old town", True),
        ("near", "Lisbon", False),
    ]
    assert [query[one["start"] : one["end"]] for one in told] == [
        'not:tag:"old town"',
        "near:Lisbon",
    ]
