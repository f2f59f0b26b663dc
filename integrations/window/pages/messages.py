"""What the window says: where there is nothing to show, and below what it shows."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from gi.repository import GLib, Gtk

from bus.reasons import sentence
from texts import _, ngettext, number

if TYPE_CHECKING:
    from typing import TypeAlias

    from bus.service import Hit, Values

    # What Message.show takes.
    Parts: TypeAlias = tuple[str, str, str] | tuple[str, str, str, bool]

HANGING = _("The disk with that picture doesn't answer; perhaps it only has to wake up.")
_FIRST = _("Looking at the pictures for the first time…")


class Message(Gtk.Box):
    """An icon, a title, a text, and perhaps a button that chooses a folder, in the middle."""

    __gtype_name__ = "CsearchMessage"

    def __init__(self) -> None:
        super().__init__(
            orientation=Gtk.Orientation.VERTICAL, spacing=12, valign=Gtk.Align.CENTER, vexpand=True
        )
        self.add_css_class("message")
        self._icon = Gtk.Image(pixel_size=96)
        self._title = Gtk.Label(wrap=True, justify=Gtk.Justification.CENTER)
        self._title.add_css_class("title")
        self._text = Gtk.Label(wrap=True, justify=Gtk.Justification.CENTER, max_width_chars=60)
        self._choose = Gtk.Button(
            label=_("Choose a Folder…"), action_name="win.choose-folder", halign=Gtk.Align.CENTER
        )
        self._choose.set_margin_top(12)
        self._choose.add_css_class("suggested-action")
        self._choose.add_css_class("pill")
        for part in (self._icon, self._title, self._text, self._choose):
            self.append(part)

    def show(self, icon: str, title: str, text: str, choose: bool = False) -> None:
        self._icon.set_from_icon_name(icon)
        self._title.set_text(title)
        self._text.set_text(text)
        self._choose.set_visible(choose)


def empty(folder: bytes | None, known: Values) -> Parts:
    """Before anything is asked. `known` is what the service says of itself, {} if it doesn't."""
    where = _("Searches all known folders.")
    if folder:
        where = _("Finds pictures below {folder}.").format(folder=_name(folder))
    elif known and not known["images"] and not known["pending"]:
        return _nothing_known()
    if known.get("pending"):
        where += "\n" + _still(known["pending"])
    return (
        "image-x-generic-symbolic",
        _("Describe the picture you remember"),
        where
        + "\n\n"
        + _("For example: two parrots on a branch, red boat after:2023, or drop a picture here."),
    )


def refused(reason: str) -> Parts:
    """What was asked can't be: it is half-typed, mostly."""
    return "edit-find-symbolic", _("That cannot be searched for"), reason


def absent() -> Parts:
    return (
        "dialog-warning-symbolic",
        _("The search service does not answer"),
        _("In a terminal, “csearchctl doctor” says what is wrong."),
    )


def reading(progress: Values) -> Parts:
    """While a folder is read for the first time."""
    done, total = progress.get("done", 0), progress.get("total", 0)
    if progress.get("phase") == "scanning" or not total:
        found = progress.get("found", 0)
        text = ngettext("{n} picture so far", "{n} pictures so far", found)
        return "folder-pictures-symbolic", _("Looking for pictures…"), text.format(n=number(found))
    text = _("{done} of {total}; what is found is shown in a moment.")
    return (
        "folder-pictures-symbolic",
        _FIRST,
        text.format(done=number(done), total=number(total)),
    )


def nothing(result: Values, folder: bytes | None) -> Parts:
    """No result at all."""
    images, pending = result.get("images", 0), _new(result)
    if pending:
        title = _("Nothing found yet") if images else _FIRST
        return "folder-pictures-symbolic", title, _still(pending)
    if any(remark["code"] == "all-asked-with" for remark in result.get("remarks", [])):
        return (
            "edit-find-symbolic",
            _("There are no other pictures"),
            _("Every picture there is one of those asked with."),
        )
    if images:
        return (
            "edit-find-symbolic",
            _("No picture matches"),
            _("Try fewer filters."),
        )
    if folder:
        return (
            "folder-pictures-symbolic",
            _("There are no pictures in {folder}").format(folder=_name(folder)),
            _("Perhaps they are in another one."),
            True,
        )
    return _nothing_known()


def state(hits: list[Hit], result: Values, top: int) -> str:
    """The line below the pictures, of which there are at most `top`."""
    images, pending = result.get("images", 0), _new(result)
    parts = []
    if hits and result.get("nearest"):
        parts.append(
            ngettext(
                "Nothing matches well; this comes nearest.",
                "Nothing matches well; these come nearest.",
                len(hits),
            )
        )
    if 0 < len(hits) < min(top, images):
        text = ngettext("{n} picture of {all}.", "{n} pictures of {all}.", len(hits))
        parts.append(text.format(n=number(len(hits)), all=number(images)))
    elif hits and "confidence" in hits[0][2]:
        text = ngettext("The best of {n} picture.", "The best of {n} pictures.", images)
        parts.append(text.format(n=number(images)))
    elif hits:  # by filters alone
        parts.append(_("The latest come first."))
    if hits and pending:
        text = ngettext(
            "{n} more is still to be looked at.", "{n} more are still to be looked at.", pending
        )
        parts.append(text.format(n=number(pending)))
    return " ".join([*parts, *map(sentence, result.get("remarks", []))])


def _nothing_known() -> Parts:
    return (
        "folder-pictures-symbolic",
        _("No pictures are known yet"),
        _("Choose the folder that your pictures are in: it is read once, and known from then on."),
        True,
    )


def _new(result: Values) -> int:
    """Pictures to be read that can't be found meanwhile."""
    pending: int = result.get("pending", 0) - result.get("again", 0)
    return pending


def _still(pending: int) -> str:
    text = ngettext(
        "{n} picture is still to be looked at.", "{n} pictures are still to be looked at.", pending
    )
    return text.format(n=number(pending))


def _name(folder: bytes) -> str:
    name: str = GLib.filename_display_basename(os.fsdecode(folder))
    return name
