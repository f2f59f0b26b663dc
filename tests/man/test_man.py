"""The man pages: complete, and well formed."""

from __future__ import annotations

import argparse
import json
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from csearch.control.commands import COMMANDS, build_parser
from csearch.search.parser import build
from csearchd.__main__ import _parser as daemon_parser
from csearchd.config import KEYS
from support.user import User

PAGES = Path(__file__).parents[2] / "integrations/man"
NAMES = ("csearch.1", "csearchctl.1", "csearch-config.5", "csearchd.8")


def page(name: str) -> str:
    """A page's source, its options as they are typed."""
    source = (PAGES / name).read_text()
    return re.sub(r"\bFl (\S+)", lambda match: "-" + match[1].replace("\\-", "-"), source)


def has(text: str, option: str) -> bool:
    return re.search(rf"(?<![\w-]){re.escape(option)}(?![\w-])", text) is not None


def parsers(name: str, parser: argparse.ArgumentParser) -> Iterator[tuple[str, list[str]]]:
    """Each command that can be typed, and its options."""
    inner = [a for a in parser._actions if isinstance(a, argparse._SubParsersAction)]
    for action in inner:
        for word, below in action.choices.items():
            yield from parsers(f"{name} {word}", below)
    if not inner:
        yield name, [option for action in parser._actions for option in action.option_strings]


def controls() -> Iterator[tuple[str, list[str]]]:
    for name in COMMANDS:
        yield from parsers(name, build_parser(name))


@pytest.mark.parametrize(
    ("name", "parser"), [("csearch.1", build()), ("csearchd.8", daemon_parser())]
)
def test_each_option_is_explained(name: str, parser: argparse.ArgumentParser) -> None:
    found = [option for action in parser._actions for option in action.option_strings]
    assert "--version" in found
    items = "\n".join(re.findall(r"^\.It (.*)", page(name), re.MULTILINE))
    assert [option for option in found if not has(items, option)] == []


def test_each_command_is_explained_with_its_options() -> None:
    items = re.split(r"^\.It Cm ", page("csearchctl.1"), flags=re.MULTILINE)[1:]
    missing = []
    for command, given in controls():
        words = re.compile(rf"^(?:.*, )?(?:Cm )?{command}(?![\w-])")
        texts = [item for item in items if words.match(item.splitlines()[0])]
        missing += [command] * (len(texts) != 1)
        missing += [
            f"{command} {option}"
            for option in given
            if option not in ("-h", "--help") and not any(has(text, option) for text in texts)
        ]
    assert missing == []


def test_each_key_of_the_configuration_is_explained() -> None:
    text = page("csearch-config.5").replace("\\(dq", '"')
    for section in {key.section for key in KEYS}:
        (part,) = re.findall(rf"^\.Ss {section}\n(.*?)^\.El", text, re.MULTILINE | re.DOTALL)
        keys = {key.name: key for key in KEYS if key.section == section}
        assert set(re.findall(r"^\.It Cm (\w+)", part, re.MULTILINE)) == set(keys)
        for name, key in keys.items():
            assert f".It Cm {name} = {json.dumps(key.default)}\n" in part
            assert key.setting.meaning[1:] in part.replace("\n", " ")


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
