"""What both commands' parsers share."""

from __future__ import annotations

import argparse

from csearch import __version__
from csearch.protocol.quoting import harmless
from csearch.show.terminal import Terminal

TYPE_CHECKING = False  # typing takes 2 ms to import
if TYPE_CHECKING:
    from typing import Any, NoReturn


class HelpFormatter(argparse.RawDescriptionHelpFormatter):
    """argparse's own, told the width: to find it out it imports shutil, which costs 3 ms."""

    def __init__(self, prog: str) -> None:
        super().__init__(prog, width=Terminal(1).width - 2)


class Parser(argparse.ArgumentParser):
    """argparse's own, whose complaints show what was typed as `harmless` does."""

    def error(self, message: str) -> NoReturn:
        super().error(harmless(message))


def parser(program: str, description: str, examples: str) -> argparse.ArgumentParser:
    """A parser that takes no abbreviations and shows `examples` (a line each) in its help."""
    lines = "\n".join(f"  {line}" for line in examples.strip().splitlines())
    return Parser(
        prog=program,
        description=description,
        epilog=f"examples:\n{lines}",
        formatter_class=HelpFormatter,
        allow_abbrev=False,
    )


def add_action(actions: Any, examples: str, name: str, text: str) -> argparse.ArgumentParser:
    """A subcommand of a subcommand, which shows those of the `examples` that are about it."""
    lines = [line for line in examples.strip().splitlines() if line.split()[2] == name]
    action: argparse.ArgumentParser = actions.add_parser(
        name,
        help=text,
        description=text[0].upper() + text[1:] + ".",
        epilog="examples:\n" + "\n".join(f"  {line}" for line in lines),
        formatter_class=HelpFormatter,
        allow_abbrev=False,
    )
    return action


def add_version(arguments: argparse.ArgumentParser) -> None:
    """--version."""
    arguments.add_argument("--version", action="version", version=f"csearch {__version__}")
