"""The encoder's threads, which read and identify files, and decode those that the daemon wants."""

from __future__ import annotations

import os
import threading
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from functools import partial
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from csearch.protocol.wire import Message
from csearchd.encoder import occlusion
from csearchd.encoder.batches import Batches
from csearchd.encoder.decode import Decoded, Decoder, PictureInfo
from csearchd.encoder.decoding.developed import DevelopedNames
from csearchd.encoder.decoding.pairs import Shot, is_same_shot, say_the_same
from csearchd.encoder.errors import memory_exhausted
from csearchd.encoder.messages import Settings
from csearchd.errors import PictureError, UnreadableError
from csearchd.formats.identity import SCHEME, identity
from csearchd.formats.raw import metadata_blocks
from csearchd.formats.suffixes import is_raw
from csearchd.metadata.exif import read_raw_exif
from csearchd.metadata.record import dated, embedded_metadata, merged
from csearchd.metadata.sidecars import from_attributes, from_sidecars
from csearchd.models.preprocess import Preprocess
from csearchd.reasons import OTHER, Reason
from csearchd.reasons import pictures as reasons
from csearchd.system.files import (
    FileStat,
    check_open_file,
    is_another,
    open_file,
    open_parent,
    read_file,
)
from csearchd.system.memory import Budget, limit_growth
from csearchd.system.writers import may_be_growing

_MAX_HELD = 256 << 20  # bytes of files that are held at a time
_NO_PICTURE = 0  # in place of the orientation
_TOWER_GROWTH = 1 << 30  # bytes that a computing tower takes, beside files and pictures


Stat: TypeAlias = Sequence[int]
"""Size, mtime_ns, ctime_ns and inode of a file as the library knows them; all 0 if it doesn't."""


@dataclass
class _Read:
    job: int
    path: bytes
    size: int = 0  # in bytes; known once it had to wait for memory
    fd: int | None = None  # an open file, in place of the path
    stat: Stat | None = None  # of the file that is expected at the path
    sidecars: bool = False  # there are files beside it that describe or show it
    pair: bool = True  # it is to be compared with JPEGs beside it


@dataclass
class _Held:
    job: int
    file: FileStat
    data: bytes
    info: PictureInfo
    path: bytes | None = None  # of a file that somebody may still write
    query: bytes | None = None  # set where regions are wanted in place of a vector
    sign: bool = False  # only the signature is wanted


