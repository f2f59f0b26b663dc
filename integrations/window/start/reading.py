"""A thin bar below the header while pictures are read: how far it is, and a button that pauses."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gi.repository import Gtk

from texts import _, ngettext, number

if TYPE_CHECKING:
    from collections.abc import Callable

    from bus.service import Failure, Service, Values
    from start.model import Installation

_FEW = 10  # pictures that are read before anybody has seen the bar
_MINUTE, _HOUR = 60, 3600


class ReadingBar(Gtk.Box):
    """Of pictures, and below it of a model that is being installed."""

    __gtype_name__ = "CsearchReadingBar"

    def __init__(self, service: Service) -> None:
        super().__init__(orientation=Gtk.Orientation.VERTICAL)
        self._service = service
        self._paused = False
        self._leave: Callable[[], None] | None = None  # stops following an installation
        self._reading = _Line(_("Reading pictures"))
        self._button = Gtk.Button(valign=Gtk.Align.CENTER)
        self._button.connect("clicked", lambda _button: self.pause(not self._paused))
        self._reading.line.append(self._button)
        self._model = _Line(_("Installing a model"))
        for line in (self._reading, self._model):
            self.append(line)

    def show(self, status: Values) -> None:
        """What the service says of itself."""
        images, pending = status.get("images", 0), status.get("pending", 0)
        self._paused = status.get("state") == "paused"
        self._reading.set_visible(bool(pending) and (self._paused or pending > _FEW))
        self._reading.fraction(images / max(1, images + pending))
        self._button.set_label(_("Resume") if self._paused else _("Pause"))
        self._reading.text(_told(images, pending, status.get("remaining"), self._paused))

    def pause(self, paused: bool) -> None:
        def done(_values: object, failure: Failure | None) -> None:
            if not failure:
                self._service.status(self.show)

        self._service.ask("Pause" if paused else "Resume", None, done)

    def follow(self, installation: Installation) -> None:
        def told(fraction: float | None, text: str, _ended: bool) -> None:
            self._model.set_visible(bool(text))
            self._model.fraction(fraction)
            self._model.text(text)

        self.leave()
        self._leave = installation.tell(told)

    def leave(self) -> None:
        """Tells no more of the installation."""
        if self._leave:
            self._leave()
            self._leave = None


class _Line(Gtk.Box):
    __gtype_name__ = "CsearchReadingLine"

    def __init__(self, what: str) -> None:
        super().__init__(orientation=Gtk.Orientation.VERTICAL, visible=False)
        self._bar = Gtk.ProgressBar()
        self._bar.add_css_class("osd")
        self._bar.update_property([Gtk.AccessibleProperty.LABEL], [what])
        self._label = Gtk.Label(xalign=0, hexpand=True, wrap=True)
        self._label.add_css_class("numeric")
        self.line = Gtk.Box(spacing=12)
        self.line.add_css_class("reading")
        self.line.append(self._label)
        self.append(self._bar)
        self.append(self.line)

    def fraction(self, fraction: float | None) -> None:
        self._bar.set_visible(fraction is not None)
        self._bar.set_fraction(fraction or 0)

    def text(self, text: str) -> None:
        if self._label.get_text() != text:
            self._label.set_text(text)


def _told(images: int, pending: int, seconds: int | None, paused: bool) -> str:
    text = ngettext(
        "{n} picture is still to be looked at.", "{n} pictures are still to be looked at.", pending
    ).format(n=number(pending))
    if paused:
        return _("Reading is paused.") + " " + text
    if images:
        text = _("{done} of {total} pictures read").format(
            done=number(images), total=number(images + pending)
        )
    return f"{text} · {_left(seconds)}" if seconds else text


def _left(seconds: int) -> str:
    if seconds < _MINUTE:
        return _("less than a minute left")
    if seconds < 2 * _HOUR:
        minutes = round(seconds / _MINUTE)
        return ngettext("{n} minute left", "{n} minutes left", minutes).format(n=minutes)
    hours = round(seconds / _HOUR)
    return ngettext("{n} hour left", "{n} hours left", hours).format(n=hours)
