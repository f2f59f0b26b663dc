"""The word that is being typed, and filters as they are written."""

from __future__ import annotations

import pytest

from csearchd.search.query_language.grammar import parse
from csearchd.search.query_language.typed_word import TypedWord, typed_word, written


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("a dog", TypedWord(2, 5, "dog")),
        ("a tag:be", TypedWord(2, 8, "be", "tag")),
        ("TAG:", TypedWord(0, 4, "", "tag")),
        ("not:tag:be", TypedWord(0, 10, "be", "tag", True)),
        ('tag:"old to', TypedWord(0, 11, "old to", "tag")),
        ('tag:"12"" vi', TypedWord(0, 12, '12" vi', "tag")),
        ("", None),
        ("a ", None),
        ("colour:red", None),
        ("10:30", None),
        ("https://exa", None),
        ("2:cat", None),
        ("-grass", None),
        ("-- tag:be", None),
        ('"a dog', None),
        ('"a dog" ca', TypedWord(8, 10, "ca")),
    ],
)
def test_the_word_at_the_end(query: str, expected: TypedWord | None) -> None:
    assert typed_word(query, len(query)) == expected


def test_the_word_at_the_cursor() -> None:
    assert typed_word("near:Lis at sea", 8) == TypedWord(0, 8, "Lis", "near")
    assert typed_word("near:Lisbon at sea", 8) is None, "in the middle of a word"


@pytest.mark.parametrize("value", ["beach", "old town", '12" vinyl', "a:b", "Places/Lisbon"])
def test_what_is_written_is_read_back(value: str) -> None:
    query = f"a boat {written('tag', value, negated=True)} at sea"
    (read,) = parse(query).filters
    assert (read.name, read.value, read.negated) == ("tag", value, True)
    assert query[read.start : read.end] == written("tag", value, negated=True)
