"""csearch's one job: a search, its progress and its results."""

from __future__ import annotations

import argparse
import os
import signal

from csearch.arguments import absolute, add_version, current_directory, parser
from csearch.command import INTERRUPTED, remark, write
from csearch.connection import Connection
from csearch.errors import ClientError
from csearch.protocol import Message
from csearch.show.numbers import count
from csearch.show.progress import ProgressLine
from csearch.show.results import formatter
from csearch.show.terminal import Terminal

NOTHING_FOUND = 1
_TOP_MAX = 1 << 31

_DESCRIPTION = """\
Finds photos by a description, below the current directory.

A directory that was never searched is read first; every later search is answered at once.
Exit status: 0 with results, 1 without, 2 on an error."""

_EXAMPLES = """
csearch a dog on the beach
csearch --in ~/Pictures --in /media/camera "two parrots on a branch"
csearch -g -t 50 sunset                       everywhere known, the best 50
csearch -0 receipt | xargs -0 cp -t ~/taxes   file names with blanks and newlines too
"""


def search(arguments: list[str]) -> int:
    """Searches as the command's arguments say; the exit status. Raises ClientError."""
    options = _parse(arguments)
    query = os.fsencode(" ".join(options.query)).decode(errors="replace")
    if not query.strip():
        raise ClientError('the query is empty; describe a picture: csearch "a dog on the beach"')
    scopes = None if options.everywhere else _scopes(options.directories)
    return _Search(Terminal(1), ProgressLine(Terminal(2)), options).run(query, scopes)


def _scopes(directories: list[str]) -> list[bytes]:
    return [absolute(path) for path in directories] or [current_directory()]


class _Search:
    """One search: what was asked for, and how far its answer is printed."""

    def __init__(
        self, terminal: Terminal, progress: ProgressLine, options: argparse.Namespace
    ) -> None:
        self._terminal = terminal
        self._progress = progress
        self._options = options
        self._found = False
        self._waited = False
        self._interrupted = False

    def run(self, query: str, scopes: list[bytes] | None) -> int:
        output = formatter(self._terminal, self._options.zero, self._options.json)
        connection = Connection(start=True)
        replies = connection.request(
            "search",
            query=query,
            scopes=scopes,
            top=self._options.top,
            wait="all" if self._options.wait else "first",
        )
        result: Message = {}
        previous = signal.getsignal(signal.SIGINT)
        try:
            for reply in replies:
                if reply["type"] == "progress":
                    self._wait(connection, reply)
                elif reply["type"] == "hits":
                    self._progress.clear()
                    self._found = self._found or bool(reply["hits"])
                    write(output(reply["hits"]))
                else:
                    result = reply
        finally:
            signal.signal(signal.SIGINT, previous)
            self._progress.clear()
        self._explain(result)
        if self._found and not self._interrupted:
            self._offer_model()
        return 0 if self._found else NOTHING_FOUND

    def _wait(self, connection: Connection, reply: Message) -> None:
        """Shows progress; from the first of it on, Ctrl-C means: what is there already?"""
        if not self._waited:
            self._waited = True
            target = connection.last_id

            def answer_now(signal_number: int, frame: object) -> None:
                signal.signal(signal.SIGINT, self._leave)
                self._interrupted = True
                connection.send("answer", target=target)

            if signal.getsignal(signal.SIGINT) is signal.default_int_handler:  # else: ignored
                signal.signal(signal.SIGINT, answer_now)
        self._progress.update(reply)

    def _leave(self, signal_number: int, frame: object) -> None:
        self._progress.clear()
        os._exit(INTERRUPTED)

    def _explain(self, result: Message) -> None:
        """Says on stderr what the results alone would not."""
        images, pending = result.get("images") or 0, result.get("pending") or 0
        notes = result.get("notes") or []
        if self._interrupted:
            goes_on = "" if notes else "; the search service goes on with them"
            remark(f"csearch: {count(pending, 'picture')} still to be read{goes_on}")
        elif pending:
            # No advice to wait after a wait, or where a note says why nothing is read.
            waits = "" if self._options.wait or notes else " (--wait waits for them)"
            remark(
                f"csearch: {count(pending)} of {count(images + pending, 'picture')} still to be "
                f"read: the results are incomplete{waits}"
            )
        elif not self._found and not images:
            remark(f"csearch: {self._nothing()}")
        if self._waited and result.get("failed"):
            remark(
                f"csearch: {count(result['failed'], 'picture')} could not be read; csearchctl "
                "failed says why"
            )
        for note in notes:
            remark(f"csearch: {note}")

    def _nothing(self) -> str:
        if self._options.everywhere:
            return "no pictures are known yet; csearchctl add DIR makes a directory known"
        return "no pictures there"

    def _offer_model(self) -> None:
        if self._terminal.interactive and os.isatty(0) and os.isatty(2):
            from csearch.offer import offer_model

            offer_model()


def _parse(arguments: list[str]) -> argparse.Namespace:
    options = parser("csearch", _DESCRIPTION, _EXAMPLES)
    options.usage = "csearch [options] QUERY…"
    options.add_argument("query", nargs="*", metavar="QUERY", help="what the photo shows")
    where = options.add_mutually_exclusive_group()
    where.add_argument(
        "--in",
        dest="directories",
        metavar="DIR",
        action="append",
        default=[],
        help="look below DIR (may be given several times)",
    )
    where.add_argument(
        "-g", "--global", dest="everywhere", action="store_true", help="look everywhere known"
    )
    options.add_argument(
        "-t", "--top", type=_positive, default=10, metavar="N", help="at most N results (10)"
    )
    form = options.add_mutually_exclusive_group()
    form.add_argument(
        "-0", dest="zero", action="store_true", help="end each path with NUL, for xargs -0"
    )
    form.add_argument("--json", action="store_true", help="one JSON object a line")
    options.add_argument(
        "--wait", action="store_true", help="first wait until all changes there have been read"
    )
    add_version(options)
    # argparse itself loses what follows a "--" where words and options may be mixed.
    end = arguments.index("--") if "--" in arguments else len(arguments)
    parsed = options.parse_intermixed_args(arguments[:end])
    parsed.query += arguments[end + 1 :]
    if not parsed.query:
        options.error("QUERY is missing: describe a picture")
    return parsed


def _positive(text: str) -> int:
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"must be a whole number from 1 on, not {text!r}")
    return min(int(text), _TOP_MAX)
