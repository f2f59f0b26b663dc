"""Gathers decoded pictures into batches for the image tower, in threads of its own."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from csearch.protocol.wire import Message
from csearchd.encoder.decode import Views
from csearchd.encoder.messages import Settings
from csearchd.encoder.towers import Tower, Towers
from csearchd.errors import TowerError
from csearchd.models.preprocess import Preprocess
from csearchd.reasons import Reason, models
from csearchd.reasons.pictures import NO_VECTOR

_MAX_WAIT = 0.25  # seconds that a picture waits for others that fill the batch

Deliver = Callable[[NDArray[np.float16]], None]
_Picture = tuple[int, Views, Deliver | None]


class Batches:
    """Pictures that wait for the tower. The tower is loaded when `start` is first called."""

    capacity = 128  # decoded pictures, from which on no further ones should be decoded

    def __init__(
        self,
        settings: Settings,
        preprocess: Preprocess,
        growth: int,
        send: Callable[[Message], None],
        taken: Callable[[], None],
        fail: Callable[[Reason], None],
    ) -> None:
        """`growth` is how many bytes the process may grow by once the tower is loaded. `taken` is
        called whenever pictures have left the queue, `fail`, with the reason, when the model can't
        be used.
        """
        self._settings = settings
        self._preprocess = preprocess
        self._growth = growth
        self._send = send
        self._taken = taken
        self._fail = fail
        self._waiting: list[_Picture] = []
        self._more_coming = False
        self._changed = threading.Condition()
        self._started = False

    def __len__(self) -> int:
        return len(self._waiting)

    def start(self) -> None:
        """Begins to load the tower, in a thread, unless that has begun."""
        if not self._started:
            self._started = True
            threading.Thread(target=self._run, name="tower", daemon=True).start()

    def add(self, job: int, views: Views, deliver: Deliver | None = None) -> None:
        """Adds a picture.

        Its vector, float16 (dimensions), is sent to the daemon, or given to `deliver` in a thread
        of the tower.
        """
        with self._changed:
            self._waiting.append((job, views, deliver))
            self._changed.notify_all()

    def expect(self, more: bool) -> None:
        """Says whether further pictures are being decoded, for which a batch may wait."""
        with self._changed:
            self._more_coming = more
            self._changed.notify_all()

    def _run(self) -> None:
        """Loads the tower, starts the further threads, and encodes like them."""
        try:
            towers = Towers(self._settings, self._preprocess, self._growth, self._send)
        except Exception as error:
            self._give_up(error)
            return
        for number in range(1, self._settings.threads):
            name = f"tower {number}"
            threading.Thread(target=self._serve, args=(towers,), name=name, daemon=True).start()
        self._serve(towers)

    def _serve(self, towers: Towers) -> None:
        try:
            while True:
                with towers.turn() as tower:
                    pictures = self._next(tower.batch)
                    self._taken()
                    self._encode(towers, tower, pictures)
        except Exception as error:
            self._give_up(error)

    def _give_up(self, error: Exception) -> None:
        if isinstance(error, TowerError):
            self._fail(error.reason)
        else:
            self._fail(models.NOT_RUN(path=self._settings.model, details=str(error)))

    def _next(self, max_pictures: int) -> list[_Picture]:
        """The next batch; waits until there is at least one picture."""
        with self._changed:
            while not self._waiting:  # or another thread has taken them
                self._changed.wait_for(lambda: self._waiting)
                self._changed.wait_for(
                    lambda: len(self._waiting) >= max_pictures or not self._more_coming, _MAX_WAIT
                )
            batch, self._waiting = self._waiting[:max_pictures], self._waiting[max_pictures:]
            return batch

    def _encode(self, towers: Towers, tower: Tower, pictures: list[_Picture]) -> None:
        every = self._vectors(towers, tower, np.concatenate([views for _, views, _ in pictures]))
        ends = np.cumsum([len(views) for _, views, _ in pictures])
        vectors = map(_combined, np.split(every, ends[:-1]))
        for (job, _, deliver), vector in zip(pictures, vectors, strict=True):
            if deliver:
                deliver(vector)
            elif np.isfinite(vector).all() and vector.any():
                self._send({"op": "encoded", "job": job, "vector": vector.tobytes()})
            else:
                reason = NO_VECTOR().to_message()
                self._send({"op": "failed", "job": job, "reason": reason, "changed": False})

    def _vectors(self, towers: Towers, tower: Tower, pixels: Views) -> NDArray[np.float16]:
        """The vectors of a batch, in parts where memory, also a GPU's, doesn't suffice for it."""
        try:
            return towers.encode(tower, pixels)
        except RuntimeError:  # torch's, and its OutOfMemoryError
            half = len(pixels) // 2
            if half == 0:
                time.sleep(1)
                return towers.encode(tower, pixels)
            parts = (pixels[:half], pixels[half:])
            return np.concatenate([self._vectors(towers, tower, part) for part in parts])


def _combined(views: NDArray[np.float16]) -> NDArray[np.float16]:
    """The vector of a picture from those of its views: (dimensions), of unit length."""
    if len(views) == 1:
        single: NDArray[np.float16] = views[0]
        return single
    total = views.astype(np.float32).sum(axis=0)
    vector: NDArray[np.float16] = (total / np.linalg.norm(total)).astype("<f2")
    return vector
