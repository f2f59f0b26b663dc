"""The argument parser of csearch."""

from __future__ import annotations

import argparse
import math

from csearch.arguments import Parser, add_short_help, add_version, parser
from csearch.search.language import is_language
from csearch.search.options import DIGITS, PREVIEW_MAX, TOP_MAX, Options
from csearch.search.short_help import SHORT_HELP

_DESCRIPTION = """\
Finds photos by describing them: csearch a dog on the beach

A query can also contain pictures, to find similar ones, and filters. The search covers the
current directory and all below it.

The first search in a directory reads its pictures; later ones are answered at once.
Exit status: 0 with results, 1 without, 2 on an error."""

_EXAMPLES = """
csearch a dog on the beach
csearch --in ~/Pictures --in /media/camera "two parrots on a branch"
csearch -g -t 50 sunset                       in all known directories, the best 50
csearch ./cat.jpg                             similar pictures; - is a picture on standard input
csearch horse + stripes                       - subtracts, 2:horse doubles a weight
csearch red boat 'after:"last summer"' near:Lisbon not:tag:old
csearch -0 receipt | xargs -0 cp -t ~/taxes   also for file names with newlines
csearch --format '{path}\\t{date}\\t{place}' sunset
"""
_FILTERS = """
filters: after before on date near camera lens iso rating tag person name title description text
folder type size orientation, as in after:2023-05 near:Lisbon iso:>800 text:invoice size:>10MP

csearchctl help filters explains them, csearchctl help lists more topics, man csearch has it all.
csearchctl -h: watching folders, why a picture isn't found, models, tags, removing everything.
"""


def parse(arguments: list[str]) -> Options:
    """The options of a command line; words after `--` keep the `--` before them.

    Ends the process with a message if an argument is wrong.
    """
    known = build()
    # With intermixed arguments argparse loses what follows "--".
    end = arguments.index("--") if "--" in arguments else len(arguments)
    options = Options()
    prepared = known.prepared(arguments[:end])
    vars(options).update(vars(known.parse_intermixed_args(prepared)))
    if options.demo and options.window:
        known.error("--window doesn't go with --demo")
    if options.preview_size is not None:
        others = ("folder", "count", "zero", "json", "format")
        if other := next((name for name in others if getattr(options, name)), None):
            other = "-0" if other == "zero" else f"--{other}"
            known.error(f"--preview-size doesn't go with {other}")
        options.preview = True
    options.query += arguments[end:] if arguments[end + 1 :] else []
    if options.text is not None:
        if options.query or options.like or options.saved is not None:
            known.error("--text goes without a query; text:WORD in a query searches")
        return options
    if options.saved is not None:
        asked = {"a query": options.query, "--like": options.like, "--demo": options.demo}
        if other := next((name for name, given in asked.items() if given), None):
            known.error(f"--saved goes without {other}")
        return options
    nothing = not (options.query or options.like or options.random or options.window)
    if nothing and not options.sorts_all:
        known.error('QUERY is missing: describe a picture: csearch "a dog on the beach"')
    return options


def build() -> Parser:
    """The parser."""
    options = parser("csearch", _DESCRIPTION, _EXAMPLES, add_help=False)
    add_short_help(options, SHORT_HELP)
    options.epilog = f"{options.epilog}\n{_FILTERS}"
    options.usage = "csearch [options] QUERY…"
    _add_query(options.add_argument_group("what to look for"))
    _add_place(options.add_argument_group("where to look"))
    _add_choice(options.add_argument_group("which results"))
    _add_form(options.add_argument_group("what you get"))
    add_version(options)
    return options


def _add_query(group: argparse._ArgumentGroup) -> None:
    group.add_argument(
        "query",
        nargs="*",
        metavar="QUERY",
        help="a description of the photo, with pictures and filters",
    )
    group.add_argument(
        "--saved",
        metavar="NAME",
        help="a search that csearchctl saved has given a name; other options win over its own",
    )
    group.add_argument(
        "--like",
        metavar="FILE",
        action="append",
        default=[],
        help="a file or URL that results are similar to (can be repeated)",
    )
    group.add_argument(
        "--text", metavar="FILE", help="instead of searching, print the words that a picture shows"
    )
    group.add_argument(
        "--label", metavar="TEXT", help="what the pictures in the query are about, such as a brand"
    )
    group.add_argument(
        "--blend",
        type=_share,
        metavar="X",
        help="weight of the pictures, 0 to 1; the label has the rest (0.5)",
    )
    group.add_argument(
        "--lang",
        type=_language,
        metavar="CODE",
        help="language of the query, such as de, for models that must know it (the locale's)",
    )


