"""The window: a field, a grid that follows what is typed, and what there is to say."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from gi.repository import GLib, GObject, Gtk

import actions
from bus.service import Asking
from filtering.filtering import Filtering
from freeing import free
from grid.alike import Alike
from grid.paging import Paging, Question, is_weak
from grid.presence import Presence
from grid.results import Results
from grid.scrubber import Scrubber
from launching import launcher
from lightbox.viewer import Viewer
from pages import messages
from pages.banner import Banner
from pages.state import State
from pages.waiting import Waiting
from preferences import menu
from query import keys, pictures
from query.addresses import Addresses
from query.chips import Chips
from query.field import Field
from query.header import Header
from query.incoming import Incoming
from query.limits import LimitChips
from query.options import options
from query.scope import Scope
from query.steps import Limits
from query.walking import Walking
from saved.collection import Collection
from start.start import Start
from texts import _
from timer import Timer

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from contextlib import AbstractContextManager

    from background import Workers
    from bus.service import Failure, Hit, Service, Values
    from grid.item import Item
    from grid.thumbnails import Thumbnails
    from pages.messages import Parts
    from query.pictures import Picture
    from query.remembering import Remembering

_FIRST = 30  # results while somebody types: what fits into a window
_TOP = 200  # a moment later; more when somebody scrolls
_PAUSE = 400  # milliseconds after which nobody types
_PATIENCE = 1.0  # seconds for the first reading of a folder; then what there is is shown
_AGAIN = 2000  # milliseconds between looks while pictures are being read


class Window(Gtk.ApplicationWindow):
    __gtype_name__ = "CsearchWindow"

    def __init__(
        self,
        application: Gtk.Application,
        service: Service,
        remembering: Remembering,
        thumbnails: Thumbnails,
        workers: Workers,
    ) -> None:
        """`workers` look at files."""
        super().__init__(application=application, title=_("Picture Search"))
        self.set_default_size(960, 720)
        self.set_icon_name("org.csearch.Window")
        self._service = service
        self._begun, self._pending = 0.0, 0
        self._again, self._more = Timer(), Timer()
        self._entering = False  # the best picture of the answer that is under way is to be opened
        self._query = ""  # that was asked last
        self.sort = ""
        self._absent = False
        self._result: Values = {}  # of what is shown
        self._question = Question("", [], {}, {})
        self._answered: Question | None = None  # whose pictures are shown
        self._asking = Asking(service, workers)
        self._waiting = Waiting(_PAUSE, self._still_asking)
        self._remembering = remembering
        self._incoming = Incoming(workers, self._take, self._write, self.notice)
        self._addresses = Addresses(self._incoming)
        self._build(thumbnails, workers)
        self._paging = Paging(self.results, self._asking, self._counted)
        self.presence = Presence(self.results, workers, self.search_soon)
        self._alike = Alike(self.results, service)
        self.launch = launcher(self, self.presence, self.notice)
        actions.install(self, self.results, service)
        self.walking.enable(back=False, forward=False)
        self._listening = [
            service.listen("Progress", self._progress),
            service.listen("Changed", self._changed),
        ]
        self._watching = service.watch(self._appeared)
        service.status(self._told)
        self.connect("notify::is-active", lambda *_: self.presence.look())
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
        self.field = Field()
        self._typed = self.field.connect("changed", lambda _field: self.search())
        self.field.connect("activate", self._entered)
        self.field.connect("stop-search", self._stop)
        self.scope = Scope(self, self.search)
        self.walking = Walking(self)
        self.saved = Collection(self, self._service, workers)
        settle = self.walking.settle
        self.filtering = Filtering(self.field, self._service, settle, self.saved)
        left = [self.scope.button, self.saved.toggle]
        main = menu.install(self, self._service, workers)
        right = [main, self.filtering.button, self.saved.button]
        self._header = Header(self, self.field, left, right, self.saved.fit)
        self.chips = Chips(self.search)
        self.limits = LimitChips(settle, self.search)
        rows = []
        for chips in (self.chips, self.filtering.chips, self.limits):
            row = Gtk.ScrolledWindow(child=chips)
            row.set_policy(Gtk.PolicyType.AUTOMATIC, Gtk.PolicyType.NEVER)
            chips.bind_property("visible", row, "visible", GObject.BindingFlags.SYNC_CREATE)
            rows.append(row)
        self.results = Results(thumbnails)
        self.results.connect("left", self._left)
        self.message = messages.Message()
        self.start = Start(self, self._service, thumbnails, workers)
        view = Gtk.Viewport(child=self.results, scroll_to_focus=False)  # the grid scrolls itself
        scrolled = Gtk.ScrolledWindow(child=view, vexpand=True, hexpand=True)
        scrolled.set_policy(Gtk.PolicyType.NEVER, Gtk.PolicyType.AUTOMATIC)
        self.scrubber = Scrubber(self.results, scrolled.get_vadjustment())
        self.banner = Banner()
        found = Gtk.Grid()
        found.attach(self.banner, 0, 0, 2, 1)
        found.attach(scrolled, 0, 1, 1, 1)
        found.attach(self.scrubber, 1, 1, 1, 1)
        self.stack = Gtk.Stack(vexpand=True)
        self.stack.add_named(found, "results")
        self.stack.add_named(self.message, "message")
        self.stack.add_named(self.start, "start")
        self.state = State()
        box = Gtk.Box(orientation=Gtk.Orientation.VERTICAL)
        above = (self._header.row, self.filtering.bar, self.start.bar, *rows)
        for part in (*above, self.stack, self.state):
            box.append(part)
        content = self.saved.beside(box)
        self.viewer = Viewer(self, self._header.bar, content, self._service, workers)
        self._incoming.accept_drops(self)
        keys.in_field(self, self._incoming)
        keys.type_anywhere(self, self.field, settle)
        keys.text_first(self)
        keys.walk_by_mouse(self, self.walking.back, self.walking.forward)

    def search(self, top: int = _FIRST) -> None:
        """Asks for what is in the field now; an older question is dropped."""
        self._asking.cancel()
        self._paging.stop()
        self._waiting.end()
        self._remembering.left()
        self._more.stop()
        self._entering = False
        query = self._query = self.field.get_text()
        self.saved.follow()
        if not self._asks():
            GLib.idle_add(self._rest)  # words that replace others come right after this
            return
        self.walking.visit()
        if self._addresses.missing(query):
            self.notice(_("Enter fetches the picture."))
            return
        # The names of places are not for every key.
        limits, self._first = self.limits.limits, top == _FIRST
        self._top = min(top, limits.top or top)
        told = options(self._top, self.scope.folders, self.sort, limits, places=not self._first)
        self._begun = time.monotonic()
        fetched = dict(self._addresses.fetched)
        found = list(self.chips.pictures)
        self._question = Question(query, found, fetched, told, limits.top)
        self._waiting.begin()
        self._asking.ask(*self._question[:4], self._answer)

    def _rest(self) -> bool:
        """Nothing is asked."""
        if not self._asks():
            self.limits.set_limits(Limits())
            self.walking.visit()
            self.filtering.filters.told("", [])
            self.results.show([])
            self._say(None)
            self._show_idle()
        return bool(GLib.SOURCE_REMOVE)

    def unsearched(self) -> AbstractContextManager[None]:
        """What is written into the field meanwhile isn't searched for at once."""
        blocked: AbstractContextManager[None] = self.field.handler_block(self._typed)
        return blocked

    def set_sort(self, order: str) -> None:
        """One of filtering.bar.SORTS; a search is to follow."""
        self.sort = order
        self.lookup_action("sort").set_state(GLib.Variant("s", order))
        self.filtering.bar.show_sort(order)

    def _show_idle(self) -> None:
        """Nothing is asked. The line below stays: it may say what could not be fetched."""
        if self._absent:
            self.message.show(*messages.absent())
            self.stack.set_visible_child_name("message")
        else:
            self.start.show_idle(self.scope.folder)
            self.stack.set_visible_child_name("start")

    def _answer(self, hits: list[Hit], result: Values, failure: Failure | None) -> None:
        self._waiting.end()
        self._absent = failure is not None and failure.absent
        if failure:
            to_blame = result.get("error", {})
            self.filtering.filters.refused(self._query, to_blame.get("start"), to_blame.get("end"))
            self._fail(failure)
            return
        self.filtering.filters.told(self._query, result.get("filters", []))
        read, self._pending = self._pending, result.get("pending", 0)
        again = self._question.same(self._answered)
        self._answered = self._question
        if not again:
            self.presence.forget()
            self.results.selection.unselect_all()  # or Enter would open what was chosen before
        elif len(hits) < self._top:
            self.presence.miss(hits)
        if not hits:
            self._outdated(lambda: self._nothing(result, again))
            return
        some = len(hits) == self._top and not is_weak(hits[-1])
        beyond = some and self._top != self._question.most
        self.results.show(hits, bool(result.get("nearest")), again, top=self._top * beyond)
        self.results.remove_css_class("outdated")
        self.banner.show(messages.nearest(result))
        self._result = result
        if not self.chips.pictures:
            self._remembering.answered(self._query)
        if self._first:
            self._more.start(_PAUSE, lambda: self.search(_TOP))
        else:
            self._paging.begin(self._question, hits, self._top, again)
            if again and read and not self._pending:  # what isn't in sight was left out meanwhile
                self.search_soon()
        self._say(None, messages.state(self.results.matching(), some, result))
        if self._entering:
            self._open_best()

    def _counted(self, matching: int) -> None:
        self.state.say(messages.state(matching, False, self._result))

    def _fail(self, failure: Failure) -> None:
        self._pending = 0
        if failure.absent:
            self.results.show([])
            self._say(messages.absent())
        else:
            self._outdated(lambda: self._refuse(str(failure)))

    def _refuse(self, reason: str) -> None:
        if self.results.empty():
            self._say(messages.refused(reason))
        else:  # half-typed, mostly: what was found stays in sight
            self.notice(messages.before(reason), failed=True)

    def _nothing(self, result: Values, again: bool) -> None:
        self.results.show([])
        # Asked again, the line below stays: it may say what has gone.
        said = self.state.get_text() if again else ""
        self._say(messages.nothing(result, self.scope.folder), said)
        if result.get("images") and not result.get("pending"):
            self._asking.ask(*self._question.why()[:4], self._which)

    def _which(self, _hits: list[Hit], result: Values, failure: Failure | None) -> None:
        """Which filters left nothing."""
        if not failure and self.results.empty():
            messages.offer_less(self.message, result, self.field.get_text(), self._write)

    def _outdated(self, act: Callable[[], object]) -> None:
        """What is shown isn't what is asked for. That is said once nobody types."""
        if self.results.empty() and self.stack.get_visible_child_name() == "results":
            act()
            return
        self.results.add_css_class("outdated")
        self._waiting.then(act)

    def _still_asking(self) -> None:
        """An answer takes long."""
        if self._asking.under_way and not self.scope.folder:
            self.notice(messages.long(self.field.get_text()))

    def notice(self, text: str, failed: bool = False) -> None:
        """Something to know, below what is shown."""
        self.state.say(text, failed)

    def _say(self, message: Parts | None, state: str = "") -> None:
        """A message in place of the grid, or None; and the line below."""
        if message:
            self.message.show(*message)
        self.stack.set_visible_child_name("message" if message else "results")
        self.state.say(state)

    def _progress(self, progress: Values) -> None:
        """A folder is read for the first time."""
        if not self._asking.under_way:
            return
        if time.monotonic() - self._begun > _PATIENCE:
            self._service.answer_now()
        if self.results.empty():
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
        return self.walking.step.asks

    def _changed(self, status: Values) -> None:
        """The library is another one: what is shown may be incomplete no more."""
        self.presence.look()
        self.start.learn(status)
        if not self._asks():
            self._service.status(self._told)
            return
        if self._pending or self.presence.lost or self.results.empty():
            self.search_soon()

    def search_soon(self) -> None:
        """Files have come or gone."""
        if self._asks() and not self._again.runs:
            self._again.start(_AGAIN, self._look_again)

    def _look_again(self) -> None:
        if self._asking.under_way:  # then the next time
            self.search_soon()
        elif self._asks():
            self.search(self._paging.again(_TOP, reading=bool(self._pending)))

    def _take(self, found: list[Picture], folder: bytes | None) -> None:
        """Pictures to search with from now on, too, and where."""
        self.viewer.lightbox.leave()
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
        missing = self._addresses.missing(query)
        if not missing:
            self._open_best()
        for url in missing:
            self._addresses.fetch(url, self._place)

    def _open_best(self) -> None:
        """Of what is asked, not of what was asked before: its answer is waited for."""
        self._entering = not self._question.same(self._answered)
        if not (self._entering or self.results.has_css_class("outdated")):
            self.activate_action("win.open", None)

    def _place(self, url: str, picture: Picture) -> None:
        """The address in the field is a picture now. Added, subtracted, with a weight it stays
        where it is; alone it makes room for words."""
        if self.field.get_text().strip() == url:
            self.field.set_text("")
            self._take([picture], None)
        else:
            self._addresses.keep(url, picture)
            self.search()

    def _left(self, _results: Results, forwards: bool) -> None:
        onwards = self.scrubber if self.scrubber.get_visible() else self.scope.button
        (onwards if forwards else self.field).grab_focus()

    def _stop(self, _field: Gtk.SearchEntry) -> None:
        """Escape: first what was typed goes, then the order, then the window."""
        if not self._asks():
            self.close()
            return
        self.walking.settle()
        if self.field.get_text() or self.chips.pictures:
            self.chips.clear()
            self.field.set_text("")
        else:
            self.set_sort("")
            self.search()

    def _close(self, _window: Gtk.Window) -> bool:
        free(self)
        for number in self._listening:
            self._service.unlisten(number)
        self.saved.close()
        self._remembering.left()
        self._service.unwatch(self._watching)
        for part in (self.filtering.suggestions, self.start, self.viewer, self.results):
            part.close()
        self._asking.cancel()
        self._service.close()
        self._waiting.end()
        self.presence.forget()
        self._again.stop()
        self._more.stop()
        return False

    def like(self, items: list[Item]) -> None:
        """Pictures like those that were found."""
        self.walking.like([pictures.Picture(item.path) for item in items])
