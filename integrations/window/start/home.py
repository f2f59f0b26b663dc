"""Where to begin, while nothing is asked: pictures to look at, and what to search for."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from gi.repository import Gdk, GLib, Gtk, Pango

from start.wrapping import Wrapping
from texts import _, ngettext

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from bus.service import Values
    from grid.thumbnails import Thumbnails

    Search = Callable[[str], object]  # begins a search with these words
    Open = Callable[[bytes], object]  # opens a picture

_SIDE = 124  # pixels of a picture
_CHARACTERS = 40  # of a past query


class Home(Gtk.ScrolledWindow):
    """A greeting, which may have a button, and below it what `Home` of the service tells."""

    __gtype_name__ = "CsearchHome"

    def __init__(self, thumbnails: Thumbnails, search: Search, open_picture: Open) -> None:
        super().__init__(hscrollbar_policy=Gtk.PolicyType.NEVER)
        self._thumbnails = thumbnails
        self._search = search
        self._open = open_picture
        self._shown: Values = {}
        self._title = Gtk.Label(wrap=True, justify=Gtk.Justification.CENTER)
        self._title.add_css_class("title")
        self._text = Gtk.Label(wrap=True, justify=Gtk.Justification.CENTER, max_width_chars=60)
        self._button = Gtk.Button(halign=Gtk.Align.CENTER, visible=False)
        self._button.add_css_class("pill")
        self._sections = Gtk.Box(orientation=Gtk.Orientation.VERTICAL, spacing=18, margin_top=6)
        box = Gtk.Box(orientation=Gtk.Orientation.VERTICAL, spacing=12)
        box.add_css_class("home")
        for part in (self._title, self._text, self._button, self._sections):
            box.append(part)
        self.set_child(box)

    def greet(self, title: str, text: str, button: tuple[str, str] | None = None) -> None:
        """`button`: what it is called, and the action that it stands for."""
        self._title.set_text(title)
        self._text.set_text(text)
        self._button.set_visible(button is not None)
        if button:
            self._button.set_label(button[0])
            self._button.set_action_name(button[1])

    def fill(self, told: Values) -> None:
        """A part of what the service tells; it may be there already."""
        home = {**self._shown, **told}
        if home == self._shown or self._sections.get_focus_child():  # the keys are there
            return
        self._shown = home
        self._build()

    def _build(self) -> None:
        while child := self._sections.get_first_child():
            self._sections.remove(child)
        home = self._shown
        self._add_chips(_("Recent searches"), [(q, q) for q in home.get("queries", [])])
        self._add_chips(
            _("Often in your pictures"), [(word, word) for word in home.get("words", [])]
        )
        places = [(name, f'near:"{name}"') for name in home.get("places", [])]
        self._add_chips(_("Places"), places)
        for day in home.get("days", []):
            self._add_pictures(_years_ago(day["year"]), day["paths"])
        self._add_pictures(_("Recently added"), home.get("recent", []))

    def _add_chips(self, title: str, chips: Iterable[tuple[str, str]]) -> None:
        """Words, and the queries that they stand for."""
        rows = Wrapping(title)
        for text, query in chips:
            label = Gtk.Label(
                label=text, ellipsize=Pango.EllipsizeMode.END, max_width_chars=_CHARACTERS
            )
            chip = Gtk.Button(child=label)
            chip.add_css_class("suggestion")
            chip.update_property([Gtk.AccessibleProperty.LABEL], [text])
            chip.connect("clicked", lambda _button, query=query: self._search(query))
            rows.append(chip)
        self._add(title, rows)

    def _add_pictures(self, title: str, paths: list[bytes]) -> None:
        rows = Wrapping(title, small=True)
        for path in paths:
            picture = Gtk.Picture(width_request=_SIDE, height_request=_SIDE)
            if hasattr(picture, "set_content_fit"):  # GTK 4.8 and later
                picture.set_content_fit(Gtk.ContentFit.COVER)
            picture.set_overflow(Gtk.Overflow.HIDDEN)
            picture.add_css_class("picture")
            name = GLib.filename_display_basename(os.fsdecode(path))
            button = Gtk.Button(child=picture, has_frame=False, tooltip_text=name)
            button.add_css_class("recent")
            button.update_property([Gtk.AccessibleProperty.LABEL], [name])
            button.connect("clicked", lambda _button, path=path: self._open(path))
            rows.append(button)
            self._want(path, picture)
        self._add(title, rows)

    def _want(self, path: bytes, picture: Gtk.Picture) -> None:
        def ready(texture: Gdk.Texture | None) -> None:
            if texture:
                picture.set_paintable(texture)

        # What was built anew meanwhile has no root any more.
        self._thumbnails.want(
            path, _SIDE * self.get_scale_factor(), lambda: picture.get_root() is not None, ready
        )

    def _add(self, title: str, rows: Wrapping) -> None:
        if not rows.get_first_child():
            return
        section = Gtk.Box(orientation=Gtk.Orientation.VERTICAL, spacing=6)
        heading = Gtk.Label(label=title, xalign=0, accessible_role=Gtk.AccessibleRole.HEADING)
        heading.add_css_class("heading")
        section.append(heading)
        section.append(rows)
        self._sections.append(section)


def _years_ago(year: int) -> str:
    years = GLib.DateTime.new_now_local().get_year() - year
    text = ngettext("On this day, {n} year ago", "On this day, {n} years ago", years)
    return text.format(n=years)
