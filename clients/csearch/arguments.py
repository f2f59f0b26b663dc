"""Argument parsing that both commands share."""

from __future__ import annotations

import argparse

from csearch import __version__
from csearch.protocol.quoting import harmless
from csearch.show.terminal import Terminal

TYPE_CHECKING = False  # typing takes 2 ms to import
if TYPE_CHECKING:
    from typing import Any, NoReturn


class HelpFormatter(argparse.RawDescriptionHelpFormatter):
    """argparse's, with a given width: to find it out, argparse imports shutil, which takes 3 ms."""

    def __init__(self, prog: str) -> None:
        super().__init__(prog, width=Terminal(1).width - 2)

    def _fill_text(self, text: str, width: int, indent: str) -> str:
        """Wraps text without line ends; other text is laid out already."""
        if "\n" in text:
            return super()._fill_text(text, width, indent)
        return argparse.HelpFormatter._fill_text(self, text, width, indent)


class Parser(argparse.ArgumentParser):
    """argparse's, whose error messages contain no control characters that were typed."""

    def error(self, message: str) -> NoReturn:
        super().error(harmless(message))


def parser(program: str, description: str, examples: str) -> argparse.ArgumentParser:
    """A parser that accepts no abbreviations and shows `examples`, one per line, in its help."""
    lines = "\n".join(f"  {line}" for line in examples.strip().splitlines())
    return Parser(
        prog=program,
        description=description,
        epilog=f"examples:\n{lines}",
        formatter_class=HelpFormatter,
        allow_abbrev=False,
    )


def add_action(actions: Any, examples: str, name: str, text: str) -> argparse.ArgumentParser:
    """Adds an action to a subcommand. Its help shows those of the `examples` that use it."""
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
    """Adds the option --version."""
    arguments.add_argument("--version", action="version", version=f"csearch {__version__}")
