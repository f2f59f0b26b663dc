"""Searching by a picture: an open file becomes its vector.

A picture that the library knows, by its path and stat or by its pixels, costs no encoding. Others
are encoded by a separate encoder, which waits for no other work, and are not kept.
"""

from __future__ import annotations

import os
import stat
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from csearchd.concurrency.threads import Cancellation
from csearchd.encoder.devices.left import LeftDevices
from csearchd.encoder.messages import Settings
from csearchd.encoder.pool import Event, Pool
from csearchd.errors import EncoderUnusable, ImageQueryError
from csearchd.library.contents import Job
from csearchd.library.library import Library
from csearchd.library.listings import MOVED
from csearchd.models.active_model import Models
from csearchd.models.installed import Model
from csearchd.reasons import pictures as reasons
from csearchd.system.files import signed, stored_time

_TURN_SECONDS = 0.5  # between looks whether anybody waits still for a turn with the encoder
_IDLE_SECONDS = 20.0  # that the encoder waits for another picture


class Picture(NamedTuple):
    """An open file to search with."""

    file: int
    name: bytes  # what it is called by who searches: its suffix may tell what it is
    path: bytes  # where it is, without links
    info: os.stat_result


class PictureVector(NamedTuple):
    """A picture's unit vector (dimensions,), float32, and the id of its content if the library has
    it."""

    vector: NDArray[np.float32]
    content: int | None


