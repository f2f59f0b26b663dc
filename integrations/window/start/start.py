"""What the window shows while nothing is asked, and the bar that tells of reading."""

from __future__ import annotations

import os
import time
from typing import TYPE_CHECKING

from gi.repository import Gio, GLib, Gtk

from dialogs import is_open
from pages import messages
from start.assistant import Assistant, choose_folder
from start.folders import is_below
from start.home import Home
from start.model import Installation
from start.reading import ReadingBar

if TYPE_CHECKING:
    from background import Workers
    from bus.service import Failure, Service, Values
    from grid.thumbnails import Thumbnails
    from query.scope import Scope
    from window import Window

_SECONDS = 10.0  # between looks for what there is to see, while pictures are being read


class Start(Gtk.Stack):
    """The first run's page, or where to begin."""

    __gtype_name__ = "CsearchStart"

    def __init__(
        self, window: Window, service: Service, thumbnails: Thumbnails, workers: Workers
    ) -> None:
        super().__init__()
        self._window = window
        self._service = service
        self._known: Values = {}  # what the service says of itself
        self._folder: bytes | None = None  # below which is searched
        self._filled: tuple[int, bool] | None = None  # what the page was filled for
        self._filled_at = -_SECONDS  # and when
        self._chooser: Gtk.FileChooserNative | None = None  # GTK keeps none
        self.bar = ReadingBar(service)
        self._home = Home(thumbnails, self._search, self._open)
        self._assistant = Assistant(service, workers, self.choose, self._start)
        self.add_named(self._home, "home")
        self.add_named(self._assistant, "assistant")
        for name, act in (
            ("add-folder", self.choose),
            ("watch-folder", lambda: self._watch([self._folder] if self._folder else [])),
            ("pause", lambda: self.bar.pause(True)),
            ("resume", lambda: self.bar.pause(False)),
        ):
            action = Gio.SimpleAction.new(name, None)
            action.connect("activate", lambda _action, _value, act=act: act())
            window.add_action(action)
        if installation := window.get_application().installation:
            self.bar.follow(installation)

    def close(self) -> None:
        """The window is closed."""
        self.bar.leave()

    def install(self, model: str) -> None:
        """Begins to install a model, unless one is being installed."""
        application = self._window.get_application()
        if not application.installation:
            application.installation = Installation(application, self._service, model)
            self.bar.follow(application.installation)

    @property
    def first(self) -> bool:
        """Whether nothing is known, and no folder is watched."""
        known = self._known
        return bool(known) and not (known["images"] or known["pending"] or known.get("roots"))

    def learn(self, status: Values) -> None:
        """What the service says of itself, or a part of it."""
        self._known = {**self._known, **status} if status else {}
        self.bar.show(self._known)

    def show_idle(self, folder: bytes | None) -> None:
        """Nothing is asked; the search would be below `folder`, or everywhere."""
        self._folder = folder
        if self.first and not folder:
            self._assistant.begin()
            self.set_visible_child_name("assistant")
            return
        self._home.greet(*messages.greeting(folder, self._known, self._is_watched(folder)))
        self.set_visible_child_name("home")
        self._fill()

    def choose_scope(self, scope: Scope) -> None:
        """Where to search; while nothing is known, what to read."""
        if self.first:
            self.choose()
        else:
            scope.choose()

    def choose(self) -> None:
        """Lets the user choose a folder, which is watched from then on; in the first run it is
        ticked."""

        def chosen(folder: bytes) -> None:
            if self.first and self.get_visible_child() is self._assistant:
                self._assistant.add(folder)
            else:
                self._watch([folder])

        if not is_open(self._chooser):
            self._chooser = choose_folder(self._window, chosen)

    def _search(self, query: str) -> None:
        self._window.field.set_text(query)
        self._window.field.set_position(-1)
        self._window.field.grab_focus()

    def _open(self, path: bytes) -> None:
        self._window.launch(Gio.File.new_for_path(os.fsdecode(path)))

    def _start(self, folders: list[bytes], model: str | None) -> None:
        self._watch(folders)
        if model:
            self.install(model)

    def _watch(self, folders: list[bytes]) -> None:
        def added(_values: object, failure: Failure | None) -> None:
            if failure:
                self._window.notice(str(failure), failed=True)
            else:
                self._service.status(learnt)

        def learnt(status: Values) -> None:
            self.learn(status)
            self.show_idle(self._folder)

        for folder in folders:
            self._service.ask("AddFolder", GLib.Variant("(ay)", (folder,)), added)

    def _is_watched(self, folder: bytes | None) -> bool:
        roots = [root["path"] for root in self._known.get("roots", [])]
        return folder is None or any(folder == root or is_below(folder, root) for root in roots)

    def _fill(self) -> None:
        """Asks for what to show, again once there are other pictures."""
        if not self._known:
            return
        settled, now = not self._known["pending"], time.monotonic()
        state = (self._known["images"], settled)
        if state == self._filled or (not settled and now - self._filled_at < _SECONDS):
            return
        self._filled, self._filled_at = state, now

        # The quickest first. Computing the words would hold up reading.
        parts = ["", "memories", "words"] if settled else ["", "memories"]

        def ask() -> None:
            part = parts.pop(0)
            options = {part: GLib.Variant("b", True)} if part else {}
            self._service.ask("Home", GLib.Variant("(a{sv})", (options,)), told)

        def told(home: Values, failure: Failure | None) -> None:
            if failure:  # an older service, perhaps: the field is there
                return
            self._home.fill(home)
            if parts:
                ask()

        ask()
