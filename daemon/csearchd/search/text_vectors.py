"""The vectors of texts that were asked lately."""

from __future__ import annotations

import sys
import threading
from collections import OrderedDict

from csearchd import limits
from csearchd.models.active_model import ActiveModel
from csearchd.search.query_language.query_vector import Vector

_ENTRY_BYTES = 400  # of an entry, beside its text and its vector


class TextVectors:
    """Keeps up to `limits.EMBEDDED_BYTES`. Used by several threads at once."""

    def __init__(self) -> None:
        self._kept: OrderedDict[tuple[str, str, str], Vector] = OrderedDict()
        self._bytes = 0
        self._lock = threading.Lock()

    def embed(self, active_model: ActiveModel, text: str, language: str) -> Vector:
        """A model's unit vector of a text in a language (TextTower.embed), (dimensions,)."""
        key = (active_model.model.text_fingerprint, language, text)
        with self._lock:
            if (kept := self._kept.get(key)) is not None:
                self._kept.move_to_end(key)
                return kept
        vector: Vector = active_model.tower.embed([text], language)[0]
        with self._lock:
            if key not in self._kept:  # another thread may have added it
                self._kept[key] = vector
                self._bytes += _size(text, vector)
            while self._bytes > limits.EMBEDDED_BYTES:
                (_, _, oldest), its = self._kept.popitem(last=False)
                self._bytes -= _size(oldest, its)
        return vector


def _size(text: str, vector: Vector) -> int:
    """The memory of an entry, in bytes."""
    return sys.getsizeof(text) + vector.nbytes + _ENTRY_BYTES
