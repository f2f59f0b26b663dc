"""The words in a picture: boxes where they stand, and their text to select and copy."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gi.repository import Gtk

from texts import _

if TYPE_CHECKING:
    from gi.repository import Gio

    from bus.one_picture import OnePicture
    from bus.service import Values
    from lightbox.canvas import Canvas

_HEIGHT = 132


class Words(Gtk.Box):
    """A panel below the picture on `canvas`."""

    __gtype_name__ = "CsearchWords"

    def __init__(self, service: OnePicture, canvas: Canvas) -> None:
        super().__init__(spacing=6, visible=False)
        self.add_css_class("words")
        self._service = service
        self._canvas = canvas
        self._path = b""
        self._asked: Gio.Cancellable | None = None
        self._lines: list[Values] = []
        self._text = Gtk.TextView(editable=False, wrap_mode=Gtk.WrapMode.WORD_CHAR)
        self._text.set_accepts_tab(False)
        self._text.update_property([Gtk.AccessibleProperty.LABEL], [_("Words in the Picture")])
        self._buffer = self._text.get_buffer()
        self._marking = self._buffer.connect("mark-set", lambda *_: self._mark())
        scrolled = Gtk.ScrolledWindow(child=self._text, hexpand=True)
        scrolled.set_size_request(-1, _HEIGHT)
        self._copy = Gtk.Button(
            icon_name="edit-copy-symbolic",
            tooltip_text=_("Copy All Words"),
            valign=Gtk.Align.START,
        )
        self._copy.update_property([Gtk.AccessibleProperty.LABEL], [_("Copy All Words")])
        self._copy.connect("clicked", lambda _button: self.copy(everything=True))
        self.append(scrolled)
        self.append(self._copy)
        canvas.connect("chosen", self._choose)

    def close(self) -> None:
        """The window is closed."""
        self._stop()
        self._buffer.disconnect(self._marking)

    def show(self, path: bytes) -> None:
        """Asks for the words of a picture, if the panel is open."""
        self._path = path
        self._stop()
        if not self.get_visible() or not path:
            return
        self._say(_("Reading the words…"))
        self._asked = self._service.words(path, self._read)

    def open(self, opened: bool) -> None:
        self.set_visible(opened)
        self.show(self._path)

    def copy(self, everything: bool = False) -> bool:
        """Copies what is selected; False where nothing is."""
        bounds = self._buffer.get_selection_bounds()
        if everything or not bounds:
            bounds = self._buffer.get_bounds()
        if not self.get_visible() or not self._lines:
            return False
        if not (everything or self._buffer.get_has_selection()):
            return False
        text = self._buffer.get_text(*bounds, False)
        self.get_clipboard().set(text)
        return True

    def _stop(self) -> None:
        if self._asked:
            self._asked.cancel()
            self._asked = None
        self._lines = []
        self._canvas.mark(())

    def _read(self, lines: list[Values], failure: str) -> None:
        self._asked = None
        if failure or not lines:
            self._say(failure or _("There are no words in this picture."))
            return
        self._lines = lines
        self._copy.set_sensitive(True)
        self._buffer.set_text("\n".join(line["text"] for line in lines))
        self._buffer.place_cursor(self._buffer.get_start_iter())
        self._mark()

    def _say(self, text: str) -> None:
        self._copy.set_sensitive(False)
        self._buffer.set_text(text)

    def _choose(self, _canvas: Canvas, first: int, last: int) -> None:
        """Selects the lines of some boxes."""
        first, last = sorted((first, last))
        _found, begin = self._buffer.get_iter_at_line(first)
        _found, end = self._buffer.get_iter_at_line(last)
        if not end.ends_line():
            end.forward_to_line_end()
        self._buffer.select_range(begin, end)
        self._text.scroll_to_iter(begin, 0.0, False, 0.0, 0.0)

    def _mark(self) -> None:
        """Shows which boxes have what is selected."""
        bounds = self._buffer.get_selection_bounds()
        marked = range(bounds[0].get_line(), bounds[1].get_line() + 1) if bounds else ()
        if self._lines:
            self._canvas.mark([line["box"] for line in self._lines], marked)
