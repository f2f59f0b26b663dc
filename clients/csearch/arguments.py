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


class ShortHelp(argparse.Action):
    """-h, where it shows less than --help: its `const`."""

    def __call__(self, parser: argparse.ArgumentParser, *_: object) -> None:
        from csearch.command import print_out

        print_out(str(self.const).strip())
        parser.exit()


def add_short_help(options: argparse.ArgumentParser, text: str) -> None:
    """Has -h show `text`, and --help all options."""
    options._optionals.title = "help"
    options.add_argument(
        "-h",
        action=ShortHelp,
        nargs=0,
        const=text,
        dest="help",
        default=argparse.SUPPRESS,
        help="show the commonest options",
    )
    options.add_argument("--help", action="help", help="show all options")


def parser(
    program: str, description: str, examples: str, add_help: bool = True
) -> argparse.ArgumentParser:
    """A parser that accepts no abbreviations and shows `examples`, one per line, in its help.

    `add_help`: whether -h and --help show the same; otherwise use `add_short_help`.
    """
    lines = "\n".join(f"  {line}" for line in examples.strip().splitlines())
    return Parser(
        prog=program,
        add_help=add_help,
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
