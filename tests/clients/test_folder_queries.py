"""Queries that are folders, or the names of csearchctl's commands."""

from __future__ import annotations

import pytest
from home import Home
from scripted_service import answering, hits

from csearch.control.commands import COMMANDS
from csearch.search import hints
from csearch.search.joining import joined, value_note


@pytest.fixture
def guest(home: Home, service) -> Home:
    (home.pictures / "Holidays" / "2023 Rome").mkdir(parents=True)
    service(search=answering(hits(b"/p/a.jpg")))
    return home


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["Holidays/"], "Holidays/ is a directory; to search in it: csearch --in Holidays "),
        (["./Holidays"], "csearch --in ./Holidays "),
        (["Holidays/", "dog"], "csearch --in Holidays dog"),
        (["dog", "Holidays/"], "csearch --in Holidays dog"),
        (["a red boat", "Holidays/"], "csearch --in Holidays 'a red boat'"),
        (["dog Holidays/"], "csearch --in Holidays dog"),
        (["Holidays/2023 Rome"], "csearch --in 'Holidays/2023 Rome' "),
        (["."], ". is a directory, which is searched anyway: csearch "),
        ([".", "dog"], "csearch --in . dog"),
        ([".."], "csearch --in .. "),
        (["/"], "csearch --in / "),
        (["~/Pictures"], "/Pictures "),
        (["~"], "is a directory"),
        (["-t", "3", "Holidays/"], "csearch --in Holidays "),
        (["add", "Holidays/"], "the command is csearchctl add Holidays"),
        (["rescan", "."], "the command is csearchctl rescan ."),
    ],
)
def test_a_folder_is_no_query(guest: Home, words: list[str], said: str) -> None:
    done = guest.ask("csearch", *words)
    assert (done.returncode, done.stdout) == (2, b"")
    assert said in done.stderr.decode()


def test_a_folder_by_its_url(guest: Home) -> None:
    said = guest.ask("csearch", f"file://{guest.pictures}/Holidays/2023%20Rome").stderr.decode()
    assert f"csearch --in '{guest.pictures}/Holidays/2023 Rome' " in said


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["Holidays"], "Holidays is a directory, too: csearch --in Holidays … searches in it"),
        (["help"], "csearch -h shows the options, csearchctl help the manual"),
        (["status"], "the command is csearchctl status"),
        (["model", "list"], "the command is csearchctl model list"),
        (["model list"], "the command is csearchctl model list"),
        (["history", "clear"], "the command is csearchctl history clear"),
        (["text", "forget"], "the command is csearchctl text forget"),
        (["dog", "OR", "cat"], "OR is searched for as a word; dog + cat looks for both"),
        (["dog AND NOT cat"], "AND is searched for as a word"),
        (["add", "Holidays"], "the command is csearchctl add Holidays"),
        (
            ["--in", ".", "dog", "Holidays"],
            "Holidays is searched for as a word; to search in it, too: --in Holidays",
        ),
        (["--in", "Holidays/2023 Rome", "Holidays"], "to search in it, too: --in Holidays"),
        (
            ["dog", "--sort", "size", "10"],
            "10 is searched for as a word; for at most so many: -t 10",
        ),
        (["--sort=size", "10", "dog"], "for at most so many: -t 10"),
    ],
)
def test_plain_words_are_searched_for_beside_a_hint(
    guest: Home, words: list[str], said: str
) -> None:
    done = guest.ask("csearch", *words)
    assert (done.returncode, done.stdout) == (0, b"/p/a.jpg\n")
    (line,) = done.stderr.decode().splitlines()
    assert line.startswith("csearch: ") and said in line


@pytest.mark.parametrize(
    "words",
    [
        ["status", "symbol"],
        ["a", "status"],
        ["stop", "sign"],
        ["Holidays", "dog"],
        ["nowhere/"],
        ["--", "Holidays/"],
        ["--", "status"],
        ['"status"'],
        ["dog", "--in", "Holidays"],
        ["Holidays", "dog", "--in", "Holidays"],
        ["route", "66", "--sort", "date"],
        ["--sort", "date", "2019"],
        ["--sort", "date", "dog", "10"],
        ["--sort", "date", "--", "10"],
        ["1.5"],
        ["a dog . on grass"],
        ["dog and/or cat"],
        ["dog or cat", "--", "NOT"],
        ['"Holidays/" dog'],
    ],
)
def test_other_queries_have_no_hint(guest: Home, words: list[str]) -> None:
    done = guest.ask("csearch", *words)
    assert (done.returncode, done.stderr) == (0, b"")


def test_hints_know_all_commands() -> None:
    assert hints.COMMANDS.keys() == COMMANDS.keys()


@pytest.mark.parametrize(
    ("arguments", "query"),
    [
        (["boat", "tag:old town"], 'boat tag:"old town"'),
        (["not:person:Anna Smith", "boat"], 'not:person:"Anna Smith" boat'),
        (["tag:beach", "a dog"], "tag:beach a dog"),
        (["boat", 'tag:"old town" x'], 'boat tag:"old town" x'),
        (["tag:old near:Rome", "boat"], "tag:old near:Rome boat"),
        (["tag:old - town", "boat"], "tag:old - town boat"),
        (["boat", "--", "tag:old town"], "boat -- tag:old town"),
        (["tag:old town"], "tag:old town"),
        (["http://a/b c", "dog"], "http://a/b c dog"),
    ],
)
def test_values_whose_quotes_the_shell_has_taken(arguments: list[str], query: str) -> None:
    assert joined(arguments) == query


def test_values_of_several_words_are_said(guest: Home) -> None:
    said = guest.ask("csearch", "boat", "tag:old town").stderr.decode()
    assert said == 'csearch: understood as tag:"old town"\n'
    said = guest.ask("csearch", "tag:old town").stderr.decode()
    assert "the value of tag:old ends before town" in said and "'tag:\"old town\"'" in said
    assert value_note(["tag:old"]) is None
