"""csearch in Nautilus: menu items, a column with tags, a page of properties.

Runs inside Nautilus, in the desktop's own Python: everything is asked over D-Bus and answered
later, and where the service is away there is nothing to see. Extension API 4.0 and 4.1.
"""

from __future__ import annotations

import gettext
import os
import re
from datetime import datetime

from gi.repository import Gio, GLib, GObject, Nautilus

TYPE_CHECKING = False  # Nautilus need not import typing
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from typing import Any

_ = gettext.translation("csearch", "@SHARE@/integrations/locale", fallback=True).gettext
_COMMAND = GLib.shell_parse_argv("""@PYTHON@ -m csearch.menu""")[1]

_SERVICE, _PATH = "org.csearch.Csearch1", "/org/csearch/Csearch1"
_WINDOW, _WINDOW_PATH = "org.csearch.Window", "/org/csearch/Window"
_SHOWN = 800  # milliseconds until a folder of many files is on the screen
_GATHER = 100  # milliseconds without another file: then tags may come
_MOST_FILES = 500  # in one call
_REMOVE: bool = GLib.SOURCE_REMOVE
_CONTINUE: bool = GLib.SOURCE_CONTINUE
# Dates as they are told, and as the user's language writes as much of them.
_DATES = (
    ("%Y-%m-%dT%H:%M:%S", "%c"),
    ("%Y-%m-%dT%H:%M", "%c"),
    ("%Y-%m-%d", "%x"),
    ("%Y-%m", "%B %Y"),
)
_LONG = 0.3  # seconds, from which on cameras write exposures as decimals
_AT_ONCE = 100  # files that get their tags before other work of Nautilus goes on
# Without a handle Nautilus couldn't tell us that what is in progress is not wanted any more.
_POINTER = re.compile(r"\(\w+ at 0x0*[1-9a-f][0-9a-f]*\)")


class Service:
    """The search service, while it is there; it is not started for the sake of a column."""

    def __init__(self) -> None:
        self._bus: Gio.DBusConnection | None = None
        self.is_there: bool | None = None  # not known yet
        Gio.bus_get(Gio.BusType.SESSION, None, self._got_bus)

    def _got_bus(self, _source: GObject.Object | None, result: Gio.AsyncResult) -> None:
        try:
            self._bus = Gio.bus_get_finish(result)
        except GLib.Error:
            self.is_there = False
            return
        flags = Gio.BusNameWatcherFlags.NONE
        Gio.bus_watch_name_on_connection(self._bus, _SERVICE, flags, self._came, self._went)

    def _came(self, *_: object) -> None:
        self.is_there = True

    def _went(self, *_: object) -> None:
        self.is_there = False

    def facts(self, path: bytes, answer: Callable[[dict[str, Any]], object]) -> None:
        """Calls `answer(told)` later, if there is one: all that is known of a picture."""
        options = {name: GLib.Variant("b", True) for name in ("details", "places")}
        values = GLib.Variant("(aaya{sv})", ([path], options))
        self._ask("Tags", values, lambda reply: answer(reply.unpack()[0][0]))

    def texts(self, uris: list[str], answer: Callable[[list[str]], object]) -> None:
        """Calls `answer(texts)` later, if there is one: the tags of each file in a line."""
        # Built and read by GLib alone: many thousand files must not keep the window waiting.
        values = GLib.Variant.new_tuple(GLib.Variant.new_strv(uris))
        self._ask("TagTexts", values, lambda reply: answer(reply.get_child_value(0).get_strv()))

    def _ask(
        self, method: str, values: GLib.Variant, answer: Callable[[GLib.Variant], object]
    ) -> None:
        if not self._bus or not self.is_there:
            return

        def finish(bus: Gio.DBusConnection, result: Gio.AsyncResult) -> None:
            try:
                reply = bus.call_finish(result)
            except GLib.Error:
                return
            answer(reply)

        flags = Gio.DBusCallFlags.NO_AUTO_START
        self._bus.call(_SERVICE, _PATH, _SERVICE, method, values, None, flags, -1, None, finish)

    def window(self, action: str, value: GLib.Variant, otherwise: Iterable[str | bytes]) -> None:
        """Opens the search window; where there is none, runs `otherwise` of our commands."""

        def finish(bus: Gio.DBusConnection, result: Gio.AsyncResult) -> None:
            try:
                bus.call_finish(result)
            except GLib.Error:
                _run(otherwise)

        if self._bus is None:
            _run(otherwise)
            return
        values = GLib.Variant("(sava{sv})", (action, [value], {}))
        name = "org.freedesktop.Application"
        self._bus.call(
            _WINDOW, _WINDOW_PATH, name, "ActivateAction", values, None, 0, -1, None, finish
        )


