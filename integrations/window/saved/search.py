"""Saved searches as the service has them, and as searches of a window."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, NamedTuple

from gi.repository import GLib

from filtering.bar import SORTS
from query import pictures
from query.pictures import Picture
from query.steps import Limits, Step
from texts import _

if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

    from bus.service import Values

_AND = " + "
_TYPES = {
    "scopes": "aay",
    "pictures": "aa{sv}",
    "top": "u",
    "sort": "s",
    "reverse": "b",
    "min_confidence": "s",
    "replace": "b",
    "restored": "b",
}


class Saved(NamedTuple):
    """A saved search; `fields` are those that the service tells."""

    name: bytes
    fields: Values

    @property
    def title(self) -> str:
        title: str = GLib.filename_display_name(os.fsdecode(self.name))
        return title

    @property
    def query(self) -> str:
        query: str = self.fields["query"]
        return query

    def step(self) -> Step:
        """The search of a window. Pictures that only follow the words become chips."""
        query, beside = self.query, list[Picture]()
        placed = list(self.fields.get("pictures", []))
        while placed and placed[-1]["end"] == len(query):
            before = query[: placed[-1]["start"]]
            if before and not before.endswith(_AND):
                break
            beside.insert(0, Picture(placed.pop()["path"]))
            query = before.removesuffix(_AND)
        order = self.fields.get("sort", "")
        if f"{order} reversed" in SORTS and self.fields.get("reverse"):
            order += " reversed"
        scopes = tuple(self.fields.get("scopes", []))
        limits = Limits(self.fields.get("top", 0), self.fields.get("min_confidence", ""))
        return Step(query, tuple(beside), scopes, order if order in SORTS else "", limits)


def described(step: Step) -> tuple[Values, str]:
    """The fields of a search to save; and what is wrong, for the user, or "". Waits for file
    systems."""
    if pictures.on_the_web(step.query) or not all(one.is_file for one in step.pictures):
        return {}, _("A picture that isn't a file can't be saved with a search.")
    parts: list[str | bytes] = []
    end = 0
    for picture, start, stop in pictures.in_query(step.query, {}):
        parts += [step.query[end:start], picture.path]
        end = stop
    parts.append(step.query[end:])
    if "--" in step.query.split():  # behind that all is text
        parts = [part for picture in step.pictures for part in (picture.path, _AND)] + parts
    else:
        parts += [part for picture in step.pictures for part in (_AND, picture.path)]
        if not step.query.strip():
            del parts[:2]
    fields = _placed(parts)
    if step.folders:
        fields["scopes"] = list(step.folders)
    if step.sort:
        fields["sort"], _blank, reverse = step.sort.partition(" ")
        fields.update({"reverse": True} if reverse else {})
    if step.limits.top:
        fields["top"] = step.limits.top
    if step.limits.least:
        fields["min_confidence"] = step.limits.least
    return fields, ""


def options(fields: Mapping[str, Any]) -> dict[str, GLib.Variant]:
    """The options of SaveSearch among the fields of a search."""
    given = {name: fields[name] for name in _TYPES if name in fields}
    if "pictures" in given:
        given["pictures"] = [
            {
                "path": GLib.Variant("ay", picture["path"]),
                "start": GLib.Variant("i", picture["start"]),
                "end": GLib.Variant("i", picture["end"]),
            }
            for picture in given["pictures"]
        ]
    return {name: GLib.Variant(_TYPES[name], value) for name, value in given.items()}


def _placed(parts: list[str | bytes]) -> Values:
    """The query that words and paths make, and where in it the paths are."""
    query = ""
    placed: list[Values] = []
    for part in parts:
        if isinstance(part, bytes):
            text = part.decode(errors="replace")
            start, end = len(query), len(query) + len(text)
            placed.append({"path": part, "start": start, "end": end})
            query += text
        else:
            query += part
    return {"query": query, **({"pictures": placed} if placed else {})}