def _add_place(group: argparse._ArgumentGroup) -> None:
    where = group.add_mutually_exclusive_group()
    where.add_argument(
        "--in",
        dest="directories",
        metavar="DIR",
        action="append",
        default=[],
        help="search DIR and all below it (can be repeated)",
    )
    where.add_argument(
        "-g",
        "--global",
        dest="everywhere",
        action="store_true",
        help="search all known directories",
    )
    where.add_argument(
        "--demo", action="store_true", help="search nine photos that come with csearch"
    )
    group.add_argument(
        "--wait", action="store_true", help="wait until all changes have been read before searching"
    )


def _add_choice(group: argparse._ArgumentGroup) -> None:
    group.add_argument("-t", "--top", type=at_least_one, metavar="N", help="at most N results (10)")
    group.add_argument(
        "--offset", type=_whole, default=0, metavar="N", help="skip the first N results"
    )
    group.add_argument(
        "--sort",
        choices=("score", "date", "name", "size"),
        help="order of the best N; of all files if there are only filters (date)",
    )
    group.add_argument("--reverse", action="store_true", help="reverse the order")
    group.add_argument(
        "--random",
        action="store_true",
        help="N random ones of the pictures that match, or of all pictures",
    )
    group.add_argument(
        "--group",
        action=argparse.BooleanOptionalAction,
        help="show one of several that are nearly the same (default on terminals)",
    )
    group.add_argument(
        "--min-score", type=_number, metavar="X", help="leave out results with a lower score"
    )
    group.add_argument(
        "--min-confidence",
        choices=("weak", "fair", "strong"),
        help="leave out results with less confidence",
    )


def _add_form(group: argparse._ArgumentGroup) -> None:
    group.add_argument(
        "--window",
        action="store_true",
        help="open the search window, for all directories or --in DIR",
    )
    group.add_argument("--open", action="store_true", help="also open the best result")
    form = group.add_mutually_exclusive_group()
    form.add_argument(
        "--preview",
        action="store_true",
        help="on a terminal, show a picture below each result",
    )
    group.add_argument(
        "--preview-size",
        type=_lines,
        metavar="LINES",
        help="--preview with pictures of so many lines of text, 2 to 200 (20)",
    )
    form.add_argument(
        "--folder",
        action="store_true",
        help="open a folder of links to the best 100 (or N) in the file manager",
    )
    group.add_argument(
        "--grid",
        metavar="FILE",
        help="also write a contact sheet with names and scores: .jpg, .png, .webp and others",
    )
    group.add_argument(
        "--why", action="store_true", help="explain which parts of the query each result matches"
    )
    group.add_argument(
        "--why-image",
        metavar="FILE",
        help="also write a picture of the first result that shows which regions match",
    )
    group.add_argument(
        "--no-color", action="store_true", help="no colours on a terminal, as with NO_COLOR"
    )
    form.add_argument("--count", action="store_true", help="print only how many are at least fair")
    form.add_argument(
        "-0", dest="zero", action="store_true", help="end each path with NUL, for xargs -0"
    )
    form.add_argument("--json", action="store_true", help="one JSON object a line")
    form.add_argument(
        "--format",
        metavar="TEMPLATE",
        help="a line for each result, such as '{path}\\t{date}\\t{place}'",
    )


def at_least_one(text: str) -> int:
    return _whole(text, 1)


def _whole(text: str, minimum: int = 0) -> int:
    digits = text.lstrip("0")[: DIGITS + 1]  # a number of many more would take int() for ever
    if not text.isdecimal() or int(digits or "0") < minimum:
        raise argparse.ArgumentTypeError(
            f"must be a whole number, at least {minimum}, not {text!r}"
        )
    return min(int(digits or "0"), TOP_MAX)


def _lines(text: str) -> int:
    number = int(text) if text.isdecimal() and len(text) <= DIGITS else 0
    if not 2 <= number <= PREVIEW_MAX:
        raise argparse.ArgumentTypeError(
            f"must be a number of lines from 2 to {PREVIEW_MAX}, not {text!r}"
        )
    return number


def _number(text: str) -> float:
    try:
        number = float(text)
    except ValueError:
        number = math.nan
    if not math.isfinite(number):
        raise argparse.ArgumentTypeError(f"must be a number, not {text!r}")
    return number


def _language(text: str) -> str:
    if not is_language(text):
        raise argparse.ArgumentTypeError(f"must be a language such as de or pt_BR, not {text!r}")
    return text


def _share(text: str) -> float:
    number = _number(text)
    if not 0 <= number <= 1:
        raise argparse.ArgumentTypeError(f"must be from 0 to 1, not {text!r}")
    return number
