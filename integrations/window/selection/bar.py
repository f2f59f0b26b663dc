"""A bar for what is selected, when that is more than one picture."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gi.repository import Gtk

from texts import _, ngettext, number

if TYPE_CHECKING:
    from grid.results import Results

_LEAST = 2


class SelectionBar(Gtk.Revealer):
    __gtype_name__ = "CsearchSelectionBar"

    def __init__(self, results: Results) -> None:
        super().__init__(transition_type=Gtk.RevealerTransitionType.SLIDE_UP, visible=False)
        self._results = results
        self._allowed = True
        self._label = Gtk.Label(xalign=0, hexpand=True, accessible_role=Gtk.AccessibleRole.STATUS)
        buttons = Gtk.Box(spacing=6)
        for text, icon, action in (
            (_("Open"), "document-open-symbolic", "win.open"),
            (_("Copy"), "edit-copy-symbolic", "win.copy"),
            (_("Copy to…"), "folder-symbolic", "win.copy-to"),
            (_("Find Similar"), "edit-find-symbolic", "win.similar"),
            (_("Tag…"), "bookmark-new-symbolic", "win.tag"),
            (_("Move to Trash"), "user-trash-symbolic", "win.trash"),
        ):
            button = Gtk.Button(icon_name=icon, action_name=action, tooltip_text=text)
            button.update_property([Gtk.AccessibleProperty.LABEL], [text])
            buttons.append(button)
        bar = Gtk.ActionBar()
        bar.pack_start(self._label)
        bar.pack_end(buttons)
        self.set_child(bar)
        results.connect("selection-changed", lambda _results: self.follow())

    def allow(self, allowed: bool) -> None:
        """Whether there is room for it."""
        self._allowed = allowed
        self.follow()

    def follow(self) -> None:
        """Shows how many are selected now."""
        count = len(self._results.chosen())
        shown = self._allowed and count >= _LEAST
        if shown:
            text = ngettext("{n} selected", "{n} selected", count)
            self._label.set_text(text.format(n=number(count)))
            self.set_visible(True)  # hidden, it would still take the keyboard
        self.set_reveal_child(shown)
        if not shown:
            self.set_visible(False)
