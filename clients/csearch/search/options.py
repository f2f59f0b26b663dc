"""What csearch is asked for."""

from __future__ import annotations

TOP_MAX = 1 << 31
DIGITS = len(str(TOP_MAX))
_TOP, _TOP_OF_FOLDER = 10, 100


class Options:
    """The options and, as `query`, the words."""

    def __init__(self) -> None:
        self.query: list[str] = []
        self.like: list[str] = []
        self.label: str | None = None
        self.blend: float | None = None
        self.directories: list[str] = []
        self.everywhere = False
        self.wait = False
        self.top: int | None = None
        self.offset = 0
        self.sort: str | None = None
        self.reverse = False
        self.random = False
        self.group: bool | None = None
        self.min_score: float | None = None
        self.min_confidence: str | None = None
        self.window = False
        self.open = False
        self.preview = False
        self.folder = False
        self.grid: str | None = None
        self.why = False
        self.why_image: str | None = None
        self.count = False
        self.zero = False
        self.json = False
        self.format: str | None = None

    @property
    def most(self) -> int:
        """How many results."""
        return self.top or (_TOP_OF_FOLDER if self.folder else _TOP)


def parse(arguments: list[str]) -> Options:
    """The options in arguments; what follows `--` keeps it. Ends the process on a mistake."""
    options = plain(arguments)
    if options is None:
        from csearch.search import parser

        options = parser.parse(arguments)
    return options


def plain(arguments: list[str]) -> Options | None:
    """Those of a command of words and the commonest options alone; None for any other.

    Most searches are like that, and argparse takes nearly as long as Python's start.
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
