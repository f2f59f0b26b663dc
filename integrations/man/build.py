"""Writes the manual pages: python integrations/man/build.py

Their text is in source/, in the language of man(7). Three kinds of lines there are replaced:
@OPTIONS@ by the options of the command that the page is about, @COMMAND NAME@ by a subcommand of
csearchctl, and @CONFIGURATION@ by the keys of the configuration. A page's date is that of the
release, so that it doesn't change from day to day.
"""

from __future__ import annotations

import argparse
import json
import re
import textwrap
from collections.abc import Iterator
from pathlib import Path

from argparse_manpage.manpage import Manpage

import csearch
from csearch.control.commands import COMMANDS, build_parser
from csearch.search import parser as search_parser
from csearchd import __main__ as daemon
from csearchd.config import KEYS, Config, Setting

HERE = Path(__file__).parent
CHANGELOG = HERE.parents[1] / "CHANGELOG.md"
OPTIONS = {"csearch.1": search_parser.build, "csearchd.8": daemon.build_parser}
_COLUMNS = 72  # of a page that is 80 wide, within its margins
UNEXPLAINED = ("query", "help")  # csearch-query(7) explains the one; what the other does is known
UNBOUNDED = Setting("").maximum


def main() -> None:
    for name, text in pages().items():
        (HERE / name).write_text(text)


def pages() -> dict[str, str]:
    """Every page's text by its file's name."""
    return {path.name: page(path) for path in sorted((HERE / "source").iterdir())}


def page(source: Path) -> str:
    """The page that is made of a file in source/."""
    title, _, section = source.name.rpartition(".")
    version = re.escape(csearch.__version__)
    released = re.search(rf"^## \[{version}\] - (\S+)$", CHANGELOG.read_text(), re.MULTILINE)
    assert released, f"{CHANGELOG.name} has no date for {csearch.__version__}"
    lines = [f'.TH {title.upper()} {section} {released[1]} "csearch {csearch.__version__}" csearch']
    for line in source.read_text().splitlines():
        match line.strip("@").split() if line.startswith("@") else ():
            case ["OPTIONS"]:
                lines += options(OPTIONS[source.name]())
            case ["COMMAND", name]:
                lines += command(name, COMMANDS[name], build_parser(name))
            case ["CONFIGURATION"]:
                lines += configuration()
            case _:
                lines.append(line)
    return "\n".join(wrapped(lines)) + "\n"


def options(parser: argparse.ArgumentParser) -> Iterator[str]:
    """The options of a command, those of a group under its heading."""
    for group in parser._action_groups:
        described = list(described_actions(parser, group))
        if described and group.title != "options":
            yield f".SS {sentence(group.title or '').rstrip('.')}"
        yield from described


def command(name: str, meaning: str, parser: argparse.ArgumentParser) -> Iterator[str]:
    """A subcommand with its arguments; those of its own subcommands, where it has some."""
    nested = [a for a in parser._actions if isinstance(a, argparse._SubParsersAction)]
    if nested:
        for choice in nested[0]._choices_actions:
            inner = nested[0].choices[choice.dest]
            yield from command(f"{name} {choice.dest}", choice.help or "", inner)
        return
    yield from (".TP", synopsis(name, parser), escaped(sentence(meaning)))
    described = [line for g in parser._action_groups for line in described_actions(parser, g)]
    if described:
        yield from (".RS", *described, ".RE")


def described_actions(
    parser: argparse.ArgumentParser, group: argparse._ArgumentGroup
) -> Iterator[str]:
    """The arguments of a group that need an explanation, as argparse-manpage writes them."""
    formatter = Manpage(parser).mf
    for action in group._group_actions:
        listed = action.choices and not action.option_strings and not action.metavar
        if action.help and action.dest not in UNEXPLAINED and not listed:
            mark, name, text = formatter._format_action(action)
            yield from (mark, name, sentence(text).replace("\\\\", "\\e"))


def synopsis(name: str, parser: argparse.ArgumentParser) -> str:
    """How a subcommand is typed, in lines of _COLUMNS at most: a tag isn't filled."""
    words = [rf"\fB{name}\fR"]
    for action in parser._actions:
        if action.dest == "help":
            continue
        value = rf"\fI{action.metavar or '|'.join(action.choices or ()) or action.dest.upper()}\fR"
        if action.nargs in ("*", "+"):
            value += "..."
        if action.option_strings:
            value = rf"\fB{action.option_strings[-1]}\fR" + (
                f" {value}" if action.nargs != 0 else ""
            )
        optional = not action.required if action.option_strings else action.nargs in ("?", "*")
        words.append(f"[{value}]" if optional else value)
    lines, columns = [""], 0
    for word in words:
        length = len(re.sub(r"\\f.", "", word)) + 1
        columns += length
        if columns > _COLUMNS:
            lines.append("")
            columns = length
        lines[-1] += f" {word}" if lines[-1] else word
    return "\n.TQ\n".join(lines).replace("-", r"\-")


def configuration() -> Iterator[str]:
    """The keys of the configuration, table by table."""
    for section, values in vars(Config()).items():
        yield f".SS [{section}]"
        yield escaped(values.__doc__ or "")
        for key in KEYS:
            if key.section == section:
                default = json.dumps(key.default).replace('"', r"\(dq")
                yield from (".TP", rf"\fB{key.name} = {default}\fR".replace("-", r"\-"))
                yield escaped(sentence(key.setting.meaning) + allowed(key.setting))


def allowed(setting: Setting) -> str:
    """Which values a key may have, where its type doesn't say it."""
    if setting.choices:
        return f" One of {', '.join(setting.choices)}."
    if setting.maximum != UNBOUNDED:
        return f" From {setting.minimum} to {setting.maximum}."
    return f" At least {setting.minimum}." if setting.minimum else ""


def wrapped(lines: list[str]) -> Iterator[str]:
    """Lines of text in at most 80 columns, as far as a page's source should have them."""
    before = ""
    as_it_is = False
    for line in lines:
        if line in (".EX", ".EE"):
            as_it_is = line == ".EX"
        if line.startswith(".") or as_it_is or before == ".TP" or len(line) <= 80:
            yield line
        else:
            parts = textwrap.wrap(line, 80, break_long_words=False, break_on_hyphens=False)
            yield from (rf"\&{part}" if part[0] in ".'" else part for part in parts)
        before = line


def sentence(text: str) -> str:
    """With a capital and a full stop."""
    text = text[:1].upper() + text[1:]
    return text if text.endswith((".", "!", "?")) else f"{text}."


def escaped(text: str) -> str:
    return text.replace("\\", "\\e").replace("-", "\\-")


if __name__ == "__main__":
    main()
