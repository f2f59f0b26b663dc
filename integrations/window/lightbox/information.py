"""The side panel: what is known of a picture, with words that search for others like that."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gi.repository import GLib, Gtk, Pango

from lightbox import facts
from texts import _

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from bus.one_picture import OnePicture
    from bus.service import Values
    from grid.results import Item
    from lightbox.facts import Word

_WIDTH = 300
_PAUSE = 80  # milliseconds: somebody who walks through pictures doesn't read


class Information(Gtk.ScrolledWindow):
    """`search(word)` is called with what is to be added to the query."""

    __gtype_name__ = "CsearchInformation"

    def __init__(
        self, service: OnePicture, asked: Callable[[], str], search: Callable[[str], object]
    ) -> None:
        super().__init__(width_request=_WIDTH, hexpand=False)
        self.set_policy(Gtk.PolicyType.NEVER, Gtk.PolicyType.AUTOMATIC)
        self.add_css_class("information")
        self.update_property([Gtk.AccessibleProperty.LABEL], [_("Information")])
        self._service = service
        self._asked = asked
        self._search = search
        self._parts = Gtk.Box(orientation=Gtk.Orientation.VERTICAL, spacing=12)
        self.set_child(self._parts)
        self._item: Item | None = None
        self._shown: tuple[Item | None, str] | None = None  # with what was asked
        self._timer = 0

    def show(self, item: Item | None) -> None:
        """Tells of `item` in a moment."""
        shown = item, self._asked()
        if shown == self._shown:
            return
        self._shown = shown
        self._item = item
        if self._timer:
            GLib.source_remove(self._timer)
        self._timer = GLib.timeout_add(_PAUSE, self._ask)

    def close(self) -> None:
        """Tells of no more."""
        self._item = self._shown = None
        if self._timer:
            GLib.source_remove(self._timer)
            self._timer = 0

    def _ask(self) -> bool:
        self._timer = 0
        item = self._item
        if item is None:
            self._tell(None, {})
        else:
            self._service.facts(item.path, lambda known: self._answered(item, known))
        return bool(GLib.SOURCE_REMOVE)

    def _answered(self, item: Item, known: Values) -> None:
        if item is not self._item:
            return
        self._tell(item, known)
        if known:
            query, parts = self._asked(), self._looks
            self._service.looks(item.path, query, lambda known: self._tell_looks(parts, known))

    def _tell(self, item: Item | None, known: Values) -> None:
        while child := self._parts.get_first_child():
            self._parts.remove(child)
        if item is None:
            self._parts.append(_text(_("Nothing is selected.")))
            return
        details = known.get("details") or {}
        self._parts.append(_text(item.name, "title"))
        if title := details.get("title"):
            self._parts.append(_text(title))
        if description := details.get("description"):
            self._parts.append(_text(description))
        if not known:
            self._parts.append(_text(_("Nothing is known of this picture yet.")))
        for name, text, word in facts.told(item.path, details):
            self._add(name, text, [word] if word else [])
        self._add_words(_("Tags"), "tag", known.get("keywords", []))
        self._add_words(_("People"), "person", details.get("people", []))
        self._looks = Gtk.Box(orientation=Gtk.Orientation.VERTICAL, spacing=12)
        self._parts.append(self._looks)
        more = Gtk.Button(label=_("More Like This"), action_name="win.similar")
        self._parts.append(more)

    def _tell_looks(self, parts: Gtk.Box, known: Values) -> None:
        """Adds to `parts` what the picture shows, as far as that can be told."""
        words = [(word, word) for word in map(facts.last, known.get("words", []))]
        self._add(_("Shows"), "", words, parts)
        why = "\n".join(facts.reasons(known.get("why") or {}))
        self._add(_("Why It Was Found"), why, (), parts)

    def _add_words(self, name: str, kind: str, values: Sequence[str]) -> None:
        self._add(name, "", [(value, facts.filter_word(kind, value)) for value in values])

    def _add(
        self, name: str, text: str, words: Sequence[Word], parts: Gtk.Box | None = None
    ) -> None:
        """A heading, what is said below it, and buttons that search, at the end of `parts`."""
        if not (text or words):
            return
        part = Gtk.Box(orientation=Gtk.Orientation.VERTICAL, spacing=2)
        part.append(_text(name, "heading"))
        if text:
            part.append(_text(text))
        if words:
            flow = Gtk.FlowBox(
                selection_mode=Gtk.SelectionMode.NONE, column_spacing=6, row_spacing=6
            )
            flow.set_max_children_per_line(6)
            for label, word in words:
                flow.append(self._chip(label, word))
            child = flow.get_first_child()
            while child:
                child.set_focusable(False)  # the button in it is
                child = child.get_next_sibling()
            part.append(flow)
        (parts or self._parts).append(part)

    def _chip(self, label: str, word: str) -> Gtk.Button:
        shown = Gtk.Label(label=label, ellipsize=Pango.EllipsizeMode.END, max_width_chars=28)
        button = Gtk.Button(child=shown, halign=Gtk.Align.START)
        button.add_css_class("word")
        text = _("Search for {word}").format(word=word)
        button.set_tooltip_text(text)
        button.update_property([Gtk.AccessibleProperty.LABEL], [text])
        button.connect("clicked", lambda _button: self._search(word))
        return button


def _text(text: str, style: str | None = None) -> Gtk.Label:
    label = Gtk.Label(
        label=text, xalign=0, wrap=True, wrap_mode=Pango.WrapMode.WORD_CHAR, selectable=False
    )
    if style:
        label.add_css_class(style)
    return label
