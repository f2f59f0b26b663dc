"""Tags in a sidecar: photo.jpg.xmp, or photo.xmp if there is one already.

A sidecar can stay behind when its picture is removed or renamed.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass

from csearchd.errors import SkippedFile
from csearchd.formats.suffixes import families, is_raw, sidecar_names, suffix
from csearchd.tags.record import Record
from csearchd.tags.writers import safe_write, xmp_tags
from csearchd.tags.writers.carrier import CarrierState, Keywords
from csearchd.tags.writers.open_file import OpenFile, open_directory

_MAX_BYTES = 16 << 20  # of a sidecar


@dataclass
class _CarrierState(CarrierState):
    directory: int  # a descriptor of the directory of both files
    sidecar: bytes  # its path
    file: OpenFile | None  # the sidecar, if it exists

    def close(self) -> None:
        super().close()
        if self.file:
            self.file.close()
        if self.directory >= 0:
            os.close(self.directory)
            self.directory = -1


class SidecarCarrier:
    name = "sidecar"

    def read_state(self, path: bytes, top: bytes) -> CarrierState:
        directory = open_directory(os.path.dirname(path), top)
        state = _CarrierState(path, None, None, None, directory, path + b".xmp", None)
        try:
            with suppress(FileNotFoundError, SkippedFile):
                state.picture = OpenFile(path, directory=directory)
            for sidecar in _names(directory, path):
                with suppress(FileNotFoundError):
                    state.sidecar, state.file = sidecar, _opened(directory, sidecar)
                    state.content = state.file.read(_MAX_BYTES)
                    state.mirror = xmp_tags.mirror_of(xmp_tags.packet_of(state.content))
                    return state
            if state.picture is None:
                raise FileNotFoundError
            return state
        except BaseException:
            state.close()
            raise

    def keywords(self, state: CarrierState) -> Keywords:
        return xmp_tags.XmpTags(xmp_tags.packet_of(state.content))

    def edited(
        self, state: CarrierState, content: bytes | None, drop: Record | None, add: Record | None
    ) -> bytes | None:
        if content is None and not add:
            return None
        new = xmp_tags.with_words(content, drop, add)
        ours = drop is not None and drop.original is None
        return None if not add and ours and xmp_tags.is_empty(new) else new

    def put(self, state: CarrierState, content: bytes | None, record: Record | None) -> None:
        assert isinstance(state, _CarrierState)
        if content is None:
            if state.file:
                safe_write.remove(state.file)
        elif state.file:
            safe_write.replace(state.file, content)
        elif state.picture is None or not state.picture.is_there():
            raise SkippedFile("it is gone", is_transient=True)
        else:
            # Writable even beside a read-only picture, since its tags may change.
            mode = (state.picture.info.st_mode & 0o666) | stat.S_IWUSR
            safe_write.create(state.directory, os.path.basename(state.sidecar), content, mode)


def _opened(directory: int, sidecar: bytes) -> OpenFile:
    try:
        return OpenFile(sidecar, directory=directory)
    except SkippedFile as error:
        raise SkippedFile(f"its sidecar: {error}", error.is_transient) from error


def _names(directory: int, path: bytes) -> list[bytes]:
    """The existing sidecars of a picture, the one that counts first.

    Raises SkippedFile if photo.xmp could be another picture's, too.
    """
    there = [one for one in _paths(path) if _exists(directory, os.path.basename(one))]
    if there and not there[0].startswith(path):
        others = _of_the_same_stem(directory, os.path.basename(path))
        raws = [other for other in others if is_raw(other)]
        if raws and not is_raw(path):
            return []  # of a raw file and a JPEG from one shot, it belongs to the raw file
        for other in raws if is_raw(path) else others:
            shared = os.fsdecode(os.path.basename(there[0]))
            raise SkippedFile(f"{shared} may be the sidecar of {os.fsdecode(other)} too")
    return there


def _exists(directory: int, name: bytes) -> bool:
    try:
        os.lstat(name, dir_fd=directory)
    except FileNotFoundError:
        return False
    return True


def _of_the_same_stem(directory: int, name: bytes) -> list[bytes]:
    """The names of other pictures in the directory that differ only in their suffix."""
    stem, known = os.path.splitext(name)[0], families()
    return [
        other
        for other in sorted(map(os.fsencode, os.listdir(directory)))
        if other != name and os.path.splitext(other)[0] == stem and suffix(other) in known
    ]


def _paths(path: bytes) -> list[bytes]:
    directory, name = os.path.split(path)
    return [os.path.join(directory, one) for one in sidecar_names(name)]


def holds(path: bytes, top: bytes, marks: Iterable[str]) -> bool:
    """Whether a sidecar of the picture at `path` holds one of the marks."""
    wanted = [mark.encode() for mark in marks if mark]
    for sidecar in _paths(path) if wanted else ():
        try:
            file = OpenFile(sidecar, top)
        except (SkippedFile, FileNotFoundError, NotADirectoryError):
            continue
        try:
            content = file.read(_MAX_BYTES)
            if any(mark in content for mark in wanted):
                return True
        except SkippedFile:
            continue
        finally:
            file.close()
    return False
