"""The first run: which folders have pictures, and whether to get the better model."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from gi.repository import Gio, GLib, Gtk, Pango

from start import folders, model
from texts import _, ngettext, number

if TYPE_CHECKING:
    from collections.abc import Callable

    from background import Workers
    from bus.service import Service
    from start.folders import Count
    from start.model import Model

# With the names that they have where the desktop doesn't know them.
_USUAL = {
    GLib.UserDirectory.DIRECTORY_PICTURES: "Pictures",
    GLib.UserDirectory.DIRECTORY_DOWNLOAD: "Downloads",
}


class Assistant(Gtk.ScrolledWindow):
    """Calls `start(folders, model)` with what was chosen: paths, and a model's name or None."""

    __gtype_name__ = "CsearchAssistant"

    def __init__(
        self,
        service: Service,
        workers: Workers,
        choose: Callable[[], object],
        start: Callable[[list[bytes], str | None], object],
    ) -> None:
        """`choose` lets the user choose another folder, which comes back by `add`."""
        super().__init__(hscrollbar_policy=Gtk.PolicyType.NEVER)
        self._service = service
        self._workers = workers
        self._rows: dict[bytes, _Choice] = {}
        self._model: tuple[str, Gtk.CheckButton] | None = None
        self._begun = False
        box = Gtk.Box(orientation=Gtk.Orientation.VERTICAL, spacing=12, valign=Gtk.Align.CENTER)
        box.set_halign(Gtk.Align.CENTER)
        box.add_css_class("assistant")
        title = Gtk.Label(label=_("Where Are Your Pictures?"), wrap=True)
        title.add_css_class("title")
        self._text = Gtk.Label(
            label=_(
                "The folders that you tick are read once, and watched from then on. Your pictures "
                "are not changed, and nothing leaves this computer."
            ),
            wrap=True,
            justify=Gtk.Justification.CENTER,
            max_width_chars=56,
        )
        self._list = Gtk.Box(orientation=Gtk.Orientation.VERTICAL)
        frame = Gtk.Frame(child=self._list)
        self._offer = Gtk.Frame(visible=False)
        another = Gtk.Button(label=_("Add Another Folder…"), halign=Gtk.Align.CENTER)
        another.connect("clicked", lambda _button: choose())
        self._go = Gtk.Button(label=_("Start"), halign=Gtk.Align.CENTER, sensitive=False)
        self._go.add_css_class("suggested-action")
        self._go.add_css_class("pill")
        self._go.connect("clicked", lambda _button: start(*self._chosen()))
        for part in (title, self._text, frame, another, self._offer, self._go):
            box.append(part)
        self.set_child(box)

    def begin(self) -> None:
        """Looks for folders, once."""
        if self._begun:
            return
        self._begun = True
        home = os.fsencode(GLib.get_home_dir())
        usual = [os.fsencode(_usual(kind)) for kind in _USUAL]
        user = os.fsencode(GLib.get_user_name())
        self._workers.run(lambda: folders.candidates(home, usual, user), self._found)
        model.recommended(self._service, self._offered)

    def add(self, folder: bytes) -> None:
        """A folder that the user has chosen."""
        self._show(folder)
        self._rows[folder].set_active(True)
        self._rows[folder].grab_focus()

    def _found(self, found: list[bytes]) -> None:
        for folder in found:
            if folder not in self._rows:
                self._show(folder)

    def _show(self, folder: bytes) -> None:
        if folder in self._rows:
            return
        row = self._rows[folder] = _Choice(folder)
        row.connect("toggled", lambda _row: self._go.set_sensitive(bool(self._chosen()[0])))
        if len(self._rows) > 1:
            self._list.append(Gtk.Separator())
        self._list.append(row)
        first = len(self._rows) == 1

        def counted(count: Count) -> None:
            row.show(count)
            if count.pictures and first:
                row.set_active(True)

        self._workers.run(lambda: folders.count(folder), counted)

    def _offered(self, better: Model | None) -> None:
        if better is None:
            return
        text = _(
            "It finds more of what you describe, and knows many languages; the one that comes with "
            "the program knows English only. {download} are downloaded, {disk} kept; until it is "
            "ready, the present one searches."
        ).format(
            download=GLib.format_size(better["download"]), disk=GLib.format_size(better["disk"])
        )
        title = _("Get the better model ({name})").format(name=better["name"])
        check = _check(title, text)
        self._model = better["name"], check
        self._offer.set_child(check)
        self._offer.set_visible(True)

    def _chosen(self) -> tuple[list[bytes], str | None]:
        ticked = [folder for folder, row in self._rows.items() if row.get_active()]
        inner = [f for f in ticked if any(folders.is_below(f, other) for other in ticked)]
        better = self._model[0] if self._model and self._model[1].get_active() else None
        return [folder for folder in ticked if folder not in inner], better


