"""What the window says: where there is nothing to show, and below what it shows."""

from __future__ import annotations

import os
from functools import partial
from typing import TYPE_CHECKING

from gi.repository import GLib, Gtk

from bus.reasons import sentence
from texts import _, ngettext, number

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import TypeAlias

    from bus.service import Values

    # What a button is called, and the action that it stands for.
    Button: TypeAlias = tuple[str, str]
    # What Message.show takes.
    Parts: TypeAlias = tuple[str, str, str] | tuple[str, str, str, Button]

HANGING = _("The disk with that picture doesn't answer; perhaps it only has to wake up.")
_STARTER = "starter"  # the name of the model that comes along
_MOST_OFFERED = 4
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
        self._offers = Gtk.Box(orientation=Gtk.Orientation.VERTICAL, spacing=6)
        self._offers.set_halign(Gtk.Align.CENTER)
        for part in (self._icon, self._title, self._text, self._button, self._offers):
            self.append(part)

    def show(self, icon: str, title: str, text: str, button: Button | None = None) -> None:
        self._icon.set_from_icon_name(icon)
        self._title.set_text(title)
        self._text.set_text(text)
        self._button.set_visible(button is not None)
        if button:
            self._button.set_label(button[0])
            self._button.set_action_name(button[1])
        while offer := self._offers.get_first_child():
            self._offers.remove(offer)

    def explain(self, text: str) -> None:
        """Another text."""
        self._text.set_text(text)

    def offer(self, label: str, act: Callable[[], object]) -> None:
        """A button."""
        button = Gtk.Button(label=label)
        button.add_css_class("pill")
        button.connect("clicked", lambda _button: act())
        self._offers.append(button)


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


def state(matching: int, more: bool, result: Values) -> str:
    """The line below the pictures: `matching` match, or `more` do."""
    images, pending = result.get("images", 0), _new(result)
    parts = []
    if matching and not result.get("nearest"):
        text = ngettext("{n} picture of {all} matches.", "{n} pictures of {all} match.", matching)
        if more:
            text = ngettext(
                "More than {n} picture of {all} matches.",
                "More than {n} pictures of {all} match.",
                matching,
            )
        parts.append(text.format(n=number(matching), all=number(max(images, matching))))
    if pending:
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


def nearest(result: Values) -> str:
    """What stands above pictures none of which matches well; "" above others."""
    if not result.get("nearest"):
        return ""
    text = _("No good match; these come nearest.")
    if result.get("model") == _STARTER:
        text += " " + _("This is the small model that comes along; a better one finds more.")
    return text


def before(reason: str) -> str:
    """Why there is no answer, while the pictures of the last one are shown."""
    return reason + "\n" + _("The pictures are those that were found before.")


def long(query: str) -> str:
    """While an answer takes long."""
    if "near:" in query:
        return _("Getting the names of places ready…")
    return _("Searching…")


def gone(path: bytes) -> str:
    """A picture can't be opened."""
    text = _("{name} is gone: it was deleted, moved or renamed, or its disk was taken away.")
    return text.format(name=_name(path))


def offer_less(
    message: Message, result: Values, query: str, write: Callable[[str], object]
) -> None:
    """Says which filters leave nothing, each with a button that takes it out of the query."""
    filters = result.get("why", {}).get("filters", [])
    blamed = [one for one in filters if not one["files"]] or filters
    if not blamed:
        return
    names = ", ".join(one["text"] for one in blamed)
    if len(blamed) == 1:
        text = _("No picture here meets {filter}.").format(filter=names)
    else:
        text = _("No picture here meets all of these: {filters}").format(filters=names)
    message.explain(text)
    for one in blamed[:_MOST_OFFERED]:
        rest = " ".join((query[: one["start"]] + query[one["end"] :]).split())
        label = _("Search Without {filter}").format(filter=one["text"])
        message.offer(label, partial(write, rest))


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
