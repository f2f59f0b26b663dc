"""csearch's command line: a quick parser for common commands, argparse for the rest."""

from __future__ import annotations

from csearch.search.options import DIGITS, TOP_MAX, Options


def parse(arguments: list[str]) -> Options:
    """The options of a command line; words after `--` keep the `--` before them.

    Ends the process with a message where an argument is wrong.
    """
    options = parse_simple(arguments)
    if options is None:
        from csearch.search import parser

        options = parser.parse(arguments)
    return options


def parse_simple(arguments: list[str]) -> Options | None:
    """The options of a command that has only words, -g, -0, -t and --in; None for any other.

    Most commands are like that, and importing argparse takes nearly as long as starting Python.
    """
    options = Options()
    rest = iter(arguments)
    for argument in rest:
        if not argument.startswith("-"):
            options.query.append(argument)
        elif argument in ("-g", "--global"):
            options.everywhere = True
        elif argument == "-0":
            options.zero = True
        elif argument in ("-t", "--top", "--in"):
            value = next(rest, "-")
            if argument == "--in" and not value.startswith("-"):
                options.directories.append(value)
            elif value.isdecimal() and len(value) <= DIGITS and int(value):
                options.top = min(int(value), TOP_MAX)
            else:
                return None
        else:
            return None
    if not options.query or (options.everywhere and options.directories):
        return None
    return options
