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

    # What a button is called, and the action that it stands for.
    Button: TypeAlias = tuple[str, str]
    # What Message.show takes.
    Parts: TypeAlias = tuple[str, str, str] | tuple[str, str, str, Button]

HANGING = _("The disk with that picture doesn't answer; perhaps it only has to wake up.")
_PAUSED = ("paused", "on-battery")  # codes of what the service remarks
_FIRST = _("Looking at the pictures for the first time…")


class Message(Gtk.Box):
    """An icon, a title, a text, and perhaps a button, in the middle."""

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
        self._button = Gtk.Button(halign=Gtk.Align.CENTER)
        self._button.set_margin_top(12)
        self._button.add_css_class("suggested-action")
        self._button.add_css_class("pill")
        for part in (self._icon, self._title, self._text, self._button):
            self.append(part)

    def show(self, icon: str, title: str, text: str, button: Button | None = None) -> None:
        self._icon.set_from_icon_name(icon)
        self._title.set_text(title)
        self._text.set_text(text)
        self._button.set_visible(button is not None)
        if button:
            self._button.set_label(button[0])
            self._button.set_action_name(button[1])


def greeting(
    folder: bytes | None, known: Values, watched: bool
) -> tuple[str, str] | tuple[str, str, Button]:
    """Before anything is asked. `known` is what the service says of itself, {} before it does;
    `watched`: whether `folder` is, None of which stands for everywhere."""
    title = _("Describe the picture you remember")
    example = _(
        "For example: two parrots on a branch, red boat after:2023, or drop a picture here."
    )
    if folder:
        text = _("Finds pictures below {folder}.").format(folder=_name(folder)) + "\n" + example
        if known and not watched:
            return title, text, (_("Watch This Folder"), "win.watch-folder")
        return title, text
    if known and not known["images"] and not known["pending"]:
        if known.get("state") == "scanning":
            return _("Looking for pictures…"), _("They can be found as soon as they are read.")
        return (
            _("There are no pictures in your folders yet"),
            _("Those that you put there are found by themselves."),
            (_("Add Another Folder…"), "win.add-folder"),
        )
    return title, example


def refused(reason: str) -> Parts:
    """What was asked can't be: it is half-typed, mostly."""
    return "edit-find-symbolic", _("That cannot be searched for"), reason


def absent() -> Parts:
    return (
        "dialog-warning-symbolic",
        _("The search service does not answer"),
        _("It may have ended, or not be installed for this session."),
        (_("Try Again"), "win.try-again"),
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
    if pending and any(remark["code"] in _PAUSED for remark in result.get("remarks", [])):
        return (
            "media-playback-pause-symbolic",
            _("Reading is paused"),
            _still(pending),
            (_("Resume"), "win.resume"),
        )
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
            (_("Choose a Folder…"), "win.choose-folder"),
        )
    return (
        "folder-pictures-symbolic",
        _("No pictures are known yet"),
        _("Choose the folder that your pictures are in: it is read once, and known from then on."),
        (_("Choose a Folder…"), "win.add-folder"),
    )


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
    # What is paused while there is something to read, the bar above says.
    remarks = [
        remark
        for remark in result.get("remarks", [])
        if not (pending and remark["code"] in _PAUSED)
    ]
    return " ".join([*parts, *map(sentence, remarks)])


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
