"""The preferences: folders, reading, the model, past searches, tags."""

from __future__ import annotations

import os
from functools import partial
from typing import TYPE_CHECKING

from gi.repository import GLib, Gtk

from bus import commands
from preferences import configuration
from preferences.rows import Group, Row, button, switch
from start import model
from start.assistant import choose_folder, shown
from texts import _, ngettext, number

if TYPE_CHECKING:
    from collections.abc import Callable

    from background import Workers
    from bus.service import Failure, Service, Values
    from preferences.configuration import Value
    from start.model import Installation, Model
    from window import Window


class Preferences(Gtk.Window):
    """Shows what is in effect; each change takes effect at once."""

    __gtype_name__ = "CsearchPreferences"

    def __init__(self, parent: Window, service: Service, workers: Workers) -> None:
        super().__init__(
            title=_("Preferences"), transient_for=parent, modal=True, destroy_with_parent=True
        )
        self.set_default_size(560, 640)
        self._application = parent.get_application()
        self._install = parent.start.install
        self._service = service
        self._workers = workers
        self._closed = False  # answers may come later
        self._path = ""  # of the configuration file
        self._leave: Callable[[], None] | None = None  # stops following an installation
        self._changes: list[tuple[str, str, Value]] = []  # the first is under way
        self._chooser: Gtk.FileChooserNative | None = None  # GTK keeps none
        self._folders = Group(_("Folders"))
        self._reading = Group(_("Reading"))
        self._model = Group(_("Model"))
        self._searches = Group(_("Searches"))
        self._tags = Group(_("Tags in files"))
        self._tagged = Group(_("Folders with tags"))
        self._failure = Gtk.Label(wrap=True, xalign=0, visible=False)
        self._failure.add_css_class("failure")
        box = Gtk.Box(orientation=Gtk.Orientation.VERTICAL, spacing=18)
        box.add_css_class("preferences")
        groups = (self._folders, self._reading, self._model, self._searches, self._tags)
        self._groups = (*groups, self._tagged)
        for part in (self._failure, *self._groups):
            box.append(part)
        scrolled = Gtk.ScrolledWindow(child=box, hscrollbar_policy=Gtk.PolicyType.NEVER)
        self.set_child(scrolled)
        self.set_titlebar(Gtk.HeaderBar())
        self._keys = keys = Gtk.ShortcutController()
        close = Gtk.CallbackAction.new(lambda *_: self.close() or True)
        trigger = Gtk.ShortcutTrigger.parse_string("Escape")
        keys.add_shortcut(Gtk.Shortcut.new(trigger, close))
        self.add_controller(keys)
        self.connect("close-request", self._close)
        service.status(self._told)
        service.ask("Settings", None, self._set)

    def _close(self, _window: Gtk.Window) -> bool:
        self._closed = True
        self._stop_following()
        self.set_focus(None)  # see `freeing`
        self._keys.run_dispose()
        for group in self._groups:
            group.clear()
        return False

    def _told(self, status: Values) -> None:
        """What the service says of itself."""
        if self._closed:
            return
        if not status:
            self._fail(_("The search service does not answer"))
            return
        self._show_folders(status["roots"])
        self._show_model(status)
        self._show_tagged(status["tags"]["folders"])

    def _show_folders(self, roots: list[Values]) -> None:
        self._folders.clear()
        for root in roots:
            path = root["path"]
            count = root["images"] + root["pending"]
            text = ngettext("{n} picture", "{n} pictures", count).format(n=number(count))
            if not root["present"]:
                text = _("not there at present")
            name = shown(path)
            without = _("Stop watching {folder}").format(folder=name)
            end = button(_("Remove"), partial(self._call, "RemoveFolder", path), without)
            self._folders.add(Row(name, text, end))
        add = button(_("Add Folder…"), self._choose)
        self._folders.add(Row("", _("Pictures there are found from then on."), add))

    def _choose(self) -> None:
        self._chooser = choose_folder(self, lambda folder: self._call("AddFolder", folder))

    def _call(self, method: str, folder: bytes) -> None:
        def done(_values: object, failure: Failure | None) -> None:
            self._fail(str(failure) if failure else "")
            self._service.status(self._told)

        self._service.ask(method, GLib.Variant("(ay)", (folder,)), done)

    def _show_model(self, status: Values) -> None:
        self._stop_following()
        self._model.clear()
        coming = status.get("next_model")
        text = ""
        if coming:
            text = _("{name} is made ready: {done} of {total} pictures").format(
                name=coming["name"], done=number(coming["done"]), total=number(coming["total"])
            )
        self._model.add(Row(status["model"], text or _("In use")))
        if installation := self._application.installation:
            self._follow(installation)
        elif not coming:
            model.recommended(self._service, self._offer)

    def _offer(self, better: Model | None) -> None:
        if better is None or self._closed or self._application.installation:
            return

        def get() -> None:
            self._install(better["name"])
            self._service.status(self._told)

        text = _("Finds more, in many languages; {download} to download").format(
            download=GLib.format_size(better["download"])
        )
        self._model.add(Row(better["name"], text, button(_("Get It"), get)))

    def _follow(self, installation: Installation) -> None:
        row = Row(installation.name)
        self._model.add(row)

        def told(_fraction: float | None, text: str, ended: bool) -> None:
            row.tell(text)
            if ended:  # in use, or offered again
                self._fail(text)
                self._service.status(self._told)

        self._leave = installation.tell(told)

    def _stop_following(self) -> None:
        if self._leave:
            self._leave()
            self._leave = None

    def _set(self, told: Values, failure: Failure | None) -> None:
        """What the configuration is."""
        if self._closed:
            return
        if failure:
            self._fail(str(failure))
            return
        self._path = os.fsdecode(told["path"])
        settings = told["settings"]
        self._add_switch(
            self._reading,
            _("Read on battery"),
            _("Otherwise many pictures wait until there is power."),
            settings["encode"]["on_battery"],
            "encode",
            "on_battery",
        )
        self._add_switch(
            self._reading,
            _("Words in pictures"),
            _("Signs, letters and screenshots are found by what is written on them."),
            settings["text"]["enabled"],
            "text",
            "enabled",
        )
        self._add_switch(
            self._searches,
            _("Keep past searches"),
            _("They are offered again, on this computer only."),
            settings["history"]["keep"],
            "history",
            "keep",
        )
        clear = button(_("Clear"), self._clear_history, _("Clear past searches"))
        self._searches.add(Row(_("Past searches"), "", clear))
        sure = Gtk.SpinButton.new_with_range(1, 99, 1)
        title = _("How sure a tag must be, in per cent")
        sure.set_value(settings["tags"]["confidence"])
        sure.update_property([Gtk.AccessibleProperty.LABEL], [title])
        sure.connect(
            "value-changed",
            lambda sure: self._change("tags", "confidence", sure.get_value_as_int()),
        )
        self._tags.add(Row(title, _("More means fewer and better tags."), sure))

    def _add_switch(
        self, group: Group, title: str, text: str, active: bool, section: str, key: str
    ) -> None:
        end = switch(title, active, lambda active: self._change(section, key, active))
        group.add(Row(title, text, end))

    def _show_tagged(self, folders: list[Values]) -> None:
        self._tagged.clear()
        self._tagged.set_visible(bool(folders))
        for folder in folders:
            name = shown(folder["path"])
            stop = button(
                _("Stop"),
                partial(self._stop_tagging, folder["path"]),
                _("Stop tagging {folder}").format(folder=name),
            )
            self._tagged.add(Row(name, _("New pictures are tagged."), stop))

    def _stop_tagging(self, folder: bytes) -> None:
        def done(output: str | None) -> None:
            if output is None:
                self._fail(_("That could not be changed."))
            self._service.status(self._told)

        arguments = [commands.CONTROL, "tags", "off", "--", os.fsdecode(folder)]
        commands.run(self._service, arguments, done)

    def _clear_history(self) -> None:
        self._service.ask(
            "ClearHistory", None, lambda _values, failure: self._fail(str(failure or ""))
        )

    def _change(self, section: str, key: str, value: Value) -> None:
        """One change at a time: each is read by the service before the next one is written."""
        self._changes.append((section, key, value))
        if len(self._changes) == 1:
            self._write()

    def _write(self) -> None:
        """Writes a value into the file, and has it read; takes it back where that fails."""
        path, (section, key, value) = self._path, self._changes[0]

        def work() -> tuple[str, str, str]:
            before = after = failure = ""
            try:
                before = configuration.read(path)
                after = configuration.changed(before, section, key, value)
                configuration.write(path, after)
            except configuration.Unchangeable:
                failure = _("{path} can only be changed by hand.").format(path=path)
            except OSError as error:
                failure = f"{path}: {error.strerror}"
            return before, after, failure

        def written(result: tuple[str, str, str]) -> None:
            before, after, failure = result
            if failure:
                self._written(failure)
                return
            self._service.ask("Reload", None, lambda _values, why: read(before, after, why))

        def read(before: str, after: str, failure: Failure | None) -> None:
            if failure:
                self._workers.run(
                    lambda: configuration.take_back(path, before, after), lambda _done: None
                )
            self._written(str(failure or ""))

        self._workers.run(work, written)

    def _written(self, failure: str) -> None:
        self._fail(failure)
        del self._changes[0]
        if self._changes:
            self._write()

    def _fail(self, text: str) -> None:
        self._failure.set_text(text)
        self._failure.set_visible(bool(text))
