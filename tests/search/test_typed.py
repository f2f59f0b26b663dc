"""What is typed into a desktop's search box: words and clear filters; signs mean nothing."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from csearchd.search.query_language.grammar import FILTERS, parse
from csearchd.search.query_language.typed import as_query


@pytest.mark.parametrize(
    ("typed", "query"),
    [
        ("a dog on  the beach", "a dog on the beach"),
        ("dog -cat + bird - fish", "dog cat bird fish"),
        ('"a dog', "a dog"),
        ("2:dog dog* (dog)", "2 dog dog dog"),
        ("-- tag:beach", "tag:beach"),
        ("-tag:beach", "tag beach"),
        ("rock-climbing, don't '90s", "rock-climbing don't 90s"),
        ("https://example.org/dog", "https example org dog"),
        ("name: a dog", "a dog"),
        ("in:Pictures std::vector", "in Pictures std vector"),
        ("a dog name:* not:tag:- tag:", "a dog"),
        ("not:dog", "not dog"),
        ("हिन्दी 小猫和狗 niño", "हिन्दी 小猫和狗 niño"),
        ("name:plain-* a dog", "name:plain-* a dog"),
        ("NOT:tag:beach iso:>=800", "NOT:tag:beach iso:>=800"),
        ('text:"wifi password" near:"Paris, Texas"', 'text:"wifi password" near:"Paris, Texas"'),
        ('text:"wifi pass', 'text:"wifi pass"'),
        ("after:last summer", "after:last summer"),
    ],
)
def test_queries(typed: str, query: str) -> None:
    assert as_query(typed) == query


@pytest.mark.parametrize(
    "typed",
    [
        "",
        "ab",
        "1+1",
        "=12*34",
        "2 ^ 10",
        "c++",
        "***",
        '"""',
        "- -- +",
        "a:b",
        "size:",
        "not:text:",
        "near:/",
    ],
)
def test_what_describes_no_picture(typed: str) -> None:
    assert as_query(typed) == ""


_SIGNS = st.sampled_from(
    [*"-+:*\"'()=<>/\\^~. a1", *(f"{name}:" for name in FILTERS), "not:", "--"]
)


@given(st.one_of(st.text(), st.lists(_SIGNS).map("".join)))
def test_nothing_is_an_error_or_an_operator(typed: str) -> None:
    query = as_query(typed)
    if query:
        parsed = parse(query)
        assert len(parsed.parts) <= 1 and all(part.weight == 1 for part in parsed.parts)
        assert not any(part.quoted or part.dashed for part in parsed.parts)
        assert all(filter.value for filter in parsed.filters)
