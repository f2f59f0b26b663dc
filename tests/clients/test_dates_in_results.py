"""Where scores stand blank, and where results are sorted by something else, the table says by
what. On a terminal, with the real service."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator

import pytest
from home import Home

from support.album import write_photo

DAYS = {"cat": "2019-07-03", "moon": "2021-01-30", "rocket": "2023-05-14"}


@pytest.fixture(scope="module")
def album(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Home]:
    with Home(tmp_path_factory.mktemp("d")) as someone:
        for name, day in DAYS.items():
            taken = f"{day.replace('-', ':')} 10:11:12"
            size = (2000, 1500) if name == "moon" else (300, 200)
            write_photo(someone.pictures / f"{name}.jpg", name, taken=taken, size=size)
        clock = write_photo(someone.pictures / "clock.jpg", "coffee", taken="1980:01:01 00:00:00")
        undated = write_photo(someone.pictures / "undated.png", "coins", size=(100, 100))
        os.utime(clock, (1_700_000_000, 1_700_000_000))
        os.utime(undated, (1_600_000_000, 1_600_000_000))  # 2020-09-13
        someone.csearch("x", "--in", someone.pictures)
        yield someone


def rows(album: Home, *arguments: str, **more: object) -> list[str]:
    output, status = album.terminal("csearch", "--no-group", *arguments, **more).finish()
    assert status == 0
    return output.splitlines()


def test_filters_alone_show_dates(album: Home) -> None:
    shown = rows(album, "name:*", TERM="dumb")
    assert [line.split() for line in shown] == [
        ["2023-05-14", "rocket.jpg"],
        ["2021-01-30", "moon.jpg"],
        ["2020-09-13", "undated.png"],
        ["2019-07-03", "cat.jpg"],
        ["1980-01-01?", "clock.jpg"],
    ]
    assert len({line.index(line.split()[1]) for line in shown}) == 1  # in a column


def test_a_date_of_the_file_alone_is_dimmed(album: Home) -> None:
    output = "\n".join(rows(album, "name:*"))
    assert re.search(r"\x1b\[2m2020-09-13", output) and re.search(r"\x1b\[36m2023-05-14", output)


@pytest.mark.parametrize("order", [["--sort", "date"], ["--sort", "date", "--reverse"]])
def test_a_search_sorted_by_date_shows_scores_and_dates(album: Home, order: list[str]) -> None:
    shown = [line.split() for line in rows(album, *order, "a", "cat", "name:*.jpg", TERM="dumb")]
    days = [line[2] for line in shown]
    assert all(re.fullmatch(r"-?\d\.\d{3}", line[0]) for line in shown)
    assert {line[1] for line in shown} <= {"weak", "fair", "strong"}
    certain = [day for day in days if not day.endswith("?")]
    assert certain == sorted(DAYS.values(), reverse=len(order) == 2)
    assert days[-1] == "1980-01-01?"


def test_sorted_by_size_the_megapixels_are_shown_and_no_query_is_needed(album: Home) -> None:
    first, *_ = rows(album, "--sort", "size", TERM="dumb")
    assert first.split() == ["3.0", "MP", "moon.jpg"]
    found = album.search("--sort", "size", "--in", album.pictures)
    assert found[0].name == "moon.jpg" and len(found) == 5
    assert album.search("--sort", "date", "-t", "1", "-g")[0].name == "rocket.jpg"
    assert b"QUERY is missing" in album.csearch("--sort", "score", check=2).stderr


def test_by_name_and_at_random_dates_stand_in_for_scores(album: Home) -> None:
    for arguments in (["--sort", "name", "name:*"], ["--random"]):
        shown = rows(album, *arguments, TERM="dumb")
        assert len(shown) == 5 and all(re.match(r"\d{4}-\d\d-\d\d", line) for line in shown)


def test_what_goes_into_a_pipe_is_paths_alone(album: Home) -> None:
    there = ("--in", album.pictures)
    for arguments in (["name:*"], ["--sort", "date", "a cat"], ["--sort", "size"]):
        lines = album.csearch(*arguments, *there).stdout.splitlines()
        assert len(lines) == 5 and all(os.path.isabs(line) for line in lines)


def test_on_a_narrow_terminal_names_come_first(album: Home) -> None:
    for columns in (12, 16, 20, 30):
        shown = rows(album, "--sort", "date", "a", "cat", TERM="dumb", columns=columns)
        assert any(line.endswith("cat.jpg") for line in shown)
        assert max(map(len, shown)) <= columns
