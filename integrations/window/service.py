"""The search service, asked over the session bus; nothing here waits.

Values that come over it, or from the command line, are made Python's own here.
"""

import os

from gi.repository import Gio, GLib

import pictures
from messages import HANGING
from reasons import sentence

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

    def __init__(self, text, absent=False):
        super().__init__(text)
        self.absent = absent


class Search:
    """One search; it can be cancelled, and then answers nothing more."""

    def __init__(self):
        self.cancellable = Gio.Cancellable()

    def cancel(self):
        self.cancellable.cancel()


class Service:
    """Over a connection of its own: of all that comes over one, only the newest search counts."""

    def __init__(self):
        flags = Gio.DBusConnectionFlags
        flags = flags.AUTHENTICATION_CLIENT | flags.MESSAGE_BUS_CONNECTION
        try:
            address = Gio.dbus_address_get_for_bus_sync(Gio.BusType.SESSION, None)
            self._bus = Gio.DBusConnection.new_for_address_sync(address, flags, None, None)
        except GLib.Error:  # there is no bus
            self._bus = None

    def close(self):
        if self._bus:
            self._bus.close(None, None)

    def search(self, query, given, options, answer):
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

        def finish(bus, result):
            try:
                reply, _files = bus.call_with_unix_fd_list_finish(result)
            except GLib.Error as error:
                if not search.cancellable.is_cancelled():
                    answer([], {}, _failure(error))
                return
            if not search.cancellable.is_cancelled():
                hits, told = unpacked(reply)
                error = told.get("error")
                answer(hits, told, Failure(_explained(error)) if error else None)

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

    def thumbnails(self, paths, pixels, told):
        """Calls `told(files)` later: one for each path, empty where there is none."""

        def finish(bus, result):
            try:
                files = bus.call_finish(result).get_child_value(0)
                told(unpacked(files))
            except GLib.Error:
                told([b""] * len(paths))

        values, kind = GLib.Variant("(aayu)", (paths, pixels)), GLib.VariantType("(aay)")
        self._bus.call(NAME, PATH, NAME, "Thumbnails", values, kind, 0, _FOR_EVER, None, finish)

    def status(self, told):
        """Calls `told(values)` later, with nothing where no service answers."""
        if self._bus is None:
            return

        def finish(bus, result):
            try:
                told(unpacked(bus.call_finish(result).get_child_value(0)))
            except GLib.Error as error:
                if _failure(error).absent:
                    told({})

        kind = GLib.VariantType("(a{sv})")
        self._bus.call(NAME, PATH, NAME, "Status", None, kind, 0, -1, None, finish)

    def answer_now(self):
        """Lets the search that waits be answered with what there is."""
        if self._bus:
            self._bus.call(NAME, PATH, NAME, "Answer", None, None, 0, -1, None, None)

    def listen(self, signal, told):
        """Calls `told(values)` whenever the service sends `signal`; what `unlisten` takes."""
        if self._bus is None:
            return 0

        def received(_bus, _sender, _path, _interface, _signal, values):
            told(unpacked(values.get_child_value(0)))

        return self._bus.signal_subscribe(NAME, NAME, signal, PATH, None, 0, received)

    def watch(self, appeared):
        """Calls `appeared()` whenever a service joins the bus, one that is there at once."""
        if self._bus is None:
            return 0
        flags = Gio.BusNameWatcherFlags.NONE
        return Gio.bus_watch_name_on_connection(self._bus, NAME, flags, lambda *_: appeared(), None)

    def unwatch(self, number):
        if number:
            Gio.bus_unwatch_name(number)

    def unlisten(self, number):
        if number:
            self._bus.signal_unsubscribe(number)

    def show_in_folder(self, uris, failed):
        """Selected in the file manager; calls `failed()` later where none does that."""
        # https://www.freedesktop.org/wiki/Specifications/file-manager-interface/
        name = "org.freedesktop.FileManager1"
        values = GLib.Variant("(ass)", (uris, ""))

        def finish(bus, result):
            try:
                bus.call_finish(result)
            except GLib.Error:
                failed()

        if self._bus:
            path = "/org/freedesktop/FileManager1"
            self._bus.call(name, path, name, "ShowItems", values, None, 0, -1, None, finish)


def _told(picture):
    """What the service is told of a picture to search with."""
    told = {"path": GLib.Variant("ay", picture.path)}
    if picture.start is not None:
        told["start"] = GLib.Variant("i", picture.start)
        told["end"] = GLib.Variant("i", picture.end)
    return told


def _explained(error):
    """The text of an error in the service's answer."""
    return sentence(error["reason"]) if "reason" in error else error["message"]


def _failure(error):
    """Of a call that failed."""
    remote = Gio.DBusError.get_remote_error(error) or ""
    absent = any(error.matches(Gio.dbus_error_quark(), code) for code in _ABSENT)
    # Gio.DBusError.strip_remote_error works on a copy of what Python has.
    text = error.message.removeprefix(f"GDBus.Error:{remote}: ")
    return Failure(text, absent=absent and not remote.startswith("org.csearch."))


class Asking:
    """One question at a time, whose pictures are opened first; `workers` look at files."""

    def __init__(self, service, workers):
        self._service = service
        self._workers = workers
        self._opening = None  # the question whose pictures are being opened
        self._search = None

    @property
    def under_way(self):
        return bool(self._opening or self._search)

    def cancel(self):
        """There will be no answer."""
        self._opening = None
        if self._search:
            self._search.cancel()
            self._search = None

    def ask(self, query, others, fetched, options, answer):
        """Calls `answer(hits, result, failure)` later, unless another question follows.

        `others` are pictures besides those that the query names; `fetched` has some by address.
        """
        self.cancel()

        def answered(hits, result, failure):
            self._search = None
            answer(hits, result, failure)

        def send(given):
            self._search = self._service.search(query, given, options, answered)

        if not others and not pictures.are_in(query):
            send([])
            return
        self._opening = question = object()

        def opened(found):
            given, failure = found
            if question is not self._opening:
                pictures.close(given)
                return
            self._opening = None
            if failure:
                answer([], {}, Failure(failure))
            else:
                send(given)

        def late():
            if question is self._opening:
                answer([], {}, Failure(HANGING))

        others, fetched = list(others), dict(fetched)
        self._workers.run(lambda: pictures.opened(query, fetched, others), opened, late)


def unpacked(value):
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


def path(value):
    """A path (bytes) that is given as a byte string, with or without the NUL at its end."""
    return unpacked(value).rstrip(b"\0")
