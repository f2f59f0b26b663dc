"""`org.kde.krunner1`: pictures as matches in KRunner.

https://develop.kde.org/docs/plasma/krunner/#d-bus-runners
"""

from __future__ import annotations

import asyncio
import time
from typing import Any

from dbus_fast import Variant

from csearchd.desktop import pictures
from csearchd.desktop.interfaces import interface
from csearchd.desktop.objects import Call, Object
from csearchd.desktop.opening import Opening
from csearchd.desktop.pictures import SAVED, SAVED_ICON
from csearchd.desktop.search_box import BoxHit, SearchBox, saved_identifier, saved_name
from csearchd.desktop.thumbnailer import Thumbnailer
from csearchd.desktop.values import in_the_users_language
from csearchd.errors import RequestError
from csearchd.previews.desktop_thumbnails import uri
from csearchd.requests.exchange import Handler
from csearchd.search.query_language.typed import MIN_LETTERS

PATH = "/org/csearch/KRunner"
_TOP = 6
_THUMBNAIL_SECONDS = (
    0.035  # seconds for an answer in which thumbnails are missing, that are being made
)
# KRunner never asks again for the same words: what is missing then stays missing. So an answer may
# be that much later, but not all the time: seconds, seconds in a row, and gained each second.
_LATE, _MOST_LATE, _LATE_SHARE = 0.4, 1.0, 0.1
_POSSIBLE = 30  # Plasma::QueryMatch::PossibleMatch
_RELEVANCE = 0.5  # of the best; programs and settings of that name come before pictures
_SAVED_RELEVANCE = 0.6  # of a saved search whose name is being typed
_STEP = 0.01  # keeps our order
_FOLDER = "folder"


class KRunner:
    def __init__(self, handle: Handler, opening: Opening, thumbnailer: Thumbnailer) -> None:
        self._box = SearchBox(handle, _TOP)
        self._opening = opening
        self._thumbnailer = thumbnailer
        self._allowance = _Allowance()
        self._waiting: dict[str, asyncio.Task[list[str | None]]] = {}
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
        return [[[_FOLDER, in_the_users_language("Show in Folder"), "document-open-folder"]]]

    async def _match(self, call: Call) -> list[Any]:
        begun = time.monotonic()
        self._supersede(call.sender)
        hits = await self._box.search(call.sender, call.arguments[0])
        paths = [hit.path for hit in hits]
        found = time.monotonic()
        seconds = max(_THUMBNAIL_SECONDS - (found - begun), self._allowance.left())
        self._supersede(call.sender)
        waiting = asyncio.create_task(self._thumbnailer.files(paths, seconds))
        self._waiting[call.sender] = waiting
        try:
            await asyncio.wait({waiting})
        finally:
            waiting.cancel()  # where this call itself was
            if self._waiting.get(call.sender) is waiting:  # a newer one may have come just now
                del self._waiting[call.sender]
        if waiting.cancelled():
            return [[]]
        self._allowance.spend(time.monotonic() - found)
        saved = await self._box.saved(call.arguments[0])
        offers = [_saved_match(name, number) for number, name in enumerate(saved)]
        return [[*offers, *_matches(hits, waiting.result())]]

    def _supersede(self, sender: str) -> None:
        """Ends the wait of `sender`'s Match. KRunner has few threads, and each call holds one."""
        if waiting := self._waiting.pop(sender, None):
            waiting.cancel()

    async def _run(self, call: Call) -> list[Any]:
        identifier, action = call.arguments
        if (name := saved_name(identifier)) is not None:
            await self._opening.show_saved(await self._box.saved_search(name))
            return []
        path = pictures.from_uri(identifier)
        if path is None:
            raise RequestError("not-found", f"{identifier} is not a match of csearch")
        if action == _FOLDER:
            await self._opening.show_in_folder(path)
        else:
            await self._opening.open(path)
        return []

    async def _config(self, call: Call) -> list[Any]:
        return [{"MinLetterCount": Variant("i", MIN_LETTERS)}]

    async def _teardown(self, call: Call) -> list[Any]:
        self._box.cancel(call.sender)
        self._supersede(call.sender)
        return []


class _Allowance:
    """How much later than usual answers may be, in seconds, so that KRunner isn't always slow."""

    def __init__(self) -> None:
        self._seconds = _MOST_LATE
        self._looked = time.monotonic()

    def left(self) -> float:
        """Returns the seconds that the next answer may take."""
        now = time.monotonic()
        self._seconds += (now - self._looked) * _LATE_SHARE
        self._seconds = min(self._seconds, _MOST_LATE)
        self._looked = now
        return min(self._seconds, _LATE)

    def spend(self, seconds: float) -> None:
        self._seconds -= seconds


def _saved_match(name: str, number: int) -> list[Any]:
    identifier = saved_identifier(name)
    properties = {"subtext": Variant("s", in_the_users_language(SAVED))}
    relevance = _SAVED_RELEVANCE - number * _STEP
    return [identifier, name, SAVED_ICON, _POSSIBLE, relevance, properties]


def _matches(hits: list[BoxHit], thumbnails: list[str | None]) -> list[list[Any]]:
    matches = []
    pairs = zip(hits, thumbnails, strict=True)
    for number, ((path, line), thumbnail) in enumerate(pairs):
        identifier = uri(path)
        properties = {
            "urls": Variant("as", [identifier]),
            "subtext": Variant("s", pictures.subtitle(path, line)),
            "actions": Variant("as", [_FOLDER]),
        }
        icon = thumbnail or pictures.ICON  # KRunner 5 and 6 take the path of a file here, too
        relevance = _RELEVANCE - number * _STEP
        matches.append([identifier, pictures.name(path), icon, _POSSIBLE, relevance, properties])
    return matches
