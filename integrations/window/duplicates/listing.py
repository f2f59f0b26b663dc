"""The groups of a kind, a page at a time."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gi.repository import GObject, Gtk

from duplicates import groups
from duplicates.group_box import GroupBox
from texts import _, ngettext, number

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from duplicates.group_box import Look
    from duplicates.groups import File, Group
    from grid.thumbnails import Thumbnails


class Listing(Gtk.Box):
    """`remove` is emitted with groups whose unwanted pictures are to be moved to the trash."""

    __gtype_name__ = "CsearchDuplicateListing"
    remove = GObject.Signal(arg_types=(object,))

    def __init__(self, thumbnails: Thumbnails, look: Look) -> None:
        super().__init__(orientation=Gtk.Orientation.VERTICAL)
        self._thumbnails = thumbnails
        self._look = look
        self._groups: list[Group] = []
        self._first = 0  # of those on the page
        self._page: list[Group] = []
        self._boxes: list[GroupBox] = []
        self._starts: list[int] = []  # of the pages before this one
        self._rows = Gtk.Box(orientation=Gtk.Orientation.VERTICAL, spacing=18)
        self._rows.add_css_class("duplicates")
        self._scrolled = Gtk.ScrolledWindow(child=self._rows, vexpand=True)
        self._scrolled.set_policy(Gtk.PolicyType.NEVER, Gtk.PolicyType.AUTOMATIC)
        self._range = Gtk.Label(accessible_role=Gtk.AccessibleRole.STATUS)
        self._before = self._turning("go-previous-symbolic", _("Previous Page"), self._back)
        self._after = self._turning("go-next-symbolic", _("Next Page"), self._on)
        self._button = Gtk.Button()
        self._button.add_css_class("destructive-action")
        self._button.connect("clicked", lambda _button: self.emit("remove", self._page))
        bar = Gtk.ActionBar()
        for part in (self._before, self._range, self._after):
            bar.pack_start(part)
        bar.pack_end(self._button)
        self.append(self._scrolled)
        self.append(bar)

    def show(self, found: Sequence[Group]) -> None:
        """These groups, from the first one on."""
        self._first, self._starts = 0, []
        self.follow(found)

    def follow(self, found: Sequence[Group]) -> None:
        """These groups, from about where it was: some have gone or come back."""
        focused = self._focused()
        self._groups = list(found)
        while self._first >= len(self._groups) and self._starts:
            self._first = self._starts.pop()
        self._fill(focused)

    def focus(self, group: Group, file: File) -> None:
        if group in self._page:
            self._boxes[self._page.index(group)].focus(file)

    def _focused(self) -> int | None:
        """The group on the page that has the keyboard."""
        focused = self._rows.get_focus_child()
        return self._boxes.index(focused) if focused in self._boxes else None

    def _fill(self, focused: int | None = None) -> None:
        for group in self._page:
            for file in group.files:
                file.texture = None  # else all pages' would be kept
        for box in self._boxes:
            self._rows.remove(box)
        page = self._page = groups.page(self._groups, self._first)
        self._boxes = [
            GroupBox(group, self._look, lambda one: self.emit("remove", [one]), self._count)
            for group in page
        ]
        for box in self._boxes:
            self._rows.append(box)
            for card in box.cards:
                card.paint(self._thumbnails)
        self._before.set_sensitive(bool(self._starts))
        self._after.set_sensitive(self._first + len(page) < len(self._groups))
        last = self._first + len(page)
        text = _("{first} to {last} of {all}").format(
            first=number(self._first + 1), last=number(last), all=number(len(self._groups))
        )
        self._range.set_text(text)
        if focused is None:
            self._scrolled.get_vadjustment().set_value(0)
        elif self._boxes:
            self._boxes[min(focused, len(self._boxes) - 1)].focus()
        self._count()

    def _count(self) -> None:
        """How many are marked."""
        files = [file for group in self._page for file in group.unwanted]
        text = _("Move the Marked to the Trash")
        if count := len(files):
            text = ngettext(
                "Move {n} Marked Picture to the Trash",
                "Move {n} Marked Pictures to the Trash",
                count,
            ).format(n=number(count))
        self._button.set_label(text)
        self._button.set_sensitive(bool(files))

    def _turning(self, icon: str, text: str, turn: Callable[[], object]) -> Gtk.Button:
        button = Gtk.Button(icon_name=icon, tooltip_text=text)
        button.update_property([Gtk.AccessibleProperty.LABEL], [text])
        button.connect("clicked", lambda _button: turn())
        return button

    def _on(self) -> None:
        self._starts.append(self._first)
        self._first += len(self._page)
        self._fill()

    def _back(self) -> None:
        self._first = self._starts.pop()
        self._fill()
