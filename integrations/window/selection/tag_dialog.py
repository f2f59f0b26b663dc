"""A word for the pictures that are selected: to add it to their keywords, or to take it back."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gi.repository import Gdk, Gtk

from start.wrapping import Wrapping
from texts import _, ngettext, number

if TYPE_CHECKING:
    from collections.abc import Callable

    from bus.service import Service, Values

_MOST = 8  # words that are offered
_LONGEST = 200  # characters, as the service takes
_SEPARATORS = frozenset(",;|/\t\n")  # between keywords and their levels
_MODES = ("sidecar", "embedded")


class TagDialog(Gtk.Window):
    """`chosen(word, mode, added)` is called when somebody has decided."""

    __gtype_name__ = "CsearchTagDialog"

    def __init__(
        self,
        parent: Gtk.Window,
        count: int,
        service: Service,
        chosen: Callable[[str, str, bool], object],
    ) -> None:
        """For `count` pictures."""
        title = ngettext("Tag {n} Picture", "Tag {n} Pictures", count).format(n=number(count))
        super().__init__(title=title, transient_for=parent, modal=True, resizable=False)
        self.set_default_size(420, -1)
        self._service = service
        self._chosen = chosen
        self._field = Gtk.Entry(placeholder_text=_("A word, such as a place or a name"))
        self._field.update_property([Gtk.AccessibleProperty.LABEL], [_("Word")])
        self._field.set_max_length(_LONGEST)
        self._field.connect("changed", lambda _field: self._changed())
        self._field.connect("activate", lambda _field: self._decide(added=True))
        self._wrong = Gtk.Label(xalign=0, wrap=True, visible=False)
        self._wrong.set_text(_("A word has no comma, semicolon, slash or bar."))
        self._offered = Wrapping(_("Known words"))
        self._mode = Gtk.DropDown.new_from_strings(
            [_("In a file beside the picture (XMP)"), _("In the picture's own file")]
        )
        self._mode.update_property([Gtk.AccessibleProperty.LABEL], [_("Where it is written")])
        box = Gtk.Box(orientation=Gtk.Orientation.VERTICAL, spacing=12)
        box.add_css_class("tagging")
        for part in (self._field, self._wrong, self._offered, self._mode):
            box.append(part)
        self.set_child(box)
        self._add = self._button(_("Add"), added=True)
        self._add.add_css_class("suggested-action")
        self._remove = self._button(_("Remove"), added=False)
        cancel = Gtk.Button(label=_("Cancel"))
        cancel.connect("clicked", lambda _button: self.close())
        header = Gtk.HeaderBar(show_title_buttons=False)
        header.pack_start(cancel)
        header.pack_end(self._add)
        header.pack_end(self._remove)
        self.set_titlebar(header)
        keys = Gtk.EventControllerKey()
        keys.connect("key-pressed", lambda _keys, value, *_: self._key(value))
        self.add_controller(keys)
        self._changed()

    @property
    def _word(self) -> str:
        """What is written; "" where that is none."""
        word: str = self._field.get_text().strip()
        return "" if _SEPARATORS & set(word) else word

    def _button(self, text: str, added: bool) -> Gtk.Button:
        button = Gtk.Button(label=text)
        button.connect("clicked", lambda _button: self._decide(added))
        return button

    def _key(self, value: int) -> bool:
        if value == Gdk.KEY_Escape:
            self.close()
            return True
        return False

    def _changed(self) -> None:
        typed, word = self._field.get_text().strip(), self._word
        self._wrong.set_visible(typed != word)
        for button in (self._add, self._remove):
            button.set_sensitive(bool(word))

        def told(choices: list[Values]) -> None:
            if typed == self._field.get_text().strip():
                self._offer([one["value"] for one in choices[:_MOST] if one["value"] != typed])

        self._service.choices("tag", typed, told)

    def _offer(self, words: list[str]) -> None:
        """Keywords that pictures have already."""
        while child := self._offered.get_first_child():
            self._offered.remove(child)
        for word in words:
            button = Gtk.Button(label=word)
            button.add_css_class("word")
            button.connect("clicked", lambda _button, word=word: self._take(word))
            self._offered.append(button)

    def _take(self, word: str) -> None:
        self._field.set_text(word)
        self._field.set_position(-1)
        self._add.grab_focus()

    def _decide(self, added: bool) -> None:
        if word := self._word:
            mode = _MODES[self._mode.get_selected()]
            self.close()
            self._chosen(word, mode, added)
