"""A search on the command line: the request, its progress, its results and remarks on stderr."""

from __future__ import annotations

import os
from collections.abc import Callable

from csearch.command import print_err, write
from csearch.connection import Connection
from csearch.paths import absolute, current_directory
from csearch.protocol.errors import INTERRUPTED, NOTHING_FOUND, ClientError, ServiceError
from csearch.protocol.quoting import harmless
from csearch.protocol.wire import Message
from csearch.search.command_line import parse
from csearch.search.hints import hint, sort_hint
from csearch.search.joining import joined, value_note
from csearch.search.language import locale_language
from csearch.search.options import Options
from csearch.show.numbers import count
from csearch.show.progress import ProgressLine
from csearch.show.results import Formatter, formatter
from csearch.show.terminal import Terminal

TYPE_CHECKING = False  # typing takes 2 ms to import
if TYPE_CHECKING:
    from csearch.preview.actions import ResultActions
    from csearch.preview.output_file import OutputFile
    from csearch.search.pictures import Picture
    from csearch.search.result_folder import ResultFolder

_DEMO = 'csearch --demo "a cup of coffee" searches photos that come with csearch'


def search(arguments: list[str]) -> int:
    """Runs a search with the command's arguments; returns the exit status. Raises ClientError."""
    options = parse(arguments)
    if options.no_color:
        os.environ["NO_COLOR"] = "1"
    meanings = (
        hint(options.query, options.directories),
        sort_hint(arguments) if options.sort else None,
        value_note(options.query),
    )
    for meant in filter(None, meanings):
        print_err(f"csearch: {meant}")
    if options.window:
        from csearch.search.window import show

        return show(options)
    if options.text is not None:
        from csearch.search.written import print_text

        return print_text(options.text, options.json)
    if options.saved is not None:
        return _search_saved(options)
    typed = joined(options.query)
    if not (typed.strip() or options.like or options.random or options.sorts_all):
        raise ClientError('the query is empty; describe a picture: csearch "a dog on the beach"')
    drawing = _drawing(options)
    named, typed = ([*options.like, "-"], "") if typed.strip() == "-" else (options.like, typed)
    pictures = _pictures(typed, named)
    query = "".join("\ufffd" if "\ud800" <= c <= "\udfff" else c for c in typed)
    try:
        if options.demo:
            return _search_demo(options, query, pictures, drawing)
        scopes = None if options.everywhere else _scopes(options.directories)
        return _run(options, query, pictures, scopes, drawing)
    except ServiceError as error:
        raise _explained(error, query, options.directories) from error


def _search_saved(options: Options) -> int:
    from csearch.search.saved import find

    drawing = _drawing(options)
    saved = find(options)
    scopes = saved.scopes
    if options.everywhere or options.directories:
        scopes = None if options.everywhere else _scopes(options.directories)
    try:
        return _run(options, saved.query, saved.pictures, scopes, drawing)
    except ServiceError as error:
        raise _explained(error, saved.query, options.directories) from error


def _run(
    options: Options,
    query: str,
    pictures: list[Picture],
    scopes: list[bytes] | None,
    drawing: OutputFile | None,
) -> int:
    progress = ProgressLine(Terminal(2), scopes or ())
    session = _Search(Terminal(1), progress, options, _connect, drawing)
    return session.run(query, pictures, scopes)


def _search_demo(
    options: Options, query: str, pictures: list[Picture], drawing: OutputFile | None
) -> int:
    from csearch.demo.service import PHOTOS, DemoService

    with DemoService() as service:
        connect = service.connect
        session = _Search(Terminal(1), ProgressLine(Terminal(2)), options, connect, drawing)
        return session.run(query, pictures, [os.fsencode(PHOTOS)])


def _drawing(options: Options) -> OutputFile | None:
    """The file for --why-image. Raises ClientError."""
    if options.why_image is None:
        return None
    from csearch.preview.output_file import DRAWING, output_file

    if options.grid is not None and _same_file(options.grid, options.why_image):
        raise ClientError("--grid and --why-image name the same file; each needs one of its own")
    return output_file(options.why_image, DRAWING)


def _same_file(one: str, other: str) -> bool:
    return os.path.realpath(one) == os.path.realpath(other)


def _connect() -> Connection:
    return Connection(start=True)


