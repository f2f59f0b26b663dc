"""What is offered below the field while somebody types: saved searches, past queries, and values of
filters."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gi.repository import Gdk, GLib, Gtk, Pango

from texts import _

if TYPE_CHECKING:
    from typing import Any

    from bus.service import Service
    from query.field import Field
    from saved.collection import Collection

_PAUSE = 120  # milliseconds after a key
_REMOVE: bool = GLib.SOURCE_REMOVE
_KINDS = {
    "saved": _("saved search"),
    "query": _("asked before"),
    "filter": _("filter"),
    "near": _("place"),
    "tag": _("tag"),
    "person": _("person"),
    "camera": _("camera"),
}


class Suggestions:
    """The keyboard stays in the field, whose keys are offered to `key` first."""

    def __init__(self, field: Field, service: Service, saved: Collection) -> None:
        self._field = field
        self._service = service
        self._saved = saved
        self._offered: list[dict[str, Any]] = []
        self._timer = 0
        self._list = Gtk.ListBox(focusable=False, can_focus=False)
        self._list.update_property([Gtk.AccessibleProperty.LABEL], [_("Suggestions")])
        self._list.connect("row-activated", lambda _list, row: self._take(row))
        self._popover = Gtk.Popover(autohide=False, has_arrow=False, child=self._list)
        self._popover.set_position(Gtk.PositionType.BOTTOM)
        self._popover.add_css_class("suggestions")
        self._popover.set_parent(field)
        focus = Gtk.EventControllerFocus()
        focus.connect("leave", lambda _focus: self.hide())
        field.add_controller(focus)
        field.connect("changed", self._changed)

    def close(self) -> None:
        self.hide()
        self._popover.unparent()

    def hide(self) -> None:
        if self._timer:
            GLib.source_remove(self._timer)
            self._timer = 0
        self._popover.popdown()

    def key(self, value: int, plain: bool) -> bool:
        """Whether a key is for what is offered; `plain`: without Ctrl and the like."""
        if not plain:
            return False
        if not self._popover.get_visible():
            if value == Gdk.KEY_Down and not self._field.get_text():
                self._ask()  # for what was asked lately
                return True
            return False
        row = self._list.get_selected_row()
        if value in (Gdk.KEY_Down, Gdk.KEY_Up):
            return self._move(1 if value == Gdk.KEY_Down else -1)
        if value in (Gdk.KEY_Return, Gdk.KEY_KP_Enter, Gdk.KEY_Tab) and row:
            self._take(row)
            return True
        if value in (Gdk.KEY_Return, Gdk.KEY_KP_Enter, Gdk.KEY_Tab, Gdk.KEY_Escape):
            self.hide()
            return bool(value == Gdk.KEY_Escape)
        return False

    def _move(self, by: int) -> bool:
        """Chooses the next one; before the first and after the last is none."""
        row = self._list.get_selected_row()
        count = len(self._offered)
        index = (row.get_index() if row else (-1 if by > 0 else count)) + by
        chosen = self._list.get_row_at_index(index) if 0 <= index < count else None
        self._list.select_row(chosen)
        if chosen and hasattr(self._field, "announce"):  # GTK 4.14 and later
            text = self._offered[index]["text"]
            self._field.announce(text, Gtk.AccessibleAnnouncementPriority.MEDIUM)
        return True

    def _changed(self, field: Field) -> None:
        self.hide()
        if not field.is_written and field.get_text():
            self._timer = GLib.timeout_add(_PAUSE, self._ask)

    def _ask(self) -> bool:
        self._timer = 0
        query, position = self._field.get_text(), self._field.get_position()

        def told(offered: list[dict[str, Any]]) -> None:
            if (query, position) == (self._field.get_text(), self._field.get_position()):
                saved = self._saved.called(query)
                named = [{"kind": "saved", "text": one.title, "search": one} for one in saved]
                self._show(named + offered)

        self._service.suggest(query, position, told)
        return _REMOVE

    def _show(self, offered: list[dict[str, Any]]) -> None:
        has_focus = self._field.get_state_flags() & Gtk.StateFlags.FOCUS_WITHIN
        if not offered or not has_focus:
            self.hide()
            return
        self._offered = offered
        while row := self._list.get_first_child():
            self._list.remove(row)
        for one in offered:
            line = Gtk.Box(spacing=12)
            line.append(
                Gtk.Label(
                    label=one["text"], xalign=0, hexpand=True, ellipsize=Pango.EllipsizeMode.END
                )
            )
            kind = Gtk.Label(label=_KINDS.get(one["kind"], ""), xalign=1)
            kind.add_css_class("kind")
            line.append(kind)
            row = Gtk.ListBoxRow(child=line, focusable=False)
            row.update_property([Gtk.AccessibleProperty.LABEL], [one["text"]])
            self._list.append(row)
        self._list.select_row(None)
        self._popover.set_size_request(self._field.get_width(), -1)
        self._popover.popup()

    def _take(self, row: Gtk.ListBoxRow) -> None:
        one = self._offered[row.get_index()]
        if one["kind"] == "saved":
            self.hide()
            self._saved.run(one["search"])
            return
        start, end, text = one["start"], one["end"], one["text"]
        if one["kind"] not in ("query", "filter") and end == len(self._field.get_text()):
            text += " "
        self._field.complete(start, end, text)
        self.hide()
        if one["kind"] == "filter":  # its values
            self._ask()
