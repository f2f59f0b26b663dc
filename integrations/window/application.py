"""The application: one process, a window for each search that was started."""

import os

import gi

from texts import _

gi.require_version("Gdk", "4.0")
gi.require_version("Gtk", "4.0")
from gi.repository import Gdk, Gio, GLib, Gtk  # noqa: E402

try:  # knows whether the desktop is light or dark
    gi.require_version("Adw", "1")
    from gi.repository import Adw

    Base = Adw.Application
except (ImportError, ValueError):
    Base = Gtk.Application

from background import Workers  # noqa: E402
from service import Service  # noqa: E402
from thumbnails import Thumbnails  # noqa: E402
from window import Window  # noqa: E402

NAME = "org.csearch.Window"
_OPENERS = 2  # threads that look at files
_KEYS = {
    "win.find": ["<Control>f", "<Control>l"],
    "win.copy": ["<Control>c"],
    "win.show-in-folder": ["<Control>Return", "<Alt>Return"],
    "win.similar": ["<Control>d"],
    "win.choose-folder": ["<Control>o"],
    "win.everywhere": ["<Control>e"],
    "window.close": ["<Control>w"],
    "app.quit": ["<Control>q"],
}


class Application(Base):
    def __init__(self):
        GLib.set_prgname(NAME)
        GLib.set_application_name(_("Picture Search"))
        super().__init__(application_id=NAME, flags=Gio.ApplicationFlags.HANDLES_COMMAND_LINE)
        self.set_option_context_parameter_string(_("[QUERY]"))
        for name, kind, text, value in (
            ("in", GLib.OptionArg.FILENAME, _("Search below this folder"), _("FOLDER")),
            ("like", GLib.OptionArg.FILENAME_ARRAY, _("Search for pictures like this"), _("FILE")),
        ):
            self.add_main_option(name, 0, GLib.OptionFlags.NONE, kind, text, value)
        self._thumbnails = None
        self._workers = Workers(_OPENERS)

    def do_startup(self):
        Base.do_startup(self)
        self._thumbnails = Thumbnails(Service())
        for name, kind, act in (
            ("search", "s", lambda value: self._open(query=value.unpack())),
            ("search-in", "ay", lambda value: self._open(folder=_path(value))),
            ("similar", "aay", lambda value: self._open(pictures=_paths(value))),
            ("quit", None, lambda value: self.quit()),
        ):
            action = Gio.SimpleAction.new(name, GLib.VariantType(kind) if kind else None)
            action.connect("activate", lambda _action, value, act=act: act(value))
            self.add_action(action)
        for action, keys in _KEYS.items():
            self.set_accels_for_action(action, keys)
        style = Gtk.CssProvider()
        style.load_from_path(os.path.join(os.path.dirname(os.path.abspath(__file__)), "style.css"))
        Gtk.StyleContext.add_provider_for_display(
            Gdk.Display.get_default(), style, Gtk.STYLE_PROVIDER_PRIORITY_APPLICATION
        )

    def do_activate(self):
        self._open()

    def do_command_line(self, line):
        options = line.get_options_dict().end().unpack()
        here = os.fsencode(line.get_cwd() or "/")
        folder = options.get("in")
        words = line.get_arguments()[1:]
        self._open(
            query=" ".join(words),
            folder=_absolute(here, folder) if folder else None,
            pictures=[_named(here, picture) for picture in options.get("like", [])],
        )
        return 0

    def _open(self, query="", folder=None, pictures=()):
        window = Window(self, Service(), self._thumbnails, self._workers)
        window.begin(query, folder, list(pictures))
        window.present()


def _absolute(here, path):
    """`path` (bytes, or what an option had) below `here`."""
    path = bytes(path).rstrip(b"\0") if not isinstance(path, str) else os.fsencode(path)
    return os.path.normpath(os.path.join(here, path))


def _named(here, name):
    """A URL stays what it is."""
    name = bytes(name).rstrip(b"\0") if not isinstance(name, str) else os.fsencode(name)
    return name if b"://" in name else _absolute(here, os.fsdecode(name))


def _path(value):
    return bytes(value.unpack()).rstrip(b"\0")


def _paths(value):
    return [bytes(path).rstrip(b"\0") for path in value.unpack()]
