"""Puts saved searches into a window: the button that saves, the list, and what it does."""

from __future__ import annotations

import os
from functools import partial
from typing import TYPE_CHECKING

from gi.repository import Gio, GLib, Gtk

from filtering.bar import SORTS
from pages.messages import HANGING
from query.limits import named
from query.scope import place
from saved.naming import Naming
from saved.search import described
from saved.shelf import EXISTS, Shelf
from saved.sidebar import Sidebar
from texts import _

if TYPE_CHECKING:
    from background import Workers
    from bus.service import Service, Values
    from query.steps import Step
    from saved.search import Saved
    from window import Window

_KEYS = {"win.save-search": ["<Control>s"], "win.saved-searches": ["<Control>b"]}
_LONGEST = 60  # characters of a name that is proposed
_OFFERED = 3  # while somebody types


class Collection:
    """`button` saves, `toggle` shows and hides the list. In a narrow window the list lies in place
    of the pictures, and goes once it has been used."""

    def __init__(self, window: Window, service: Service, workers: Workers) -> None:
        self._window = window
        self._service = service
        self._workers = workers
        self._content: Gtk.Widget | None = None  # what the list is beside
        self._narrow = False
        self._shown_when_wide = False
        self._touched = False  # the user has shown or hidden the list
        self._awaited = b""  # the name of a search that is asked once it is known
        self.toggle = Gtk.ToggleButton(action_name="win.saved-searches")
        self.button = Gtk.Button(action_name="win.save-search")
        for button, icon, text in (
            (self.toggle, "sidebar-show-symbolic", _("Saved Searches")),
            (self.button, "bookmark-new-symbolic", _("Save Search")),
        ):
            button.set_icon_name(icon)
            button.set_tooltip_text(text)
            button.update_property([Gtk.AccessibleProperty.LABEL], [text])
        self._sidebar = Sidebar()
        self._saving = Naming(_("Save Search"), _("Save"))
        self._saving.set_parent(self.button)
        self._renaming = Naming(_("Rename Saved Search"), _("Rename"))
        self._renaming.set_parent(self._sidebar)
        for signal, act in (
            ("run", self.run),
            ("opened", self._open_folder),
            ("renamed", self._rename),
            ("removed", self._remove),
        ):
            self._sidebar.connect(signal, lambda _sidebar, search, act=act: act(search))
        self._sidebar.connect("left", lambda _sidebar: self._leave())
        window.field.connect("changed", lambda _field: self._used())
        self._add_actions()
        self._shelf = Shelf(service, self._changed)

    def close(self) -> None:
        """The window is closed."""
        self._window.viewer.undoing.settle()
        self._shelf.close()
        self._sidebar.close()
        self._renaming.unparent()
        self._saving.unparent()

    def beside(self, content: Gtk.Widget) -> Gtk.Box:
        """The list, and what it is beside."""
        self._content = content
        content.set_hexpand(True)
        box = Gtk.Box()
        box.append(self._sidebar)
        box.append(content)
        return box

    def fit(self, narrow: bool) -> None:
        """Whether the window is too narrow for both."""
        if narrow == self._narrow:
            return
        self._narrow = narrow
        if narrow:
            self._shown_when_wide = self._sidebar.get_visible()
        self._show(not narrow and self._shown_when_wide)

    def follow(self) -> None:
        """The window's search is another one."""
        asks = self._window.walking.step.asks
        if asks:  # somebody was quicker than the service
            self._awaited = b""
        self._window.lookup_action("save-search").set_enabled(asks)

    def called(self, beginning: str) -> list[Saved]:
        """Some of the searches whose names begin so."""
        begins = beginning.strip().casefold()
        found = [one for one in self._shelf.searches if one.title.casefold().startswith(begins)]
        return found[:_OFFERED] if begins else []

    def run(self, search: Saved) -> None:
        """Asks a saved search."""
        self._window.walking.go(search.step())
        self._used()

    def await_search(self, name: bytes) -> None:
        """Asks the saved search with that name, as soon as the service has told it."""
        self._awaited = name
        self._run_awaited()

    def _run_awaited(self) -> None:
        for search in self._shelf.searches:
            if search.name == self._awaited:
                self._awaited = b""
                self.run(search)

    def _add_actions(self) -> None:
        save = Gio.SimpleAction.new("save-search", None)
        save.connect("activate", lambda *_: self._propose())
        save.set_enabled(False)
        self._window.add_action(save)
        show = Gio.SimpleAction.new_stateful("saved-searches", None, GLib.Variant("b", False))
        show.connect("change-state", lambda _action, value: self._toggle(value.get_boolean()))
        self._window.add_action(show)
        for action, keys in _KEYS.items():
            self._window.get_application().set_accels_for_action(action, keys)

    def _toggle(self, shown: bool) -> None:
        """By the user, who may have no mouse."""
        self._touched = True
        self._window.viewer.lightbox.leave()
        self._show(shown)
        if shown:
            self._sidebar.focus()

    def _show(self, shown: bool) -> None:
        has_focus = self._sidebar.get_state_flags() & Gtk.StateFlags.FOCUS_WITHIN
        self._window.lookup_action("saved-searches").set_state(GLib.Variant("b", shown))
        self._sidebar.set_hexpand(self._narrow)
        self._sidebar.set_visible(shown)
        if self._content:
            self._content.set_visible(not (shown and self._narrow))
        if has_focus and not shown:
            self._window.field.grab_focus()

    def _leave(self) -> None:
        """Back to the field."""
        self._used()
        self._window.field.grab_focus()

    def _used(self) -> None:
        """What was asked for is to be seen."""
        if self._narrow and self._sidebar.get_visible():
            self._show(False)

    def _changed(self) -> None:
        """Other searches are saved. The first one shows that there is a list."""
        self._sidebar.show_searches(self._shelf.searches)
        if self._shelf.searches and not self._touched and not self._narrow:
            self._show(True)
        self._run_awaited()

    def _open_folder(self, search: Saved) -> None:
        folder = Gio.File.new_for_path(os.fsdecode(search.fields["folder"]))
        self._service.open_folder(folder.get_uri(), lambda: self._window.launch(folder))

    def _propose(self) -> None:
        self._window.viewer.lightbox.leave()
        step = self._window.walking.step
        self._saving.ask(_proposed(step), _about(step), partial(self._save, step))

    def _save(self, step: Step, name: bytes, replace: bool) -> None:
        def found(told: tuple[Values, str]) -> None:
            fields, failure = told
            if failure:
                self._saving.refuse(failure)
            else:
                self._shelf.save(name, {**fields, "replace": replace}, done)

        def done(failure: str, code: str) -> None:
            if failure:
                self._saving.refuse(failure, replaceable=code == EXISTS)
                return
            self._saving.popdown()
            if not self._sidebar.get_visible():
                text = _("Saved the search “{name}”").format(name=_shown(name))
                self._window.viewer.undoing.told(text)

        self._workers.run(lambda: described(step), found, lambda: self._saving.refuse(HANGING))

    def _rename(self, search: Saved) -> None:
        def named(new: bytes, _replace: bool) -> None:
            if _shown(new) == search.title:
                self._renaming.popdown()
            else:
                self._shelf.rename(search.name, new, done)

        def done(failure: str, _code: str) -> None:
            if failure:
                self._renaming.refuse(failure)
            else:
                self._renaming.popdown()

        self._renaming.set_pointing_to(self._sidebar.place_of(search))
        self._renaming.ask(search.title, "", named)

    def _remove(self, search: Saved) -> None:
        undoing = self._window.viewer.undoing

        def failed(failure: str, _code: str) -> None:
            if failure:
                undoing.told(failure)

        def done(failure: str, _code: str) -> None:
            if failure:
                undoing.told(failure)
                return
            text = _("Removed the saved search “{name}”").format(name=search.title)
            before = {**search.fields, "restored": True}
            undoing.done(
                text,
                lambda: self._shelf.save(search.name, before, failed),
                final=lambda: self._shelf.remove_bookmarks(search),
            )

        self._shelf.remove(search.name, done)


def _proposed(step: Step) -> str:
    """A name for a search: its words, what it is like, or its order."""
    words = step.query.strip()
    if not words and step.pictures:
        names = ", ".join(picture.name for picture in step.pictures)
        words = _("Like {names}").format(names=names)
    words = words or SORTS[step.sort]
    return " ".join(words.replace("/", " ").split())[:_LONGEST].strip()


def _about(step: Step) -> str:
    """What is saved besides the words."""
    limits = [text for text, _without in named(step.limits)]
    return "\n".join([place(step.folders), *([SORTS[step.sort]] if step.sort else []), *limits])


def _shown(name: bytes) -> str:
    shown: str = GLib.filename_display_name(os.fsdecode(name))
    return shown
