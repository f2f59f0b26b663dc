"""What can be wrong with a picture, in words for people."""

from __future__ import annotations

from csearchd.encoder.messages import Limits
from csearchd.errors import PictureError
from csearchd.reasons import pictures as reasons

_SIGNATURES = (
    (b"\xff\xd8\xff", "JPEG"),
    (b"\x89PNG\r\n\x1a\n", "PNG"),
    (b"GIF8", "GIF"),
    (b"II*\0", "TIFF"),
    (b"MM\0*", "TIFF"),
    (b"\xff\x4f\xff\x51", "JPEG 2000"),
    (b"\0\0\0\x0cjP  ", "JPEG 2000"),
)


def unidentified(data: bytes) -> PictureError:
    """For a file that no decoder takes."""
    for signature, name in _SIGNATURES:
        if data.startswith(signature):
            return PictureError(reasons.HEADER_DAMAGED(format=name))
    if data[:4] == b"RIFF" and data[8:12] == b"WEBP":
        return PictureError(reasons.HEADER_DAMAGED(format="WebP"))
    return PictureError(reasons.UNKNOWN_FORMAT())


def undecodable(error: BaseException) -> PictureError:
    """For a decoder that gave up with `error`."""
    text = " ".join(str(error).split())[:200]
    lowered = text.lower()
    if "truncated" in lowered or isinstance(error, EOFError):
        return PictureError(reasons.TRUNCATED(details=text or reasons.ENDS_EARLY()))
    return PictureError(reasons.UNDECODABLE(details=text or type(error).__name__))


def check_pixels(width: int, height: int, limits: Limits) -> None:
    """Raises PictureError for a picture of too many pixels, or of none."""
    if width < 1 or height < 1:
        raise PictureError(reasons.NO_PIXELS(width=width, height=height))
    if width * height > limits.pixels:
        limit = _millions(limits.pixels)
        raise PictureError(reasons.TOO_MANY_PIXELS(width=width, height=height, limit=limit))


def check_memory(needed: int, limits: Limits) -> None:
    """Raises PictureError for a picture whose decoding would take too much memory, in bytes."""
    if needed > limits.memory:
        limit = round(limits.memory / 1e6)
        raise PictureError(reasons.NEEDS_MEMORY(needed=round(needed / 1e6), limit=limit))


def memory_exhausted(limits: Limits) -> PictureError:
    """For a file that took more memory than its header lets expect."""
    return PictureError(reasons.EXCEEDS_MEMORY(limit=round(limits.memory / 1e6)))


def _millions(count: int) -> str:
    return f"{count / 1e6:.0f} million" if count >= 1_000_000 else str(count)