class Pipeline:
    """Carries out the daemon's messages, in several threads that send the results."""

    def __init__(
        self, settings: Settings, send: Callable[[Message], None], fail: Callable[[Reason], None]
    ) -> None:
        """`send` sends a message to the daemon; `fail` is called when the model can't be used.

        Raises OSError, ValueError, KeyError or TypeError where the model's directory has no valid
        configuration.
        """
        preprocess = Preprocess.of_model(settings.model)
        self._limits = settings.limits
        self._send = send
        self._decoder = Decoder(preprocess, settings.limits)
        self._developed = DevelopedNames()
        self._budget = Budget(settings.limits.memory)
        growth = 2 * settings.limits.memory + _MAX_HELD + settings.limits.bytes + _TOWER_GROWTH
        self._batches = Batches(settings, preprocess, growth, send, self._wake, fail)
        self._changed = threading.Condition()
        self._reads: deque[_Read] = deque()
        self._decodes: deque[_Held] = deque()
        self._held: dict[int, _Held] = {}
        self._in_flight = 0
        self._decoding = 0
        limit_growth(growth)
        for number in range(max(2, settings.threads)):
            threading.Thread(target=self._work, name=f"worker {number}", daemon=True).start()

    def read(
        self,
        job: int,
        path: bytes,
        fd: int | None = None,
        stat: Stat | None = None,
        sidecars: bool = False,
        pair: bool = True,
    ) -> None:
        """Reads and identifies the file at `path`, or the open file `fd`, which it closes.

        A file at `path` that isn't the one of `stat` counts as changed: it may be reached through a
        symbolic link that has taken a directory's place. Its sidecars, and with `pair` a raw file's
        JPEGs, are looked for where `sidecars` says that there are some.
        """
        with self._changed:
            self._reads.append(_Read(job, path, 0, fd, stat, sidecars, pair))
            self._changed.notify()

    def encode(self, job: int, query: bytes | None = None) -> None:
        """Encodes an identified job's picture; with `query`, finds the regions that match it.

        `query` is a unit vector, little-endian float32. Jobs that are unknown or over are ignored.
        """
        held = self._decode_later(job, query=query)
        if held is not None and held.info.memory <= self._limits.memory:
            self._batches.start()  # not for one that will fail: a tower takes seconds and memory

    def sign(self, job: int) -> None:
        """Makes the signature of an identified job's picture, for which no tower is needed."""
        self._decode_later(job, sign=True)

    def _decode_later(
        self, job: int, query: bytes | None = None, sign: bool = False
    ) -> _Held | None:
        with self._changed:
            held = self._held.pop(job, None)
            if held is not None:
                held.query, held.sign = query, sign
                self._decodes.append(held)
                self._batches.expect(True)
            self._changed.notify()
        return held

    def skip(self, job: int) -> None:
        """Ends an identified job whose content is known. Unknown jobs are ignored."""
        with self._changed:
            held = self._held.pop(job, None)
        if held is not None:
            self._release(held.file.size)

    def _wake(self) -> None:
        with self._changed:
            self._changed.notify_all()

    def _work(self) -> None:
        while True:
            task = self._take()
            try:
                if isinstance(task, _Held):
                    self._decode(task)
                else:
                    self._read(task)
            except MemoryError:
                self._failed(task.job, memory_exhausted(self._limits).reason)
            except Exception as error:  # a hostile file must not stop the thread
                self._failed(task.job, reasons.UNREADABLE(reason=OTHER(text=str(error))))

    def _take(self) -> _Read | _Held:
        """The next task. Decoding comes first, since it frees memory."""
        with self._changed:
            while True:
                if self._decodes and len(self._batches) < self._batches.capacity:
                    self._decoding += 1
                    return self._decodes.popleft()
                if self._reads and self._has_room(self._reads[0].size):
                    return self._reads.popleft()
                self._changed.wait()

    def _has_room(self, size: int) -> bool:
        return self._in_flight == 0 or self._in_flight + size <= _MAX_HELD

    def _release(self, size: int) -> None:
        with self._changed:
            self._in_flight -= size
            self._changed.notify_all()

    def _read(self, task: _Read) -> None:
        self._send({"op": "started", "job": task.job})
        directory: int | None = None
        try:
            if task.fd is None:
                directory = open_parent(task.path)
                name = os.path.basename(task.path)
                fd, file = open_file(name, self._limits.bytes, directory)
            else:
                fd, file = task.fd, check_open_file(task.fd, self._limits.bytes)
            self._read_open(task, fd, file, directory)
        except UnreadableError as error:
            self._failed(task.job, error.reason, error.file, changed=error.changed)
        finally:
            if directory is not None:
                os.close(directory)

    def _read_open(self, task: _Read, fd: int, file: FileStat, directory: int | None) -> None:
        """Reads an open file; closes `fd` unless a handed-over file has to wait for memory.

        Raises UnreadableError.
        """
        if task.stat and is_another(file, task.stat):
            os.close(fd)
            raise UnreadableError(reasons.CHANGED_BEFORE(), changed=True, file=file)
        if not self._reserve(file.size):
            if task.fd is None:
                os.close(fd)
            self._send({"op": "waiting", "job": task.job})
            with self._changed:
                self._reads.appendleft(replace(task, size=file.size))
            return
        kept = False
        try:
            attributes = from_attributes(fd)
            data = read_file(fd, file)
            sidecars = []
            if directory is not None and task.sidecars:
                sidecars = from_sidecars(os.path.basename(task.path), directory)
                if task.pair and self._is_shown_by_jpeg(task, data, directory):
                    self._send({"op": "paired", "job": task.job})
                    return
            kept = self._identify(task, file, data, sidecars, attributes)
        finally:
            if not kept:
                self._release(file.size)

    def _is_shown_by_jpeg(self, task: _Read, data: bytes, directory: int) -> bool:
        """Whether a file is camera raw of which a JPEG beside it shows the same shot."""
        name = os.path.basename(task.path)
        jpegs = self._developed.of(name, directory) if is_raw(name) else []
        if not jpegs:
            return False
        self._send({"op": "pairing", "job": task.job})
        try:
            return self._show_the_same(data, name, jpegs, directory)
        finally:
            self._send({"op": "started", "job": task.job})

    def _show_the_same(
        self, data: bytes, name: bytes, jpegs: Sequence[bytes], directory: int
    ) -> bool:
        shots = [shot for jpeg in jpegs if (shot := self._jpeg_shot(jpeg, directory))]
        if not shots:
            return False
        raw, info = self._undecoded_shot(data, name)
        if any(say_the_same(raw, shot) for shot in shots):
            return True  # and a raw file, which takes longest, needn't be decoded
        raw = self._decoded_shot(raw, data, info)
        return any(is_same_shot(raw, shot) for shot in shots)

    def _jpeg_shot(self, name: bytes, directory: int) -> Shot | None:
        """What the JPEG `name` shows; None unless it is whole."""
        try:
            data = read_file(*open_file(name, self._limits.bytes, directory))
        except UnreadableError:
            return None
        told, info = self._undecoded_shot(data, name)
        shot = self._decoded_shot(told, data, info)
        return None if shot.pixels is None else shot

    def _undecoded_shot(self, data: bytes, name: bytes) -> tuple[Shot, PictureInfo | None]:
        """What a file says of its picture; without a PictureInfo, it can't be decoded."""
        try:
            info = self._decoder.inspect(data, name)
        except (PictureError, MemoryError):
            said = embedded_metadata(read_raw_exif(data), metadata_blocks(data))
            return Shot.of(said, None), None
        return Shot.of(info.metadata, None), info

    def _decoded_shot(self, shot: Shot, data: bytes, info: PictureInfo | None) -> Shot:
        """What a picture shows, without pixels where it can't be decoded as a whole."""
        if info is None:
            return shot
        try:
            with self._budget.take(info.memory):
                decoded = self._decoder.decode(data, info)
        except (PictureError, MemoryError):
            return shot
        return shot if decoded.incomplete else shot._replace(pixels=decoded.pixels)

    def _reserve(self, size: int) -> bool:
        with self._changed:
            room = self._has_room(size)
            if room:
                self._in_flight += size
            return room

    def _identify(
        self,
        task: _Read,
        file: FileStat,
        data: bytes,
        sidecars: list[dict[str, Any]],
        attributes: dict[str, Any],
    ) -> bool:
        """Identifies a file; whether it is held for the daemon's answer.

        `sidecars` and `attributes` are its metadata outside of the file.
        """
        try:
            info = self._decoder.inspect(data, task.path)
        except PictureError as error:
            # Under another name the same content may be camera raw, whose identity this isn't.
            self._failed(task.job, error.reason, file, identity(data, None, _NO_PICTURE))
            return False
        said = merged(*sidecars, info.metadata, attributes)
        metadata = dated(said, os.path.basename(task.path), datetime.now())
        with self._changed:
            path = task.path if task.fd is None else None
            self._held[task.job] = _Held(task.job, file, data, info, path)
        self._send(
            {
                "op": "identified",
                "job": task.job,
                "scheme": SCHEME,
                "identity": info.identity,
                "format": info.format,
                "width": info.width,
                "height": info.height,
                "metadata": metadata,
                **asdict(file),
            }
        )
        return True

    def _decode(self, held: _Held) -> None:
        try:
            decoded = self._decoded(held)
            if decoded.incomplete and held.path and may_be_growing(held.path, held.file.ctime_ns):
                reason = reasons.CHANGED_MEANWHILE()
                self._failed(held.job, reason, held.file, held.info.identity, changed=True)
                return
            self._send(
                {
                    "op": "decoded",
                    "job": held.job,
                    "incomplete": decoded.incomplete,
                    "signature": decoded.signature,
                }
            )
            if held.sign:
                self._send({"op": "signed", "job": held.job})
            elif held.query is None:
                self._batches.add(held.job, decoded.views)
            else:
                self._explain(held.job, decoded.pixels, np.frombuffer(held.query, "<f4"))
        except PictureError as error:
            self._failed(held.job, error.reason, held.file, held.info.identity)
        finally:
            self._release(held.file.size)
            with self._changed:
                self._decoding -= 1
                self._batches.expect(self._decoding > 0 or bool(self._decodes))

    def _explain(self, job: int, pixels: occlusion.Pixels, query: NDArray[np.float32]) -> None:
        pictures = occlusion.variants(pixels)
        scores = np.zeros(len(pictures), np.float32)
        left = threading.Semaphore(0)

        def deliver(number: int, vector: NDArray[np.float16]) -> None:
            scores[number] = np.nan_to_num(vector.astype(np.float32) @ query)
            left.release()

        for number, picture in enumerate(pictures):
            self._batches.add(job, picture[None], partial(deliver, number))
        for _ in pictures:
            left.acquire()
        png = occlusion.painted(pixels, occlusion.heat(scores))
        self._send({"op": "explained", "job": job, "png": png})

    def _decoded(self, held: _Held) -> Decoded:
        """The decoded picture; tries again alone where memory runs short beside other pictures."""
        for amount in (held.info.memory, self._budget.size):
            with self._budget.take(amount):
                self._send({"op": "decoding", "job": held.job})
                try:
                    return self._decoder.decode(held.data, held.info)
                except MemoryError:
                    pass
        raise memory_exhausted(self._limits)

    def _failed(
        self,
        job: int,
        reason: Reason,
        file: FileStat | None = None,
        identity: bytes | None = None,
        changed: bool = False,
    ) -> None:
        told = reason.to_message()
        message: Message = {"op": "failed", "job": job, "reason": told, "changed": changed}
        if file is not None:
            message.update(asdict(file))
        if identity is not None:
            message.update(scheme=SCHEME, identity=identity)
        self._send(message)
