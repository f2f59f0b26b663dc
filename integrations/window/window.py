"""The window: a field, a grid that follows what is typed, and what there is to say."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from gi.repository import Gdk, Gio, GLib, GObject, Gtk

import actions
from bus.service import Asking
from grid.results import Results
from pages import messages
from preferences import menu
from query import pictures
from query.chips import Chips
from query.incoming import Incoming
from query.scope import Scope
from start.start import Start
from texts import _

if TYPE_CHECKING:
    from collections.abc import Sequence

    from background import Workers
    from bus.service import Failure, Hit, Service, Values
    from grid.results import Item
    from grid.thumbnails import Thumbnails
    from pages.messages import Parts
    from query.pictures import Picture

_FIRST = 30  # results while somebody types: what fits into a window
_TOP = 200  # a moment later; nobody scrolls further
_PAUSE = 400  # milliseconds after which nobody types
_PATIENCE = 1.0  # seconds for the first reading of a folder; then what there is is shown
_AGAIN = 2  # seconds between looks while pictures are being read
_FETCHED = 8  # addresses in the field whose pictures are kept
_REMOVE: bool = GLib.SOURCE_REMOVE


class Window(Gtk.ApplicationWindow):
    __gtype_name__ = "CsearchWindow"

    def __init__(
        self,
        application: Gtk.Application,
        service: Service,
        thumbnails: Thumbnails,
        workers: Workers,
    ) -> None:
        """`workers` look at files."""
        super().__init__(application=application, title=_("Picture Search"))
        self.set_default_size(960, 720)
        self.set_icon_name("org.csearch.Window")
        self._service = service
        self._begun = 0.0
        self._pending = 0
        self._again = 0
        self._more = 0
        self._absent = False
        self._fetched: dict[str, Picture] = {}  # by the addresses that the query names
        self._asking = Asking(service, workers)
        self._incoming = Incoming(workers, self._take, self._write, self.notice)
        self._build(thumbnails, workers)
        actions.install(self, self.results, service)
        self._listening = [
            service.listen("Progress", self._progress),
            service.listen("Changed", self._changed),
        ]
        self._watching = service.watch(self._appeared)
        service.status(self._told)
        self.connect("close-request", self._close)

    def begin(self, query: str, folder: bytes | None, like: Sequence[bytes]) -> None:
        """The first search; `like` are paths and URLs (bytes)."""
        if folder:
            self.scope.set_folder(folder)
        self.field.set_text(query)
        self.field.set_position(-1)
        self.field.grab_focus()
        self.search()
        if like:
            self._incoming.name(like)

    def _build(self, thumbnails: Thumbnails, workers: Workers) -> None:
        self.field = Gtk.SearchEntry(hexpand=True, placeholder_text=_("Describe a picture"))
        self.field.update_property([Gtk.AccessibleProperty.LABEL], [_("Describe a picture")])
        self.field.connect("changed", lambda _field: self.search())
        self.field.connect("activate", self._entered)
        self.field.connect("stop-search", self._stop)
        self.field.set_key_capture_widget(self)
        keys = Gtk.EventControllerKey()
        keys.set_propagation_phase(Gtk.PropagationPhase.CAPTURE)  # before the field takes them
        keys.connect("key-pressed", self._key)
        self.field.add_controller(keys)
        self.scope = Scope(self, self.search)
        header = Gtk.HeaderBar(title_widget=self.field)
        header.pack_start(self.scope.button)
        header.pack_end(menu.install(self, self._service, workers))
        self.set_titlebar(header)

        self.chips = Chips(self.search)
        like = Gtk.ScrolledWindow(child=self.chips)
        like.set_policy(Gtk.PolicyType.AUTOMATIC, Gtk.PolicyType.NEVER)
        self.chips.bind_property("visible", like, "visible", GObject.BindingFlags.SYNC_CREATE)
        self.results = Results(thumbnails)
        self.results.connect("activate", lambda *_: self.activate_action("win.open", None))
        self.results.connect("left", self._left)
        self.message = messages.Message()
        self.start = Start(self, self._service, thumbnails, workers)
        scrolled = Gtk.ScrolledWindow(child=self.results, vexpand=True)
        scrolled.set_policy(Gtk.PolicyType.NEVER, Gtk.PolicyType.AUTOMATIC)
        self.stack = Gtk.Stack(vexpand=True)
        self.stack.add_named(scrolled, "results")
        self.stack.add_named(self.message, "message")
        self.stack.add_named(self.start, "start")
        self.state = Gtk.Label(xalign=0, wrap=True)
        self.state.add_css_class("state")
        box = Gtk.Box(orientation=Gtk.Orientation.VERTICAL)
        for part in (self.start.bar, like, self.stack, self.state):
            box.append(part)
        self.set_child(box)

        self._incoming.accept_drops(self)

    def search(self, top: int = _FIRST) -> None:
        """Asks for what is in the field now; an older question is dropped."""
        self._asking.cancel()
        if self._more:
            GLib.source_remove(self._more)
            self._more = 0
        query = self.field.get_text()
        if not self._asks():
            GLib.idle_add(self._rest)  # words that replace others come right after this
            return
        if self._to_fetch(query):
            self.notice(_("Enter fetches the picture."))
            return
        options = {"top": GLib.Variant("u", top), "details": GLib.Variant("b", True)}
        if self.scope.folder:
            options["scopes"] = GLib.Variant("aay", [self.scope.folder])
            options["wait"] = GLib.Variant("s", "first")
        self._begun = time.monotonic()
        self._top = top
        self._asking.ask(query, self.chips.pictures, self._fetched, options, self._answer)

    def _to_fetch(self, query: str) -> list[str]:
        """The addresses in the query whose pictures aren't here yet."""
        return [url for url in pictures.on_the_web(query) if url not in self._fetched]

    def _rest(self) -> bool:
        """Nothing is asked."""
        if not self._asks():
            self.results.show([])
            self._say(None)
            self._show_idle()
        return _REMOVE

    def _show_idle(self) -> None:
        """Nothing is asked. The line below stays: it may say what could not be fetched."""
        if self._absent:
            self.message.show(*messages.absent())
            self.stack.set_visible_child_name("message")
        else:
            self.start.show_idle(self.scope.folder)
            self.stack.set_visible_child_name("start")

    def _answer(self, hits: list[Hit], result: Values, failure: Failure | None) -> None:
        self._absent = failure is not None and failure.absent
        if failure:
            self._fail(failure)
            return
        self._pending = result.get("pending", 0)
        self.results.show(hits)
        if len(hits) == _FIRST:
            self._more = GLib.timeout_add(_PAUSE, self._search_more)
        state = messages.state(hits, result, self._top)
        self._say(None if hits else messages.nothing(result, self.scope.folder), state)

    def _search_more(self) -> bool:
        self._more = 0
        self.search(_TOP)
        return _REMOVE

    def _fail(self, failure: Failure) -> None:
        self._pending = 0
        if failure.absent:
            self.results.show([])
            self._say(messages.absent())
        elif len(self.results.store):  # half-typed, mostly: what was found stays
            self.notice(str(failure), failed=True)
        else:
            self._say(messages.refused(str(failure)))

    def notice(self, text: str, failed: bool = False) -> None:
        """Something to know, below what is shown."""
        self.state.set_text(text)
        change = self.state.add_css_class if failed else self.state.remove_css_class
        change("failure")
        self.state.set_visible(True)

    def _say(self, message: Parts | None, state: str = "") -> None:
        """A message in place of the grid, or None; and the line below."""
        if message:
            self.message.show(*message)
        self.stack.set_visible_child_name("message" if message else "results")
        self.state.remove_css_class("failure")
        self.state.set_text(state)
        self.state.set_visible(bool(state))

    def _progress(self, progress: Values) -> None:
        """A folder is read for the first time."""
        if not self._asking.under_way:
            return
        if time.monotonic() - self._begun > _PATIENCE:
            self._service.answer_now()
        if not len(self.results.store):
            self._say(messages.reading(progress))

    def _told(self, status: Values) -> None:
        """What the service says of itself; {} where there is none."""
        self.start.learn(status)
        self._absent = not status
        if not self._asks():
            self._show_idle()

    def _appeared(self) -> None:
        """A service joined the bus."""
        if self._absent:
            self._absent = False
            self._service.status(self._told)
            self.search()

    def try_again(self) -> None:
        """Asks the service once more; the bus starts it where it can."""
        self._service.status(self._told)
        self.search()

    def _asks(self) -> bool:
        return bool(self.field.get_text().strip() or self.chips.pictures)

    def _changed(self, status: Values) -> None:
        """The library is another one: what is shown may be incomplete no more."""
        self.start.learn(status)
        if not self._asks():
            self._service.status(self._told)
            return
        incomplete = self._pending or not len(self.results.store)
        if incomplete and not self._asking.under_way and not self._again:
            self._again = GLib.timeout_add_seconds(_AGAIN, self._look_again)

    def _look_again(self) -> bool:
        self._again = 0
        if not self._asking.under_way:
            self.search(_TOP)
        return _REMOVE

    def _take(self, found: list[Picture], folder: bytes | None) -> None:
        """Pictures to search with from now on, too, and where."""
        if folder:
            self.scope.set_folder(folder)
        self.chips.add(found)
        self.search()

    def _write(self, text: str) -> None:
        """Words that were dropped."""
        self.field.set_text(text)
        self.field.set_position(-1)

    def _entered(self, _field: Gtk.SearchEntry) -> None:
        """Enter: an address becomes a picture; else the best picture is opened."""
        query = self.field.get_text()
        missing = self._to_fetch(query)
        if not missing:
            self.activate_action("win.open", None)
        else:
            for url in missing:
                self._fetch(url)

    def _fetch(self, url: str) -> None:
        self._incoming.fetch(url, lambda picture: self._place(url, picture))

    def _place(self, url: str, picture: Picture) -> None:
        """The address in the field is a picture now. Added, subtracted, with a weight it stays
        where it is; alone it makes room for words."""
        if self.field.get_text().strip() == url:
            self.field.set_text("")
            self._take([picture], None)
            return
        self._fetched[url] = picture
        while len(self._fetched) > _FETCHED:
            del self._fetched[next(iter(self._fetched))]
        self.search()

    def _key(
        self, _keys: Gtk.EventControllerKey, value: int, _code: int, state: Gdk.ModifierType
    ) -> bool:
        plain = not state & Gtk.accelerator_get_default_mod_mask()
        onwards = (Gdk.KEY_Down,) if self.chips.pictures else (Gdk.KEY_Down, Gdk.KEY_Tab)
        if value in onwards and plain and len(self.results.store):
            self.results.focus_first()
            return True
        if value in (Gdk.KEY_v, Gdk.KEY_V) and state & Gdk.ModifierType.CONTROL_MASK:
            return self._incoming.paste(self.get_clipboard())
        if value == Gdk.KEY_BackSpace and not self.field.get_text() and self.chips.pictures:
            self.chips.remove_last()
            return True
        return False

    def _left(self, _results: Results, forwards: bool) -> None:
        if forwards:
            self.scope.button.grab_focus()
        else:
            self.field.grab_focus()

    def _stop(self, _field: Gtk.SearchEntry) -> None:
        """Escape: first what was typed goes, then the window."""
        if self._asks():
            self.chips.clear()
            self.field.set_text("")
        else:
            self.close()

    def _close(self, _window: Gtk.Window) -> bool:
        for number in self._listening:
            self._service.unlisten(number)
        self._service.unwatch(self._watching)
        self._asking.cancel()
        self._service.close()
        for timer in filter(None, (self._again, self._more)):
            GLib.source_remove(timer)
        return False

    def like(self, items: list[Item]) -> None:
        """Pictures like those that were found."""
        self.chips.clear()
        self.field.set_text("")
        self.chips.add([pictures.Picture(item.path) for item in items])
        self.search()

    def copy(self, content: Gdk.ContentProvider) -> None:
        Gdk.Display.get_default().get_clipboard().set_content(content)

    def launch(self, file: Gio.File) -> None:
        """Opens a file or a folder in the program that the user has for such."""
        Gio.AppInfo.launch_default_for_uri_async(
            file.get_uri(), self.get_display().get_app_launch_context(), None, self._opened
        )

    def _opened(self, _source: GObject.Object | None, result: Gio.AsyncResult) -> None:
        try:
            Gio.AppInfo.launch_default_for_uri_finish(result)
        except GLib.Error as error:
            self.notice(error.message, failed=True)
