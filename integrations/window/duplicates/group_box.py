"""A group: its pictures side by side, and a button for those that are not wanted."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gi.repository import Gtk

from accessible_names import call
from duplicates.card import Card
from duplicates.groups import BURST, EXACT
from texts import _, ngettext, number

if TYPE_CHECKING:
    from collections.abc import Callable

    from duplicates.groups import File, Group

    Look = Callable[[Group, File], object]


class GroupBox(Gtk.Box):
    __gtype_name__ = "CsearchGroupBox"

    def __init__(
        self,
        group: Group,
        look: Look,
        remove: Callable[[Group], object],
        marked: Callable[[], object],
    ) -> None:
        """`remove(group)` moves what is marked to the trash; `marked()`: something else is."""
        super().__init__(orientation=Gtk.Orientation.VERTICAL, spacing=6)
        self.add_css_class("group")
        self._group = group
        self._marked = marked
        title = Gtk.Label(label=_title(group), xalign=0, hexpand=True, wrap=True)
        title.add_css_class("heading")
        label = _("Move the Others to the Trash")
        if group.kind == BURST:
            label = _("Move the Marked to the Trash")
        self._button = Gtk.Button(label=label, valign=Gtk.Align.CENTER)
        call(self._button, f"{label}: {group.files[0].name}")
        self._button.connect("clicked", lambda _button: remove(group))
        above = Gtk.Box(spacing=12)
        above.append(title)
        above.append(self._button)
        self.append(above)
        side_by_side = Gtk.Box(spacing=12, halign=Gtk.Align.START)
        self.cards = [self._card(file, look) for file in group.shown]
        for card in self.cards:
            side_by_side.append(card)
        if more := len(group.files) - len(self.cards):
            text = ngettext("and {n} more", "and {n} more", more).format(n=number(more))
            side_by_side.append(Gtk.Label(label=text))
        row = Gtk.ScrolledWindow(child=side_by_side)
        row.set_policy(Gtk.PolicyType.AUTOMATIC, Gtk.PolicyType.NEVER)
        self.append(row)
        self._follow()

    def focus(self, file: File | None = None) -> None:
        """The keyboard to a picture, the first one by default."""
        shown = self._group.shown
        place = shown.index(file) if file in shown else 0
        self.cards[place].button.grab_focus()

    def _card(self, file: File, look: Look) -> Card:
        group = self._group
        marked = file.path in group.marked
        return Card(file, file is group.best, marked, lambda file: look(group, file), self._mark)

    def _mark(self, file: File, marked: bool) -> None:
        change = self._group.marked.add if marked else self._group.marked.discard
        change(file.path)
        self._follow()
        self._marked()

    def _follow(self) -> None:
        group = self._group
        self._button.set_sensitive(bool(group.unwanted))
        text = "" if group.kept else _("One of them has to stay.")
        self._button.set_tooltip_text(text or None)


def _title(group: Group) -> str:
    count = len(group.files)
    if group.kind == EXACT:
        text = ngettext("{n} file of the same picture", "{n} files of the same picture", count)
    elif group.kind == BURST:
        text = ngettext(
            "A burst of {n} different picture", "A burst of {n} different pictures", count
        )
    else:
        text = ngettext("{n} picture, nearly the same", "{n} pictures, nearly the same", count)
    return text.format(n=number(count))
