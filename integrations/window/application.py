"""The application: one process, a window for each search that was started."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import gi

from texts import _, ngettext, number

gi.require_version("Gdk", "4.0")
gi.require_version("Gtk", "4.0")
from gi.repository import Gdk, Gio, GLib, Gtk  # noqa: E402

try:  # knows whether the desktop is light or dark
    gi.require_version("Adw", "1")
    from gi.repository import Adw as Toolkit
except (ImportError, ValueError):
    Toolkit = Gtk

from background import Workers  # noqa: E402
from bus.service import Service, path  # noqa: E402
from duplicates.review import Review  # noqa: E402
from grid.thumbnails import Thumbnails  # noqa: E402
from lightbox import viewer  # noqa: E402
from query.remembering import Remembering  # noqa: E402
from window import Window  # noqa: E402

if TYPE_CHECKING:
    from collections.abc import Sequence

    from start.model import Installation

NAME = "org.csearch.Window"
_OPENERS = 2  # threads that look at files
_READ = "reading-ended"  # the notification's name
_NOTIFIED = 600  # seconds in which a click finds us, on desktops that don't start us for it
_KEYS = {
    "win.find": ["<Control>f", "<Control>l"],
    "win.copy": ["<Control>c"],
    "win.show-in-folder": ["<Control>Return"],
    "win.properties": ["<Alt>Return"],
    "win.similar": ["<Control>d"],
    "win.larger": ["<Control>plus", "<Control>equal", "<Control>KP_Add"],
    "win.smaller": ["<Control>minus", "<Control>KP_Subtract"],
    "win.usual-size": ["<Control>0", "<Control>KP_0"],
    "win.filters": ["<Control><Shift>f"],
    "win.choose-folder": ["<Control>o"],
    "win.everywhere": ["<Control>e"],
    "window.close": ["<Control>w"],
    "app.quit": ["<Control>q"],
}


class Application(Toolkit.Application):
    def __init__(self) -> None:
        GLib.set_prgname(NAME)
        GLib.set_application_name(_("Picture Search"))
        flags = Gio.ApplicationFlags.HANDLES_COMMAND_LINE | Gio.ApplicationFlags.HANDLES_OPEN
        super().__init__(application_id=NAME, flags=flags)
        self.set_option_context_parameter_string(_("[QUERY]"))
        for name, kind, text, value in (
            ("in", GLib.OptionArg.FILENAME, _("Search below this folder"), _("FOLDER")),
            ("saved", GLib.OptionArg.FILENAME, _("Ask a saved search"), _("NAME")),
            ("like", GLib.OptionArg.FILENAME_ARRAY, _("Search for pictures like this"), _("FILE")),
        ):
            self.add_main_option(name, 0, GLib.OptionFlags.NONE, kind, text, value)
        for name, text in (
            ("add-folder", _("Choose a folder to search in")),
            ("duplicates", _("Look through pictures that are there more than once")),
            ("preferences", _("Show the preferences")),
        ):
            none = GLib.OptionArg.NONE
            self.add_main_option(name, 0, GLib.OptionFlags.NONE, none, text, None)
        self._aside: Service | None = None  # for what must not hold up a window's own searches
        self._thumbnails: Thumbnails | None = None
        self._workers = Workers(_OPENERS)
        # Of a better model, which the windows show the progress of.
        self.installation: Installation | None = None

    def do_startup(self) -> None:
        Toolkit.Application.do_startup(self)
        self._aside = Service()
        self._thumbnails = Thumbnails(self._aside)
        for name, kind, act in (
            ("search", "s", lambda value: self._open(query=value.unpack())),
            ("search-in", "ay", lambda value: self._open(folder=path(value))),
            ("similar", "aay", lambda value: self._open(pictures=list(map(path, _all(value))))),
            # Those of the launcher, with which nothing is searched for yet:
            ("new-search", None, lambda value: self._open()),
            ("add-folder", None, lambda value: self._show("win.add-folder")),
            ("preferences", None, lambda value: self._show("win.preferences")),
            ("reading-ended", "x", lambda value: self._tell_of_reading(value.unpack())),
            ("duplicates", None, lambda value: self._review()),
            ("quit", None, lambda value: self.quit()),
        ):
            action = Gio.SimpleAction.new(name, GLib.VariantType(kind) if kind else None)
            action.connect("activate", lambda _action, value, act=act: act(value))
            self.add_action(action)
        for action, keys in {**_KEYS, **viewer.KEYS, **_walking_keys()}.items():
            self.set_accels_for_action(action, keys)
        style = Gtk.CssProvider()
        style.load_from_path(os.path.join(os.path.dirname(os.path.abspath(__file__)), "style.css"))
        Gtk.StyleContext.add_provider_for_display(
            Gdk.Display.get_default(), style, Gtk.STYLE_PROVIDER_PRIORITY_APPLICATION
        )

    def do_activate(self) -> None:
        self._open()

    def do_open(self, files: Sequence[Gio.File], *_: object) -> None:
        """Searches for pictures like those that are opened with this application."""
        paths = [file.get_path() or file.get_uri() for file in files]
        self._open(pictures=list(map(os.fsencode, paths)))

    def do_command_line(self, line: Gio.ApplicationCommandLine) -> int:
        options = line.get_options_dict()
        if options.contains("duplicates"):
            self._review()
            return 0
        for name in ("add-folder", "preferences"):
            if options.contains(name):
                self._show(f"win.{name}")
                return 0
        here = os.fsencode(line.get_cwd() or "/")
        folder = options.lookup_value("in", GLib.VariantType("ay"))
        like = options.lookup_value("like", GLib.VariantType("aay"))
        saved = options.lookup_value("saved", GLib.VariantType("ay"))
        self._open(
            query=" ".join(line.get_arguments()[1:]),
            folder=_absolute(here, path(folder)) if folder else None,
            pictures=[_named(here, path(picture)) for picture in (_all(like) if like else [])],
            saved=path(saved) if saved else b"",
        )
        return 0

    def _show(self, action: str) -> None:
        """Does what is in a window's menu, in the one that was used last, or a new one."""
        if not any(isinstance(window, Window) for window in self.get_windows()):
            self._open()
        window = next(window for window in self.get_windows() if isinstance(window, Window))
        window.present()
        window.activate_action(action, None)

    def _tell_of_reading(self, images: int) -> None:
        """The service has read pictures for long. An open window shows that anyway."""
        if self.get_windows():
            return
        notification = Gio.Notification.new(_("Your Pictures Have Been Read"))
        text = ngettext(
            "{n} picture can be found by describing it.",
            "{n} pictures can be found by describing them.",
            images,
        )
        notification.set_body(text.format(n=number(images)))
        notification.set_icon(Gio.ThemedIcon.new(NAME))
        notification.set_default_action("app.new-search")
        self.send_notification(_READ, notification)
        self.hold()
        GLib.timeout_add_seconds(_NOTIFIED, self.release)

    def _open(
        self,
        query: str = "",
        folder: bytes | None = None,
        pictures: Sequence[bytes] = (),
        saved: bytes = b"",
    ) -> None:
        assert self._aside and self._thumbnails, "it is started before it is activated"
        self.withdraw_notification(_READ)
        remembering = Remembering(self._aside)
        window = Window(self, Service(), remembering, self._thumbnails, self._workers)
        window.begin(query, folder, list(pictures))
        if saved:
            window.saved.await_search(saved)
        window.present()

    def _review(self) -> None:
        """Shows what there is more than once."""
        assert self._thumbnails, "an application is started before its actions are"
        there = (window for window in self.get_windows() if isinstance(window, Review))
        review = next(there, None)
        if review is None:
            review = Review(self, Service(), self._thumbnails, self._workers)
        review.present()


def _walking_keys() -> dict[str, list[str]]:
    """Back is where lines begin."""
    back, forward = "<Alt>Left", "<Alt>Right"
    if Gtk.Widget.get_default_direction() == Gtk.TextDirection.RTL:
        back, forward = forward, back
    return {"win.back": [back, "Back"], "win.forward": [forward, "Forward"]}


def _absolute(here: bytes, name: bytes) -> bytes:
    return os.path.normpath(os.path.join(here, name))


def _named(here: bytes, name: bytes) -> bytes:
    """A URL stays what it is."""
    return name if b"://" in name else _absolute(here, name)


def _all(array: GLib.Variant) -> list[GLib.Variant]:
    return [array.get_child_value(index) for index in range(array.n_children())]
