"""Words in a sidecar: photo.jpg.xmp, or photo.xmp where there is one already."""

from __future__ import annotations

import os
from dataclasses import dataclass

from csearchd.encode.formats import families, is_raw, sidecar_names, suffix
from csearchd.tags import replace, xmp_words
from csearchd.tags.record import LeftAlone, Record
from csearchd.tags.replace import OpenFile
from csearchd.tags.writers.carrier import Keywords, Seen

_MOST = 16 << 20  # bytes


@dataclass
class _Seen(Seen):
    sidecar: bytes
    file: OpenFile | None
    mode: int

    def close(self) -> None:
        if self.file:
            self.file.close()


class SidecarCarrier:
    name = "sidecar"

    def look(self, path: bytes) -> Seen:
        mode = os.lstat(path).st_mode & 0o666
        for sidecar in _names(path):
            try:
                file = OpenFile(sidecar)
            except FileNotFoundError:
                continue
            except LeftAlone as error:
                raise LeftAlone(f"its sidecar: {error}") from error
            try:
                content = file.read(_MOST)
                mirror = xmp_words.mirror_of(xmp_words.packet_of(content))
                return _Seen(path, content, mirror, sidecar, file, mode)
            except BaseException:
                file.close()
                raise
        return _Seen(path, None, None, path + b".xmp", None, mode)

    def keywords(self, seen: Seen) -> Keywords:
        return xmp_words.XmpKeywords(xmp_words.packet_of(seen.content))

    def edited(
        self, seen: Seen, content: bytes | None, drop: Record | None, add: Record | None
    ) -> bytes | None:
        if content is None and not add:
            return None
        new = xmp_words.with_words(content, drop, add)
        ours = drop is not None and drop.original is None
        return None if not add and ours and xmp_words.is_empty(new) else new

    def put(self, seen: Seen, content: bytes | None, record: Record | None) -> None:
        assert isinstance(seen, _Seen)
        if content is None:
            if seen.file:
                replace.remove(seen.file)
        elif seen.file:
            replace.replace(seen.file, content)
        else:
            replace.create(seen.sidecar, content, seen.mode)


def _names(path: bytes) -> list[bytes]:
    """The sidecars that there may be, the one that counts first. Raises LeftAlone."""
    directory, name = os.path.split(path)
    found = [os.path.join(directory, one) for one in sidecar_names(name)]
    there = [one for one in found if os.path.lexists(one)]
    if there and there[0] != found[0]:
        known = families()
        stem = os.path.splitext(name)[0]
        for other in os.listdir(directory):
            alike = os.path.splitext(other)[0] == stem and suffix(other) in known
            if alike and other != name and not (is_raw(other) or is_raw(name)):
                shared = os.fsdecode(os.path.basename(there[0]))
                raise LeftAlone(f"{shared} may be the sidecar of {os.fsdecode(other)} too")
    return there
