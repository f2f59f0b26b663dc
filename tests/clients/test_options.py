"""The quick parser of common arguments gives the same options as argparse."""

from __future__ import annotations

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from csearch.search import command_line, options, parser

# What has a meaning, and what nearly has one.
_ARGUMENTS = ["-g", "--global", "-0", "-t", "--top", "--in", "--json", "-", "--", "-t5", "--top=5"]
_ARGUMENTS += [
    "--inn",
    "-g0",
    "-5",
    "5",
    "0",
    "05",
    "٣",
    "1e3",
    "99999999999",
    "9" * 5000,
    "0" * 5000 + "7",
    "",
    " ",
    "a b",
    "-a b",
    "-t-1",
    "--limit",
    "-n",
    "-grass",
    "-hat",
]
arguments = st.lists(st.sampled_from(_ARGUMENTS) | st.text(max_size=4), max_size=6)


def by_argparse(words: list[str]) -> dict[str, object] | str:
    try:
        return vars(parser.parse(words))
    except SystemExit as leaving:
        return f"exit status {leaving.code}"


@given(words=arguments)
@example(words=["dog", "-t", "5", "-t", "7"])
@example(words=["--in", "a", "dog", "-0", "--in", "b", "cat"])
@example(words=["dog", "-g", "--in", "b"])
@example(words=["dog", "-t", "9" * 5000])
@example(words=["dog", "-t", "0" * 5000 + "7"])
def test_quick_reading_and_argparse_agree(words: list[str]) -> None:
    quick = command_line.parse_simple(words)
    assert quick is None or vars(quick) == by_argparse(words)


@pytest.mark.parametrize("line", ["dog", "a dog -g", "-t 5 dog", "--in d dog", "-0 dog --top 2"])
def test_the_commonest_are_read_quickly(line: str) -> None:
    assert command_line.parse_simple(line.split())


def test_argparse_knows_the_same_options_and_defaults() -> None:
    assert vars(parser.build().parse_args([])) == vars(options.Options())


@pytest.mark.parametrize("words", [["dog", "-cat"], ["-cat"], ["dog", "--like", "a.jpg", "-cat"]])
def test_what_is_no_option_is_told_with_what_may_be_meant(
    words: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit):
        command_line.parse(words)
    told = capsys.readouterr().err
    assert "no option -cat" in told and "to leave something out: dog - cat" in told


def test_a_mistyped_option_is_told_with_the_one_that_is_like_it(
    capsys: pytest.CaptureFixture[str],
) -> None:
    with pytest.raises(SystemExit):
        command_line.parse(["dog", "--josn"])
    assert "did you mean --json?" in capsys.readouterr().err


@pytest.mark.parametrize("words", [["--min-score", "-0.1", "dog"], ["dog", "--min-score=-.1"]])
def test_a_score_may_be_negative(words: list[str]) -> None:
    assert (found := parser.parse(words)).min_score == -0.1
    assert found.query == ["dog"]
