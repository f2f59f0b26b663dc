"""Puts the lightbox, the side panel and the bar for the selection into a window, with their
actions and keys."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gi.repository import Gdk, Gio, GLib, Gtk

from bus.one_picture import OnePicture
from lightbox.information import Information
from lightbox.lightbox import Lightbox
from selection import trash
from selection.bar import SelectionBar
from selection.copying import CopyTo
from selection.tagging import Tagging
from selection.undoing import Undoing, with_failures
from texts import _, ngettext, number

if TYPE_CHECKING:
    from collections.abc import Callable

    from background import Workers
    from bus.service import Service
    from selection.trash import Done
    from window import Window

_RETURN = (Gdk.KEY_Return, Gdk.KEY_KP_Enter, Gdk.KEY_ISO_Enter)
_DELETE = (Gdk.KEY_Delete, Gdk.KEY_KP_Delete)
KEYS = {
    "win.information": ["F9"],
    "win.words": ["<Control>t"],
    "win.undo": ["<Control>z"],
    "win.open-with": ["<Control><Shift>Return"],
}


class Viewer:
    def __init__(
        self,
        window: Window,
        header: Gtk.Widget,
        content: Gtk.Widget,
        service: Service,
        workers: Workers,
    ) -> None:
        """`header` and `content` are shown while the lightbox isn't."""
        self._window = window
        self._workers = workers
        self._results = window.results
        one = OnePicture(service, workers)
        self.lightbox = Lightbox(self._results, one)
        self.lightbox.connect("left", lambda _lightbox: self._turn(False))
        # A method of GTK itself would hold the field, unseen by the collector.
        self._information = Information(one, lambda: window.field.get_text(), self._narrow)
        self._panel = Gtk.Revealer(
            child=self._information,
            visible=False,
            transition_type=Gtk.RevealerTransitionType.SLIDE_LEFT,
        )
        self._bar = SelectionBar(self._results)
        self.undoing = Undoing(window)
        self._notice = self.undoing.notice
        self._following = 0
        self._tagging = Tagging(window, service, self.undoing)
        self._copying = CopyTo(window, workers, self._copied)
        self._headers = Gtk.Stack()
        self._headers.add_named(header, "search")
        self._headers.add_named(self.lightbox.header, "picture")
        self._pages = Gtk.Stack(hexpand=True)
        self._pages.add_named(content, "search")
        self._pages.add_named(self.lightbox, "picture")
        beside = Gtk.Box()
        beside.append(self._pages)
        beside.append(self._panel)
        below = Gtk.Box(orientation=Gtk.Orientation.VERTICAL)
        below.append(beside)
        below.append(self._bar)
        overlay = Gtk.Overlay(child=below)
        overlay.add_overlay(self._notice)
        window.set_titlebar(self._headers)
        window.set_child(overlay)
        self._add_actions()
        self._add_buttons()
        self._listen()

    def close(self) -> None:
        """The window is closed."""
        self.lightbox.close()
        self._results.store.disconnect(self._changing)
        if self._following:
            GLib.source_remove(self._following)
        self._information.close()
        self._notice.close()

    def _listen(self) -> None:
        # The window itself sees keys before its shortcuts do.
        keys = Gtk.EventControllerKey(propagation_phase=Gtk.PropagationPhase.CAPTURE)
        keys.connect("key-pressed", self._key)
        self._window.add_controller(keys)
        self._results.connect("activate", lambda *_: self._look())
        self._results.connect("selection-changed", lambda _results: self._selected())
        store = self._results.store
        self._changing = store.connect("items-changed", self._results_changed)

    def _results_changed(self, *_: object) -> None:
        if not self._following:  # they may change in several steps
            self._following = GLib.idle_add(self._follow)

    def _follow(self) -> bool:
        self._following = 0
        self.lightbox.follow()
        self._bar.follow()
        self._selected()
        return bool(GLib.SOURCE_REMOVE)

    def _key(
        self, _keys: Gtk.EventControllerKey, value: int, _code: int, state: Gdk.ModifierType
    ) -> bool:
        if self.lightbox.is_open and self.lightbox.key(value, state):
            return True
        if state & Gtk.accelerator_get_default_mod_mask():
            return False
        focus = self._window.get_focus()
        on_results = focus is not None and (
            focus is self._results or focus.is_ancestor(self._results)
        )
        if isinstance(focus, Gtk.Button):  # which opens what is less certain
            return False
        if value in _DELETE and (on_results or self.lightbox.is_open):
            self._window.activate_action("win.trash", None)
            return True
        if not on_results or not self._results.items:
            return False
        if value == Gdk.KEY_space:
            self._look()
            return True
        if value in _RETURN:
            self._window.activate_action("win.open", None)
            return True
        return False

    def _look(self) -> None:
        if items := self._results.selected():
            self._turn(True)
            self.lightbox.open(items[0])

    def _turn(self, to_picture: bool) -> None:
        name = "picture" if to_picture else "search"
        # Assistive technology would find what is on the other page of a stack.
        for part in (self.lightbox, self.lightbox.header):
            part.set_visible(to_picture)
        self._headers.set_visible_child_name(name)
        self._pages.set_visible_child_name(name)
        self._bar.allow(not to_picture)

    def _selected(self) -> None:
        if self._panel.get_visible():
            items = self._results.selected()
            self._information.show(items[0] if items else None)

    def _narrow(self, word: str) -> None:
        """Adds a word to the query."""
        filters = self._window.filtering.filters
        written = [text for _filter, text in filters.words]
        if word not in (*written, *self._window.field.get_text().split()):
            filters.put((), word)
        self.lightbox.leave()
        self._window.field.grab_focus()

    def _add_actions(self) -> None:
        for name, act in (
            ("look", self._look),
            ("open-with", self._open_with),
            ("copy-to", lambda: self._copying.choose(self._results.chosen())),
            ("tag", lambda: self._tagging.choose(self._results.chosen())),
            ("trash", self._trash),
        ):
            action = Gio.SimpleAction.new(name, None)
            action.connect("activate", lambda _action, _value, act=act: act())
            self._window.add_action(action)
        for name, change in (
            ("information", self._show_panel),
            ("words", self.lightbox.words.open),
        ):
            toggle = Gio.SimpleAction.new_stateful(name, None, GLib.Variant("b", False))
            toggle.connect("change-state", _changed, change)
            self._window.add_action(toggle)

    def _add_buttons(self) -> None:
        menu = Gio.Menu()
        for entries in (
            ((_("Open"), "win.open"), (_("Open With…"), "win.open-with")),
            ((_("Show in Folder"), "win.show-in-folder"), (_("Copy"), "win.copy")),
            ((_("Copy to…"), "win.copy-to"), (_("Find Similar Images"), "win.similar")),
            ((_("Tag…"), "win.tag"), (_("Move to Trash"), "win.trash")),
        ):
            section = Gio.Menu()
            for label, action in entries:
                section.append(label, action)
            menu.append_section(None, section)
        header = self.lightbox.header
        more = Gtk.MenuButton(icon_name="open-menu-symbolic", menu_model=menu, primary=True)
        more.set_tooltip_text(_("Menu"))
        more.update_property([Gtk.AccessibleProperty.LABEL], [_("Menu")])
        header.pack_end(more)
        for icon, text, name in (
            ("document-properties-symbolic", _("Information"), "win.information"),
            ("format-text-rich-symbolic", _("Words in the Picture"), "win.words"),
        ):
            button = Gtk.ToggleButton(icon_name=icon, action_name=name, tooltip_text=text)
            button.update_property([Gtk.AccessibleProperty.LABEL], [text])
            header.pack_end(button)

    def _show_panel(self, shown: bool) -> None:
        self._panel.set_visible(shown)
        self._panel.set_reveal_child(shown)
        if shown:
            self._selected()
        else:
            self._information.close()

    def _open_with(self) -> None:
        items = self._results.selected()
        if not items:
            return
        # GTK 4.12 and later; in 4.10 it doesn't ask.
        if hasattr(Gtk, "FileLauncher") and hasattr(Gtk.FileLauncher, "set_always_ask"):
            launcher = Gtk.FileLauncher(file=items[0].file)
            launcher.set_always_ask(True)
            launcher.launch(self._window, None, self._launched)
            return
        dialog = Gtk.AppChooserDialog(gfile=items[0].file, transient_for=self._window, modal=True)
        dialog.connect("response", self._program_chosen, items[0].file)
        dialog.show()

    def _launched(self, launcher: Gtk.FileLauncher, result: Gio.AsyncResult) -> None:
        try:
            launcher.launch_finish(result)
        except GLib.Error as error:
            if not error.matches(Gtk.DialogError.quark(), Gtk.DialogError.DISMISSED):
                self._notice.tell(error.message)

    def _program_chosen(self, dialog: Gtk.AppChooserDialog, response: int, file: Gio.File) -> None:
        program = dialog.get_app_info() if response == Gtk.ResponseType.OK else None
        dialog.destroy()
        if program:
            try:
                program.launch([file], self._window.get_display().get_app_launch_context())
            except GLib.Error as error:
                self._notice.tell(error.message)

    def _trash(self) -> None:
        if paths := [item.path for item in self._results.chosen()]:
            trash.move(paths, self._workers, self._moved)

    def _moved(self, done: Done) -> None:
        paths = done.paths
        if not paths:
            self.undoing.failed(done.failures)
            return
        self.undoing.done(trash.moved(len(paths)), lambda: self._restore(paths), done.failures)
        self._window.presence.take_out(set(paths))
        self._window.search_soon()

    def _restore(self, paths: list[bytes]) -> None:
        trash.restore(paths, self._workers, self._restored)

    def _restored(self, done: Done) -> None:
        if done.failures:
            self.undoing.failed(done.failures)
        self._window.search_soon()

    def _copied(self, folder: Gio.File, count: int, failures: list[str]) -> None:
        name = GLib.filename_display_basename(folder.get_path() or folder.get_uri())
        text = ""
        if count:
            text = ngettext(
                "Copied {n} picture to {folder}", "Copied {n} pictures to {folder}", count
            ).format(n=number(count), folder=name)
        self._notice.tell(with_failures(text, failures))


def _changed(
    action: Gio.SimpleAction, value: GLib.Variant, change: Callable[[bool], object]
) -> None:
    action.set_state(value)
    change(value.get_boolean())
