"""Help: csearch's own manual, a topic at a time."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gi.repository import Gtk

from bus import commands
from texts import _

if TYPE_CHECKING:
    from bus.service import Service

# Topics of `csearchctl help` that are about searching, and what they are called.
_TOPICS = (
    ("words", _("Describing a picture")),
    ("filters", _("Filters")),
    ("dates", _("Dates")),
    ("places", _("Places")),
    ("names", _("Names and keywords")),
    ("pictures", _("Searching with pictures")),
    ("missing", _("A picture that isn't found")),
    ("formats", _("Which files are read")),
    ("query", _("The whole query language")),
)


class Help(Gtk.Window):
    __gtype_name__ = "CsearchHelp"

    def __init__(self, parent: Gtk.Window, service: Service) -> None:
        super().__init__(title=_("Help"), transient_for=parent, destroy_with_parent=True)
        self.set_default_size(760, 600)
        self._service = service
        self._wanted = ""
        topics = Gtk.DropDown.new_from_strings([name for _topic, name in _TOPICS])
        topics.update_property([Gtk.AccessibleProperty.LABEL], [_("Topic")])
        topics.connect("notify::selected", lambda topics, _p: self._show(topics.get_selected()))
        self.set_titlebar(Gtk.HeaderBar(title_widget=topics))
        self._text = Gtk.TextView(editable=False, monospace=True, cursor_visible=False)
        self._text.set_wrap_mode(Gtk.WrapMode.WORD_CHAR)
        self._text.add_css_class("manual")
        self._text.update_property([Gtk.AccessibleProperty.LABEL], [_("Help")])
        self.set_child(Gtk.ScrolledWindow(child=self._text))
        keys = Gtk.ShortcutController()
        close = Gtk.CallbackAction.new(lambda *_: self.close() or True)
        keys.add_shortcut(Gtk.Shortcut.new(Gtk.ShortcutTrigger.parse_string("Escape"), close))
        self.add_controller(keys)
        self._show(0)

    def _show(self, index: int) -> None:
        topic = self._wanted = _TOPICS[index][0]

        def told(text: str | None) -> None:
            if topic == self._wanted:
                missing = _("The manual can't be shown: the search service does not answer.")
                self._text.get_buffer().set_text(text if text else missing)

        commands.run(self._service, [commands.CONTROL, "help", topic], told)
