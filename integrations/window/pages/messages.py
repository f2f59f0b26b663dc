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

    # What Message.show takes.
    Parts: TypeAlias = tuple[str, str, str] | tuple[str, str, str, bool]

HANGING = _("The disk with that picture doesn't answer; perhaps it only has to wake up.")
_STARTER = "starter"  # the name of the model that comes along
_MOST_OFFERED = 4
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
        self._offers = Gtk.Box(orientation=Gtk.Orientation.VERTICAL, spacing=6)
        self._offers.set_halign(Gtk.Align.CENTER)
        for part in (self._icon, self._title, self._text, self._choose, self._offers):
            self.append(part)

    def show(self, icon: str, title: str, text: str, choose: bool = False) -> None:
        self._icon.set_from_icon_name(icon)
        self._title.set_text(title)
        self._text.set_text(text)
        self._choose.set_visible(choose)
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
    return " ".join([*parts, *map(sentence, result.get("remarks", []))])


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
