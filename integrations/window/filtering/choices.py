"""A list of values of one filter to choose from."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gi.repository import Gdk, Gtk, Pango

from texts import _, number

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from bus.service import Service
    from filtering.filters import Filters

_FEW = 8  # values that need no field to find one
_HEIGHT = 320  # pixels


class Choices(Gtk.Popover):
    """Writes the chosen filter into the query."""

    __gtype_name__ = "CsearchChoices"

    def __init__(
        self,
        what: str,
        service: Service,
        filters: Filters,
        label: Callable[[str], str],
    ) -> None:
        """`label` says a value in the user's words."""
        super().__init__()
        self.add_css_class("choices")
        self._what = what
        self._service = service
        self._filters = filters
        self._label = label
        self._words: list[str] = []
        self._asked = ""
        self._entry = Gtk.SearchEntry(placeholder_text=_("Search"))
        self._entry.connect("changed", lambda _entry: self._ask())
        self._entry.connect("activate", lambda _entry: self._choose(0))
        self._entry.connect("stop-search", lambda _entry: self.popdown())
        keys = Gtk.EventControllerKey(propagation_phase=Gtk.PropagationPhase.CAPTURE)
        keys.connect("key-pressed", self._key)
        self._entry.add_controller(keys)
        self._list = Gtk.ListBox(selection_mode=Gtk.SelectionMode.NONE)
        self._list.connect("row-activated", lambda _list, row: self._choose(row.get_index()))
        self._list.set_placeholder(
            Gtk.Label(label=_("No picture has any."), wrap=True, max_width_chars=24)
        )
        scrolled = Gtk.ScrolledWindow(child=self._list, propagate_natural_height=True)
        scrolled.set_policy(Gtk.PolicyType.NEVER, Gtk.PolicyType.AUTOMATIC)
        scrolled.set_max_content_height(_HEIGHT)
        box = Gtk.Box(orientation=Gtk.Orientation.VERTICAL, spacing=6)
        box.append(self._entry)
        box.append(scrolled)
        box.set_size_request(240, -1)
        self.set_child(box)
        self.connect("show", self._shown)

    def _shown(self, _popover: Gtk.Popover) -> None:
        self._entry.set_visible(False)
        self._entry.set_text("")
        self._ask()

    def _ask(self) -> None:
        self._asked = prefix = self._entry.get_text()

        def told(choices: list[dict[str, Any]]) -> None:
            if prefix == self._asked:
                self._show(prefix, choices)

        self._service.choices(self._what, prefix, told)

    def _show(self, prefix: str, choices: list[dict[str, Any]]) -> None:
        self._words = []
        while row := self._list.get_row_at_index(0):
            self._list.remove(row)
        if self._filters.value((self._what,)) and not prefix:
            self._add(_("Any"), None, "")
        for one in choices:
            self._add(self._label(one["value"]), one["count"], one["word"])
        if len(choices) > _FEW and not prefix:
            self._entry.set_visible(True)
            self._entry.grab_focus()
        elif not self._entry.get_visible():
            self._focus_first()

    def _focus_first(self) -> bool:
        first = self._list.get_row_at_index(0)
        return bool(first and first.grab_focus())

    def _key(
        self, _keys: Gtk.EventControllerKey, value: int, _code: int, _state: Gdk.ModifierType
    ) -> bool:
        return value == Gdk.KEY_Down and self._focus_first()

    def _add(self, text: str, count: int | None, word: str) -> None:
        line = Gtk.Box(spacing=12)
        label = Gtk.Label(label=text, xalign=0, hexpand=True, ellipsize=Pango.EllipsizeMode.MIDDLE)
        label.set_max_width_chars(32)
        line.append(label)
        told = text
        if count is not None:
            counted = Gtk.Label(label=number(count), xalign=1)
            counted.add_css_class("kind")
            line.append(counted)
            told = f"{text}, {count}"
        row = Gtk.ListBoxRow(child=line)
        row.update_property([Gtk.AccessibleProperty.LABEL], [told])
        self._list.append(row)
        self._words.append(word)

    def _choose(self, index: int) -> None:
        if index < len(self._words):
            self.popdown()
            self._filters.put((self._what,), self._words[index])
