"""Tags in the picture itself: as XMP, and as IPTC keywords if it has some already.

csearch writes JPEG, PNG and WebP itself (csearchd.formats.embedded); exiftool writes TIFF, HEIC and
AVIF. In either case the new file is used only after a check that all else in it is unchanged.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from csearchd.errors import SkippedFile, UneditableError
from csearchd.formats import jpeg
from csearchd.formats.embedded import xmp_editor
from csearchd.metadata import iptc
from csearchd.metadata.keyword_paths import leaf
from csearchd.tags.record import Record
from csearchd.tags.writers import safe_write, xmp_tags
from csearchd.tags.writers.carrier import CarrierState, Keywords, without_duplicates
from csearchd.tags.writers.exiftool import Exiftool
from csearchd.tags.writers.exiftool_rewriter import ExiftoolRewriter, wrapped
from csearchd.tags.writers.open_file import OpenFile
from csearchd.tags.writers.verify import verify_keywords, verify_rewritten, verify_spliced


@dataclass
class _CarrierState(CarrierState):
    packet: bytes | None


class EmbeddedCarrier:
    name = "embedded"

    def __init__(self, directory: str, max_bytes: int) -> None:
        """`directory` holds temporary files; larger pictures than `max_bytes` are skipped."""
        self._max_bytes = max_bytes
        self._rewriter = ExiftoolRewriter(directory, Exiftool(directory))

    def read_state(self, path: bytes, top: bytes) -> CarrierState:
        file = OpenFile(path, top)
        try:
            content = file.read(self._max_bytes)
            with _skipped_if_uneditable():
                packet = self._packet(content)
            mirror = xmp_tags.mirror_of(xmp_tags.packet_of(packet))
            return _CarrierState(path, content, mirror, file, packet)
        except BaseException:
            file.close()
            raise

    def keywords(self, state: CarrierState) -> Keywords:
        assert isinstance(state, _CarrierState) and state.content is not None
        editor = xmp_editor(state.content)
        more = frozenset[str]()
        if editor is not None and editor.format == "JPEG":
            with _skipped_if_uneditable():
                more = frozenset(_iptc_keywords(state.content))
        return xmp_tags.XmpTags(xmp_tags.packet_of(state.packet), more)

    def edited(
        self, state: CarrierState, content: bytes | None, drop: Record | None, add: Record | None
    ) -> bytes | None:
        assert content is not None
        with _skipped_if_uneditable():
            return self._edited(content, drop, add)

    def _edited(self, content: bytes, drop: Record | None, add: Record | None) -> bytes:
        """Raises UneditableError, SkippedFile."""
        packet = self._packet(content)
        if packet is None and not add:
            return content
        changed: bytes | None = xmp_tags.with_words(packet, drop, add)
        if not add and changed is not None and xmp_tags.is_empty(changed):
            changed = None
        editor = xmp_editor(content)
        if editor is None:
            changed = wrapped(changed) if changed is not None else None
            new = self._rewriter.with_packet(content, changed)
            verify_rewritten(self._rewriter, content, packet, new, changed)
            return new
        new = editor.with_xmp(content, changed)
        verify_spliced(editor, content, new)
        if editor.format == "JPEG" and _iptc_keywords(content):
            new = _with_keywords(new, drop, add)
        return new

    def put(self, state: CarrierState, content: bytes | None, record: Record | None) -> None:
        assert state.picture and content is not None
        safe_write.replace(state.picture, content)

    def close(self) -> None:
        self._rewriter.close()

    def _packet(self, content: bytes) -> bytes | None:
        editor = xmp_editor(content)
        return editor.read_xmp(content) if editor else self._rewriter.packet(content)


@contextmanager
def _skipped_if_uneditable() -> Iterator[None]:
    try:
        yield
    except UneditableError as error:
        raise SkippedFile(str(error)) from error


def _iptc_keywords(content: bytes) -> list[str]:
    """The IPTC keywords of a JPEG. Raises UneditableError."""
    resources = jpeg.read_photoshop(content)
    return [] if resources is None else iptc.keywords(resources)


def _with_keywords(content: bytes, drop: Record | None, add: Record | None) -> bytes:
    """A JPEG with changed IPTC keywords; those of other programs stay."""
    less = {leaf(word) for word in drop.words} if drop else set()
    more = without_duplicates([leaf(word) for word in add.words]) if add else []
    resources = jpeg.read_photoshop(content)
    assert resources is not None
    new = jpeg.with_photoshop(content, iptc.with_keywords(resources, less, more))
    if not set(_iptc_keywords(content)).issubset({*_iptc_keywords(new), *less}):
        raise SkippedFile("its IPTC data can't be changed without loss")
    verify_keywords(content, new)
    return new


def sweep(directory: str) -> None:
    """Removes what a killed tagger has left in the directory of temporary files."""
    os.makedirs(directory, mode=0o700, exist_ok=True)
    for name in os.listdir(directory):
        os.unlink(os.path.join(directory, name))
