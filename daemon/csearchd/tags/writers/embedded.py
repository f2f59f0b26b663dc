"""Words in the picture itself, as XMP; as IPTC keywords too where there are some already.

JPEG, PNG and WebP are spliced (csearchd.tags.containers), TIFF, HEIC and AVIF written by exiftool.
Whatever wrote it, nothing counts before it is shown that all else is as it was.
"""

from __future__ import annotations

import os
from dataclasses import dataclass

from csearchd.errors import SkippedFile
from csearchd.tags.containers import container, jpeg
from csearchd.tags.record import Record
from csearchd.tags.words import leaf
from csearchd.tags.writers import replace, xmp_words
from csearchd.tags.writers.carrier import Keywords, Seen, without_duplicates
from csearchd.tags.writers.exiftool import Exiftool
from csearchd.tags.writers.replace import OpenFile
from csearchd.tags.writers.rewriting import Rewriting, wrapped
from csearchd.tags.writers.verify import verify_keywords, verify_rewritten, verify_spliced


@dataclass
class _Seen(Seen):
    packet: bytes | None


class EmbeddedCarrier:
    name = "embedded"

    def __init__(self, directory: str, most: int) -> None:
        """`directory` is for files of our own, `most` the bytes of the largest picture."""
        self._most = most
        self._rewriting = Rewriting(directory, Exiftool(directory))

    def look(self, path: bytes, top: bytes) -> Seen:
        file = OpenFile(path, top)
        try:
            content = file.read(self._most)
            packet = self._packet(content)
            mirror = xmp_words.mirror_of(xmp_words.packet_of(packet))
            return _Seen(path, content, mirror, file, packet)
        except BaseException:
            file.close()
            raise

    def keywords(self, seen: Seen) -> Keywords:
        assert isinstance(seen, _Seen) and seen.content is not None
        found = container(seen.content)
        is_jpeg = found is not None and found.format == "JPEG"
        more = frozenset(jpeg.keywords(seen.content)) if is_jpeg else frozenset[str]()
        return xmp_words.XmpKeywords(xmp_words.packet_of(seen.packet), more)

    def edited(
        self, seen: Seen, content: bytes | None, drop: Record | None, add: Record | None
    ) -> bytes | None:
        assert content is not None
        packet = self._packet(content)
        if packet is None and not add:
            return content
        changed: bytes | None = xmp_words.with_words(packet, drop, add)
        if not add and changed is not None and xmp_words.is_empty(changed):
            changed = None
        spliced = container(content)
        if spliced is None:
            changed = wrapped(changed) if changed is not None else None
            new = self._rewriting.with_packet(content, changed)
            verify_rewritten(self._rewriting, content, packet, new, changed)
            return new
        new = spliced.write(content, changed)
        verify_spliced(spliced, content, new)
        if spliced.format == "JPEG" and jpeg.keywords(content):
            new = _with_keywords(new, drop, add)
        return new

    def put(self, seen: Seen, content: bytes | None, record: Record | None) -> None:
        assert seen.picture and content is not None
        replace.replace(seen.picture, content)

    def close(self) -> None:
        self._rewriting.close()

    def _packet(self, content: bytes) -> bytes | None:
        found = container(content)
        return found.read(content) if found else self._rewriting.packet(content)


def _with_keywords(content: bytes, drop: Record | None, add: Record | None) -> bytes:
    """A JPEG with the IPTC keywords changed; the words of others among them stay."""
    less = {leaf(word) for word in drop.words} if drop else set()
    more = without_duplicates([leaf(word) for word in add.words]) if add else []
    new = jpeg.with_keywords(content, less, more)
    if not set(jpeg.keywords(content)).issubset({*jpeg.keywords(new), *less}):
        raise SkippedFile("its IPTC data can't be changed without a loss")
    verify_keywords(content, new)
    return new


def sweep(directory: str) -> None:
    """Removes what a killed tagger has left in the directory of our own files."""
    os.makedirs(directory, mode=0o700, exist_ok=True)
    for name in os.listdir(directory):
        os.unlink(os.path.join(directory, name))
