"""The queries that README and csearch-query(7) show: every example runs, and is answered."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from csearch.show.manual import arguments
from support.album import write_album, write_photo, xmp
from support.user import User
from support.written import write_words

ROOT = Path(__file__).parents[2]
NOTHING = {"type:raw", "on:yesterday"}  # are in no album of ours


def of_the_readme() -> list[str]:
    table = (ROOT / "README.md").read_text().partition("| query |")[2].partition("\n\n")[0]
    rows = [line.split(" | ")[0] for line in table.splitlines() if line.startswith("| `")]
    return [example for row in rows for example in re.findall(r"`([^`]+)`", row)]


def of_the_manual() -> list[str]:
    """What .TP explains: one example, or several with commas between."""
    page = (ROOT / "integrations/man/csearch-query.7").read_text()
    labels = re.findall(r"^\.TP\n\.(B|BR) (.*)$", page, re.MULTILINE)
    return [
        example
        for macro, label in labels
        for example in ([" ".join(arguments(label))] if macro == "B" else arguments(label)[::2])
    ]


EXAMPLES = sorted({*of_the_readme(), *of_the_manual()})


@pytest.fixture(scope="module")
def owner(tmp_path_factory: pytest.TempPathFactory) -> Iterator[User]:
    with User(tmp_path_factory.mktemp("r")) as someone:
        write_album(someone.pictures)
        write_photo(someone.pictures / "cat.jpg", "cat", taken="2026:01:01 12:00:00")
        write_photo(someone.pictures / "Texas.jpg", "page", place=(33.66, -95.55))
        write_photo(someone.pictures / "Florence.jpg", "horse", place=(43.77, 11.25))
        write_photo(someone.pictures / "Atlanta.jpg", "moon", place=(33.75, -84.39))
        said = xmp(title="Sunset in Porto", description="the old harbour")
        write_photo(someone.pictures / "porto.jpg", "coins", packet=said)
        someone.search("x", "--in", someone.pictures)
        pages = {someone.pictures / "porto.jpg": ("Invoice ab-9917", "Wi-Fi password")}
        write_words(someone, pages)
        yield someone


def test_the_examples_are_found() -> None:
    assert len(of_the_readme()) > 35 and len(of_the_manual()) > 35


@pytest.mark.parametrize("query", EXAMPLES)
def test_example(owner: User, query: str) -> None:
    done = owner.csearch(query, cwd=owner.pictures, check=None)
    assert done.returncode == (1 if query in NOTHING else 0), done.stderr
    words = query.split()
    if {"+", "-"} & set(words) and '"' not in query and words[0] != "--":
        apart = owner.csearch(*words, cwd=owner.pictures, check=None)
        assert (apart.returncode, apart.stdout) == (done.returncode, done.stdout)


@pytest.mark.parametrize("examples", [of_the_readme(), of_the_manual()], ids=["README", "manual"])
def test_every_filter_is_shown(examples: list[str]) -> None:
    from csearchd.search.query_language.grammar import FILTERS

    shown = " ".join(examples)
    assert [name for name in FILTERS if f"{name}:" not in shown] == []


def test_the_readme_is_short() -> None:
    assert len((ROOT / "README.md").read_text().splitlines()) <= 200
