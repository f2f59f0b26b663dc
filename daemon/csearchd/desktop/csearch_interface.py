"""csearch's own interface, `org.csearch.Csearch1`. Its XML file says what the methods do."""

from __future__ import annotations

import asyncio
import logging
import os
import sys
from collections.abc import Sequence
from functools import partial
from typing import Any

from dbus_fast import Variant

from csearch.protocol.wire import Message
from csearchd import limits
from csearchd.concurrency.workers import Workers
from csearchd.desktop import pictures
from csearchd.desktop.bus_request import BusRequest, LatestSearches
from csearchd.desktop.interfaces import interface
from csearchd.desktop.objects import Call, Method, Object, Objects
from csearchd.desktop.thumbnailer import Thumbnailer
from csearchd.desktop.values import plain, text, variants
from csearchd.errors import RequestError
from csearchd.library.library import Library
from csearchd.previews.picture_maker import PictureMaker
from csearchd.reasons.commands import NOT_KNOWN
from csearchd.reasons.query import TOO_MANY_PICTURES
from csearchd.requests.completion import HistoryClearRequest
from csearchd.requests.decoding import decoded
from csearchd.requests.exchange import Handler
from csearchd.requests.home import HomeRequest
from csearchd.requests.saved import SavedRequest
from csearchd.requests.service import (
    ModelsRequest,
    PauseRequest,
    ReloadRequest,
    ResumeRequest,
    SettingsRequest,
    StatusRequest,
)
from csearchd.spelling import folded
from csearchd.unexpected import unexpected
from csearchd.validation import Request

log = logging.getLogger(__name__)

PATH = "/org/csearch/Csearch1"
_DEFAULTS = {"scopes": None, "top": 10, "wait": "none"}
_OURS = ("op", "query", "stream", "files", "errors")  # what an option can't change
_DESCRIBING = ("details", "places", "query", "quick")  # options of Tags
_GIVING = ("mode", "add", "take")  # options of Tag
_GROUPS = 50  # of a signal: a window that takes it apart stands still meanwhile
_COMPARED = ("path", "exact")  # options of Duplicates
_SAVING = (  # options of SaveSearch
    "scopes", "pictures", "top", "sort", "reverse", "min_confidence", "replace", "restored",
)  # fmt: skip
_MOST_FILES = 16  # that dbus-daemon and dbus-fast take with a message
_MOST_THUMBNAILS = 32  # of a call
_LARGE, _X_LARGE = 256, 512  # pixels
_MOST_PIXELS = 8192  # of a picture's longer side: its JPEG must fit into one reply
_THUMBNAIL_SECONDS = 20.0  # for all of them


