"""The grammar: the meaning of queries; any string is parsed or refused with a reason."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from csearchd.errors import QueryError
from csearchd.search.query_language.grammar import FILTERS, MAX_PARTS, Query, Span, parse


def shown(query: Query) -> list[tuple[float, str]]:
    return [(part.weight, part.text) for part in query.parts]


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("a  red\tboat", [(1, "a red boat")]),
        ("horse + stripes", [(1, "horse"), (1, "stripes")]),
        ("apple - fruit", [(1, "apple"), (-1, "fruit")]),
        ("- fruit", [(-1, "fruit")]),
        ("2:golden retriever + .5:x - 3:y z", [(2, "golden retriever"), (0.5, "x"), (-3, "y z")]),
        ('2:"a - b" c', [(2, "a - b c")]),
        ('"apple - fruit"', [(1, "apple - fruit")]),
        ('a "tag:beach  +" b', [(1, "a tag:beach + b")]),
        ("-- apple - fruit", [(1, "apple - fruit")]),
        ('big -- tag:x "y', [(1, 'big tag:x "y')]),
        ("a - -- -b", [(1, "a"), (-1, "-b")]),
        ("-- --", [(1, "--")]),
        ("well-known t-shirt -x a+b", [(1, "well-known t-shirt -x a+b")]),
        ("at 10:30, 16:9", [(1, "at 10:30, 16:9")]),
        ("http://a.b std::vector note: :-) 2: x", [(1, "http://a.b std::vector note: :-) 2: x")]),
        ('a 24" monitor', [(1, 'a 24" monitor')]),
        ("猫 + 🦜", [(1, "猫"), (1, "🦜")]),
        ("tag:x", []),
    ],
)  # fmt: skip
def test_parts(text: str, parts: list[tuple[float, str]]) -> None:
    assert shown(parse(text)) == parts


def test_filters_stand_anywhere() -> None:
    query = parse('a dog after:"last summer" on NOT:Tag:beach the near:"Paris, Texas" beach')
    assert shown(query) == [(1, "a dog on the beach")]
    assert [(f.name, f.value, f.negated) for f in query.filters] == [
        ("after", "last summer", False),
        ("tag", "beach", True),
        ("near", "Paris, Texas", False),
    ]


@pytest.mark.parametrize("value", ["12:30", "a:b", "x-y", "*", "..2023", '"a tag:b"', "http://x"])
def test_values_are_taken_as_they_are(value: str) -> None:
    (only,) = parse(f"date:{value}").filters
    assert (only.name, only.value) == ("date", value.strip('"'))


def test_pictures() -> None:
    text = "2:/ cat.jpg + b.jpg x tag:y"
    query = parse(text, [Span(2, 11), Span(14, 19)])
    assert [(p.weight, p.text, p.pictures) for p in query.parts] == [(2, "", [0]), (1, "x", [1])]
    assert query.filters[0].name == "tag"


def test_quoted_pictures_are_text() -> None:
    query = parse('"a.jpg" -- b.jpg', [Span(1, 6), Span(11, 16)])
    assert [(p.text, p.pictures) for p in query.parts] == [("a.jpg b.jpg", [])]


@pytest.mark.parametrize(
    ("text", "said", "where"),
    [
        ("", "empty", ""),
        (" \n", "empty", " \n"),
        ("--", "empty", "--"),
        ('""', "empty", '""'),
        ("a +", "nothing follows +", "+"),
        ("a - tag:x", "nothing follows -", "-"),
        ("a + - b", "nothing between + and -", "+ - "),
        ("a camra:nikon", "did you mean camera:", "camra:nikon"),
        ("a foo:bar", "known filters: after", "foo:bar"),
        ("not:tga:x", "did you mean tag:", "not:tga:x"),
        ("not:cat", "not:tag:cat", "not:cat"),
        ('not:"red: boat"', 'not:tag:"red: boat"', 'not:"red: boat"'),
        ("a -tag:beach", "write not:tag:beach", "-tag:beach"),
        ("tag: beach", "needs a value", "tag:"),
        ('tag:""', "empty", 'tag:""'),
        ('a "red boat', "not closed", '"red boat'),
        ('near:"Paris', "not closed", '"Paris'),
        ("cat 2:dog", "beginning of a part", "2:dog"),
        ("0:dog", "above 0", "0:dog"),
        ("2:tag:x", "no weight", "2:tag:x"),
    ],
)
def test_errors_say_what_and_where(text: str, said: str, where: str) -> None:
    with pytest.raises(QueryError) as caught:
        parse(text)
    assert said in str(caught.value)
    assert text[caught.value.start : caught.value.end].strip() == where.strip()


def test_too_many_parts() -> None:
    assert len(parse(" + ".join("x" * MAX_PARTS)).parts) == MAX_PARTS
    with pytest.raises(QueryError, match="more than"):
        parse(" + ".join("x" * (MAX_PARTS + 2)))


PIECES = st.sampled_from(
    ["+", "-", "--", '"', ":", "/", "2:", "0.5:", "not:", "a", "cat", " ", "\t", "é", "🦜", "\0"]
    + [f"{name}:" for name in FILTERS]
)  # fmt: skip
STRINGS = st.one_of(st.text(), st.lists(PIECES).map("".join), st.lists(PIECES).map(" ".join))


@given(STRINGS, st.data())
def test_any_string_is_understood_or_refused(text: str, data: st.DataObject) -> None:
    cuts = data.draw(st.lists(st.integers(0, len(text)), unique=True, max_size=6).map(sorted))
    spans = [Span(*pair) for pair in zip(cuts[::2], cuts[1::2], strict=False)]
    try:
        query = parse(text, spans)
    except QueryError as error:
        assert str(error)
        assert 0 <= error.start <= error.end <= len(text)
        return
    assert query.parts or query.filters
    assert all(part.text or part.pictures for part in query.parts)
    assert all(filter.name in FILTERS and filter.value for filter in query.filters)


@given(st.text().filter(lambda text: '"' not in text and text.strip()))
def test_nothing_is_special_in_quotes_and_after_two_dashes(text: str) -> None:
    plain = " ".join(text.split())
    assert shown(parse(f'"{text}"')) == [(1, plain)]
    assert shown(parse(f"-- {text}")) == [(1, plain)]


@given(st.lists(st.from_regex(r"[a-z]{1,8}", fullmatch=True), min_size=1, max_size=5))
def test_plain_words_are_a_text(words: list[str]) -> None:
    assert shown(parse(" ".join(words))) == [(1, " ".join(words))]
