"""The manual pages: current, complete and well formed; and `csearchctl help`, which shows them."""

from __future__ import annotations

import argparse
import importlib.util
import json
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import pexpect
import pytest

from csearch.control.commands import COMMANDS, build_parser
from csearch.control.help import PAGES as TOPICS
from csearch.installation.items import ITEMS
from csearch.search.parser import build
from csearch.show.manual import plain_text
from csearchd.__main__ import build_parser as build_daemon_parser
from csearchd.config import KEYS
from support.user import User

PAGES = Path(__file__).parents[2] / "integrations/man"
NAMES = sorted(path.name for path in (PAGES / "source").iterdir())


@pytest.fixture(scope="module")
def builder() -> ModuleType:
    """integrations/man/build.py."""
    found = importlib.util.spec_from_file_location("build_man", PAGES / "build.py")
    assert found and found.loader
    module = importlib.util.module_from_spec(found)
    found.loader.exec_module(module)
    return module


def has(text: str, option: str) -> bool:
    return re.search(rf"(?<![\w-]){re.escape(option)}(?![\w-])", text) is not None


def shown(name: str) -> str:
    return plain_text((PAGES / name).read_text(), 100)


def parsers(name: str, parser: argparse.ArgumentParser) -> Iterator[tuple[str, list[str]]]:
    """Each command that can be typed, and its options."""
    inner = [a for a in parser._actions if isinstance(a, argparse._SubParsersAction)]
    for action in inner:
        for word, below in action.choices.items():
            yield from parsers(f"{name} {word}", below)
    if not inner:
        yield name, [option for action in parser._actions for option in action.option_strings]


@pytest.mark.parametrize("name", NAMES)
def test_a_synopsis_of_two_lines_stays_apart_from_its_explanation(name: str) -> None:
    source = (PAGES / name).read_text().splitlines()
    lines = [line.strip() for line in shown(name).splitlines()]
    for number, line in enumerate(source):
        if line == ".TQ":
            assert plain_text(source[number + 1], 100).strip() in lines


def test_pages_are_current(builder: ModuleType) -> None:
    """Else: python integrations/man/build.py"""
    assert {name: (PAGES / name).read_text() for name in NAMES} == builder.pages()
    assert sorted(path.name for path in PAGES.glob("*.[1-9]")) == NAMES


@pytest.mark.parametrize(
    ("name", "parser"), [("csearch.1", build()), ("csearchd.8", build_daemon_parser())]
)
def test_each_option_is_explained(name: str, parser: argparse.ArgumentParser) -> None:
    found = [option for action in parser._actions for option in action.option_strings]
    labels = "\n".join(re.findall(r"^ {7}(-.*)", shown(name), re.MULTILINE))
    assert "--version" in found
    assert [option for option in found if not has(labels, option)] == []


@pytest.mark.parametrize("name", COMMANDS)
def test_each_command_is_explained_with_its_options(name: str) -> None:
    items = re.split(r"^ {7}(?=[a-z])", shown("csearchctl.1"), flags=re.MULTILINE)
    for command, options in parsers(name, build_parser(name)):
        (item,) = [item for item in items if re.match(rf"{command}(?: .*)?$", item, re.M)]
        assert [o for o in options if o not in ("-h", "--help") and not has(item, o)] == []


def test_each_key_of_the_configuration_is_explained() -> None:
    parts = dict(re.findall(r"^ {3}\[(\w+)\]\n(.*?)(?=^ {0,3}\S|\Z)", shown("csearch-config.5"),
                            re.MULTILINE | re.DOTALL))  # fmt: skip
    assert set(parts) == {key.section for key in KEYS}
    for key in KEYS:
        assert f"       {key.name} = {json.dumps(key.default)}\n" in parts[key.section]
        assert key.setting.meaning[1:] in " ".join(parts[key.section].split())


def test_every_page_is_installed_and_is_a_topic() -> None:
    installed = {item.source.rpartition("/")[2] for item in ITEMS if "/man/" in item.source}
    assert installed == {page for page, _ in TOPICS.values()} == set(NAMES)


@pytest.mark.skipif(shutil.which("mandoc") is None, reason="needs the package mandoc")
@pytest.mark.parametrize("name", NAMES)
def test_pages_are_well_formed(name: str) -> None:
    done = subprocess.run(["mandoc", "-T", "lint", PAGES / name], capture_output=True, text=True)
    # It looks for pages that others refer to among those of the system.
    lines = [line for line in done.stdout.splitlines() if "referenced manual not found" not in line]
    assert lines == []


@pytest.mark.skipif(shutil.which("man") is None, reason="needs the packages man-db and groff")
def test_man_finds_and_shows_what_was_installed(user: User) -> None:
    user.csearchctl("install", "--all")
    for name in NAMES:
        title, _, section = name.rpartition(".")
        done = subprocess.run(
            ["man", "--warnings", section, title],
            env={**user.environment, "MANPATH": f"{user.home}/.local/share/man", "MANPAGER": "cat",
                 "LC_ALL": "C.UTF-8"},
            capture_output=True,
            text=True,
        )  # fmt: skip
        assert done.returncode == 0 and not done.stderr
        assert title.upper() in done.stdout and "DESCRIPTION" in done.stdout


@pytest.mark.skipif(shutil.which("mandoc") is None, reason="needs the package mandoc")
@pytest.mark.parametrize("name", NAMES)
def test_our_plain_text_is_that_of_others(name: str) -> None:
    done = subprocess.run(
        ["mandoc", "-T", "ascii", PAGES / name], capture_output=True, text=True, check=True
    )
    theirs = re.sub(r".\x08", "", done.stdout).splitlines()[1:-1]  # without head and foot
    assert shown(name).split() == " ".join(theirs).split()


def test_help_prints_plain_text_into_a_pipe(user: User) -> None:
    for topic, (name, _) in TOPICS.items():
        printed = user.csearchctl("help", topic).stdout.decode()
        assert printed == plain_text((PAGES / name).read_text(), 80) + "\n"
        assert max(map(len, printed.splitlines())) <= 80


def test_help_lists_its_topics(user: User) -> None:
    listed = user.csearchctl("help").stdout.decode()
    assert [word for word in (*TOPICS, *COMMANDS) if f"\n  {word} " not in listed] == []


def test_help_of_a_command_is_what_h_says(user: User) -> None:
    assert user.csearchctl("help", "add").stdout == user.csearchctl("add", "-h").stdout
    assert b"is none of" in user.csearchctl("help", "nonsense", check=2).stderr


@pytest.mark.parametrize("there", [True, False])
def test_help_uses_man_on_a_terminal_if_it_is_there(user: User, there: bool) -> None:
    programs = user.home / "bin"
    programs.mkdir()
    if there:
        (programs / "man").write_text('#!/bin/sh\necho "man was called with $*"\n')
        (programs / "man").chmod(0o755)
    shell = pexpect.spawn(
        sys.executable,
        ["-P", "-m", "csearch.control", "help", "query"],
        env={**user.environment, "PATH": str(programs), "TERM": "xterm"},
        encoding="utf-8",
        use_poll=True,
    )
    shell.expect(pexpect.EOF)
    called = re.search(r"man was called with -l (\S+)", shell.before or "")
    assert (called is not None) == there
    assert (Path(called[1]).name if called else "csearch-query.7") == "csearch-query.7"
    assert there or "the query language of csearch" in (shell.before or "")


def test_topics_are_completed(user: User) -> None:
    offered = user.run("csearch.completing", "fish", "csearchctl", "help", "qu").stdout.decode()
    assert "query" in offered.split()
