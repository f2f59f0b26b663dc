"""Reads and replaces the XMP of pictures with exiftool, which gets copies of the user's files."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from csearchd.errors import SkippedFile
from csearchd.formats.signatures import signature_format
from csearchd.tags.record import FULL, skipped_by
from csearchd.tags.writers.exiftool import Exiftool

_OLD, _NEW, _PACKET = "old", "new", "packet.xmp"
_HEADER = b"<?xpacket begin='\xef\xbb\xbf' id='W5M0MpCehiHzreSzNTczkc9d'?>\n"
_BRANDS = {b"heic": "heic", b"heix": "heic", b"mif1": "heic", b"avif": "avif"}


class ExiftoolRewriter:
    """Works on contents, which it passes to exiftool in temporary files in `directory`."""

    def __init__(self, directory: str, exiftool: Exiftool) -> None:
        self._directory = directory
        self._exiftool = exiftool

    def packet(self, content: bytes) -> bytes | None:
        """A picture's XMP packet, or None. Raises SkippedFile."""
        with self._files(content) as (old, _):
            printed, _ = self._exiftool.run("-b", "-XMP", old)
        return printed or None

    def with_packet(self, content: bytes, packet: bytes | None) -> bytes:
        """A picture with another XMP packet, or without one. Raises SkippedFile."""
        if packet is not None:
            self._write(_PACKET, packet)
        return self._changed(content, f"-XMP<={_PACKET}" if packet is not None else "-XMP=")

    def fields(self, old: bytes, new: bytes) -> list[dict[str, Any]]:
        """The metadata of two pictures of the same format (Exiftool.fields). Raises SkippedFile."""
        with self._files(old) as (old_name, new_name):
            self._write(new_name, new)
            return self._exiftool.fields(old_name, new_name)

    def close(self) -> None:
        self._exiftool.close()

    def _changed(self, content: bytes, argument: str) -> bytes:
        with self._files(content) as (old, new):
            _, complaints = self._exiftool.run(argument, "-o", new, old)
            try:
                with open(os.path.join(self._directory, new), "rb") as file:
                    return file.read()
            except FileNotFoundError:
                said = complaints.partition(" - ")[0] or "without a reason"
                full = any(os.strerror(number) in complaints for number in FULL)
                raise SkippedFile(
                    f"exiftool refused to change it: {said}", is_transient=full
                ) from None

    def _write(self, name: str, data: bytes) -> None:
        try:
            with open(os.path.join(self._directory, name), "wb") as file:
                file.write(data)
        except OSError as error:
            raise skipped_by(error, f"{self._directory} can't be written") from error

    @contextmanager
    def _files(self, content: bytes) -> Iterator[tuple[str, str]]:
        """Yields the names of a file with `content` and of one to be made; removes both."""
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


def wrapped(packet: bytes) -> bytes:
    """An XMP packet in the <?xpacket?> wrapper, which exiftool would add otherwise."""
    return packet if b"<?xpacket begin" in packet else _HEADER + packet + b"<?xpacket end='w'?>"


def _suffix(content: bytes) -> str:
    """The file name suffix that exiftool expects for a picture's format.

    Raises SkippedFile for formats that aren't written.
    """
    format = signature_format(content)
    if format == "TIFF":
        return "tif"
    if format == "HEIF" and (found := _BRANDS.get(content[8:12])):
        return found
    raise SkippedFile("tags aren't written into pictures of its format; use --mode sidecar")
