"""One saved search in the list."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gi.repository import Gtk, Pango

from bus.reasons import sentence
from texts import _, number

if TYPE_CHECKING:
    from collections.abc import Callable

    from saved.search import Saved


class Row(Gtk.ListBoxRow):
    """Its button calls `menu(row)`."""

    __gtype_name__ = "CsearchSavedRow"

    def __init__(self, search: Saved, menu: Callable[[Row], object]) -> None:
        super().__init__()
        self.search = search
        reason = search.fields.get("reason")
        second = sentence(reason) if reason else search.query
        lines = Gtk.Box(orientation=Gtk.Orientation.VERTICAL, hexpand=True)
        lines.set_valign(Gtk.Align.CENTER)
        lines.append(Gtk.Label(label=search.title, xalign=0, ellipsize=Pango.EllipsizeMode.END))
        if reason:
            below = Gtk.Label(label=second, xalign=0, wrap=True)
            below.set_wrap_mode(Pango.WrapMode.WORD_CHAR)
            below.add_css_class("failure")
        else:
            below = Gtk.Label(label=second, xalign=0, ellipsize=Pango.EllipsizeMode.END)
        below.add_css_class("second")
        if second.strip() and second != search.title:
            lines.append(below)
        line = Gtk.Box(spacing=6)
        line.append(lines)
        name = search.title
        links = search.fields.get("links")
        if links is not None and not reason:
            count = Gtk.Label(label=number(links))
            count.add_css_class("kind")
            line.append(count)
            name = f"{name}, {links}"
        more = Gtk.Button(icon_name="view-more-symbolic", has_frame=False, focusable=False)
        more.set_valign(Gtk.Align.CENTER)
        about = _("Actions for {name}").format(name=search.title)
        more.set_tooltip_text(about)
        more.update_property([Gtk.AccessibleProperty.LABEL], [about])
        more.connect("clicked", lambda _button: menu(self))
        line.append(more)
        self.set_child(line)
        self.set_tooltip_text(second)
        properties = [Gtk.AccessibleProperty.LABEL, Gtk.AccessibleProperty.DESCRIPTION]
        self.update_property(properties, [name, second])