class ImageQueries:
    """Used by several threads, which take turns with the encoder."""

    def __init__(
        self,
        library: Library,
        models: Models,
        settings: Callable[[Model], tuple[Settings, float]],
        left_devices: LeftDevices | None = None,
    ) -> None:
        """`settings` returns for a model how the encoder is to work, and how many seconds a picture
        may take. `left_devices`: those that encoders do without."""
        self._left_devices = left_devices
        self._library = library
        self._models = models
        self._encoder_settings = settings
        self._lock = threading.Lock()
        self._pool: Pool | None = None
        self._last_used = 0.0
        self._no_wake_up = os.eventfd(0)  # Pool.poll wants to be woken by something

    def find_known(self, picture: Picture) -> PictureVector | None:
        """Returns what the library knows of a picture, without an encoder; None if it isn't known.
        Raises ImageQueryError, LibraryError."""
        if not stat.S_ISREG(picture.info.st_mode):
            raise ImageQueryError(reasons.NOT_REGULAR())
        content = self.content_at(picture)
        vector = None if content is None else self._vector(self._models.active_model.row, content)
        return None if vector is None else PictureVector(vector, content)

    def encode(self, picture: Picture, cancellation: Cancellation | None = None) -> PictureVector:
        """Returns the vector of a picture, encoded if it isn't known. Raises ImageQueryError,
        LibraryError, and Ended when `until` says that nobody waits any more."""
        if known := self.find_known(picture):
            return known
        active_model = self._models.active_model
        with self._encoder(active_model.model, cancellation) as pool:
            return self._encode(pool, active_model.row, picture, cancellation)

    def regions(
        self, picture: Picture, query: NDArray[np.float32], cancellation: Cancellation | None = None
    ) -> bytes:
        """Returns a PNG that shows which regions of a picture match a query's vector,
        (dimensions,), float32.

        Raises ImageQueryError, Ended.
        """
        if not stat.S_ISREG(picture.info.st_mode):
            raise ImageQueryError(reasons.NOT_REGULAR())
        with self._encoder(self._models.active_model.model, cancellation) as pool:
            job = Job(0, 0, picture.name, (0, 0, 0, 0), 0)
            pool.submit(job, picture.name, picture.file)
            for event in self._events(pool, cancellation):
                if event.png is not None:
                    return event.png
                pool.explain(job, query.astype("<f4").tobytes())
        raise AssertionError("an encoder's events have no end")

    @contextmanager
    def _encoder(self, model: Model, cancellation: Cancellation | None) -> Iterator[Pool]:
        """Gives the caller the encoder for one picture. Raises ImageQueryError, Ended."""
        while not self._lock.acquire(timeout=_TURN_SECONDS):
            if cancellation:
                cancellation.check()
        try:
            yield self._ready_pool(model)
        except EncoderUnusable as error:
            raise ImageQueryError(reasons.NOT_SEEN(reason=error.reason)) from error
        finally:
            self._last_used = time.monotonic()
            if self._pool and self._pool.busy:  # or the next picture would get its answer
                self._pool.close()
            self._lock.release()

    def _events(self, pool: Pool, cancellation: Cancellation | None) -> Iterator[Event]:
        """Yields the encoder's events of the submitted picture. Raises ImageQueryError where it
        fails."""
        while True:
            for event in pool.poll(None, self._no_wake_up):  # a second at most while it has work
                if event.op == "failed":
                    assert event.reason
                    raise ImageQueryError(event.reason)
                yield event
            if cancellation:
                cancellation.check()

    def content_at(self, picture: Picture) -> int | None:
        """Returns the content that the library has for the picture's path, if the file is unchanged
        since."""
        directory, name = os.path.split(picture.path)
        info = picture.info
        with self._library.memory_lock:
            parent = self._library.tree.find(directory)
        with self._library.read() as database:
            row = database.execute(
                "SELECT content FROM files WHERE directory = ? AND name = ? AND size = ? "
                "AND mtime_ns = ? AND ctime_ns IN (?, ?) AND inode = ? AND NOT due",
                (
                    parent, name, info.st_size, stored_time(info.st_mtime_ns),
                    stored_time(info.st_ctime_ns), MOVED, signed(info.st_ino),
                ),
            ).fetchone()  # fmt: skip
        return row[0] if row else None

    def _vector(self, model: int, content: int) -> NDArray[np.float32] | None:
        """Returns the stored vector of a content, or None if there is no sound one."""
        with self._library.read() as database:
            row = database.execute(
                "SELECT vector FROM vectors WHERE model = ? AND content = ?", (model, content)
            ).fetchone()
        sound = row and len(row[0]) == 2 * self._models.active_model.model.dimensions
        return _unit(row[0]) if sound else None

    def _ready_pool(self, model: Model) -> Pool:
        settings, seconds = self._encoder_settings(model)
        pool = self._pool
        if pool is None or pool.settings != settings or pool.max_seconds != seconds:
            if pool is not None:
                pool.close()
            left = self._left_devices
            pool = self._pool = Pool(settings, seconds, urgent=True, left=left)
        if not pool.running:
            self._end_later(_IDLE_SECONDS)
        return pool

    def _encode(
        self, pool: Pool, model: int, picture: Picture, cancellation: Cancellation | None
    ) -> PictureVector:
        job = Job(0, 0, picture.name, (0, 0, 0, 0), 0)
        pool.submit(job, picture.name, picture.file)
        content: int | None = None
        for event in self._events(pool, cancellation):
            if event.op == "encoded" and event.vector is not None:
                return PictureVector(_unit(event.vector), content)
            content = self._content_of(event)
            vector = None if content is None else self._vector(model, content)
            pool.answer(job, "encode" if vector is None else "skip")
            if vector is not None:
                return PictureVector(vector, content)
        raise AssertionError("an encoder's events have no end")

    def _content_of(self, event: Event) -> int | None:
        """Returns the content that has the identified pixels, or None."""
        assert event.found is not None
        with self._library.read() as database:
            row = database.execute(
                "SELECT id FROM contents WHERE scheme = ? AND identity = ?",
                (event.found["scheme"], event.found["identity"]),
            ).fetchone()
        return row[0] if row else None

    def _end_later(self, seconds: float) -> None:
        timer = threading.Timer(seconds, self._end)
        timer.daemon = True
        timer.start()

    def _end(self) -> None:
        with self._lock:
            left = self._last_used + _IDLE_SECONDS - time.monotonic()
            if left > 0:
                self._end_later(left)
            elif self._pool is not None:
                self._pool.close()
                self._pool = None


def _unit(stored: bytes) -> NDArray[np.float32]:
    """Returns a stored vector (float16, little-endian) as float32 at unit length."""
    vector = np.frombuffer(stored, "<f2").astype(np.float32)
    unit: NDArray[np.float32] = vector / np.linalg.norm(vector)
    return unit
