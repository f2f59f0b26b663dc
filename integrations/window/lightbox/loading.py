"""Decodes pictures beside the main loop, the next ones ahead.

GdkPixbuf decodes what every desktop knows; the service decodes the rest.
"""

from __future__ import annotations

import os
from collections import OrderedDict
from typing import TYPE_CHECKING, NamedTuple

import gi

from background import Workers
from texts import _

gi.require_version("GdkPixbuf", "2.0")
from gi.repository import Gdk, GdkPixbuf, GLib  # noqa: E402

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import TypeAlias

    from bus.one_picture import OnePicture
    from bus.service import Values

    Box: TypeAlias = tuple[int, int]
    Key: TypeAlias = tuple[bytes, Box]
    Done: TypeAlias = Callable[["Shown"], object]
    Version: TypeAlias = tuple[int, int] | None

WHOLE = (1 << 20, 1 << 20)  # a box that every picture fits into as it is
_OURS = ("jpeg", "png", "gif", "bmp", "webp")  # not "tiff": camera raw looks like that, too
_MOST_PIXELS = 100_000_000  # decoded here; more is the service's, which has limits
_LONGEST = 8192  # pixels that the service gives
_ON_ITS_SIDE = ("5", "6", "7", "8")  # EXIF orientations
_SIMILAR = 0.02  # difference of aspects
_THREADS = 2
_KEPT = 96 << 20  # bytes of pixels, besides those that are wanted now


class Shown(NamedTuple):
    """A picture, or why there is none."""

    texture: Gdk.Texture | None
    size: Box = (1, 1)  # of the whole picture, in pixels, upright
    failure: str = ""
    version: Version = None  # of its file


class Loader:
    def __init__(self, service: OnePicture) -> None:
        self._service = service
        self._workers = Workers(_THREADS)
        self._kept: OrderedDict[Key, Shown] = OrderedDict()
        self._loading: dict[Key, list[Done]] = {}
        self._wanted: dict[Key, None] = {}  # the most important one first
        self._lacking: dict[Key, Version] = {}  # which the service has to decode
        self._asking = False

    def want(self, path: bytes, box: Box, ahead: list[bytes], done: Done) -> None:
        """Calls `done(shown)` with the picture at `path`, so that it fills `box` (pixels): at once
        where it is there; again where its file has changed since. Then loads those `ahead`."""
        self._wanted = dict.fromkeys((one, box) for one in (path, *ahead))
        key = path, box
        if shown := self._kept.get(key):
            self._kept.move_to_end(key)
            done(shown)
            self._workers.run(lambda: _version(path), lambda now: self._check(key, now, done))
        else:
            self._load(key, done)
        for one in ahead:
            if (one, box) not in self._kept:
                self._load((one, box), None)

    def whole(self, path: bytes, done: Done) -> None:
        """Calls `done(shown)` later with all pixels of a picture."""
        key = path, WHOLE
        self._wanted = {key: None, **self._wanted}
        self._load(key, done)

    def forget(self) -> None:
        """Nothing is shown any more."""
        self._wanted.clear()
        self._kept.clear()

    def _check(self, key: Key, now: Version, done: Done) -> None:
        kept = self._kept.get(key)
        if kept and kept.version != now and key in self._wanted:
            del self._kept[key]
            self._load(key, done)

    def _load(self, key: Key, done: Done | None) -> None:
        waiting = self._loading.get(key)
        if waiting is None:
            self._loading[key] = [done] if done else []
            path, box = key
            self._workers.run(
                lambda: _decoded(path, box) if key in self._wanted else None,
                lambda shown: self._here(key, shown),
                lambda: self._late(key),
            )
        elif done:
            waiting.append(done)

    def _here(self, key: Key, shown: Shown | None) -> None:
        if shown is None or shown.texture or shown.failure:
            self._end(key, shown)
            return
        self._lacking[key] = shown.version
        self._ask()

    def _ask(self) -> None:
        """The service decodes one after the other: by then, others may be wanted."""
        if self._asking:
            return
        for key in self._lacking.keys() - self._wanted.keys():
            del self._lacking[key]
            self._end(key, None)
        for key in self._wanted:
            if key in self._lacking:
                self._asking = True
                self._ask_for(key, self._lacking.pop(key))
                return

    def _ask_for(self, key: Key, version: Version) -> None:
        path, box = key
        pixels = min(max(box), _LONGEST)

        def made(data: bytes, failure: str) -> None:
            self._asking = False
            if failure:
                text = _("This picture can't be shown.")
                self._end(key, Shown(None, failure=text, version=version))
            else:
                self._workers.run(lambda: _of_service(data, version), measure)
            self._ask()

        def measure(shown: Shown) -> None:
            if shown.texture and max(shown.size) == pixels:  # it was made smaller
                self._service.facts(path, lambda known: self._end(key, _measured(shown, known)))
            else:
                self._end(key, shown)

        self._service.picture(path, pixels, made)

    def _late(self, key: Key) -> None:
        if key in self._loading:
            for done in self._loading[key]:
                done(Shown(None, failure=_("The disk with this picture doesn't answer.")))

    def _end(self, key: Key, shown: Shown | None) -> None:
        waiting = self._loading.pop(key)
        if shown is None:  # it wasn't wanted when its turn came
            if key in self._wanted:
                self._load(key, None)
                self._loading[key] += waiting
            return
        if shown.texture and key in self._wanted:
            self._kept[key] = shown
            self._tidy()
        for done in waiting:
            done(shown)

    def _tidy(self) -> None:
        """Keeps what is wanted, and as much of the rest as has room."""
        room = _KEPT
        for key, shown in reversed(list(self._kept.items())):
            if shown.texture and key not in self._wanted:
                room -= 4 * shown.texture.get_width() * shown.texture.get_height()
                if room < 0:
                    del self._kept[key]


