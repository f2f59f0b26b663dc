"""One picture, as large as there is room, and the way through those that were found."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gi.repository import Gdk, GLib, GObject, Gtk, Pango

from lightbox.canvas import Canvas
from lightbox.loading import Loader
from lightbox.words import Words
from texts import _, number

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from typing import Any, Protocol

    from bus.one_picture import OnePicture
    from grid.results import Item
    from lightbox.loading import Shown

    class Pictures(Protocol):
        """What there is to walk through."""

        large: Any  # what is looked at, None at first

        @property
        def items(self) -> Sequence[Item]: ...

        def focus(self, item: Any) -> object:
            """The keys act on this one."""


_SPIN = 200  # milliseconds until it shows that it is busy
_MOVE = 60.0  # pixels at a key
_THUMBNAIL = 256  # pixels of the longer side of a thumbnail
_ENLARGED = 64
_GRAIN = 64  # pixels that sizes are rounded up to


class Lightbox(Gtk.Box):
    """What is shown below the title; `header` is the title."""

    __gtype_name__ = "CsearchLightbox"
    left = GObject.Signal()

    def __init__(self, results: Pictures, service: OnePicture) -> None:
        super().__init__(orientation=Gtk.Orientation.VERTICAL, visible=False)
        self.add_css_class("lightbox")
        self._results = results
        self._loader = Loader(service)
        self._item: Item | None = None
        self._place = 0  # among the results
        self._whole = False  # whether all pixels were asked for
        self._timer = 0
        self.canvas = Canvas()
        self.canvas.connect("zoomed", self._zoomed)
        self.words = Words(service, self.canvas)
        self._percent = Gtk.Label(width_chars=6)
        self._percent.add_css_class("numeric")
        self._percent.set_direction(Gtk.TextDirection.LTR)  # keeps the sign behind the number
        self.header = self._header()
        self._message = Gtk.Label(
            wrap=True,
            justify=Gtk.Justification.CENTER,
            halign=Gtk.Align.CENTER,
            visible=False,
            accessible_role=Gtk.AccessibleRole.ALERT,
        )
        self._message.set_valign(Gtk.Align.CENTER)
        self._message.add_css_class("message")
        self._spinner = Gtk.Spinner(halign=Gtk.Align.CENTER, valign=Gtk.Align.CENTER)
        self._spinner.set_size_request(32, 32)
        overlay = Gtk.Overlay(child=self.canvas)
        self._before = self._arrow("go-previous-symbolic", _("Previous Picture"), -1)
        self._after = self._arrow("go-next-symbolic", _("Next Picture"), 1)
        for part in (self._message, self._spinner, self._before, self._after, self._zoom_buttons()):
            overlay.add_overlay(part)
        self.append(overlay)
        self.append(self.words)

    @property
    def is_open(self) -> bool:
        return self._item is not None

    def open(self, item: Item) -> None:
        items = self._results.items
        if item in items:
            self._show(items, items.index(item))
            self.canvas.grab_focus()

    def leave(self) -> None:
        """Back to the results, where the keys act on the picture that was shown last."""
        item, self._item = self._item, None
        self._results.large = None
        if item is None:
            return
        self._rest()
        self.words.show(b"")
        self.canvas.show(None, (1, 1))
        self._loader.forget()
        self.emit("left")
        items = self._results.items
        if item in items:
            self._results.focus(item)
        elif items:
            self._results.focus(items[min(self._place, len(items) - 1)])

    def close(self) -> None:
        self._item = None
        self.words.close()
        self._rest()
        self.canvas.show(None, (1, 1))
        self._loader.forget()

    def follow(self) -> None:
        """The results are others now. What is looked at stays, unless it has gone."""
        if self._item is None:
            return
        items = self._results.items
        if self._item in items:
            self._place = items.index(self._item)
            self._count(items)
        elif self._results.large is self._item:  # it doesn't match any more
            self._place = min(self._place, len(items))
            self._subtitle.set_text("")
            self._before.set_sensitive(self._place > 0)
            self._after.set_sensitive(self._place < len(items))
        elif items:  # it was moved to the trash, say
            self._show(items, min(self._place, len(items) - 1))
        else:
            self.leave()

    def step(self, by: int) -> None:
        items = self._results.items
        if by > 0 and self._item not in items:  # the next one has its place
            by -= 1
        place = min(max(self._place + by, 0), len(items) - 1)
        if self._item and items and items[place] is not self._item:
            self._show(items, place)

    def key(self, value: int, state: Gdk.ModifierType) -> bool:
        """Does what a key stands for; False for other keys."""
        modifiers = state & Gtk.accelerator_get_default_mod_mask()
        if modifiers & ~Gdk.ModifierType.SHIFT_MASK == Gdk.ModifierType.CONTROL_MASK:
            if act := _WITH_CONTROL.get(value):
                act(self.canvas)
                return True
            if value == Gdk.KEY_c:
                return self.words.copy()
            return False
        in_text = isinstance(self.get_root().get_focus(), Gtk.TextView)
        if modifiers or (in_text and value != Gdk.KEY_Escape):
            return False
        on_button = isinstance(self.get_root().get_focus(), Gtk.Button)
        if value == Gdk.KEY_Escape or (value == Gdk.KEY_space and not on_button):
            self.leave()
            return True
        if (steps := _STEPS.get(value)) is not None:
            self.step(steps)
            return True
        if move := _ARROWS.get(value):
            self._arrow_key(*move)
            return True
        return False

    def _arrow_key(self, right: int, down: int) -> None:
        """An arrow moves an enlarged picture, else it walks."""
        if not self.canvas.is_fitted:
            self.canvas.move(-right * _MOVE, -down * _MOVE)
        elif right:
            backwards = self.get_direction() == Gtk.TextDirection.RTL
            self.step(-right if backwards else right)

    def _header(self) -> Gtk.HeaderBar:
        self._title = Gtk.Label(ellipsize=Pango.EllipsizeMode.MIDDLE, single_line_mode=True)
        self._title.add_css_class("title")
        self._subtitle = Gtk.Label(single_line_mode=True)
        self._subtitle.add_css_class("subtitle")
        titles = Gtk.Box(orientation=Gtk.Orientation.VERTICAL, valign=Gtk.Align.CENTER)
        titles.append(self._title)
        titles.append(self._subtitle)
        header = Gtk.HeaderBar(title_widget=titles, visible=False)
        back = Gtk.Button(icon_name="go-previous-symbolic", tooltip_text=_("Back to the Results"))
        back.update_property([Gtk.AccessibleProperty.LABEL], [_("Back to the Results")])
        back.connect("clicked", lambda _button: self.leave())
        header.pack_start(back)
        return header

    def _arrow(self, icon: str, text: str, by: int) -> Gtk.Button:
        button = Gtk.Button(icon_name=icon, tooltip_text=text, valign=Gtk.Align.CENTER)
        button.set_halign(Gtk.Align.START if by < 0 else Gtk.Align.END)
        button.update_property([Gtk.AccessibleProperty.LABEL], [text])
        for style in ("osd", "circular", "walk"):
            button.add_css_class(style)
        button.connect("clicked", lambda _button: self.step(by))
        return button

    def _zoom_buttons(self) -> Gtk.Box:
        box = Gtk.Box(halign=Gtk.Align.END, valign=Gtk.Align.END, spacing=3)
        box.add_css_class("osd")
        box.add_css_class("zoom")
        less = self._zoom_button("zoom-out-symbolic", _("Smaller"), lambda: self.canvas.zoom(-1))
        more = self._zoom_button("zoom-in-symbolic", _("Larger"), lambda: self.canvas.zoom(1))
        fit = self._zoom_button("zoom-fit-best-symbolic", _("Fit"), self.canvas.fit)
        for part in (less, self._percent, more, fit):
            box.append(part)
        return box

    def _zoom_button(self, icon: str, text: str, act: Callable[[], object]) -> Gtk.Button:
        button = Gtk.Button(icon_name=icon, tooltip_text=text, has_frame=False)
        button.update_property([Gtk.AccessibleProperty.LABEL], [text])
        button.connect("clicked", lambda _button: act())
        return button

    def _show(self, items: Sequence[Item], place: int) -> None:
        item = self._item = self._results.large = items[place]
        self._place = place
        self._rest()
        self._whole = False
        self._title.set_text(item.name)
        self._count(items)
        self.canvas.update_property([Gtk.AccessibleProperty.LABEL], [item.name])
        self._message.set_visible(False)
        self._timer = GLib.timeout_add(_SPIN, self._spin)
        self.canvas.show(item.texture, _likely_size(item.texture))
        near = [items[n].path for n in (place + 1, place - 1) if 0 <= n < len(items)]
        self._loader.want(item.path, self._box(), near, lambda shown: self._loaded(item, shown))
        self._results.focus(item)
        self.words.show(item.path)
        if not self.canvas.has_focus():
            self.canvas.grab_focus()

    def _count(self, items: Sequence[Item]) -> None:
        text = _("{n} of {all}").format(n=number(self._place + 1), all=number(len(items)))
        self._subtitle.set_text(text)
        self._before.set_sensitive(self._place > 0)
        self._after.set_sensitive(self._place < len(items) - 1)

    def _box(self) -> tuple[int, int]:
        """The room for the picture, in pixels of the screen; a little more, so that it needn't be
        decoded anew when the window grows by a few."""
        device = self.canvas.get_scale_factor()
        width, height = self.canvas.get_width() or 960, self.canvas.get_height() or 720
        return -(-width * device // _GRAIN) * _GRAIN, -(-height * device // _GRAIN) * _GRAIN

    def _loaded(self, item: Item, shown: Shown, again: bool = False) -> None:
        if item is not self._item:
            return
        self._rest()
        self._message.set_text(shown.failure)
        self._message.set_visible(bool(shown.failure))
        self.canvas.show(shown.texture, shown.size, again)

    def _zoomed(self, canvas: Canvas) -> None:
        self._percent.set_text(f"{canvas.percent}\u2009%")
        item = self._item
        if item and canvas.is_blurred and not self._whole and not self._spinner_due:
            self._whole = True
            self._loader.whole(item.path, lambda shown: self._loaded(item, shown, again=True))

    @property
    def _spinner_due(self) -> bool:
        """Whether the picture is on its way."""
        return bool(self._timer) or self._spinner.get_spinning()

    def _spin(self) -> bool:
        self._timer = 0
        self._spinner.start()
        return bool(GLib.SOURCE_REMOVE)

    def _rest(self) -> None:
        if self._timer:
            GLib.source_remove(self._timer)
            self._timer = 0
        self._spinner.stop()


def _likely_size(thumbnail: Gdk.Texture | None) -> tuple[int, int]:
    """Of a picture that isn't there yet: its thumbnail fills the window unless it is smaller than
    thumbnails are."""
    if thumbnail is None:
        return 1, 1
    width, height = thumbnail.get_width(), thumbnail.get_height()
    times = _ENLARGED if max(width, height) >= _THUMBNAIL else 1
    return times * width, times * height


def _larger(canvas: Canvas) -> None:
    canvas.zoom(1)


def _smaller(canvas: Canvas) -> None:
    canvas.zoom(-1)


_WITH_CONTROL: dict[int, Callable[[Canvas], object]] = {
    **dict.fromkeys((Gdk.KEY_plus, Gdk.KEY_equal, Gdk.KEY_KP_Add), _larger),
    **dict.fromkeys((Gdk.KEY_minus, Gdk.KEY_KP_Subtract), _smaller),
    **dict.fromkeys((Gdk.KEY_0, Gdk.KEY_KP_0), Canvas.fit),
    **dict.fromkeys((Gdk.KEY_1, Gdk.KEY_KP_1), Canvas.show_pixels),
}
_FAR = 1 << 30
_STEPS = {
    Gdk.KEY_Page_Down: 1,
    Gdk.KEY_Page_Up: -1,
    Gdk.KEY_Home: -_FAR,
    Gdk.KEY_End: _FAR,
}
_ARROWS = {
    Gdk.KEY_Right: (1, 0),
    Gdk.KEY_Left: (-1, 0),
    Gdk.KEY_Down: (0, 1),
    Gdk.KEY_Up: (0, -1),
}
