"""Messages become typed requests, or the client is told which field is wrong and why."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

from csearchd import limits
from csearchd.errors import RequestError
from csearchd.requests.decoding import OPERATIONS, decoded
from csearchd.search.request import SearchRequest
from support.user import User

SEARCH: dict[str, Any] = {"op": "search", "query": "a cat", "top": 1}


@pytest.mark.parametrize("op", OPERATIONS)
def test_every_operation_is_described(op: str) -> None:
    assert f"`{op}`" in (OPERATIONS[op].__doc__ or "").partition("\n\n")[0]


def test_a_search_has_its_defaults() -> None:
    request = decoded({**SEARCH, "id": 7})
    assert isinstance(request, SearchRequest)
    assert (request.query, request.top, request.offset, request.wait) == ("a cat", 1, 0, "first")
    assert request.scopes is None and request.sort is None and request.vector is None
    assert (request.min_level, request.label_weight) == (0, 0.5)
    assert not any([request.count, request.group, request.random, request.why, request.details])


@pytest.mark.parametrize(
    "name",
    ["scopes", "pictures", "label", "blend", "sort", "reverse", "min_score", "details", "places",
     "count", "group", "random", "why", "remember"],
)  # fmt: skip
def test_nil_is_as_good_as_nothing(name: str) -> None:
    assert decoded({**SEARCH, name: None}) == decoded(SEARCH)


def test_unknown_fields_are_ignored() -> None:
    assert decoded({**SEARCH, "colour": "red", 1: 2, b"x": {}}) == decoded(SEARCH)


def test_what_the_service_fills_in_does_not_come_from_a_client() -> None:
    sent = dict.fromkeys(SearchRequest.not_sent, 1)
    assert sent.keys() < set(SearchRequest.__struct_fields__)
    assert decoded({**SEARCH, **sent}) == decoded(SEARCH)


@pytest.mark.parametrize(
    ("message", "said"),
    [
        ({"op": "search", "top": 1}, "query is missing"),
        ({**SEARCH, "query": b"cat"}, "query must be a text, got bytes (bin)"),
        ({**SEARCH, "top": 0}, "top must be a whole number >= 1"),
        ({**SEARCH, "top": True}, "top must be a whole number, got true or false"),
        ({**SEARCH, "top": 1.5}, "top must be a whole number, got a number"),
        ({**SEARCH, "wait": "soon"}, "wait must be one of first, all, none"),
        ({**SEARCH, "sort": "up"}, "sort must be one of score, date, name, size"),
        ({**SEARCH, "scopes": []}, "scopes must be a list of length >= 1"),
        ({**SEARCH, "scopes": ["/"]}, "scopes[0] must be an absolute path (bin)"),
        ({**SEARCH, "scopes": [b"/", b"x"]}, "scopes[1] must be an absolute path (bin)"),
        ({**SEARCH, "scopes": [b"/a\0"]}, "scopes[0] must be an absolute path (bin)"),
        ({**SEARCH, "blend": 2}, "blend must be a number <= 1"),
        ({**SEARCH, "min_score": math.nan}, "min_score must be a finite number"),
        ({**SEARCH, "pictures": [{"start": 1}]}, "pictures[0].path is missing"),
        ({**SEARCH, "reverse": "yes"}, "reverse must be true or false or nil, got a text"),
        ({**SEARCH, "label": "x" * 10_001}, "label must be a text of length <= 10000"),
        ({"op": "add", "path": b"x"}, "path must be an absolute path (bin)"),
        ({"op": "tags-on", "path": b"/", "mode": "ink"}, "mode must be one of xattr, sidecar"),
        ({"op": "tags-done", "entries": [{"item": 1, "outcome": "left"}]}, "needs a reason"),
        (
            {"op": "tags-done", "entries": [{"item": 1, "outcome": "lost"}]},
            "entries[0].outcome is none of its values: 'lost'",
        ),
        ({"op": "tags-done", "entries": [{"item": 1, "outcome": "gone"}] * 2}, "the same item"),
        ({"op": "dance"}, "unknown operation 'dance'"),
        ({}, "unknown operation None"),
    ],
)
def test_what_is_wrong_is_named(message: dict[Any, Any], said: str) -> None:
    with pytest.raises(RequestError) as raised:
        decoded(message)
    assert raised.value.code == "bad-request"
    assert said in str(raised.value)


def test_what_is_said_stays_short() -> None:
    with pytest.raises(RequestError) as raised:
        decoded({"op": "tags-done", "entries": [{"item": 1, "outcome": "x" * 100_000}]})
    assert len(str(raised.value)) < 1000


def test_a_client_cannot_choose_the_vector(settled: User) -> None:
    wrong = {"vector": np.ones(4).tobytes(), "model": 99, "without": [1], "check": 5, "scale": 9}
    with settled.connect() as client:
        answers = []
        for fields in ({}, wrong):
            client.send(id=1, op="search", query="a cat", top=3, **fields)
            answers.append((client.receive(), client.receive()))
    hits, result = answers[0]
    assert hits and len(hits["hits"]) == 3 and result and result["type"] == "result"
    assert answers[0] == answers[1]


def test_more_results_than_there_can_be(settled: User) -> None:
    with settled.connect() as client:
        reply = client.ask(op="search", query="a cat", top=limits.RESULTS * 4)
        assert reply["type"] == "result"
