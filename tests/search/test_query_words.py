"""Which words of a query are looked for in names, and what seems not to be English."""

from __future__ import annotations

import pytest

from csearchd.search.lexical.query_words import query_words, says_something
from csearchd.search.lexical.written import said_in
from csearchd.search.query_language.foreign import seems_foreign
from csearchd.search.query_language.grammar import parse


def texts(query: str) -> list[str]:
    return [word.text for word in query_words(parse(query).parts)]


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("moon", ["moon"]),
        ("cup of coffee", ["coffee"]),
        ("a cup of", []),
        ("the portrait of an astronaut", ["astronaut"]),
        ("a World Cup", ["World", "Cup"]),
        ("an image of the", []),
        ("DSC IMG photo image", []),
        ("IMG_4711", ["4711"]),
        ("2 dogs", ["dogs"]),
        ("beach 2019", ["beach", "2019"]),
        ("dog - cat", ["dog"]),
        ("name:x", []),
        ("das Foto von der Katze", ["Katze"]),
        ("\u6d77\u8fba", ["\u6d77\u8fba"]),
    ],
)
def test_words(query: str, expected: list[str]) -> None:
    assert texts(query) == expected


@pytest.mark.parametrize("word", ["hat", "can", "fur", "den"])
def test_things_with_the_names_of_small_words(word: str) -> None:
    assert texts(word) == [word] and says_something(parse(word).parts)


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("a", False),
        ("no", False),
        ("img", False),
        ("IMG photo of the", False),
        ("das Foto", False),
        ("a dog", True),
        ("the - dog", True),
        ("7", True),
        ("x", True),
        ("\U0001f436", True),
        ("\u72ac", True),
    ],
)
def test_queries_that_say_nothing(query: str, expected: bool) -> None:
    assert says_something(parse(query).parts) is expected


def test_forms() -> None:
    (cities,) = query_words(parse("cities").parts)
    assert ("city",) in cities.alternatives and ("cities",) in cities.alternatives
    sun, set_ = query_words(parse("sun set").parts)
    assert ("sunset",) in sun.alternatives and ("sunset",) in set_.alternatives
    (full,) = query_words(parse("FullMoon").parts)
    assert ("full", "moon") in full.alternatives


@pytest.mark.parametrize(
    ("text", "language", "expected"),
    [
        ("\u0441\u043e\u0431\u0430\u043a\u0430", "", True),
        ("ein Hund am Strand", "de_DE.UTF-8", True),
        ("ein Hund und eine Katze", "", True),
        ("un chien dans une rue", "", True),
        ("M\u00f6we", "", True),
        ("Hund Strand", "de_DE.UTF-8", True),
        ("Hund Strand", "C", False),
        ("dog", "de_DE.UTF-8", False),
        ("two dogs", "fr_FR.UTF-8", False),
        ("the caf\u00e9", "", False),
        ("las vegas", "en_US.UTF-8", False),
        ("a dog on the beach", "", False),
        ("", "", False),
    ],
)
def test_foreign(text: str, language: str, expected: bool) -> None:
    assert seems_foreign(text, language) is expected


@pytest.mark.parametrize(
    ("phrase", "query", "said"),
    [
        ("birthday party", "birthday party + art", ["birthday", "party"]),
        ("modern art", "modern art + party", ["modern", "art"]),
        ("Party", "party + Party", ["party"]),
        ("café straße", "CAFE + STRASSE + afe", ["CAFE", "STRASSE"]),
        ("Шарлотта и кот", "кот + Шар", ["кот"]),
        ("我爱东京塔", "东京 + 大阪", ["东京"]),
    ],
)
def test_words_that_a_phrase_says(phrase: str, query: str, said: list[str]) -> None:
    """Whole words, but in writing without blanks, where a word may be anywhere."""
    assert [word.text for word in said_in(phrase, query_words(parse(query).parts))] == said
