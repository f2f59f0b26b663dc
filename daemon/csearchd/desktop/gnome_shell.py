"""`org.gnome.Shell.SearchProvider2`: pictures in the GNOME Shell overview.

Where nothing is worth being offered, the set of results is empty, and so is what is told of it. A
subsearch begins anew, also within an empty set: while "dog" is typed, that of "d" is empty.

https://developer.gnome.org/documentation/tutorials/search-provider.html
"""

from __future__ import annotations

from typing import Any

from dbus_fast import Variant

from csearchd import limits
from csearchd.desktop import pictures
from csearchd.desktop.interfaces import interface
from csearchd.desktop.objects import Call, Object
from csearchd.desktop.opening import Opening
from csearchd.desktop.pictures import SAVED, SAVED_ICON
from csearchd.desktop.search_box import SearchBox, saved_identifier, saved_name
from csearchd.desktop.thumbnailer import Thumbnailer
from csearchd.desktop.values import in_the_users_language
from csearchd.errors import RequestError
from csearchd.previews.desktop_thumbnails import uri
from csearchd.requests.exchange import Handler

PATH = "/org/csearch/SearchProvider"
_THUMBNAIL_SECONDS = (
    0.5  # seconds for thumbnails; the Shell asks once for each result and shows that
)
_TOP = 10  # the Shell shows about five and counts the rest


class ShellSearchProvider:
    def __init__(self, handle: Handler, opening: Opening, thumbnailer: Thumbnailer) -> None:
        self._box = SearchBox(handle, _TOP)
        self._lines: dict[str, str] = {}  # of words in the pictures last found, by URI
        self._opening = opening
        self._thumbnailer = thumbnailer
        self.object = Object(
            interface("org.gnome.Shell.SearchProvider2"),
            {
                "GetInitialResultSet": self._initial,
                "GetSubsearchResultSet": self._subsearch,
                "GetResultMetas": self._metas,
                "ActivateResult": self._activate,
                "LaunchSearch": self._launch,
            },
        )

    async def _initial(self, call: Call) -> list[Any]:
        return [await self._search(call.sender, call.arguments[0])]

    async def _subsearch(self, call: Call) -> list[Any]:
        # More words describe another picture: the earlier results hold no answer.
        return [await self._search(call.sender, call.arguments[1])]

    async def _search(self, sender: str, terms: list[str]) -> list[str]:
        hits = await self._box.search(sender, " ".join(terms))
        saved = await self._box.saved(" ".join(terms))
        self._lines = {uri(hit.path): hit.line for hit in hits}
        return [*map(saved_identifier, saved), *self._lines]

    async def _metas(self, call: Call) -> list[Any]:
        if len(call.arguments[0]) > limits.METAS:
            raise RequestError("bad-request", f"at most {limits.METAS} results at a time")
        paths = [pictures.from_uri(identifier) for identifier in call.arguments[0]]
        files = await self._thumbnailer.files([path for path in paths if path], _THUMBNAIL_SECONDS)
        return [_describe(call.arguments[0], files, self._lines)]

    async def _activate(self, call: Call) -> list[Any]:
        if (name := saved_name(call.arguments[0])) is not None:
            await self._opening.show_saved(await self._box.saved_search(name))
            return []
        path = pictures.from_uri(call.arguments[0])
        if path is None:
            raise RequestError("not-found", f"{call.arguments[0]} is not a result of csearch")
        await self._opening.open(path)
        return []

    async def _launch(self, call: Call) -> list[Any]:
        await self._opening.search_window(" ".join(call.arguments[0]))
        return []


def _describe(
    identifiers: list[str], thumbnails: list[str | None], lines: dict[str, str]
) -> list[dict[str, Variant]]:
    """Returns what is shown of each result. `thumbnails` are those of our identifiers, `lines`
    the words in pictures that were looked for."""
    metas = []
    files = iter(thumbnails)
    for identifier in identifiers:
        if (name := saved_name(identifier)) is not None:
            metas.append(_described(identifier, name, in_the_users_language(SAVED), SAVED_ICON))
            continue
        if not (path := pictures.from_uri(identifier)):
            continue
        place = pictures.subtitle(path, lines.get(identifier, ""))
        icon = next(files) or pictures.ICON
        metas.append(_described(identifier, pictures.name(path), place, icon))
    return metas


def _described(identifier: str, name: str, description: str, icon: str) -> dict[str, Variant]:
    meta = {"id": identifier, "name": name, "description": description, "gicon": icon}
    return {key: Variant("s", value) for key, value in meta.items()}
