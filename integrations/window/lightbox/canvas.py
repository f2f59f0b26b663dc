"""Draws one picture: fitted, or enlarged and moved by hand; and boxes around its words."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import gi

gi.require_version("Graphene", "1.0")
gi.require_version("Gsk", "4.0")
from gi.repository import Gdk, GLib, GObject, Graphene, Gsk, Gtk  # noqa: E402

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence
    from typing import TypeAlias

    # Four corners x, y clockwise from the text's top left, 0 to 1 of the picture.
    Quad: TypeAlias = Sequence[float]

_STEP = 1.25  # of the zoom
_LARGEST = 20.0  # device pixels for one of the picture's
_LINE = 2.0  # of a box
_ROUND = 3.0
_FAINT, _CLEAR = 0.18, 0.45  # how much of a box's colour is in it


class Canvas(Gtk.Widget):
    """`scale` is in pixels of the layout for one of the picture's."""

    __gtype_name__ = "CsearchCanvas"
    zoomed = GObject.Signal()
    # Boxes are chosen by pressing at one (first) and releasing at another (last).
    chosen = GObject.Signal(arg_types=(int, int))

    def __init__(self) -> None:
        super().__init__(
            hexpand=True, vexpand=True, focusable=True, accessible_role=Gtk.AccessibleRole.IMG
        )
        self.set_overflow(Gtk.Overflow.HIDDEN)
        self._texture: Gdk.Texture | None = None
        self._size = (1, 1)
        self._zoom: float | None = None  # None: fitted
        self._centre = (0.5, 0.5)  # what is in the middle, 0 to 1 of the picture
        self._boxes: Sequence[Quad] = ()
        self._marked: Collection[int] = ()
        self._pointer = (0.0, 0.0)
        self._listen()

    def _listen(self) -> None:
        motion = Gtk.EventControllerMotion()
        motion.connect("motion", self._moved)
        self.add_controller(motion)
        scroll = Gtk.EventControllerScroll(flags=Gtk.EventControllerScrollFlags.VERTICAL)
        scroll.connect("scroll", self._scrolled)
        self.add_controller(scroll)
        drag = Gtk.GestureDrag()
        drag.connect("drag-begin", self._drag_began)
        drag.connect("drag-update", self._dragged)
        self.add_controller(drag)
        pinch = Gtk.GestureZoom()
        pinch.connect("begin", self._pinch_began)
        pinch.connect("scale-changed", self._pinched)
        self.add_controller(pinch)

    def show(self, texture: Gdk.Texture | None, size: tuple[int, int], again: bool = False) -> None:
        """Shows a picture that has `size` pixels, of which the texture may have fewer. `again`:
        the same picture as before, whose part in sight stays there."""
        if again and self._zoom:
            self._zoom *= self._size[0] / size[0]
        elif not again:
            self._zoom, self._centre = None, (0.5, 0.5)
        self._texture, self._size = texture, size
        self.queue_draw()
        self.emit("zoomed")

    def mark(self, boxes: Sequence[Quad], marked: Collection[int] = ()) -> None:
        """Draws boxes; those of the numbers `marked` more clearly."""
        self._boxes, self._marked = boxes, marked
        self.queue_draw()

    @property
    def is_fitted(self) -> bool:
        return self._zoom is None

    @property
    def is_blurred(self) -> bool:
        """Whether the texture has fewer pixels than the picture has here on the screen."""
        if self._texture is None:
            return False
        shown = self._size[0] * self.scale * self.get_scale_factor()
        return bool(self._texture.get_width() < min(self._size[0], 0.98 * shown))

    @property
    def scale(self) -> float:
        return self._zoom or self._fitting

    @property
    def percent(self) -> int:
        percent: int = round(100 * self.scale * self.get_scale_factor())
        return percent

    @property
    def _fitting(self) -> float:
        width, height = max(1, self.get_width()), max(1, self.get_height())
        whole: float = min(width / self._size[0], height / self._size[1])
        return min(whole, 1.0 / int(self.get_scale_factor()))

    def fit(self) -> None:
        self._set(None)

    def show_pixels(self) -> None:
        """One pixel of the picture for one of the screen."""
        self._set(1 / self.get_scale_factor())

    def zoom(self, steps: float, at: tuple[float, float] | None = None) -> None:
        """Enlarges around a point of the widget, by default its middle."""
        self._set(self.scale * _STEP**steps, at)

    def _set(self, zoom: float | None, at: tuple[float, float] | None = None) -> None:
        x, y = at or (self.get_width() / 2, self.get_height() / 2)
        before = self._to_picture(x, y)
        if zoom is not None:
            largest = _LARGEST / self.get_scale_factor()
            zoom = min(zoom, largest)
            if zoom <= self._fitting:  # what fits is in the middle
                zoom = None
        self._zoom = zoom
        if zoom is None:
            self._centre = (0.5, 0.5)
        else:
            now = self._to_picture(x, y)
            self._move(before[0] - now[0], before[1] - now[1])
        self.queue_draw()
        self.emit("zoomed")

    def move(self, x: float, y: float) -> None:
        """Moves the picture by pixels of the layout."""
        self._move(-x / (self.scale * self._size[0]), -y / (self.scale * self._size[1]))
        self.queue_draw()

    def _move(self, x: float, y: float) -> None:
        """Moves what is in sight, no further than to the picture's edges."""
        sides = self.get_width(), self.get_height()
        centre = []
        for place, by, side, pixels in zip(self._centre, (x, y), sides, self._size, strict=True):
            half = min(0.5, side / (2 * self.scale * pixels))
            centre.append(min(max(place + by, half), 1 - half))
        self._centre = (centre[0], centre[1])

    def _corner(self) -> tuple[float, float, float, float]:
        """Where the picture is: x, y, width, height."""
        width, height = self._size[0] * self.scale, self._size[1] * self.scale
        x = self.get_width() / 2 - self._centre[0] * width
        y = self.get_height() / 2 - self._centre[1] * height
        return x, y, width, height

    def _to_picture(self, x: float, y: float) -> tuple[float, float]:
        left, top, width, height = self._corner()
        return (x - left) / width, (y - top) / height

    def do_measure(self, _orientation: Gtk.Orientation, _size: int) -> tuple[int, int, int, int]:
        return 0, 0, -1, -1

    def do_size_allocate(self, _width: int, _height: int, _baseline: int) -> None:
        if self._zoom:
            self._move(0, 0)  # the edges may have come into sight
        # What follows may change sizes, which has to wait until all have theirs.
        GLib.idle_add(self.emit, "zoomed")

    def do_snapshot(self, snapshot: Gtk.Snapshot) -> None:
        if self._texture is None or not self.get_width() or not self.get_height():
            return
        x, y, width, height = self._corner()
        device = self.get_scale_factor()
        # On whole pixels of the screen: it would be blurred between them.
        x, y = round(x * device) / device, round(y * device) / device
        area = Graphene.Rect().init(x, y, width, height)
        if hasattr(snapshot, "append_scaled_texture"):  # GTK 4.10 and later
            enlarged = self.scale * device >= 2
            sampling = Gsk.ScalingFilter.NEAREST if enlarged else Gsk.ScalingFilter.TRILINEAR
            snapshot.append_scaled_texture(self._texture, sampling, area)
        else:
            snapshot.append_texture(self._texture, area)
        if self._boxes:
            self._draw_boxes(snapshot, (x, y, width, height))

    def _draw_boxes(self, snapshot: Gtk.Snapshot, place: tuple[float, float, float, float]) -> None:
        known, colour = self.get_style_context().lookup_color("theme_selected_bg_color")
        if not known:
            colour = self.get_style_context().get_color()
        for number, quad in enumerate(self._boxes):
            x, y, across, down, angle = _placed(quad, place)
            snapshot.save()
            snapshot.translate(Graphene.Point().init(x, y))
            snapshot.rotate(angle)
            area = Graphene.Rect().init(-_LINE, -_LINE, across + 2 * _LINE, down + 2 * _LINE)
            frame = Gsk.RoundedRect()
            frame.init_from_rect(area, _ROUND)
            filling = colour.copy()
            filling.alpha = _CLEAR if number in self._marked else _FAINT
            snapshot.push_rounded_clip(frame)
            snapshot.append_color(filling, area)
            snapshot.pop()
            snapshot.append_border(frame, [_LINE] * 4, [colour] * 4)
            snapshot.restore()

    def _box_at(self, x: float, y: float) -> int | None:
        place = self._corner()
        for number, quad in enumerate(self._boxes):
            left, top, across, down, angle = _placed(quad, place)
            turn = math.radians(angle)
            right = (x - left) * math.cos(turn) + (y - top) * math.sin(turn)
            below = (y - top) * math.cos(turn) - (x - left) * math.sin(turn)
            if 0 <= right <= across and 0 <= below <= down:
                return number
        return None

    def _moved(self, _motion: Gtk.EventControllerMotion, x: float, y: float) -> None:
        self._pointer = (x, y)
        over = self._box_at(x, y) is not None
        self.set_cursor_from_name("text" if over else None if self.is_fitted else "grab")

    def _scrolled(self, _scroll: Gtk.EventControllerScroll, _x: float, y: float) -> bool:
        self.zoom(-y, self._pointer)
        return True

    def _drag_began(self, _drag: Gtk.GestureDrag, x: float, y: float) -> None:
        self.grab_focus()
        self._last = (0.0, 0.0)
        self._first_box = self._box_at(x, y)
        if self._first_box is not None:
            self.emit("chosen", self._first_box, self._first_box)

    def _dragged(self, drag: Gtk.GestureDrag, x: float, y: float) -> None:
        if self._first_box is None:
            self.move(x - self._last[0], y - self._last[1])
            self._last = (x, y)
            return
        _known, begun_x, begun_y = drag.get_start_point()
        here = self._box_at(begun_x + x, begun_y + y)
        if here is not None:
            self.emit("chosen", self._first_box, here)

    def _pinch_began(self, _pinch: Gtk.GestureZoom, _sequence: Gdk.EventSequence | None) -> None:
        self._pinched_from = self.scale

    def _pinched(self, pinch: Gtk.GestureZoom, factor: float) -> None:
        known, x, y = pinch.get_bounding_box_center()
        self._set(self._pinched_from * factor, (x, y) if known else None)


def _placed(
    quad: Quad, place: tuple[float, float, float, float]
) -> tuple[float, float, float, float, float]:
    """A box in the widget: its first corner, how far it goes along the text and down, and the angle
    of the text in degrees."""
    x, y, width, height = place
    corners = [(x + quad[n] * width, y + quad[n + 1] * height) for n in range(0, 8, 2)]
    (left, top), (right, level), _, (under, bottom) = corners
    along, down = math.hypot(right - left, level - top), math.hypot(under - left, bottom - top)
    return left, top, along, down, math.degrees(math.atan2(level - top, right - left))
