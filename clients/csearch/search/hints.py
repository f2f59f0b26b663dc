"""Queries that may have been meant as something else: directories, and commands of csearchctl."""

from __future__ import annotations

import os
from collections.abc import Sequence

from csearch.protocol.errors import ClientError
from csearch.protocol.quoting import harmless, printable

# csearchctl's, with their actions.
COMMANDS = {
    **dict.fromkeys(
        (
            "add", "remove", "roots", "status", "rescan", "pause", "resume", "start", "stop",
            "reload", "failed", "forget", "dupes", "teach", "backup", "install", "uninstall",
            "doctor", "help",
        ),
        (),
    ),
    "concepts": ("list", "rename", "remove"),
    "saved": ("add", "list", "show", "bookmark", "rename", "remove"),
    "history": ("clear",),
    "completion": ("bash", "zsh", "fish"),
    "model": ("list", "install", "import", "use", "remove"),
    "text": ("forget", "read"),
    "tags": ("preview", "write", "on", "off", "undo"),
}  # fmt: skip
_MOST_DIGITS = 3  # of a number of results that is typed: a longer number may be a year
_FILE_URL = "file://"
_OPERATORS = frozenset(("AND", "OR", "NOT", "&&", "||", "|"))  # of web searches
_SIGNS = "dog + cat looks for both, dog - grass leaves something out (csearchctl help words)"


def hint(arguments: list[str], directories: Sequence[str] = ()) -> str | None:
    """What else the arguments of a query may mean, for those who meant that. `directories`: in
    which it is searched.

    Raises ClientError where one of them is a directory, which nothing can be found by.
    """
    words = arguments[: arguments.index("--")] if "--" in arguments else arguments
    if command := _command(" ".join(words[:3]).split()):
        return command
    for argument in words:
        if argument.startswith("-- "):  # text
            break
        for word in dict.fromkeys((argument, *argument.split())):
            alone = word == argument
            if _is_path(word) and (alone or "/" in word) and (directory := _directory(word)):
                others = [other.replace(word, "").strip() for other in words if other != word]
                raise ClientError(_searched_in(word, directory, list(filter(None, others))))
    if operators := [word for word in " ".join(words).split() if word in _OPERATORS]:
        return f"{operators[0]} is searched for as a word; {_SIGNS}"
    for word in words if directories else ():
        if word not in directories and _directory(word):
            name = printable(word)
            return f"{name} is searched for as a word; to search in it, too: --in {_quoted(word)}"
    if len(words) == len(arguments) == 1 and _directory(words[0]):
        name = printable(words[0])
        return f"{name} is a directory, too: csearch --in {_quoted(words[0])} … searches in it"
    return None


def sort_hint(arguments: list[str]) -> str | None:
    """What else may be meant by a number behind the order, of all arguments of a command."""
    words = arguments[: arguments.index("--")] if "--" in arguments else arguments
    for place, word in enumerate(words):
        if word == "--sort" or word.startswith("--sort="):
            (number,) = words[place + 1 + (word == "--sort") :][:1] or ("",)
            if number.isdecimal() and len(number) <= _MOST_DIGITS:
                return f"{number} is searched for as a word; for at most so many: -t {number}"
    return None


def _is_path(word: str) -> bool:
    return "/" in word or word in (".", "..", "~")


def _command(words: list[str]) -> str | None:
    """The command of csearchctl that a whole query is the name of."""
    actions = COMMANDS.get(words[0]) if words else None
    if actions is None or len(words) > 2:
        return None
    if len(words) == 2 and words[1] not in actions:
        named = not actions and not _is_path(words[1]) and _directory(words[1])
        if not named:
            return None
    typed = harmless(" ".join(words))
    if typed == "help":
        return 'searching for "help"; csearch -h shows the options, csearchctl help the manual'
    return f'searching for "{typed}"; the command is csearchctl {typed} (csearch -h: options)'


def _directory(word: str) -> str:
    """The path of the directory that a word names; "" if it names none."""
    path = word
    if word.startswith(_FILE_URL):
        from urllib.parse import unquote

        path = unquote(word.removeprefix(_FILE_URL), errors="surrogateescape")
    elif word.startswith("~"):
        path = os.path.expanduser(word)
    try:
        return path if os.path.isdir(os.fsencode(path)) else ""
    except ValueError:  # a NUL
        return ""


def _searched_in(word: str, directory: str, others: list[str]) -> str:
    """How to search in a directory that is a word of the query, beside others."""
    place = _quoted(directory if len(directory) == 1 else directory.rstrip("/") or "/")
    told = f"{printable(word)} is a directory"
    if len(others) == 1 and others[0] in COMMANDS:
        return f"{told}; the command is csearchctl {others[0]} {place}"
    query = " ".join(map(_quoted, others)) or '"a dog on the beach"'
    if word in (".", "./") and not others:
        return f"{told}, which is searched anyway: csearch {query}"
    return f"{told}; to search in it: csearch --in {place} {query}"


def _quoted(word: str) -> str:
    """A word as it can be pasted into a shell."""
    from shlex import quote

    shown = printable(word)
    return shown if shown != word else quote(word)
