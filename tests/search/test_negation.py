"""Negation in words is understood where it is sure, or a remark says how to write it."""

from __future__ import annotations

import pytest

from csearchd.search.query_language.grammar import parse
from csearchd.search.query_language.negation import understood


def parts(query: str, language: str = "en_GB.UTF-8") -> tuple[list[tuple[float, str]], list[str]]:
    found, remarks = understood(parse(query).parts, language)
    return [(part.weight, part.text) for part in found], [remark.code for remark in remarks]


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("a cat without glasses", [(1, "a cat"), (-1, "glasses")]),
        ("a cat without any glasses", [(1, "a cat"), (-1, "glasses")]),
        ("dog but not on grass", [(1, "dog"), (-1, "grass")]),
        ("dog, not on the grass", [(1, "dog"), (-1, "grass")]),
        ("no people", [(-1, "people")]),
        ("a street with no people", [(1, "a street"), (-1, "people")]),
        ("beach no people", [(1, "beach"), (-1, "people")]),
        ("a woman who is not smiling", [(1, "a woman"), (-1, "smiling")]),
        ("a woman who isn't smiling", [(1, "a woman"), (-1, "smiling")]),
        ("a man without a hat or glasses", [(1, "a man"), (-1, "hat"), (-1, "glasses")]),
        ("a man with no hat", [(1, "a man"), (-1, "hat")]),
        ("a street without signs", [(1, "a street"), (-1, "signs")]),
        ("a man who is not smoking", [(1, "a man"), (-1, "smoking")]),
        ("a man without a hat or a scarf", [(1, "a man"), (-1, "hat"), (-1, "scarf")]),
        ("A DOG WITHOUT A COLLAR", [(1, "A DOG"), (-1, "COLLAR")]),
        ("2:dog without collar + beach", [(2, "dog"), (-2, "collar"), (1, "beach")]),
    ],
)
def test_sure(query: str, expected: list[tuple[float, str]]) -> None:
    assert parts(query) == (expected, ["negation-understood"])


@pytest.mark.parametrize(
    "query",
    [
        "a photo without people in red shirts",
        "a cat that is not on the sofa but under it",
        "a dog without a collar on grass",
        "a man without a hat and with a beard",
        "a man with no hat and a red shirt",
        "a not ripe banana",
        "a photo of a not very happy dog",
        "a beach with no one",
        "a railway no longer used",
        "no dogs on the way",
        "nobody on the beach",
        "no-one on the beach",
        "a cat, never a dog",
        "anything except cats",
        "not",
        "eine Katze ohne Brille",
    ],
)
def test_unsure(query: str) -> None:
    found, codes = parts(query)
    assert found == [(1, query)] and codes == ["negation-hint"]


@pytest.mark.parametrize(
    "query",
    ["a no parking sign", "no smoking", "no man's land", '"no people"', "a knot", "cat - glasses",
     "notes on a table", "-- a cat without glasses", "forget-me-nots", "forget-me-not flowers",
     "a no smoking sign", "a no-entry sign", "do not disturb", "bus no 5", "room No. 12",
     "dogs not allowed", "Dr. No", "a no dogs on the grass sign"],
)  # fmt: skip
def test_no_negation(query: str) -> None:
    assert parts(query)[1] == []


def test_no_in_other_languages() -> None:
    query = "gato no sofá"
    assert parts(query, "pt_BR.UTF-8") == ([(1, query)], [])
    assert parts(query) == ([(1, query)], ["negation-hint"])
    assert parts("beach no people", "pt_BR.UTF-8")[0] == [(1, "beach"), (-1, "people")]
