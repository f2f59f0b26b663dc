"""What can still be decoded of files that are damaged or break off: chooses the format's module."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from csearchd.errors import MalformedError, UneditableError
from csearchd.formats import gif, heif, jpeg, jpeg2000, png, tiff, webp
from csearchd.formats.signatures import signature_format

_SALVAGERS: dict[str, Callable[[bytes], Iterator[bytes]]] = {  # by Pillow's name
    "JPEG": jpeg.salvaged,
    "PNG": png.salvaged,
    "TIFF": tiff.salvaged,
    "JPEG2000": jpeg2000.salvaged,
    "HEIF": heif.salvaged,
    "WEBP": webp.salvaged,
}
_ENDS: dict[str, Callable[[bytes], bool | None]] = {
    "JPEG": jpeg.reaches_end,
    "PNG": png.is_whole,
    "GIF": gif.first_is_whole,
    "WEBP": webp.reaches_end,
    "TIFF": tiff.reaches_end,
    "JPEG2000": jpeg2000.codestream_ends,
    "HEIF": heif.is_whole,
}


def salvaged(data: bytes) -> Iterator[bytes]:
    """Files to decode in place of one that can't be decoded, the best first. Never raises."""
    salvager = _SALVAGERS.get(signature_format(data) or "")
    if salvager is None:
        return
    try:
        yield from salvager(data)
    except (MalformedError, UneditableError):
        pass


def is_salvageable(data: bytes) -> bool:
    """Whether `salvaged` knows the file's format."""
    return signature_format(data) in _SALVAGERS


def has_end(data: bytes) -> bool | None:
    """Whether the first picture in the file is there up to its end; None where that isn't known.

    Never raises.
    """
    check = _ENDS.get(signature_format(data) or "")
    return check(data) if check else None


def lacks_directory(data: bytes) -> bool:
    """Whether the file breaks off before what tells how to decode it. Never raises."""
    return tiff.lacks_directory(data) or heif.lacks_directory(data)
