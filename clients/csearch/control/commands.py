"""The subcommands of csearchctl, each of which is a module that is imported when it is used."""

from __future__ import annotations

from importlib import import_module

from csearch import __version__
from csearch.arguments import parser
from csearch.command import print_err, print_out
from csearch.protocol.errors import FAILURE

TYPE_CHECKING = False  # typing takes 2 ms to import
if TYPE_CHECKING:
    import argparse
    from typing import Any

COMMANDS = {
    "add": "watch a directory and search it",
    "remove": "stop watching a directory",
    "roots": "list the directories that are watched",
    "status": "show what the service is doing",
    "rescan": "look for changes on the disk now",
    "pause": "stop reading pictures for now; searching still works",
    "resume": "continue to read pictures",
    "start": "start the service",
    "stop": "stop the service",
    "reload": "read the configuration again",
    "failed": "list the pictures that could not be read, and why",
    "forget": "remove a file or a directory from the library",
    "dupes": "list pictures that are the same, nearly the same, or of a burst",
    "teach": "teach a word with a few pictures",
    "concepts": "list, rename and remove the words that were taught",
    "history": "delete past queries, which shell completion offers",
    "completion": "print a script that makes a shell complete commands",
    "text": "forget the words in pictures, or read them again",
    "model": "list, install and choose models",
    "tags": "write tags that other programs read, or remove them again",
    "backup": "copy the library (all that csearch knows) into a file",
    "install": "start the service with your session, and integrate it with your desktop",
    "uninstall": "remove what install has added",
    "doctor": "check the installation and say what to do",
    "help": "show the manual of a topic or a command",
}

_PACKAGES = {
    **dict.fromkeys(
        ("add", "remove", "roots", "rescan", "failed", "forget", "dupes", "history", "backup"),
        "library.",
    ),
    **dict.fromkeys(("status", "pause", "resume", "start", "stop", "reload"), "service."),
    "doctor": "checks.",
}


def load(name: str) -> Any:
    """The module of a subcommand, with EXAMPLES, `add_arguments` and `run`."""
    return import_module(f"csearch.control.{_PACKAGES.get(name, '')}{name}")


def control(arguments: list[str]) -> int:
    """Runs a subcommand with its arguments; returns the exit status. Raises ClientError."""
    name, *rest = arguments or [""]
    if name in ("-h", "--help"):
        print_out(_help())
        return 0
    if name == "--version":
        print_out(f"csearchctl {__version__}")
        return 0
    if name not in COMMANDS:
        print_err(_usage(name))
        return FAILURE
    status: int = load(name).run(build_parser(name).parse_args(rest))
    return status


def build_parser(name: str) -> argparse.ArgumentParser:
    """The argument parser of a subcommand."""
    command = load(name)
    options = parser(f"csearchctl {name}", _sentence(COMMANDS[name]), command.EXAMPLES)
    command.add_arguments(options)
    return options


def _help() -> str:
    width = max(map(len, COMMANDS))
    lines = [f"  {name:{width}}  {text}" for name, text in COMMANDS.items()]
    return "\n".join(
        [
            "usage: csearchctl COMMAND …",
            "",
            "Controls the search service that answers csearch.",
            "",
            *lines,
            "",
            "csearchctl COMMAND -h explains a command, with examples.",
        ]
    )


def _usage(name: str) -> str:
    if not name:
        return _help()
    import difflib

    near = difflib.get_close_matches(name, COMMANDS, 1)
    hint = f"; did you mean {near[0]}?" if near else ""
    return f"csearchctl: there is no command {name!r}{hint} (csearchctl -h lists them)"


def _sentence(text: str) -> str:
    return text[0].upper() + text[1:] + "."
