"""Reading the vocabulary's files."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from csearchd.errors import VocabularyError
from csearchd.scoring.vocabulary import Term, parse, read_vocabulary

TEXT = """\
# a remark
animal: an animal
    dog: a dog, a hound
        puppy
    cat
weather/ one of
\tsunny: a sunny day
\train
"""


def test_terms_have_parents_phrases_and_groups() -> None:
    assert parse(TEXT, "here", {}) == [
        Term(("animal",), ("an animal",)),
        Term(("animal", "dog"), ("a dog", "a hound")),
        Term(("animal", "dog", "puppy"), ("puppy",)),
        Term(("animal", "cat"), ("cat",)),
        Term(("weather", "sunny"), ("a sunny day",), ("weather",)),
        Term(("weather", "rain"), ("rain",), ("weather",)),
    ]


def test_the_built_in_vocabulary_is_large_and_its_paths_are_unique_words() -> None:
    terms = read_vocabulary("")
    assert len(terms) > 1300
    names = [term.path[-1] for term in terms]
    assert len(set(names)) == len(names)


def test_the_users_file_adds_changes_and_takes_away(tmp_path: Path) -> None:
    own = tmp_path / "vocabulary.txt"
    own.write_text("-animal/dog\nanimal\n    cat: our cat\n    unicorn\n")
    terms = {term.name: term for term in read_vocabulary(str(own))}
    assert "animal/dog" not in terms and "animal/dog/puppy" not in terms
    assert terms["animal/cat"].phrases == ("our cat",)
    assert "animal/unicorn" in terms and "plant" in terms


def test_the_users_file_may_replace_everything(tmp_path: Path) -> None:
    own = tmp_path / "vocabulary.txt"
    own.write_text("-*\nplane\n")
    assert [term.name for term in read_vocabulary(str(own))] == ["plane"]
    own.write_text("-*\n")
    with pytest.raises(VocabularyError, match="removes every term"):
        read_vocabulary(str(own))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("animal/dog: a dog", r'here, line 1: "animal/dog" can\'t be a tag'),
        ("# x\n\nred, green: red", r'here, line 3: "red, green" can\'t be a tag'),
        ("things/: a thing", r'here, line 1: "things/" only groups'),
        (": a dog", "here, line 1: a term is missing"),
        ("-unicorn", 'here, line 1: there is no term "unicorn" to remove'),
        ("x" * 65, "is longer than 64 bytes"),
    ],
)
def test_what_is_wrong_is_said_with_its_line(text: str, message: str) -> None:
    with pytest.raises(VocabularyError, match=message):
        parse(text, "here", {})


def test_a_file_that_is_no_text_is_named(tmp_path: Path) -> None:
    own = tmp_path / "vocabulary.txt"
    own.write_bytes(b"\xff\xfe")
    with pytest.raises(VocabularyError, match=r"vocabulary\.txt: can't be read: not UTF-8"):
        read_vocabulary(str(own))


@given(st.text(max_size=200))
def test_any_text_gives_terms_or_a_clear_error(text: str) -> None:
    try:
        terms = parse(text, "here", {})
    except VocabularyError as error:
        assert str(error).startswith("here, line ")
    else:
        assert all(term.phrases and "," not in term.name for term in terms)