class _Choice(Gtk.CheckButton):
    """A folder with the number of its pictures."""

    __gtype_name__ = "CsearchFolderChoice"

    def __init__(self, folder: bytes) -> None:
        super().__init__()
        self.add_css_class("choice")
        self._name = GLib.filename_display_basename(os.fsdecode(folder))
        self._place = shown(folder)
        self._count = Gtk.Label(label=_("counting…"), halign=Gtk.Align.END)
        self._count.add_css_class("numeric")
        box = Gtk.Box(spacing=12)
        box.append(_two_lines(self._name, self._place))
        box.append(self._count)
        self.set_child(box)
        self._tell(self._count.get_text())

    def show(self, count: Count) -> None:
        text = ngettext("{n} picture", "{n} pictures", count.pictures)
        if not count.complete:
            text = ngettext("over {n} picture", "over {n} pictures", count.pictures)
        self._count.set_text(text.format(n=number(count.pictures)))
        self._tell(self._count.get_text())

    def _tell(self, count: str) -> None:
        label = f"{self._name}, {count}"
        self.update_property([Gtk.AccessibleProperty.LABEL], [label])
        self.update_property([Gtk.AccessibleProperty.DESCRIPTION], [self._place])


def _usual(kind: GLib.UserDirectory) -> str:
    found: str | None = GLib.get_user_special_dir(kind)
    return found or os.path.join(GLib.get_home_dir(), _USUAL[kind])


def shown(folder: bytes) -> str:
    """A folder's path for people, with ~ for their home."""
    home = os.fsencode(GLib.get_home_dir())
    if folder == home or folder.startswith(home + b"/"):
        folder = b"~" + folder[len(home) :]
    name: str = GLib.filename_display_name(os.fsdecode(folder))
    return name


def _check(title: str, text: str) -> Gtk.CheckButton:
    check = Gtk.CheckButton()
    check.add_css_class("choice")
    check.set_child(_two_lines(title, text, wrap=True))
    check.update_property([Gtk.AccessibleProperty.LABEL], [title])
    check.update_property([Gtk.AccessibleProperty.DESCRIPTION], [text])
    return check


def _two_lines(first: str, second: str, wrap: bool = False) -> Gtk.Box:
    box = Gtk.Box(orientation=Gtk.Orientation.VERTICAL, hexpand=True)
    above = Gtk.Label(label=first, xalign=0, wrap=wrap)
    below = Gtk.Label(label=second, xalign=0, wrap=wrap)
    below.add_css_class("second")
    for label in (above, below):
        if not wrap:
            label.set_ellipsize(Pango.EllipsizeMode.MIDDLE)
        else:
            label.set_max_width_chars(56)
        box.append(label)
    return box


def choose_folder(window: Gtk.Window, chosen: Callable[[bytes], object]) -> Gtk.FileChooserNative:
    """Lets the user choose a folder of pictures. The caller keeps what is returned: GTK doesn't."""
    chooser = Gtk.FileChooserNative(
        title=_("Add a Folder of Pictures"),
        transient_for=window,
        action=Gtk.FileChooserAction.SELECT_FOLDER,
        accept_label=_("Add"),
        modal=True,
    )
    pictures = _usual(GLib.UserDirectory.DIRECTORY_PICTURES)
    start = pictures if os.path.isdir(pictures) else GLib.get_home_dir()
    chooser.set_current_folder(Gio.File.new_for_path(start))

    def responded(chooser: Gtk.FileChooserNative, response: int) -> None:
        path = chooser.get_file().get_path() if response == Gtk.ResponseType.ACCEPT else None
        if path:
            chosen(os.fsencode(path))

    chooser.connect("response", responded)
    chooser.show()
    return chooser
