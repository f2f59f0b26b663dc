"""What can be wrong with a picture, in sentences for the user."""

from __future__ import annotations

from csearchd.encoder.messages import Limits
from csearchd.errors import PictureError
from csearchd.formats.signatures import signature_format
from csearchd.reasons import pictures as reasons

_NAMES = {"JPEG2000": "JPEG 2000", "WEBP": "WebP"}


def unidentified(data: bytes) -> PictureError:
    """The error for a file that no decoder accepts."""
    format = signature_format(data)
    if format is None or format == "HEIF":  # other ISO base media files are films, mostly
        return PictureError(reasons.UNKNOWN_FORMAT())
    return PictureError(reasons.HEADER_DAMAGED(format=_NAMES.get(format, format)))


def undecodable(error: BaseException) -> PictureError:
    """The error for a picture whose decoder raised `error`."""
    text = " ".join(str(error).split()).partition(" Please ")[0][:200]  # advice to developers
    lowered = text.lower()
    if "truncated" in lowered or isinstance(error, EOFError):
        return PictureError(reasons.TRUNCATED(details=text or reasons.ENDS_EARLY()))
    return PictureError(reasons.UNDECODABLE(details=text or type(error).__name__))


def check_pixels(width: int, height: int, limits: Limits) -> None:
    """Raises PictureError for a picture with too many pixels, or with none."""
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
    """The error for a file that took more memory than its header lets expect."""
    return PictureError(reasons.EXCEEDS_MEMORY(limit=round(limits.memory / 1e6)))


def _millions(count: int) -> str:
    return f"{count / 1e6:.0f} million" if count >= 1_000_000 else str(count)