class CsearchInterface:
    def __init__(
        self,
        handle: Handler,
        library: Library,
        workers: Workers,
        thumbnailer: Thumbnailer,
        picture_maker: PictureMaker,
    ) -> None:
        self._handle = handle
        self._library = library
        self._workers = workers
        self._thumbnailer = thumbnailer
        self._picture_maker = picture_maker
        self._making = asyncio.Lock()
        self._searches = LatestSearches()
        self._comparisons = LatestSearches()  # of Duplicates: a search doesn't end them
        self.objects: Objects | None = None  # of the connection, once there is one
        self.object = Object(
            interface("org.csearch.Csearch1"),
            {
                "Search": self._search,
                "Similar": self._similar,
                "Answer": self._answer,
                "Tags": self._tags,
                "TagTexts": self._tag_texts,
                "Thumbnails": self._thumbnails,
                "Picture": self._picture,
                "Text": self._text,
                "Suggest": self._suggest,
                "Choices": self._choices,
                "Duplicates": self._duplicates,
                "Tag": self._tag,
                "Home": self._home,
                "AddFolder": self._add_folder,
                "RemoveFolder": self._remove_folder,
                "Status": self._told(StatusRequest()),
                "Models": self._told(ModelsRequest()),
                "Settings": self._told(SettingsRequest()),
                "Pause": self._done(PauseRequest()),
                "Resume": self._done(ResumeRequest()),
                "Reload": self._done(ReloadRequest()),
                "ClearHistory": self._done(HistoryClearRequest()),
                "Python": self._python,
                "Saved": self._saved,
                "SaveSearch": self._save_search,
                "RenameSaved": self._rename_saved,
                "RemoveSaved": self._remove_saved,
            },
        )

    def changed(self, status: Message) -> None:
        """Sends the signal `Changed` to everybody."""
        parts = {key: status[key] for key in ("state", "images", "pending", "remaining")}
        self._signal("Changed", variants(parts), None)

    async def _search(self, call: Call) -> list[Any]:
        query, options = call.arguments[0], plain(call.arguments[1])
        return await self._answered(call, query, options, options.get("files") or [])

    async def _similar(self, call: Call) -> list[Any]:
        given, options = plain(call.arguments[0]), plain(call.arguments[1])
        options["pictures"] = [{"path": path} for path, _ in given]
        return await self._answered(call, "", options, [handle for _, handle in given])

    async def _answered(
        self, call: Call, query: str, options: dict[str, Any], handles: list[Any]
    ) -> list[Any]:
        """As `_find`; with the option `errors` an error is a part of the result."""
        try:
            return await self._find(call, query, options, handles)
        except Exception as error:
            if not options.get("errors"):
                raise
            if not isinstance(error, RequestError):
                log.exception("a search from the bus failed")
                error = RequestError("internal", unexpected())
            return [[], variants({"error": error.to_message()})]

    async def _find(
        self, call: Call, query: str, options: dict[str, Any], handles: list[Any]
    ) -> list[Any]:
        try:
            files = [call.files[handle] for handle in handles]
        except (IndexError, TypeError):
            if len(call.files) == _MOST_FILES:  # the others were lost
                raise RequestError("query", TOO_MANY_PICTURES(limit=_MOST_FILES)) from None
            raise RequestError("bad-request", "files must be handles (h) of open files") from None
        fields = {key: value for key, value in options.items() if key not in _OURS}

        async def progress(fields: Message) -> None:
            self._signal("Progress", variants(fields), call.sender)

        async def hits(fields: Message) -> None:
            self._signal("Hits", [_hit(hit) for hit in fields["hits"]], call.sender)

        message = {"op": "search", "query": query, **_DEFAULTS, **fields, "files": len(files)}
        stream = hits if options.get("stream") else None
        if stream is None and type(top := message["top"]) is int:
            message["top"] = min(top, limits.HITS_ON_BUS)  # a reply has at most 128 MiB
        bus_request = BusRequest(self._handle, decoded(message), progress, stream, files)
        result = await self._searches.run(call.sender, bus_request)
        return [[_hit(hit) for hit in bus_request.hits], variants(result)]

    async def _answer(self, call: Call) -> list[Any]:
        if bus_request := self._searches.current(call.sender):
            bus_request.exchange.answer_now.set()
        return []

    async def _tags(self, call: Call) -> list[Any]:
        paths, options = plain(call.arguments[0]), plain(call.arguments[1])
        fields = {key: options[key] for key in _DESCRIBING if key in options}
        message = {"op": "describe", "paths": paths, **fields}
        told = await BusRequest(self._handle, decoded(message)).run()
        return [[variants(file) for file in told["files"]]]

    async def _tag_texts(self, call: Call) -> list[Any]:
        paths = [pictures.from_uri(uri) or b"" for uri in call.arguments[0]]
        told = await BusRequest(self._handle, decoded({"op": "describe", "paths": paths})).run()
        return [[text(_line(file)) for file in told["files"]]]

    async def _thumbnails(self, call: Call) -> list[Any]:
        paths = plain(call.arguments[0])
        if len(paths) > _MOST_THUMBNAILS:
            raise RequestError("bad-request", f"at most {_MOST_THUMBNAILS} thumbnails at a time")
        if not all(path.startswith(b"/") and b"\0" not in path for path in paths):
            raise RequestError("bad-request", "a path must be absolute")
        pixels = call.arguments[1]
        size = "large" if pixels <= _LARGE else "x-large" if pixels <= _X_LARGE else "xx-large"
        known = await self._workers.answer(pictures.known, self._library, paths)
        shown = [path for path, is_known in zip(paths, known, strict=True) if is_known]
        async with self._making:  # what is asked for later takes the place of what is being made
            files = await self._thumbnailer.files(shown, _THUMBNAIL_SECONDS, size)
        found = dict(zip(shown, files, strict=True))
        return [[os.fsencode(found.get(path) or "") for path in paths]]

    async def _picture(self, call: Call) -> list[Any]:
        path, pixels = plain(call.arguments[0]), call.arguments[1]
        if not path.startswith(b"/") or b"\0" in path:
            raise RequestError("bad-request", "a path must be absolute")
        if not (await self._workers.answer(pictures.known, self._library, [path]))[0]:
            raise RequestError("not-found", NOT_KNOWN(path=path))
        return [await self._picture_maker.jpeg(path, max(1, min(pixels, _MOST_PIXELS)))]

    async def _text(self, call: Call) -> list[Any]:
        path, handle = plain(call.arguments[0]), call.arguments[1]
        try:
            files = [call.files[handle]]
        except IndexError:
            raise RequestError("bad-request", "the picture must come along as a file") from None
        return await self._or_error({"op": "text", "path": path}, files)

    async def _home(self, call: Call) -> list[Any]:
        options = plain(call.arguments[0])
        memories, words = (options.get(name) is True for name in ("memories", "words"))
        return await self._ask(HomeRequest(memories=memories, words=words))

    async def _add_folder(self, call: Call) -> list[Any]:
        return await self._ask(decoded({"op": "add", "path": plain(call.arguments[0])}))

    async def _remove_folder(self, call: Call) -> list[Any]:
        return await self._ask(decoded({"op": "remove", "path": plain(call.arguments[0])}))

    async def _python(self, call: Call) -> list[Any]:
        return [[sys.executable, "-P"]]

    def _told(self, request: Request) -> Method:
        """Returns the method that answers with the fields of a request's result."""

        async def method(call: Call) -> list[Any]:
            return await self._ask(request)

        return method

    def _done(self, request: Request) -> Method:
        """Returns the method that answers with nothing once a request is carried out."""

        async def method(call: Call) -> list[Any]:
            await self._ask(request)
            return []

        return method

    async def _ask(self, request: Request) -> list[Any]:
        return [variants(await BusRequest(self._handle, request).run())]

    async def _suggest(self, call: Call) -> list[Any]:
        query, position = call.arguments
        message = {"op": "suggest", "query": query, "position": position}
        told = await BusRequest(self._handle, decoded(message)).run()
        return [[variants(one) for one in told["suggestions"]]]

    async def _choices(self, call: Call) -> list[Any]:
        what, prefix = call.arguments
        message = {"op": "choices", "what": what, "prefix": prefix}
        told = await BusRequest(self._handle, decoded(message)).run()
        return [[variants(one) for one in told["choices"]]]

    async def _tag(self, call: Call) -> list[Any]:
        paths, options = plain(call.arguments[0]), plain(call.arguments[1])
        fields = {key: options[key] for key in _GIVING if key in options}
        request = BusRequest(self._handle, decoded({"op": "tags-give", "paths": paths, **fields}))
        try:
            told = await request.run()
        except RequestError as error:
            return [variants({"error": error.to_message()})]
        reasons = [f"{_name(hit['path'])}: {hit['reason']}" for hit in request.hits]
        return [variants({**told, "reasons": reasons})]

    async def _duplicates(self, call: Call) -> list[Any]:
        options = plain(call.arguments[0])

        async def progress(fields: Message) -> None:
            self._signal("Progress", variants(fields), call.sender)

        async def groups(fields: Message) -> None:
            found = [variants(group) for group in fields["hits"]]
            for start in range(0, len(found), _GROUPS):
                self._signal("Groups", found[start : start + _GROUPS], call.sender)

        message = {"op": "dupes", **{key: options[key] for key in _COMPARED if key in options}}
        request = BusRequest(self._handle, decoded(message), progress, groups, stoppable=True)
        assert self.objects, "the call came over its connection"
        comparing = asyncio.create_task(self._comparisons.run(call.sender, request))
        left = partial(self._comparisons.cancel, call.sender)
        try:
            # It may take minutes, for nobody once the window is closed.
            async with self.objects.watched(call.sender, left):
                return [variants(await comparing)]
        finally:
            comparing.cancel()

    async def _saved(self, call: Call) -> list[Any]:
        told = await BusRequest(self._handle, SavedRequest()).run()
        return [[variants(search) for search in told["searches"]]]

    async def _save_search(self, call: Call) -> list[Any]:
        name, query, options = plain(call.arguments)
        fields = {key: options[key] for key in _SAVING if key in options}
        return await self._or_error({"op": "saved-add", "name": name, "query": query, **fields})

    async def _rename_saved(self, call: Call) -> list[Any]:
        name, new = plain(call.arguments)
        return await self._or_error({"op": "saved-rename", "name": name, "new": new})

    async def _remove_saved(self, call: Call) -> list[Any]:
        return await self._or_error({"op": "saved-remove", "name": plain(call.arguments[0])})

    async def _or_error(self, message: Message, files: Sequence[int] = ()) -> list[Any]:
        """A request's result, of which an error is a part."""
        try:
            return [variants(await BusRequest(self._handle, decoded(message), files=files).run())]
        except RequestError as error:
            return [variants({"error": error.to_message()})]

    def _signal(self, member: str, value: Any, destination: str | None) -> None:
        if self.objects:
            self.objects.signal(PATH, member, [value], destination)


def _line(told: Message) -> str:
    """Joins the tags that a picture carries and the words for what else it shows.

    Programs write a hierarchical tag twice, as a path and as the plain word at its end. Such a path
    is left out.
    """
    keywords: list[str] = told.get("keywords", [])
    plain_words = {folded(word) for word in keywords if "/" not in word}
    tags = [w for w in keywords if "/" not in w or folded(_last(w)) not in plain_words]
    known = {folded(part) for word in keywords for part in word.split("/")}
    shown = [_last(word) for word in told.get("words", [])]
    return ", ".join(tags + [word for word in shown if folded(word) not in known])


def _last(tag: str) -> str:
    """Returns the word at the end of a hierarchical tag."""
    return tag.rpartition("/")[2]


def _name(path: bytes) -> str:
    """The name of a file, to be shown."""
    return os.path.basename(path).decode(errors="replace")


def _hit(hit: Message) -> list[bytes | float | dict[str, Variant]]:
    """Returns a hit as (ayda{sv}): its path, its score, and whatever else is known."""
    rest = {key: value for key, value in hit.items() if key not in ("path", "score")}
    return [hit["path"], hit["score"] or 0.0, variants(rest)]
