"""Files that exiftool writes, by way of files of our own: it never sees the user's."""

from __future__ import annotations

import json
import os
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from csearchd.tags.exiftool import Exiftool
from csearchd.tags.record import LeftAlone

_OLD, _NEW, _PACKET = "old", "new", "packet.xmp"
_BRANDS = {b"heic": "heic", b"heix": "heic", b"mif1": "heic", b"avif": "avif"}


class Rewriting:
    """What exiftool is asked for."""

    def __init__(self, directory: str, exiftool: Exiftool) -> None:
        self._directory = directory
        self._exiftool = exiftool

    def packet(self, content: bytes) -> bytes | None:
        """The XMP packet; None without one. Raises LeftAlone."""
        with self._files(content) as (old, _):
            printed, _ = self._exiftool.run("-b", "-XMP", old)
        return printed or None

    def with_packet(self, content: bytes, packet: bytes | None) -> bytes:
        """The file with another packet, or without. Raises LeftAlone."""
        if packet is not None:
            self._write(_PACKET, packet)
        return self._changed(content, f"-XMP<={_PACKET}" if packet is not None else "-XMP=")

    def keywords(self, content: bytes) -> frozenset[str]:
        """The IPTC keywords."""
        with self._files(content) as (old, _):
            printed, _ = self._exiftool.run("-j", "-IPTC:Keywords", old)
        try:
            (found,) = json.loads(printed)
        except ValueError as error:
            raise LeftAlone("its IPTC data are damaged") from error
        texts = found.get("Keywords", [])
        return frozenset(map(str, texts if isinstance(texts, list) else [texts]))

    def with_keywords(self, content: bytes, less: Collection[str], more: Sequence[str]) -> bytes:
        """The file with other IPTC keywords. Raises LeftAlone."""
        arguments = [f"-IPTC:Keywords-={text}" for text in (*sorted(less), *more)]
        arguments += [f"-IPTC:Keywords+={text}" for text in more]
        return self._changed(content, *arguments)

    def fields(self, old: bytes, new: bytes) -> list[dict[str, Any]]:
        """What exiftool sees in two files of the same format. Raises LeftAlone."""
        with self._files(old) as (old_name, new_name):
            self._write(new_name, new)
            return self._exiftool.fields(old_name, new_name)

    def close(self) -> None:
        self._exiftool.close()

    def _changed(self, content: bytes, *arguments: str) -> bytes:
        with self._files(content) as (old, new):
            _, complaints = self._exiftool.run(*arguments, "-o", new, old)
            try:
                with open(os.path.join(self._directory, new), "rb") as file:
                    return file.read()
            except FileNotFoundError:
                said = complaints.partition(" - ")[0] or "without a reason"
                raise LeftAlone(f"exiftool refused to change it: {said}") from None

    def _write(self, name: str, data: bytes) -> None:
        try:
            with open(os.path.join(self._directory, name), "wb") as file:
                file.write(data)
        except OSError as error:
            raise LeftAlone(f"{self._directory}: {error.strerror}") from error

    @contextmanager
    def _files(self, content: bytes) -> Iterator[tuple[str, str]]:
        """Names for a file and its successor; the first is there. Both go at the end."""
        names = f"{_OLD}.{_suffix(content)}", f"{_NEW}.{_suffix(content)}"
        try:
            self._write(names[0], content)
            yield names
        finally:
            for name in (*names, _PACKET):
                try:
                    os.unlink(os.path.join(self._directory, name))
                except FileNotFoundError:
                    pass


def _suffix(content: bytes) -> str:
    """For exiftool, which wants one that fits. Raises LeftAlone for formats that aren't written."""
    if content.startswith(b"\xff\xd8"):
        return "jpg"
    if content[:4] in (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+"):
        return "tif"
    if content[4:8] == b"ftyp" and (found := _BRANDS.get(content[8:12])):
        return found
    raise LeftAlone("tags aren't written into pictures of its format; use --mode sidecar")
