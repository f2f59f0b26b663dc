"""What -h, --help and csearchctl help say: one screen, all, and the manual's sections."""

from __future__ import annotations

import re
import sys

import pexpect
import pytest
from home import Home

from csearch.control.commands import COMMANDS
from csearch.control.help import PAGES, SECTIONS
from csearch.search.parser import build
from support.user import User

COMMON = ("--in", "-g", "-t", "--sort", "--preview", "--why")


@pytest.mark.parametrize("command", ["csearch", "csearchctl"])
def test_the_short_help_is_one_screen(home: Home, command: str) -> None:
    said = home.ask(command, "-h").stdout.decode()
    lines = said.splitlines()
    assert len(lines) <= 23 and max(map(len, lines)) <= 87
    other = "csearchctl" if command == "csearch" else "csearch -h"
    for where in (f"{command} --help", other, "csearchctl help", f"man {command}", "filters"):
        assert where in said
    assert len(home.ask(command, "--help").stdout.decode().splitlines()) > len(lines)


def test_the_six_commonest_options_are_in_the_short_help(home: Home) -> None:
    said = home.ask("csearch", "-h").stdout.decode()
    assert max(map(len, said.splitlines())) <= 80
    shown = re.findall(r"^  (-[^ ,]+)", said, re.MULTILINE)
    assert shown == list(COMMON)
    all_of_it = home.ask("csearch", "--help").stdout.decode()
    names = [name for action in build()._actions for name in action.option_strings]
    assert [name for name in names if name not in all_of_it] == []
    assert "man csearch" in all_of_it and "csearchctl" in all_of_it


@pytest.mark.parametrize("arguments", [["-h"], ["a", "dog", "-h"], ["-t", "5", "-h"]])
def test_it_is_shown_wherever_it_is_asked_for(home: Home, arguments: list[str]) -> None:
    assert home.ask("csearch", *arguments).stdout == home.ask("csearch", "-h").stdout


def test_all_commands_are_in_the_long_help(home: Home) -> None:
    said = home.ask("csearchctl", "--help").stdout.decode()
    assert [name for name in COMMANDS if f"\n  {name} " not in said] == []


def test_topics_are_listed_and_each_is_shown(home: Home) -> None:
    listed = home.ask("csearchctl", "help").stdout.decode()
    for topic in (*SECTIONS, *PAGES):
        assert f"\n  {topic} " in listed
    for topic, (_, heading, _) in SECTIONS.items():
        done = home.ask("csearchctl", "help", topic)
        first, *text = done.stdout.decode().splitlines()
        assert first == heading and len(text) > 5, topic
        assert done.returncode == 0 and not done.stderr


def test_the_filters_are_all_explained(home: Home) -> None:
    said = home.ask("csearchctl", "help", "filters").stdout.decode()
    for name in ("after", "on", "date", "near", "camera", "iso", "rating", "tag", "person", "name",
                 "title", "folder", "type", "size", "orientation", "not"):  # fmt: skip
        assert f"{name}:" in said, name
    assert "CONCEPTS" not in said and "PICTURES" not in said
    dates = home.ask("csearchctl", "help", "dates").stdout.decode()
    assert dates.strip() in said.replace("\n   Time\n", "\nTime\n") and "near:" not in dates


def help_on_terminal(user: User, redirection: str, term: str) -> str:
    """What `csearchctl help places` prints where `man` tells that it was run."""
    programs = user.home / "bin"
    programs.mkdir()
    (programs / "man").write_text('#!/bin/sh\necho "man $*"; cat\n')
    (programs / "man").chmod(0o755)
    path = f"{programs}:{user.environment['PATH']}"
    output: str = pexpect.run(
        f"/bin/sh -c '{sys.executable} -P -m csearch.control help places {redirection}'",
        env={**user.environment, "PATH": path, "TERM": term},
        encoding="utf-8",
    )
    return output


def test_a_section_is_shown_by_man_on_a_terminal(user: User) -> None:
    output = help_on_terminal(user, "", "xterm")
    assert "man -l -\r\n.TH CSEARCH-QUERY 7" in output
    assert ".SH Place" in output and "near:Lisbon" in output and ".SH CONCEPTS" not in output


@pytest.mark.parametrize(("redirection", "term"), [("</dev/null", "xterm"), ("", "dumb")])
def test_no_pager_waits_where_nobody_can_type(user: User, redirection: str, term: str) -> None:
    output = help_on_terminal(user, redirection, term)
    assert "near:Lisbon" in output and "man -l" not in output and ".SH" not in output