def _version(path: bytes) -> Version:
    try:
        found = os.stat(path)
    except OSError:
        return None
    return found.st_mtime_ns, found.st_size


def _decoded(path: bytes, box: Box) -> Shown:
    """With neither a texture nor a failure where the service has to decode it."""
    version = _version(path)
    if version is None:
        if os.path.lexists(path):
            return Shown(None, failure=_("This picture can't be read."))
        return Shown(None, failure=_("This picture is no longer there."))
    name = os.fsdecode(path)
    form, width, height = GdkPixbuf.Pixbuf.get_file_info(name)
    if form is None or form.get_name() not in _OURS or width * height > _MOST_PIXELS:
        return Shown(None, version=version)
    # It may have to be turned, which is known once it is decoded.
    scale = min(
        1.0, max(min(box[0] / w, box[1] / h) for w, h in ((width, height), (height, width)))
    )
    try:
        if scale < 1:
            size = max(1, round(width * scale)), max(1, round(height * scale))
            pixbuf = GdkPixbuf.Pixbuf.new_from_file_at_scale(name, *size, False)
        else:
            pixbuf = GdkPixbuf.Pixbuf.new_from_file(name)
    except GLib.Error:  # damaged: the service shows what there is
        return Shown(None, version=version)
    if pixbuf.get_option("orientation") in _ON_ITS_SIDE:
        width, height = height, width
    upright = pixbuf.apply_embedded_orientation()
    return Shown(Gdk.Texture.new_for_pixbuf(upright), (width, height), version=version)


def _of_service(jpeg: bytes, version: Version) -> Shown:
    loader = GdkPixbuf.PixbufLoader()
    try:
        loader.write(jpeg)
        loader.close()
    except GLib.Error:
        return Shown(None, failure=_("This picture can't be shown."), version=version)
    pixbuf = loader.get_pixbuf()
    size = pixbuf.get_width(), pixbuf.get_height()
    return Shown(Gdk.Texture.new_for_pixbuf(pixbuf), size, version=version)


def _measured(shown: Shown, known: Values) -> Shown:
    """With the size of the whole picture, as the service knows it."""
    details = known.get("details") or {}
    size = details.get("width", 0), details.get("height", 0)
    # Not that of another picture in the file, such as a preview of raw data.
    same = abs(size[0] * shown.size[1] / max(1, size[1] * shown.size[0]) - 1) < _SIMILAR
    return shown._replace(size=size) if same and size > shown.size else shown
