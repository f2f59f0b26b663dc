"""Compares the checksums of a model's files before they are used, but only once a file has changed.

A model is some hundred megabytes, of which a start would read everything. What a file looked like
when its checksum was right is kept in the cache: size, times and inode. Damage that leaves all of
these alone, as a failing disk does, is found by `csearchctl doctor`. The token embedding isn't
compared as a whole, since each of its rows has a checksum.
"""

from __future__ import annotations

import contextlib
import json
import os
import tempfile
import threading
from collections.abc import Iterable

from csearchd.errors import ModelError
from csearchd.models import installed
from csearchd.models.installed import Model, file_checksum, remedy
from csearchd.reasons import Reason
from csearchd.reasons import models as reasons

LEDGER = "verified-models.json"  # in the cache
_OF_NEITHER_SIDE = (installed.TOKEN_EMBEDDING, installed.BACKGROUND)

State = list[int]
"""Size, mtime_ns, ctime_ns and inode of a file."""


class Verifier:
    """The files whose checksums are known to be right. Several threads, and the service and its
    encoder, may use the same ledger."""

    def __init__(self, cache: str | None) -> None:
        """`cache`: the directory where the ledger is kept; without one, it lasts as long as this
        object."""
        self._path = None if cache is None else os.path.join(cache, LEDGER)
        self._lock = threading.Lock()
        self._known: dict[str, list[object]] = _read(self._path)
        self._damaged: dict[str, Reason] = {}

    @property
    def remarks(self) -> list[Reason]:
        """Of damaged and missing files that the service does without."""
        with self._lock:
            return list(self._damaged.values())

    def check(self, model: Model, names: Iterable[str]) -> None:
        """Compares the files `names`, as far as the model came with them. Raises ModelError for the
        first that is damaged or missing, or can't be read."""
        for name in names:
            path = model.path(name)
            expected = model.checksums.get(name)
            if expected is None:
                continue
            state = file_state(path)
            if state is None:
                if os.path.lexists(path):
                    continue  # why it can't be read is said when it is opened
                raise ModelError(reasons.MISSING(path=path, remedy=remedy(model.directory)))
            entry = [*state, expected]
            with self._lock:
                if self._known.get(path) == entry:
                    continue
            if file_checksum(path) != expected:
                raise ModelError(reasons.DAMAGED(path=path, remedy=remedy(model.directory)))
            with self._lock:
                self._known[path] = entry
                self._write()

    def check_text_side(self, model: Model) -> None:
        """`check` for what the text tower and its tokenizer consist of."""
        names = [name for name in model.checksums if not _is_of_image_side(name)]
        self.check(model, [name for name in names if name not in _OF_NEITHER_SIDE])

    def check_image_side(self, model: Model) -> None:
        """`check` for what the image tower consists of."""
        self.check(model, [name for name in model.checksums if _is_of_image_side(name)])

    def is_right(self, model: Model, name: str) -> bool:
        """Whether the optional file `name` can be used. If it is damaged, or missing though the
        model came with it, `remarks` say so."""
        path = model.path(name)
        reason = None
        try:
            self.check(model, [name])
        except ModelError as error:
            reason = error.reason
        with self._lock:
            if reason is None:
                self._damaged.pop(path, None)
            else:
                self._damaged[path] = reason
        return reason is None and os.path.exists(path)

    def _write(self) -> None:
        """Writes the ledger, with what another process has added; if it can't be written, files are
        compared again after the next start."""
        if self._path is None:
            return
        self._known = {**_read(self._path), **self._known}
        there = {path: entry for path, entry in self._known.items() if os.path.exists(path)}
        with contextlib.suppress(OSError):
            directory = os.path.dirname(self._path)
            descriptor, temporary = tempfile.mkstemp(dir=directory, prefix=f".{LEDGER}.")
            try:
                with open(descriptor, "w", encoding="utf-8") as file:
                    json.dump(there, file)
                os.replace(temporary, self._path)
            except BaseException:
                os.unlink(temporary)
                raise


class MappedFile:
    """A file that is mapped for as long as it is used: damage to it reaches memory at once."""

    def __init__(self, model: Model, name: str) -> None:
        """A file of `model` whose checksum has been compared."""
        self._model = model
        self._name = name
        self._state = file_state(model.path(name))

    def check(self) -> None:
        """Compares the checksum again if the file has changed in its place. Raises ModelError."""
        state = file_state(self._model.path(self._name))
        if state == self._state or state is None or self._state is None:
            return
        if state[-1] == self._state[-1]:  # else another file has taken its place
            Verifier(None).check(self._model, [self._name])
            self._state = state


def _is_of_image_side(name: str) -> bool:
    # A graph of 2 GB and more has its weights in a file beside it, named like it.
    return name in (installed.CONFIG, installed.WEIGHTS) or name.startswith(installed.IMAGE_TOWER)


def file_state(path: str) -> State | None:
    """What changes with the file at `path`; None if there is no file."""
    try:
        info = os.stat(path)
    except OSError:
        return None
    return [info.st_size, info.st_mtime_ns, info.st_ctime_ns, info.st_ino]


def _read(path: str | None) -> dict[str, list[object]]:
    """The entries of the ledger at `path`; none if there is none, or it is damaged."""
    try:
        with open(path or os.devnull, encoding="utf-8") as file:
            content = json.load(file)
    except (OSError, ValueError, RecursionError):
        return {}
    return content if isinstance(content, dict) else {}
