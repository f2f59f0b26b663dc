"""`org.kde.krunner1`: pictures as matches in KRunner.

https://develop.kde.org/docs/plasma/krunner/#d-bus-runners
"""

from __future__ import annotations

import time
from typing import Any

from dbus_fast import Variant

from csearchd.serve.dbus import pictures
from csearchd.serve.dbus.boxes import MIN_LETTERS, SearchBox
from csearchd.serve.dbus.interfaces import interface
from csearchd.serve.dbus.objects import Call, Object
from csearchd.serve.dbus.opening import Opening
from csearchd.serve.dbus.thumbnailer import Thumbnailer
from csearchd.serve.request import Handler, RequestError

PATH = "/org/csearch/KRunner"
_TOP = 6
_PATIENCE = 0.035  # seconds for an answer in which thumbnails are missing, that are being made
_POSSIBLE = 30  # Plasma::QueryMatch::PossibleMatch
_RELEVANCE = 0.5  # of the best; programs and settings of that name come before pictures
_STEP = 0.01  # keeps our order
_FOLDER = "folder"


class KRunner:
    def __init__(self, handle: Handler, opening: Opening, thumbnailer: Thumbnailer) -> None:
        self._box = SearchBox(handle, _TOP)
        self._opening = opening
        self._thumbnailer = thumbnailer
        self.object = Object(
            interface("org.kde.krunner1"),
            {
                "Actions": self._actions,
                "Run": self._run,
                "Match": self._match,
                "Config": self._config,
                "Teardown": self._teardown,
            },
        )

    async def _actions(self, call: Call) -> list[Any]:
        return [[[_FOLDER, "Show in Folder", "document-open-folder"]]]

    async def _match(self, call: Call) -> list[Any]:
        begun = time.monotonic()
        paths = [path for path, _ in await self._box.search(call.sender, call.arguments[0])]
        left = _PATIENCE - (time.monotonic() - begun)
        return [_matches(paths, await self._thumbnailer.files(paths, left))]

    async def _run(self, call: Call) -> list[Any]:
        identifier, action = call.arguments
        path = pictures.from_uri(identifier)
        if path is None:
            raise RequestError("not-found", f"{identifier}: is no match of csearch")
        if action == _FOLDER:
            await self._opening.show_in_folder(path)
        else:
            await self._opening.open(path)
        return []

    async def _config(self, call: Call) -> list[Any]:
        return [{"MinLetterCount": Variant("i", MIN_LETTERS)}]

    async def _teardown(self, call: Call) -> list[Any]:
        self._box.cancel(call.sender)
        return []


def _matches(paths: list[bytes], thumbnails: list[str | None]) -> list[list[Any]]:
    matches = []
    for rank, (path, thumbnail) in enumerate(zip(paths, thumbnails, strict=True)):
        identifier = pictures.uri(path)
        properties = {
            "urls": Variant("as", [identifier]),
            "subtext": Variant("s", pictures.place(path)),
            "category": Variant("s", "Pictures"),
            "actions": Variant("as", [_FOLDER]),
        }
        # Plasma 5 shows the icon of images instead of a file, and with the property icon-data its
        # KRunner (5.27) was seen to lose matches.
        icon = thumbnail or pictures.ICON
        relevance = _RELEVANCE - rank * _STEP
        matches.append([identifier, pictures.name(path), icon, _POSSIBLE, relevance, properties])
    return matches
