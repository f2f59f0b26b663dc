"""The search service, asked over the session bus; nothing here waits.

Values from the bus and the command line are converted to Python's here.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from gi.repository import Gio, GLib

from bus.reasons import sentence
from pages.messages import HANGING
from query import pictures

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping
    from typing import Any, TypeAlias

    from background import Workers
    from query.pictures import Given, Picture

    Hit: TypeAlias = list[Any]  # path (bytes), score (float), fields (dict)
    Values: TypeAlias = dict[str, Any]  # what goes with the hits, a signal, or the status
    Options: TypeAlias = dict[str, GLib.Variant]
    Answer: TypeAlias = Callable[[list[Hit], Values, "Failure | None"], object]

NAME = "org.csearch.Csearch1"
PATH = "/org/csearch/Csearch1"
_FOR_EVER = GLib.MAXINT  # milliseconds: a folder may have to be read first
_ABSENT = (
    Gio.DBusError.SERVICE_UNKNOWN,
    Gio.DBusError.NAME_HAS_NO_OWNER,
    Gio.DBusError.SPAWN_EXEC_FAILED,
    Gio.DBusError.SPAWN_FAILED,
    Gio.DBusError.SPAWN_CHILD_EXITED,
    Gio.DBusError.SPAWN_SERVICE_NOT_FOUND,
    Gio.DBusError.NO_REPLY,
    Gio.DBusError.TIMED_OUT,
)


class Failure(Exception):
    """What is said to the user; `absent`: there is no service to ask."""

    def __init__(self, text: str, absent: bool = False) -> None:
        super().__init__(text)
        self.absent = absent


class Search:
    """One search; it can be cancelled, and then answers nothing more."""

    def __init__(self) -> None:
        self.cancellable = Gio.Cancellable()

    def cancel(self) -> None:
        self.cancellable.cancel()


class Service:
    """Over a connection of its own: of all that comes over one, only the newest search counts."""

    def __init__(self) -> None:
        self._bus: Gio.DBusConnection | None
        flags = Gio.DBusConnectionFlags
        flags = flags.AUTHENTICATION_CLIENT | flags.MESSAGE_BUS_CONNECTION
        try:
            address = Gio.dbus_address_get_for_bus_sync(Gio.BusType.SESSION, None)
            self._bus = Gio.DBusConnection.new_for_address_sync(address, flags, None, None)
        except GLib.Error:  # there is no bus
            self._bus = None

    def close(self) -> None:
        if self._bus:
            self._bus.close(None, None)

    def search(self, query: str, given: list[Given], options: Options, answer: Answer) -> Search:
        """Calls `answer(hits, result, failure)` later: [[path, score, fields]], a dict; a Failure.

        `given` are opened pictures (pictures.Given); their files are closed.
        """
        search = Search()
        options = {**options, "errors": GLib.Variant("b", True)}
        files = Gio.UnixFDList()
        for picture in given:
            files.append(picture.file)
            os.close(picture.file)
        if given:
            options = {
                **options,
                "pictures": GLib.Variant("aa{sv}", [_told(picture) for picture in given]),
                "files": GLib.Variant("ah", list(range(len(given)))),
            }
        if self._bus is None:
            GLib.idle_add(answer, [], {}, Failure("", absent=True))
            return search

        def finish(bus: Gio.DBusConnection, result: Gio.AsyncResult) -> None:
            try:
                reply, _files = bus.call_with_unix_fd_list_finish(result)
            except GLib.Error as error:
                if not search.cancellable.is_cancelled():
                    answer([], {}, _failure(error))
                return
            if not search.cancellable.is_cancelled():
                hits, told = unpacked(reply)
                refusal = told.get("error")
                answer(hits, told, Failure(explained(refusal)) if refusal else None)

        self._bus.call_with_unix_fd_list(
            NAME,
            PATH,
            NAME,
            "Search",
            GLib.Variant("(sa{sv})", (query, options)),
            GLib.VariantType("(a(ayda{sv})a{sv})"),
            Gio.DBusCallFlags.NONE,
            _FOR_EVER,
            files,
            search.cancellable,
            finish,
        )
        return search

    def thumbnails(
        self, paths: list[bytes], pixels: int, told: Callable[[list[bytes]], object]
    ) -> None:
        """Calls `told(files)` later: one for each path, empty where there is none."""

        def finish(bus: Gio.DBusConnection, result: Gio.AsyncResult) -> None:
            try:
                files = bus.call_finish(result).get_child_value(0)
                told(unpacked(files))
            except GLib.Error:
                told([b""] * len(paths))

        assert self._bus, "thumbnails are asked for pictures that were found over the bus"
        values, kind = GLib.Variant("(aayu)", (paths, pixels)), GLib.VariantType("(aay)")
        self._bus.call(NAME, PATH, NAME, "Thumbnails", values, kind, 0, _FOR_EVER, None, finish)

    def call(
        self,
        method: str,
        values: GLib.Variant,
        kind: str,
        answered: Callable[[Any, Failure | None], object],
        files: Gio.UnixFDList | None = None,
        cancellable: Gio.Cancellable | None = None,
    ) -> None:
        """Calls `answered(result, None)` later, with the one value of the reply, or
        `answered(None, failure)`. `kind` is the reply's type."""
        if self._bus is None:
            GLib.idle_add(answered, None, Failure("", absent=True))
            return

        def finish(bus: Gio.DBusConnection, result: Gio.AsyncResult) -> None:
            try:
                reply, _files = bus.call_with_unix_fd_list_finish(result)
            except GLib.Error as error:
                answered(None, _failure(error))
                return
            answered(unpacked(reply.get_child_value(0)), None)

        self._bus.call_with_unix_fd_list(
            *(NAME, PATH, NAME, method, values, GLib.VariantType(kind)),
            *(Gio.DBusCallFlags.NONE, _FOR_EVER, files, cancellable, finish),
        )

    def tags(self, paths: list[bytes], told: Callable[[list[Values]], object]) -> None:
        """Calls `told(files)` later: what is known of each; nothing if the service has gone."""

        def finish(bus: Gio.DBusConnection, result: Gio.AsyncResult) -> None:
            try:
                told(unpacked(bus.call_finish(result).get_child_value(0)))
            except GLib.Error:
                told([{} for _ in paths])

        if self._bus:
            options = {"details": GLib.Variant("b", True)}
            values, kind = (
                GLib.Variant("(aaya{sv})", (paths, options)),
                GLib.VariantType("(aa{sv})"),
            )
            self._bus.call(NAME, PATH, NAME, "Tags", values, kind, 0, -1, None, finish)

    def status(self, told: Callable[[Values], object]) -> None:
        """Calls `told(values)` later, with nothing where no service answers."""
        if self._bus is None:
            return

        def finish(bus: Gio.DBusConnection, result: Gio.AsyncResult) -> None:
            try:
                told(unpacked(bus.call_finish(result).get_child_value(0)))
            except GLib.Error as error:
                if _failure(error).absent:
                    told({})

        kind = GLib.VariantType("(a{sv})")
        self._bus.call(NAME, PATH, NAME, "Status", None, kind, 0, -1, None, finish)

    def suggest(self, query: str, position: int, told: Callable[[list[Values]], object]) -> None:
        """Calls `told(suggestions)` later: what may take the place of parts of `query`."""
        values = GLib.Variant("(su)", (query, position))
        self.ask("Suggest", values, lambda suggestions, _failure: told(suggestions or []))

    def choices(self, what: str, prefix: str, told: Callable[[list[Values]], object]) -> None:
        """Calls `told(choices)` later: values of the filter `what`."""
        values = GLib.Variant("(ss)", (what, prefix))
        self.ask("Choices", values, lambda choices, _failure: told(choices or []))

    def ask(
        self,
        method: str,
        values: GLib.Variant | None,
        told: Callable[[Any, Failure | None], object],
    ) -> None:
        """Calls one of the service's methods, and `told(value, failure)` later: the first value of
        its answer, None where there is none."""

        def finish(bus: Gio.DBusConnection, result: Gio.AsyncResult) -> None:
            try:
                answer = unpacked(bus.call_finish(result))
            except GLib.Error as error:
                told(None, _failure(error))
            else:
                told(answer[0] if answer else None, None)

        if self._bus:
            self._bus.call(NAME, PATH, NAME, method, values, None, 0, _FOR_EVER, None, finish)
        else:
            GLib.idle_add(told, None, Failure("", absent=True))

    def python(self, told: Callable[[list[str]], object]) -> None:
        """Calls `told(command)` later: the Python that has csearch's modules; nothing where no
        service answers."""
        self.ask("Python", None, lambda command, failure: told([] if failure else command))

    def answer_now(self) -> None:
        """Lets the search that waits be answered with what there is."""
        if self._bus:
            self._bus.call(NAME, PATH, NAME, "Answer", None, None, 0, -1, None, None)

    def listen(self, signal: str, told: Callable[[Any], object]) -> int:
        """Calls `told(values)` whenever the service sends `signal`; what `unlisten` takes."""
        if self._bus is None:
            return 0

        def received(
            _bus: Gio.DBusConnection,
            _sender: str,
            _path: str,
            _interface: str,
            _signal: str,
            values: GLib.Variant,
        ) -> None:
            told(unpacked(values.get_child_value(0)))

        number: int = self._bus.signal_subscribe(NAME, NAME, signal, PATH, None, 0, received)
        return number

    def watch(self, appeared: Callable[[], object]) -> int:
        """Calls `appeared()` whenever a service joins the bus, one that is there at once."""
        if self._bus is None:
            return 0
        flags = Gio.BusNameWatcherFlags.NONE
        number: int = Gio.bus_watch_name_on_connection(
            self._bus, NAME, flags, lambda *_: appeared(), None
        )
        return number

    def unwatch(self, number: int) -> None:
        if number:
            Gio.bus_unwatch_name(number)

    def unlisten(self, number: int) -> None:
        if self._bus and number:
            self._bus.signal_unsubscribe(number)

    def show_in_folder(self, uris: list[str], failed: Callable[[], object]) -> None:
        """Selected in the file manager; calls `failed()` later where none does that."""
        self._ask_file_manager("ShowItems", uris, failed)

    def open_folder(self, uri: str, failed: Callable[[], object]) -> None:
        """In the file manager; calls `failed()` later where none does that."""
        self._ask_file_manager("ShowFolders", [uri], failed)

    def show_properties(self, uris: list[str], failed: Callable[[], object]) -> None:
        """The file manager's properties; calls `failed()` later where none has them."""
        self._ask_file_manager("ShowItemProperties", uris, failed)

    def _ask_file_manager(self, method: str, uris: list[str], failed: Callable[[], object]) -> None:
        # https://www.freedesktop.org/wiki/Specifications/file-manager-interface/
        name = "org.freedesktop.FileManager1"
        values = GLib.Variant("(ass)", (uris, ""))

        def finish(bus: Gio.DBusConnection, result: Gio.AsyncResult) -> None:
            try:
                bus.call_finish(result)
            except GLib.Error:
                failed()

        if self._bus:
            path = "/org/freedesktop/FileManager1"
            self._bus.call(name, path, name, method, values, None, 0, -1, None, finish)


