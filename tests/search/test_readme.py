"""README's table of queries: every example runs, and is answered."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from support.album import write_album, write_photo
from support.user import User

README = Path(__file__).parents[2] / "README.md"
NOTHING = {"type:raw", "on:yesterday"}  # are in no album of ours


def examples() -> list[str]:
    section = README.read_text().partition("## Asking")[2].partition("\n## ")[0]
    table = section.partition("| query |")[2].partition("\n\n")[0]
    rows = [line.split(" | ")[0] for line in table.splitlines() if line.startswith("| `")]
    return [example for row in rows for example in re.findall(r"`([^`]+)`", row)]


@pytest.fixture(scope="module")
def owner(tmp_path_factory: pytest.TempPathFactory) -> Iterator[User]:
    with User(tmp_path_factory.mktemp("r")) as someone:
        write_album(someone.pictures)
        write_photo(someone.pictures / "cat.jpg", "cat", taken="2026:01:01 12:00:00")
        write_photo(someone.pictures / "Texas.jpg", "page", place=(33.66, -95.55))
        someone.search("x", "--in", someone.pictures)
        yield someone


def test_the_table_is_found() -> None:
    assert len(examples()) > 35


@pytest.mark.parametrize("query", examples())
def test_example(owner: User, query: str) -> None:
    done = owner.csearch(query, cwd=owner.pictures, check=None)
    assert done.returncode == (1 if query in NOTHING else 0), done.stderr
    words = query.split()
    if {"+", "-"} & set(words) and '"' not in query and words[0] != "--":
        apart = owner.csearch(*words, cwd=owner.pictures, check=None)
        assert (apart.returncode, apart.stdout) == (done.returncode, done.stdout)


def test_every_filter_is_in_the_table() -> None:
    from csearchd.search.query_language.grammar import FILTERS

    shown = " ".join(examples())
    assert [name for name in FILTERS if f"{name}:" not in shown] == []