def _run(arguments: Iterable[str | bytes]) -> None:
    try:
        Gio.Subprocess.new([*_COMMAND, *arguments], Gio.SubprocessFlags.NONE)
    except GLib.Error as error:
        GLib.log_default_handler("csearch", GLib.LogLevelFlags.LEVEL_WARNING, error.message)


_service = Service()
_COMPLETE = Nautilus.OperationResult.COMPLETE


class Menus(GObject.GObject, Nautilus.MenuProvider):
    __gtype_name__ = "CsearchMenus"

    def get_file_items(self, *args: Any) -> list[Nautilus.MenuItem]:
        files = args[-1]  # older versions have a window before it
        if len(files) == 1 and files[0].is_directory():
            return self._here("Folder", _path(files[0]))
        if not files or not all(map(_is_picture, files)):
            return []
        label = _("Find Similar Images") if len(files) == 1 else _("Find Images Like These")
        item = Nautilus.MenuItem(name="Csearch::Similar", label=label)
        item.connect("activate", self._similar, [_path(file) for file in files])
        return [item]

    def get_background_items(self, *args: Any) -> list[Nautilus.MenuItem]:
        return self._here("Background", _path(args[-1]))

    def _here(self, where: str, path: bytes | None) -> list[Nautilus.MenuItem]:
        if path is None:
            return []
        item = Nautilus.MenuItem(name=f"Csearch::{where}", label=_("Search Images Here…"))
        item.connect("activate", self._search_here, path)
        return [item]

    def _search_here(self, _item: Nautilus.MenuItem, path: bytes) -> None:
        _service.window("search-in", GLib.Variant("ay", path), ["here", path])

    def _similar(self, _item: Nautilus.MenuItem, paths: list[bytes]) -> None:
        _service.window("similar", GLib.Variant("aay", paths), ["similar", *paths])


class Tags(GObject.GObject, Nautilus.ColumnProvider, Nautilus.InfoProvider):
    """The column. Files are answered at once, and get their tags when they have come.

    Being asked costs Nautilus more than the answer. So the first file of a folder that is opened
    is said to be in progress, which keeps Nautilus from asking for more, until the folder is shown.
    """

    __gtype_name__ = "CsearchTags"

    def __init__(self) -> None:
        super().__init__()
        self._waiting: list[Nautilus.FileInfo] = []
        self._seen = 0  # of those that wait, at the last look
        self._timer = 0
        # What completes the file in progress: its closure, its provider and its handle.
        self._held: tuple[Any, Any, Any] | None = None
        self._holding = 0

    def get_columns(self) -> list[Nautilus.Column]:
        return [
            Nautilus.Column(
                name="Csearch::tags",
                attribute="csearch_tags",
                label=_("Tags"),
                description=_("Tags of the picture, and what it shows"),
            )
        ]

    def update_file_info_full(
        self, provider: Any, handle: Any, closure: Any, file: Nautilus.FileInfo
    ) -> Nautilus.OperationResult:
        first = not self._timer
        if _service.is_there is not False:
            self._waiting.append(file)
        if not first:
            return _COMPLETE
        self._timer = GLib.timeout_add(_GATHER, self._look, priority=GLib.PRIORITY_LOW)
        if not _POINTER.search(repr(handle)):
            return _COMPLETE
        self._held = (closure, provider, handle)
        self._holding = GLib.timeout_add(_SHOWN, self._go_on, priority=GLib.PRIORITY_LOW)
        return Nautilus.OperationResult.IN_PROGRESS

    def cancel_update(self, _provider: Any, _handle: Any) -> None:
        """The folder was closed: nothing may be completed any more."""
        if self._held:
            GLib.source_remove(self._holding)
            self._held = None

    def _go_on(self) -> bool:
        held, self._held = self._held, None
        assert held, "cancel_update ends the timer"
        Nautilus.info_provider_update_complete_invoke(*held, _COMPLETE)
        return _REMOVE

    def _look(self) -> bool:
        """Asks for all that wait, once no more come in."""
        seen, self._seen = self._seen, len(self._waiting)
        if self._held or seen != self._seen or _service.is_there is None:
            return _CONTINUE
        self._timer = self._seen = 0
        files, self._waiting = self._waiting, []
        self._ask(files)
        return _REMOVE

    def _ask(self, files: list[Nautilus.FileInfo]) -> None:
        """A part after the other, so that none keeps the window waiting."""
        part, rest = files[:_MOST_FILES], files[_MOST_FILES:]

        def told(texts: list[str]) -> None:
            _spread(part, texts)
            if rest:
                self._ask(rest)

        _service.texts([file.get_uri() for file in part], told)


