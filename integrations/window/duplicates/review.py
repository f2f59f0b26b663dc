"""The window in which copies, nearly the same pictures and bursts are looked through."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gi.repository import Gdk, Gio, GLib, Gtk

from bus.one_picture import OnePicture
from duplicates import groups, removal
from duplicates.groups import BURST, EXACT, KINDS, NEAR, Group
from duplicates.listing import Listing
from freeing import free
from lightbox.lightbox import Lightbox
from pages.messages import Message, absent
from selection import trash
from selection.undoing import Undoing
from texts import _, ngettext, number

if TYPE_CHECKING:
    from background import Workers
    from bus.service import Failure, Service, Values
    from duplicates.groups import File
    from grid.thumbnails import Thumbnails
    from selection.trash import Done

_NAMES = {EXACT: _("The Same"), NEAR: _("Nearly the Same"), BURST: _("Bursts")}
_BAR = 48  # pixels below the groups, which the notice leaves free


class _Looked:
    """The group whose pictures are looked at, for the lightbox."""

    def __init__(self, listing: Listing) -> None:
        self._listing = listing
        self.group: Group | None = None
        self.large: File | None = None

    @property
    def items(self) -> list[File]:
        return self.group.shown if self.group else []

    def focus(self, file: File) -> None:
        if self.group:
            self._listing.focus(self.group, file)


class Review(Gtk.ApplicationWindow):
    __gtype_name__ = "CsearchDuplicates"

    def __init__(
        self,
        application: Gtk.Application,
        service: Service,
        thumbnails: Thumbnails,
        workers: Workers,
    ) -> None:
        super().__init__(application=application, title=_("Duplicates"))
        self.set_default_size(960, 720)
        self.set_icon_name("org.csearch.Window")
        self._service = service
        self._workers = workers
        self._groups: list[Group] = []
        self._kind = EXACT
        self._unsigned = 0  # pictures that can't be compared yet
        self._closed = False
        self._moving = False  # some to the trash
        self._undoing = Undoing(self)
        self._listing = Listing(thumbnails, self._look)
        self._listing.connect("remove", lambda _listing, some: self._remove(some))
        self._looked = _Looked(self._listing)
        self._lightbox = Lightbox(self._looked, OnePicture(service, workers))
        self._lightbox.connect("left", lambda _lightbox: self._turn(False))
        self._build()
        again = Gio.SimpleAction.new("try-again", None)
        again.connect("activate", lambda *_: self._compare())
        self.add_action(again)
        keys = Gtk.EventControllerKey(propagation_phase=Gtk.PropagationPhase.CAPTURE)
        keys.connect("key-pressed", lambda _keys, value, _code, state: self._key(value, state))
        self.add_controller(keys)
        self._listening = service.listen("Groups", self._take)
        self.connect("close-request", self._close)
        self._compare()

    def _build(self) -> None:
        self._kinds = {kind: Gtk.ToggleButton(label=_NAMES[kind]) for kind in KINDS}
        choice = Gtk.Box()
        choice.add_css_class("linked")
        for kind, button in self._kinds.items():
            if kind != EXACT:
                button.set_group(self._kinds[EXACT])
            choice.append(button)
        self._kinds[EXACT].set_active(True)
        for kind, button in self._kinds.items():
            button.connect("toggled", self._choose, kind)
        self._header = Gtk.HeaderBar(title_widget=choice)
        again = Gtk.Button(icon_name="view-refresh-symbolic", action_name="win.try-again")
        again.set_tooltip_text(_("Compare Again"))
        again.update_property([Gtk.AccessibleProperty.LABEL], [_("Compare Again")])
        self._header.pack_start(again)
        self._spinner = Gtk.Spinner(halign=Gtk.Align.CENTER, valign=Gtk.Align.CENTER)
        self._spinner.set_size_request(48, 48)
        self._message = Message()
        waiting = Gtk.Box(orientation=Gtk.Orientation.VERTICAL, valign=Gtk.Align.CENTER)
        waiting.append(self._spinner)
        label = Gtk.Label(accessible_role=Gtk.AccessibleRole.STATUS, margin_top=12)
        label.set_text(_("Comparing pictures…"))
        waiting.append(label)
        self._pages = Gtk.Stack(vexpand=True)
        for name, part in (
            ("waiting", waiting),
            ("message", self._message),
            ("groups", self._listing),
            ("picture", self._lightbox),
        ):
            self._pages.add_named(part, name)
        self._titles = Gtk.Stack()
        self._titles.add_named(self._header, "groups")
        self._titles.add_named(self._lightbox.header, "picture")
        self._undoing.notice.set_margin_bottom(_BAR)
        overlay = Gtk.Overlay(child=self._pages)
        overlay.add_overlay(self._undoing.notice)
        self.set_titlebar(self._titles)
        self.set_child(overlay)

    def _compare(self) -> None:
        """Asks for the groups anew."""
        self.lookup_action("try-again").set_enabled(False)
        self._groups = []
        self._lightbox.leave()
        self._spinner.start()
        self._pages.set_visible_child_name("waiting")
        self._service.ask("Duplicates", GLib.Variant("(a{sv})", ({},)), self._answered)

    def _take(self, part: list[Values]) -> None:
        """Some groups, which come before the answer."""
        self._groups += [Group(told) for told in part]

    def _answered(self, result: Values | None, failure: Failure | None) -> None:
        if self._closed:
            return
        self._spinner.stop()
        self.lookup_action("try-again").set_enabled(True)
        if result is None or failure:
            self._groups = []
            title = _("The pictures can't be compared")
            again = (_("Try Again"), "win.try-again")
            parts = ("dialog-warning-symbolic", title, str(failure), again)
            self._message.show(*(absent() if failure and failure.absent else parts))
            self._pages.set_visible_child_name("message")
            return
        self._unsigned = result.get("unsigned", 0)
        for kind in KINDS:
            if groups.of_kind(self._groups, kind):
                self._kind = kind
                self._kinds[kind].set_active(True)
                break
        self._show(anew=True)

    def _choose(self, button: Gtk.ToggleButton, kind: str) -> None:
        if button.get_active() and kind != self._kind:
            self._kind = kind
            self._show(anew=True)

    def _show(self, anew: bool = False) -> None:
        """The groups of the kind that is chosen; `anew`: from the first one on."""
        if self._closed or self._spinner.get_spinning():  # they are compared anew
            return
        for kind, button in self._kinds.items():
            count = len(groups.of_kind(self._groups, kind))
            button.set_label(f"{_NAMES[kind]} ({number(count)})")
        found = groups.of_kind(self._groups, self._kind)
        (self._listing.show if anew else self._listing.follow)(found)
        if not found:
            self._message.show("emblem-ok-symbolic", _none(self._kind), self._uncompared())
        if not self._lightbox.is_open:
            self._pages.set_visible_child_name("groups" if found else "message")

    def _uncompared(self) -> str:
        """What is left to compare; "" for nothing."""
        if not self._unsigned:
            return ""
        return ngettext(
            "{n} picture has to be read again before it can be compared.",
            "{n} pictures have to be read again before they can be compared.",
            self._unsigned,
        ).format(n=number(self._unsigned))

    def _look(self, group: Group, file: File) -> None:
        self._looked.group = group
        self._turn(True)
        self._lightbox.open(file)

    def _turn(self, to_picture: bool) -> None:
        # Assistive technology would find what is on the other page of a stack.
        for part in (self._lightbox, self._lightbox.header):
            part.set_visible(to_picture)
        self._titles.set_visible_child_name("picture" if to_picture else "groups")
        self._pages.set_visible_child_name("picture" if to_picture else "groups")

    def _key(self, value: int, state: Gdk.ModifierType) -> bool:
        if self._lightbox.is_open:
            return self._lightbox.key(value, state)
        if value == Gdk.KEY_Escape:
            self.close()
            return True
        return False

    def _remove(self, some: list[Group]) -> None:
        if not self._moving:  # else it is found that they have gone
            self._moving = True
            removal.move(some, self._workers, self._removed)

    def _removed(self, done: Done) -> None:
        self._moving = False
        paths = set(done.paths)
        if not paths:
            self._undoing.failed(done.failures)
            return
        for group in self._groups:
            group.gone |= {file.path for file in group.files} & paths
        text = trash.moved(len(paths))
        self._undoing.done(text, lambda: self._restore(done.paths), done.failures)
        self._show()

    def _restore(self, paths: list[bytes]) -> None:
        trash.restore(paths, self._workers, self._restored)

    def _restored(self, done: Done) -> None:
        if done.failures:
            self._undoing.failed(done.failures)
        for group in self._groups:
            group.gone -= set(done.paths)
        self._show()

    def _close(self, _window: Gtk.Window) -> bool:
        self._closed = True
        free(self)
        self._service.unlisten(self._listening)
        self._lightbox.close()
        self._undoing.notice.close()
        self._service.close()
        return False


def _none(kind: str) -> str:
    """Where there are no groups of a kind."""
    return {
        EXACT: _("No duplicates"),
        NEAR: _("No pictures that are nearly the same"),
        BURST: _("No bursts"),
    }[kind]
