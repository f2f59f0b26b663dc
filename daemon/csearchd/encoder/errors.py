"""What can be wrong with a picture, in words for people."""

from __future__ import annotations

from csearchd.encoder.messages import Limits

_SIGNATURES = (
    (b"\xff\xd8\xff", "JPEG"),
    (b"\x89PNG\r\n\x1a\n", "PNG"),
    (b"GIF8", "GIF"),
    (b"II*\0", "TIFF"),
    (b"MM\0*", "TIFF"),
    (b"\xff\x4f\xff\x51", "JPEG 2000"),
    (b"\0\0\0\x0cjP  ", "JPEG 2000"),
)


class PictureError(Exception):
    """The picture cannot be decoded; the text says why and fits after the file's name."""


def unidentified(data: bytes) -> PictureError:
    """For a file that no decoder takes."""
    for signature, name in _SIGNATURES:
        if data.startswith(signature):
            return PictureError(f"is a damaged or truncated {name} file: its header can't be read")
    if data[:4] == b"RIFF" and data[8:12] == b"WEBP":
        return PictureError("is a damaged or truncated WebP file: its header can't be read")
    return PictureError("not an image of a supported format")


def undecodable(error: BaseException) -> PictureError:
    """For a decoder that gave up with `error`."""
    text = " ".join(str(error).split())[:200]
    lowered = text.lower()
    if "truncated" in lowered or isinstance(error, EOFError):
        return PictureError(f"the file is truncated or damaged ({text or 'it ends too early'})")
    return PictureError(f"the file is damaged or not supported ({text or type(error).__name__})")


def check_pixels(width: int, height: int, limits: Limits) -> None:
    """Raises PictureError for a picture of too many pixels, or of none."""
    if width < 1 or height < 1:
        raise PictureError(f"has no pixels ({width}×{height})")
    if width * height > limits.pixels:
        raise PictureError(
            f"{width}×{height} pixels are more than the limit of {_millions(limits.pixels)} "
            "(encode.max_pixels)"
        )


def check_memory(needed: int, limits: Limits) -> None:
    """Raises PictureError for a picture whose decoding would take too much memory, in bytes."""
    if needed > limits.memory:
        raise PictureError(
            f"decoding needs {needed / 1e6:.0f} MB of memory, more than the limit of "
            f"{limits.memory / 1e6:.0f} MB (encode.max_memory)"
        )


def memory_exhausted(limits: Limits) -> PictureError:
    """For a file that took more memory than its header lets expect."""
    return PictureError(
        f"decoding needs more memory than the limit of {limits.memory / 1e6:.0f} MB "
        "(encode.max_memory)"
    )


def _millions(count: int) -> str:
    return f"{count / 1e6:.0f} million" if count >= 1_000_000 else str(count)
