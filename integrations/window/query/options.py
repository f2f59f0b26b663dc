"""What the service is told of a search besides its words and pictures."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gi.repository import GLib

if TYPE_CHECKING:
    from bus.service import Options
    from query.steps import Limits


def options(
    top: int, folders: tuple[bytes, ...], sort: str, limits: Limits, places: bool
) -> Options:
    """`sort` is one of filtering.bar.SORTS; `places`: with their names, which cost time."""
    wanted = {"details": True, "group": True, "alike": True, "places": places}
    told = {name: GLib.Variant("b", value) for name, value in wanted.items()}
    told["top"] = GLib.Variant("u", top)
    if limits.least:
        told["min_confidence"] = GLib.Variant("s", limits.least)
    if folders:
        told["scopes"] = GLib.Variant("aay", folders)
        told["wait"] = GLib.Variant("s", "first")
    if sort:
        order, _space, reverse = sort.partition(" ")
        told["sort"] = GLib.Variant("s", order)
        told["reverse"] = GLib.Variant("b", bool(reverse))
    return told