def _spread(files: list[Nautilus.FileInfo], texts: list[str]) -> None:
    """Gives files their tags, a few at a time, whenever Nautilus has nothing else to do."""
    pairs = [pair for pair in zip(files, texts, strict=False) if pair[1]]

    def some() -> bool:
        for file, text in pairs[:_AT_ONCE]:
            file.add_string_attribute("csearch_tags", text)
        del pairs[:_AT_ONCE]
        return bool(pairs)

    if pairs:
        GLib.idle_add(some, priority=GLib.PRIORITY_LOW)


class Properties(GObject.GObject, Nautilus.PropertiesModelProvider):
    __gtype_name__ = "CsearchProperties"

    def get_models(self, *args: Any) -> list[Nautilus.PropertiesModel]:
        files = args[-1]
        path = _path(files[0]) if len(files) == 1 and _is_picture(files[0]) else None
        if path is None or not _service.is_there:
            return []
        items = Gio.ListStore(item_type=Nautilus.PropertiesItem)

        def show(told: dict[str, Any]) -> None:
            for name, value in _facts(told):
                items.append(Nautilus.PropertiesItem(name=name, value=value))

        _service.facts(path, show)
        return [Nautilus.PropertiesModel(title=_("Picture Search"), model=items)]


def _facts(told: dict[str, Any]) -> Iterator[tuple[str, str]]:
    """(name, value) of what is known of a picture."""
    yield _("Search"), _("Can be found by what it shows") if told else _("Not looked at yet")
    details = told.get("details", {})
    shown = [_last(word) for word in told.get("words", [])]
    for name, value in (
        (_("Tags"), ", ".join(_tags(told.get("keywords", [])))),
        (_("Shows"), ", ".join(shown)),
        (_("Title"), details.get("title")),
        (_("People"), ", ".join(details.get("people", []))),
        (_("Description"), details.get("description")),
        (_("Taken"), _date(details)),
        (_("Place"), _place(details)),
        (_("Camera"), _camera(details)),
        (_("Lens"), details.get("lens")),
        (_("Exposure"), ", ".join(_exposure(details))),
        (_("Rating"), "★" * max(0, int(details.get("rating") or 0))),
    ):
        if value:
            yield name, str(value)


def _date(details: dict[str, Any]) -> str:
    if not details.get("dated"):  # that of the file, which Nautilus shows itself
        return ""
    taken = str(details["taken"])
    for told, written in _DATES:
        try:
            taken = datetime.strptime(taken, told).strftime(written)
        except ValueError:
            continue
        break
    return _("{date} (doubtful)").format(date=taken) if details.get("date_doubtful") else taken


def _place(details: dict[str, Any]) -> str:
    """The name of the city near by, or else the position."""
    if "latitude" not in details or "longitude" not in details:
        return ""
    position = f"{details['latitude']:.4f}, {details['longitude']:.4f}"
    return str(details.get("place") or position)


def _camera(details: dict[str, Any]) -> str:
    """Make and model; many models begin with the make's name."""
    make, model = str(details.get("make") or ""), str(details.get("model") or "")
    name = make.split()[0].casefold() if make else ""
    return model if name and model.casefold().startswith(name) else f"{make} {model}".strip()


def _exposure(details: dict[str, Any]) -> Iterator[str]:
    """How long, how wide open, how near and how sensitive, as people write it here."""
    if seconds := details.get("exposure"):
        time = f"1/{1 / seconds:.0f}" if seconds < _LONG else f"{seconds:n}"
        yield _("{time} s").format(time=time)
    if aperture := details.get("aperture"):
        yield f"f/{aperture:n}"
    if length := details.get("focal_length"):
        yield _("{length} mm").format(length=f"{length:n}")
    if speed := details.get("iso"):
        yield f"ISO {speed}"


def _tags(keywords: list[str]) -> list[str]:
    """Without the paths whose last word is there as a plain keyword too: programs write both."""
    plain = {word.casefold() for word in keywords if "/" not in word}
    return [word for word in keywords if "/" not in word or _last(word).casefold() not in plain]


def _last(tag: str) -> str:
    """The word at the end of a hierarchical tag."""
    return tag.rpartition("/")[2]


def _path(file: Nautilus.FileInfo) -> bytes | None:
    """Its path as bytes; None where it has none."""
    location = file.get_location()
    path = location.get_path() if location else None
    return None if path is None else os.fsencode(path)


def _is_picture(file: Nautilus.FileInfo) -> bool:
    is_local = file.get_uri_scheme() == "file"
    picture: bool = is_local and file.get_mime_type().startswith("image/")
    return picture