def _told(picture: Given) -> dict[str, GLib.Variant]:
    """What the service is told of a picture to search with."""
    told = {"path": GLib.Variant("ay", picture.path)}
    if picture.start is not None:
        told["start"] = GLib.Variant("i", picture.start)
        told["end"] = GLib.Variant("i", picture.end)
    return told


def explained(error: Values) -> str:
    """The text of an error in the service's answer."""
    text: str = sentence(error["reason"]) if "reason" in error else error["message"]
    return text


def _failure(error: GLib.Error) -> Failure:
    """Of a call that failed."""
    remote = Gio.DBusError.get_remote_error(error) or ""
    absent = any(error.matches(Gio.dbus_error_quark(), code) for code in _ABSENT)
    # Gio.DBusError.strip_remote_error works on a copy of what Python has.
    text = error.message.removeprefix(f"GDBus.Error:{remote}: ")
    return Failure(text, absent=absent and not remote.startswith("org.csearch."))


class Asking:
    """One question at a time, whose pictures are opened first; `workers` look at files."""

    def __init__(self, service: Service, workers: Workers) -> None:
        self._service = service
        self._workers = workers
        # The question whose pictures are being opened.
        self._opening: object | None = None
        self._search: Search | None = None

    @property
    def under_way(self) -> bool:
        return bool(self._opening or self._search)

    def cancel(self) -> None:
        """There will be no answer."""
        self._opening = None
        if self._search:
            self._search.cancel()
            self._search = None

    def ask(
        self,
        query: str,
        others: Iterable[Picture],
        fetched: Mapping[str, Picture],
        options: Options,
        answer: Answer,
    ) -> None:
        """Calls `answer(hits, result, failure)` later, unless another question follows.

        `others` are pictures besides those that the query names; `fetched` has some by address.
        """
        self.cancel()

        def answered(hits: list[Hit], result: Values, failure: Failure | None) -> None:
            self._search = None
            answer(hits, result, failure)

        def send(given: list[Given]) -> None:
            self._search = self._service.search(query, given, options, answered)

        if not others and not pictures.are_in(query):
            send([])
            return
        self._opening = question = object()

        def opened(found: tuple[list[Given], str]) -> None:
            given, failure = found
            if question is not self._opening:
                pictures.close(given)
                return
            self._opening = None
            if failure:
                answer([], {}, Failure(failure))
            else:
                send(given)

        def late() -> None:
            if question is self._opening:
                answer([], {}, Failure(HANGING))

        others, fetched = list(others), dict(fetched)
        self._workers.run(lambda: pictures.opened(query, fetched, others), opened, late)


def unpacked(value: GLib.Variant) -> Any:
    """`value` (GLib.Variant) as plain Python; byte strings ("ay") are bytes.

    PyGObject's own unpack() makes a list of numbers of those, which takes longer than the search,
    and warns of each in some versions (3.50: "g_bytes_ref: assertion 'bytes != NULL' failed").
    """
    kind = value.get_type_string()
    if kind == "ay":
        return value.get_data_as_bytes().get_data() or b""
    if kind == "v":
        return unpacked(value.get_variant())
    if not value.is_container():
        return value.unpack()
    parts = [value.get_child_value(index) for index in range(value.n_children())]
    if kind.startswith("a{"):
        pairs = ((part.get_child_value(0), part.get_child_value(1)) for part in parts)
        return {unpacked(key): unpacked(entry) for key, entry in pairs}
    return [unpacked(part) for part in parts]


def path(value: GLib.Variant) -> bytes:
    """A path (bytes) that is given as a byte string, with or without the NUL at its end."""
    string: bytes = unpacked(value)
    return string.rstrip(b"\0")
