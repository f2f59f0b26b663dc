"""A picture that was found, and what is known of it."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from gi.repository import Gdk, Gio, GLib, GObject

from grid import dates, rows
from texts import _, number

if TYPE_CHECKING:
    from bus.service import Values


class Item(GObject.Object):
    """A picture that was found."""

    __gtype_name__ = "CsearchItem"
    texture = GObject.Property(type=Gdk.Texture)
    changed = GObject.Signal()  # what is known of it

    def __init__(self, path: bytes) -> None:
        super().__init__()
        self.path = path
        self.name: str = GLib.filename_display_basename(os.fsdecode(path))
        self.confidence = ""
        self.incomplete = False  # its file lacks a part of it
        self.people = ""  # who is in it, as far as other programs have told
        self.by_name = ""  # the words that it is found by
        self.line = ""  # of words in the picture, which has what was looked for
        self.taken = ""  # ISO 8601, as much of it as is known
        self.dated = False  # the picture says so itself, not its file
        self.doubtful = False  # it can hardly have been then
        self.city = ""  # near which it was taken
        self.aspect = 1.0  # of its tile
        self.alike: list[bytes] = []  # pictures that it stands for
        self.leader: Item | None = None  # whose stack it was opened from
        self.shown = 0  # tiles that show it now
        self.asked = 0  # pixels of the thumbnail that is on its way, or here
        self._told: object = None

    def tell(self, fields: Values) -> None:
        """What the service says of a hit."""
        details = fields.get("details") or {}
        lines = fields.get("text") or []
        told = (
            fields.get("confidence") or "",
            bool(details.get("incomplete")),
            ", ".join(details.get("people", [])),
            ", ".join(fields.get("by_name") or []),
            lines[0]["text"] if lines else "",
            list(fields.get("alike") or []),
        )
        (
            self.confidence, self.incomplete, self.people, self.by_name, self.line, self.alike,
        ) = told  # fmt: skip
        self.describe(details)
        if (now := (told, self.taken, self.city)) != self._told:
            self._told = now
            self.emit("changed")

    def describe(self, details: Values) -> None:
        """What is known of its file, whatever is asked for."""
        self.taken, self.dated = details.get("taken", ""), bool(details.get("dated"))
        self.doubtful = bool(details.get("date_doubtful"))
        self.city = details.get("place", self.city)
        self.aspect = rows.aspect(details.get("width", 0), details.get("height", 0))

    @property
    def file(self) -> Gio.File:
        return Gio.File.new_for_path(os.fsdecode(self.path))

    @property
    def weak(self) -> bool:
        """Whether it hardly matches."""
        return self.confidence == "weak" and not self.by_name

    @property
    def place(self) -> str:
        """The directory, the user's own home as ~."""
        directory = os.path.dirname(self.path)
        home = os.fsencode(GLib.get_home_dir())
        if directory == home or directory.startswith(home + b"/"):
            directory = b"~" + directory[len(home) :]
        name: str = GLib.filename_display_name(os.fsdecode(directory))
        return name

    @property
    def caption(self) -> str:
        """When and where, or else its name."""
        if self.line:
            return self.line
        return " · ".join(self._when_and_where()) or self.name

    @property
    def spoken(self) -> str:
        """What assistive technology calls it."""
        return ", ".join([self.name, *self._when_and_where()])

    @property
    def remarks(self) -> list[str]:
        """How it matches, and what is wrong with it."""
        found = [_("Does not match well")] if self.weak else []
        if self.by_name:
            found.append(_("Found by name: {words}").format(words=self.by_name))
        if self.line:
            found.append(_("In the picture: “{text}”").format(text=self.line))
        if self.alike:
            text = _("One of {n} that are nearly the same")
            found.append(text.format(n=number(len(self.alike) + 1)))
        if self.incomplete:
            found.append(_("Incomplete: a part of the picture is missing"))
        return found

    def _when_and_where(self) -> list[str]:
        when = dates.day(self.taken) if self.dated else ""
        return [part for part in (when, self.city) if part]


def content(items: list[Item]) -> Gdk.ContentProvider:
    """Files for the clipboard and for dragging, in the forms that programs take."""
    uris = [item.file.get_uri() for item in items]
    paths = b"\n".join(item.path for item in items)
    return Gdk.ContentProvider.new_union(
        [
            _bytes("text/uri-list", "".join(f"{uri}\r\n" for uri in uris).encode()),
            _bytes("x-special/gnome-copied-files", "\n".join(["copy", *uris]).encode()),
            _bytes("text/plain;charset=utf-8", paths.decode(errors="replace").encode()),
        ]
    )


def _bytes(kind: str, data: bytes) -> Gdk.ContentProvider:
    return Gdk.ContentProvider.new_for_bytes(kind, GLib.Bytes.new(data))
