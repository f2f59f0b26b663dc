"""Argument parsing that both commands share."""

from __future__ import annotations

import argparse
import re

from csearch import __version__
from csearch.habits import LEAVE_OUT, answer, understood
from csearch.protocol.quoting import harmless
from csearch.protocol.similar import similar
from csearch.show.terminal import Terminal

TYPE_CHECKING = False  # typing takes 2 ms to import
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any, NoReturn

# What argparse says, and what is said here.
_CHOICE = re.compile(
    r"argument (?P<name>.+?): invalid choice: '(?P<value>.*)' \(choose from .*", re.S
)
_REWORDED = (
    (r"argument (\S+): not allowed with argument (.+)", r"\1 doesn't go with \2"),
    (r"(?s)argument ([^:]+): (.*)", r"\1: \2"),
    (r"the following arguments are required: (.+)", r"missing: \1"),
    (r"one of the arguments (\S+) (\S+) is required", r"missing: \1 or \2"),
    (r"(?s)unrecognized arguments: (.*)", r"too many arguments: \1"),
)
_LONGEST = 60  # characters of a query that an example repeats


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
    """argparse's, which understands or answers options of other programs.

    Its messages are sentences, without control characters that were typed.
    """

    def error(self, message: str) -> NoReturn:
        if choice := _CHOICE.fullmatch(message):
            message = f"argument {choice['name']}: {self._no_choice(*choice.groups())}"
        for pattern, sentence in _REWORDED:
            if found := re.fullmatch(pattern, message):
                message = found.expand(sentence)
                break
        self.exit(2, f"{self.prog}: {harmless(message)} ({self.prog} -h explains it)\n")

    def _no_choice(self, name: str, value: str) -> str:
        """Says what an argument's value can be."""
        action = next(
            action
            for action in self._actions
            if name in ("/".join(action.option_strings), action.metavar, action.dest)
        )
        choices = [str(choice) for choice in action.choices or ()]
        near = similar(value, choices)
        told = f"{value!r} is none of {', '.join(choices)}"
        return f"{told}; did you mean {near}?" if near else told

    def parse_args(self, args: Any = None, namespace: Any = None) -> Any:
        """argparse's, of arguments as they were typed."""
        return super().parse_args(self.prepared(args or []), namespace)

    def prepared(self, arguments: list[str]) -> list[str]:
        """The arguments as argparse is to have them: options of other programs are those that mean
        the same here, and values that begin with a dash are joined to their options.

        Ends the process with a message where an option isn't known or lacks its value.
        """
        return list(_Reading(self, arguments))


class _Reading:
    """Reads a command line as argparse will do it."""

    def __init__(self, parser: Parser, arguments: list[str]) -> None:
        self._parser = parser
        self._rest = list(reversed(arguments))
        self._words: list[str] = []  # positional arguments so far

    def __iter__(self) -> Iterator[str]:
        while self._rest:
            argument = self._rest.pop()
            if argument == "--":
                yield from (argument, *reversed(self._rest))
                return
            if self._is_free(argument):
                self._take_free(argument)
                yield argument
            else:
                yield from self._option(argument)

    def _is_free(self, argument: str) -> bool:
        """Whether it is no option: also a whole query that begins with `--`."""
        if argument == "-" or not argument.startswith("-"):
            return True
        name = argument.partition("=")[0]
        return argument.startswith("--") and " " in argument and name not in self._known

    @property
    def _known(self) -> dict[str, argparse.Action]:
        return self._parser._option_string_actions

    def _take_free(self, argument: str) -> None:
        """Goes on with the parser of an action, such as `write` of `csearchctl tags`."""
        self._words.append(argument)
        for action in self._parser._actions:
            if isinstance(action, argparse._SubParsersAction) and argument in action.choices:
                self._parser = action.choices[argument]
                return

    def _option(self, argument: str) -> Iterator[str]:
        name, equals, _ = argument.partition("=")
        action = self._known.get(name)
        if action is None and not argument.startswith("--"):
            action = self._cluster(argument)
        elif action is not None and equals and action.nargs == 0:
            self._parser.error(f"{name} takes no value{_instead(name)}")
        if action is None:
            if self._is_number(argument):
                yield argument
                return
            meant = understood(argument, self._next(), frozenset(self._known))
            if meant is None:
                self._parser.error(self._unknown(argument))
            self._rest.extend(reversed(meant))
            return
        if action.nargs == 0 or equals or self._has_value(argument):
            yield argument
            return
        yield from self._with_value(argument, action)

    def _with_value(self, option: str, action: argparse.Action) -> Iterator[str]:
        """An option whose value is the next argument."""
        value = self._next()
        what = action.metavar or "VALUE"
        if value is None or value == "--" or value.partition("=")[0] in self._known:
            self._parser.error(f"{option} needs {what} after it{_example(action)}")
        if value == "-" or not value.startswith("-"):
            yield option
            if action.nargs is None:
                yield self._rest.pop()
            return
        self._rest.pop()
        yield f"{option}={value}" if option.startswith("--") else f"{option}{value}"

    def _next(self) -> str | None:
        return self._rest[-1] if self._rest else None

    def _cluster(self, argument: str) -> argparse.Action | None:
        """The last action of short options that are written as one word, such as -g0t5; None if it
        is no such word."""
        for place, letter in enumerate(argument[1:], 1):
            action = self._known.get(f"-{letter}")
            if action is None or (action.dest == "help" and len(argument) > 2):
                return None
            rest = argument[place + 1 :]
            if action.nargs != 0 and rest:
                return action if rest.removeprefix("=").lstrip("-").isdecimal() else None
        return action

    def _has_value(self, argument: str) -> bool:
        """Whether the value of the last short option is in the same word."""
        return not argument.startswith("--") and argument[-1:].isdecimal() and argument != "-0"

    def _is_number(self, argument: str) -> bool:
        """Whether argparse takes it for a positional argument."""
        return argument[1:].isdecimal() and not self._parser._has_negative_number_optionals

    def _unknown(self, argument: str) -> str:
        """A message about an option that there isn't. In search engines -WORD leaves out; here a
        dash between blanks does."""
        searches = "--top" in self._known
        shown = argument.partition("=")[0]
        told = f"there is no option {shown}"
        if searches and (instead := answer(argument, self._next())):
            return f"{told}; {instead}"
        names = [name for name in self._known if name.startswith("--")]
        if argument.startswith("--") and (near := similar(shown, names)):
            return f"{told}; did you mean {near}?"
        if not searches:
            return told
        literal = f"csearch -- {argument} searches for it as text"
        if argument.startswith("--"):
            return f"{told}; {literal}"
        return f"{told}; {self._left_out(argument)}; {literal}"

    def _left_out(self, argument: str) -> str:
        """How to leave out what a word with a dash before it names."""
        seen, unseen = " ".join(self._words), argument.lstrip("-").strip()
        if not all(part.isalnum() for part in f"{seen} {unseen}".split()) or not unseen:
            return LEAVE_OUT
        return f"to leave something out: {seen if 0 < len(seen) < _LONGEST else 'dog'} - {unseen}"


def _instead(option: str) -> str:
    return "; --format TEMPLATE chooses the fields" if option == "--json" else ""


def _example(action: argparse.Action) -> str:
    """An example of an option's value, where the help doesn't give all values."""
    examples = {"top": "-t 20", "directories": "--in ~/Pictures", "format": "--format '{path}'"}
    if action.choices:
        return f", one of {', '.join(map(str, action.choices))}"
    return f": {examples[action.dest]}" if action.dest in examples else ""


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


def parser(program: str, description: str, examples: str, add_help: bool = True) -> Parser:
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