def _pictures(query: str, named: list[str]) -> list[Picture]:
    """Opens the pictures in a query and in options. Raises ClientError."""
    if not named and "/" not in query and "." not in query:
        return []
    from csearch.search import pictures

    return [*pictures.in_query(query), *map(pictures.like, named)]


def _explained(error: ServiceError, query: str, directories: list[str]) -> ClientError:
    """An error with its position in the query, or with what to do, if either is known."""
    pictures = os.path.expanduser("~/Pictures")
    if error.code == "not-found" and pictures in map(os.path.normpath, directories):
        return ClientError(f"{error}; {_DEMO}")
    start, end = error.fields.get("start"), error.fields.get("end")
    if not isinstance(start, int) or not isinstance(end, int):
        return error
    from csearch.show.error_position import with_position

    return ClientError(with_position(str(error), query, start, end, Terminal(2)))


def _scopes(directories: list[str]) -> list[bytes]:
    return [absolute(path) for path in directories] or [current_directory()]


class _Search:
    """One search, from the request to the last line of output."""

    def __init__(
        self,
        terminal: Terminal,
        progress: ProgressLine,
        options: Options,
        connect: Callable[[], Connection],
        drawing: OutputFile | None,
    ) -> None:
        """`drawing` is the file for --why-image."""
        self._terminal = terminal
        self._progress = progress
        self._options = options
        self._connect = connect
        self._drawing = drawing
        self._links: ResultFolder | None = None
        self._found = False
        self._waited = False
        self._catches = False  # whether there is a handler of Ctrl-C
        self._interrupted = False

    def run(self, query: str, pictures: list[Picture], scopes: list[bytes] | None) -> int:
        output = self._folder() or formatter(self._terminal, self._options)
        actions = self._result_actions()
        connection = self._connect()
        replies = connection.request(
            "search",
            [picture.file for picture in pictures],
            query=query,
            scopes=scopes,
            top=self._options.max_results,
            wait="all" if self._options.wait else "first",
            remember=True,
            **self._fields(output),
            **({"pictures": [picture.message() for picture in pictures]} if pictures else {}),
        )
        result: Message = {}
        first = b""
        try:
            for reply in replies:
                if reply["type"] == "progress":
                    self._wait(connection, reply)
                elif reply["type"] == "hits":
                    self._progress.clear()
                    if not self._found and reply.get("nearest"):
                        print_err("csearch: nothing matches well; nearest:")
                    self._found = self._found or bool(reply["hits"])
                    first = first or next((hit["path"] for hit in reply["hits"]), b"")
                    if actions:
                        actions.write(output.lines, reply["hits"])
                    else:
                        write(output.lines(reply["hits"]))
                else:
                    result = reply
        finally:
            if self._catches:
                import signal

                signal.signal(signal.SIGINT, signal.default_int_handler)
            self._progress.clear()
        if self._options.count:
            self._found = bool(result.get("count"))
            write(b"%d\n" % (result.get("count") or 0))
            print_err(f"csearch: of {count(result.get('images') or 0)}")
        self._explain(result)
        if first and self._drawing:
            self._draw(connection, query, pictures, first, self._drawing)
        if self._links:
            self._links.show()
        if actions:
            actions.finish()
        if not self._interrupted and not self._options.demo:
            self._offer(result)
        return 0 if self._found else NOTHING_FOUND

    def _result_actions(self) -> ResultActions | None:
        """What to do with results beside printing them. Raises ClientError."""
        options = self._options
        if not options.preview and not options.open and options.grid is None:
            return None
        from csearch.preview.actions import ResultActions

        return ResultActions(options, self._terminal)

    def _draw(
        self,
        connection: Connection,
        query: str,
        pictures: list[Picture],
        path: bytes,
        target: OutputFile,
    ) -> None:
        """Writes --why-image. Raises ClientError."""
        from csearch.show.regions import write_regions

        fields: Message = {"query": query, "label": self._options.label}
        fields["language"] = self._language()
        if self._options.blend is not None:
            fields["blend"] = self._options.blend
        write_regions(connection, fields, pictures, path, target)

    def _folder(self) -> Formatter | None:
        """With --folder, a formatter that adds links and prints nothing. Raises ClientError."""
        if not self._options.folder:
            return None
        from csearch.search.result_folder import ResultFolder

        words = [word for word in self._options.query if word != "--"]
        like = [f"like {os.path.basename(name)}" for name in self._options.like]
        self._links = ResultFolder(" ".join([*words, *like]), self._options.max_results)
        return Formatter(self._links.add)

    def _fields(self, output: Formatter) -> Message:
        """The fields of the request that differ from their defaults."""
        options = self._options
        fields = {
            "offset": options.offset,
            "sort": options.sort,
            "reverse": options.reverse,
            "min_score": options.min_score,
            "min_confidence": options.min_confidence,
            "label": options.label,
            "blend": options.blend,
            "language": self._language(),
            "count": options.count,
            "random": options.random,
            "why": options.why,
            "group": output.group if options.group is None else options.group,
            "details": output.details or options.why,
            "places": output.places,
            "order_details": output.order_details or options.grid is not None,
        }
        return {name: value for name, value in fields.items() if value not in (None, False, 0)} | (
            {"blend": options.blend} if options.blend is not None else {}
        )

    def _language(self) -> str | None:
        return self._options.lang or locale_language(os.environ)

    def _wait(self, connection: Connection, reply: Message) -> None:
        """Shows progress. From now on Ctrl-C asks for the results of what has been read so far."""
        if not self._waited:
            import signal  # takes 3 ms

            self._waited = True
            target = connection.last_id

            def answer_now(signal_number: int, frame: object) -> None:
                signal.signal(signal.SIGINT, self._leave)
                self._interrupted = True
                connection.send("answer", target=target)

            if signal.getsignal(signal.SIGINT) is signal.default_int_handler:  # else: ignored
                self._catches = True
                signal.signal(signal.SIGINT, answer_now)
        self._progress.update(reply)

    def _leave(self, signal_number: int, frame: object) -> None:
        self._progress.clear()
        os._exit(INTERRUPTED)

    def _explain(self, result: Message) -> None:
        """Prints remarks about the results to stderr."""
        images, pending = result.get("images") or 0, result.get("pending") or 0
        new = pending - (result.get("again") or 0)
        failed, notes = result.get("failed") or 0, result.get("notes") or []
        if self._interrupted:
            goes_on = "; the search service continues"
            goes_on += ", unless you forget the directory" if self._progress.told_many else ""
            goes_on = "" if notes or self._options.demo else goes_on
            print_err(f"csearch: {count(pending, 'picture')} still to be read{goes_on}")
        elif pending:
            # Don't advise to wait after --wait, or if a note says why nothing is read.
            waits = "" if self._options.wait or notes else " (--wait waits for them)"
            if new:
                text = f"{count(new)} of {count(images + new, 'picture')} still to be read: the "
                text += "results may be incomplete"
            else:
                text = f"{count(pending)} of {count(images, 'picture')} to be read again, since "
                text += "something about their files has changed"
            print_err(f"csearch: {text}{waits}")
        remarks = [remark["code"] for remark in result.get("remarks") or []]
        if not (self._found or new or self._interrupted or "all-asked-with" in remarks):
            more = "more " if self._options.offset else ""
            if images and not self._options.count:
                print_err(f"csearch: no {more}picture matches")
            elif not (images or failed or notes):  # these say why there is nothing
                print_err(f"csearch: {self._nothing()}")
        if failed and (self._waited or not images):
            print_err(
                f"csearch: {count(failed, 'picture')} could not be read; csearchctl failed says why"
            )
        if result.get("why"):
            from csearch.show.why import of_filters

            notes = [*of_filters(result["why"]), *notes]
        for note in notes:
            print_err(f"csearch: {harmless(note)}")

    def _nothing(self) -> str:
        if self._options.everywhere:
            return "no pictures are known yet; csearchctl add DIR makes a directory known"
        return f"no pictures there; {_DEMO}"

    def _offer(self, result: Message) -> None:
        """Offers, on a terminal, to watch what was read for the first time, and once a larger
        model."""
        if not (self._terminal.interactive and os.isatty(0) and os.isatty(2)):
            return
        if result.get("unwatched") and result.get("images"):
            from csearch.search.offers.watch_offer import offer_watch

            offer_watch(result["unwatched"])
        if self._found:
            from csearch.search.offers.model_offer import offer_model

            offer_model()
