"""Completions of a command line: options, subcommands, and values that the daemon knows."""

from __future__ import annotations

import argparse
import re
import unicodedata
from collections.abc import Iterator
from typing import NamedTuple

from csearch.completing.service import Service

FILES, DIRECTORIES = "files", "directories"

# What the daemon is asked for, by subcommand and positional argument.
_KNOWN = {
    ("remove", "directories"): "roots",
    ("rescan", "directory"): "roots",
    ("concepts remove", "name"): "concepts",
    ("concepts rename", "name"): "concepts",
    ("teach", "name"): "concepts",
    ("", "saved"): "saved",  # csearch --saved
    ("saved show", "name"): "saved",
    ("saved bookmark", "name"): "saved",
    ("saved rename", "name"): "saved",
    ("saved remove", "name"): "saved",
    ("model use", "name"): "models",
    ("model remove", "name"): "models",
    ("model install", "name"): "recommended",
}
_PATHS = {
    "DIR": DIRECTORIES,
    "FILE": FILES,
    "PATH": FILES,
    "DIR|FILE": FILES,
    "PICTURE": FILES,
}
# The last word of a query, which may be a filter whose value is in quotes that are still open.
_LAST = re.compile(r'(?:^|\s)((?:[^\W\d_]+:)+"(?:[^"]|"")*|\S*)$')
_FILTER = re.compile(r"((?:not:)?)([^\W\d_]+):(?!//)(.*)", re.IGNORECASE | re.DOTALL)


class Candidate(NamedTuple):
    """A completion of the last word. If it `continues` a query, its blanks separate words."""

    text: str
    meaning: str = ""
    continues: bool = False

    @property
    def is_final(self) -> bool:
        """Whether the word is complete, so that a blank may follow."""
        return not self.text.endswith((":", "/", "="))


class Completions(NamedTuple):
    """The candidates, or else the kind of paths that the shell is to complete."""

    words: list[Candidate]
    paths: str = ""


def complete(command: str, words: list[str], current: str) -> Completions:
    """Completes `current`, the last word after `words` of `command`."""
    if command == "csearch":
        from csearch.search.parser import build

        return _Line(build(), "").complete(words, current)
    from csearch.control.commands import COMMANDS, build_parser

    if not words:
        return Completions(
            [Candidate(n, text) for n, text in COMMANDS.items() if n.startswith(current)]
        )
    if words[0] not in COMMANDS:
        return Completions([])
    return _Line(build_parser(words[0]), words[0]).complete(words[1:], current)


