"""The subcommands of csearchctl, each of which is a module that is imported when it is used."""

from __future__ import annotations

from collections.abc import Collection
from importlib import import_module

from csearch import __version__
from csearch.arguments import parser
from csearch.command import print_err, print_out
from csearch.protocol.errors import FAILURE
from csearch.protocol.quoting import printable

TYPE_CHECKING = False  # typing takes 2 ms to import
if TYPE_CHECKING:
    from typing import Any

    from csearch.arguments import Parser

COMMANDS = {
    "add": "watch a directory and search it",
    "remove": "stop watching a directory",
    "roots": "list the directories that are watched, and others that are known",
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
    "saved": "give queries names, to ask them again",
    "history": "list or delete past queries, which shell completion offers",
    "completion": "print a script that makes a shell complete commands",
    "text": "forget the words in pictures, or read them again",
    "model": "list, install and choose models",
    "tags": "write tags that other programs read, or remove them again",
    "backup": "copy the library (all that csearch knows) into a file",
    "install": "start the service with your session, and integrate it with your desktop",
    "uninstall": "remove what install has added, or with --purge every trace",
    "doctor": "check the installation and say what to do",
    "help": "show the manual of a topic or a command",
}

_COMMON = (
    "add", "remove", "roots", "status", "failed", "forget", "dupes", "model", "tags", "install",
    "uninstall", "doctor", "help",
)  # fmt: skip
"""The commands that csearchctl -h shows."""

_PACKAGES = {
    **dict.fromkeys(
        ("add", "remove", "roots", "rescan", "failed", "forget", "dupes", "history", "backup"),
        "library.",
    ),
    **dict.fromkeys(("status", "pause", "resume", "start", "stop", "reload"), "service."),
    "doctor": "checks.",
}

# What other programs call a command.
_ELSEWHERE = {
    **dict.fromkeys(("search", "find", "query", "locate", "grep"), "csearch QUERY"),
    **dict.fromkeys(("watch", "index", "track", "import"), "csearchctl add DIR"),
    **dict.fromkeys(("unwatch", "untrack"), "csearchctl remove DIR"),
    **dict.fromkeys(("list", "ls", "dirs", "folders"), "csearchctl roots"),
    **dict.fromkeys(
        ("update", "updatedb", "reindex", "refresh", "scan", "sync"), "csearchctl rescan"
    ),
    **dict.fromkeys(
        ("why", "why-not", "whynot", "explain", "missing", "diagnose"),
        "csearchctl help missing: why a picture isn't found",
    ),
    "ocr": "csearchctl text",
    **dict.fromkeys(("reset", "wipe"), "csearchctl uninstall --purge"),
    **dict.fromkeys(("rm", "delete", "purge", "exclude"), "csearchctl forget PATH"),
    **dict.fromkeys(("info", "stats", "verbose"), "csearchctl status"),
    "v": "--version, or csearchctl status",
    **dict.fromkeys(("check", "log", "logs", "debug"), "csearchctl doctor"),
    **dict.fromkeys(("duplicates", "dedupe", "dups"), "csearchctl dupes"),
    "restart": "csearchctl stop, then csearchctl start",
    **dict.fromkeys(("quit", "kill", "disable"), "csearchctl stop"),
    **dict.fromkeys(("enable", "setup"), "csearchctl install"),
    **dict.fromkeys(("init", "completions"), "csearchctl completion bash, zsh or fish"),
    **dict.fromkeys(("config", "settings", "configure"), "csearchctl help config"),
    **dict.fromkeys(("manual", "man"), "csearchctl help"),
    **dict.fromkeys(("models", "download"), "csearchctl model list"),
    **dict.fromkeys(("errors", "failures", "retry"), "csearchctl failed"),
}


def load(name: str) -> Any:
    """The module of a subcommand, with EXAMPLES, `add_arguments` and `run`."""
    return import_module(f"csearch.control.{_PACKAGES.get(name, '')}{name}")


def control(arguments: list[str]) -> int:
    """Runs a subcommand with its arguments; returns the exit status. Raises ClientError."""
    name, *rest = arguments or [""]
    if name in ("-h", "--help", "--help-all", "-help", "-?", "--usage"):
        print_out(_help(_COMMON if name in ("-h", "-?", "--usage") else COMMANDS))
        return 0
    if name in ("--version", "-version", "-V", "version"):
        print_out(f"csearchctl {__version__}")
        return 0
    if name not in COMMANDS:
        print_err(_usage(name))
        return FAILURE
    status: int = load(name).run(build_parser(name).parse_args(rest))
    return status


def build_parser(name: str) -> Parser:
    """The argument parser of a subcommand."""
    command = load(name)
    options = parser(f"csearchctl {name}", _sentence(COMMANDS[name]), command.EXAMPLES)
    command.add_arguments(options)
    return options


def _help(names: Collection[str]) -> str:
    width = max(map(len, names))
    lines = [f"  {name:{width}}  {COMMANDS[name]}" for name in names]
    more = ["csearchctl --help lists all commands."] if names is _COMMON else []
    return "\n".join(
        [
            "usage: csearchctl COMMAND …",
            "",
            "Controls the search service that answers csearch.",
            "",
            *lines,
            "",
            *more,
            "csearchctl COMMAND -h explains a command, with examples.",
            "csearchctl help lists topics, such as filters, and missing: why a picture isn't",
            "found. man csearchctl is the manual; csearch -h explains searching.",
        ]
    )


def _usage(name: str) -> str:
    if not name:
        return _help(_COMMON)
    from csearch.protocol.similar import similar

    if meant := _ELSEWHERE.get(name.lstrip("-")):
        hint = f"; that is {meant}"
    elif near := similar(name, COMMANDS):
        hint = f"; did you mean {near}?"
    else:
        hint = ""
    what = "option" if name.startswith("-") else "command"
    return f"csearchctl: there is no {what} {printable(name)}{hint} (csearchctl -h lists them)"


def _sentence(text: str) -> str:
    return text[0].upper() + text[1:] + "."