class _Line:
    """A command line, interpreted as its argument parser will do it."""

    def __init__(self, parser: argparse.ArgumentParser, name: str) -> None:
        self._parser = parser
        self._name = name  # of the subcommand, and of its action
        self._service = Service()
        self._free: list[str] = []  # positional arguments
        self._given: set[str] = set()  # options
        self._waiting: argparse.Action | None = None  # the option whose value comes next
        self._ended = False  # whether -- has ended the options

    def complete(self, words: list[str], current: str) -> Completions:
        for word in words:
            self._take(word)
        if self._waiting:
            return self._values(self._waiting, current)
        if current.startswith("-") and not self._ended:
            return self._options(current)
        action = self._positional()
        return self._values(action, current) if action else Completions([])

    def _take(self, word: str) -> None:
        if self._waiting:
            self._waiting = None
        elif self._ended or word == "-" or not word.startswith("-"):
            self._take_free(word)
        elif word == "--":
            self._ended = True
        else:
            name, equals, _ = word.partition("=")
            action = self._named().get(name)
            self._given.add(name)
            if action and action.nargs != 0 and not equals:
                self._waiting = action

    def _take_free(self, word: str) -> None:
        action = self._positional()
        if isinstance(action, argparse._SubParsersAction):
            if word in action.choices:
                self._parser = action.choices[word]
                self._name = f"{self._name} {word}"
                self._free = []
        else:
            self._free.append(word)

    def _named(self) -> dict[str, argparse.Action]:
        return {name: action for action in self._parser._actions for name in action.option_strings}

    def _options(self, current: str) -> Completions:
        name, equals, typed = current.partition("=")
        if equals:
            action = self._named().get(name)
            found = self._values(action, typed) if action else Completions([])
            words = [word._replace(text=f"{name}={word.text}") for word in found.words]
            return Completions(words, found.paths)
        words = []
        for action in self._parser._actions:
            repeatable = isinstance(action, argparse._AppendAction)
            if repeatable or not self._given.intersection(action.option_strings):
                # Short forms only if one is typed; the long ones explain themselves.
                for name in (
                    action.option_strings[-1:]
                    if current in ("-", "--")
                    else (action.option_strings)
                ):
                    if name.startswith(current):
                        words.append(Candidate(name, action.help or ""))
        return Completions(words)

    def _positional(self) -> argparse.Action | None:
        """The next positional argument."""
        places = [action for action in self._parser._actions if not action.option_strings]
        for number, action in enumerate(places):
            if action.nargs in ("*", "+") or number == len(self._free):
                return action
        return None

    def _values(self, action: argparse.Action, typed: str) -> Completions:
        if isinstance(action, argparse._SubParsersAction):
            meanings = {one.dest: one.help or "" for one in action._choices_actions}
            return Completions(
                [Candidate(n, t) for n, t in meanings.items() if n.startswith(typed)]
            )
        if action.choices is not None:
            return Completions(
                [Candidate(str(one)) for one in action.choices if str(one).startswith(typed)]
            )
        if action.dest == "query":
            return self._query(typed)
        paths = _PATHS.get(str(action.metavar), "")
        what = _KNOWN.get((self._name, action.dest))
        return Completions(
            [Candidate(one) for one in self._service.values(what, typed)] if what else [], paths
        )

    def _query(self, current: str) -> Completions:
        # The shell's quotes may enclose the query, or only a value: `tag:"old to`.
        last = _LAST.search(current)
        place = last.start(1) if last else 0
        if not _FILTER.match(current, place) and ("/" in current or current.startswith(("~", "."))):
            return Completions([], FILES)
        words = [*self._past(current), *self._filters("", current)]
        if place:
            words += self._filters(current[:place], current[place:])
        return Completions(words)

    def _filters(self, before: str, word: str) -> Iterator[Candidate]:
        """Filters that begin with `word`, or if it is a filter, its values."""
        match = _FILTER.match(word)
        if not match:
            for name in self._service.values("taught", word) if word else ():
                yield Candidate(f"{before}{name}", continues=True)
            for name in self._service.values("filters", word):
                yield Candidate(f"{before}{name}:")
            return
        negation, name, typed = match.groups()
        if typed.startswith('"'):
            typed = typed[1:].replace('""', '"')
        if negation == "" and name.lower() == "not":
            for other in self._service.values("filters", typed):
                yield Candidate(f"{before}{name}:{other}:")
            return
        for value in self._service.values(name.lower(), typed):
            value = _continued(typed, value)
            if re.search(r'\s|^"', value):
                value = '"' + value.replace('"', '""') + '"'
            yield Candidate(f"{before}{negation}{name}:{value}")

    def _past(self, current: str) -> Iterator[Candidate]:
        """The rest of past queries that begin like this one."""
        places = [action.dest for action in self._parser._actions if not action.option_strings]
        words = self._free[places.index("query") :]
        before = " ".join(" ".join(words).split())
        typed = f"{before} {current}" if before else current
        for query in self._service.values("queries", typed):
            yield Candidate(
                query[len(before) + 1 if before else 0 :], "asked before", continues=True
            )


def _continued(typed: str, value: str) -> str:
    """A value that begins as it is typed, though it may be written in other letters: shells take
    no other completion."""
    wanted = _folded(typed)
    for end in range(len(value) + 1):
        if _folded(value[:end]) == wanted:
            return typed + value[end:]
    return value


def _folded(text: str) -> str:
    return unicodedata.normalize("NFC", unicodedata.normalize("NFC", text).casefold())
