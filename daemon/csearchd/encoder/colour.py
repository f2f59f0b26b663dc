"""Pictures of every mode and colour space that a decoder gives, converted to sRGB."""

from __future__ import annotations

import io

import numpy as np
from PIL import Image, ImageCms

_SIXTEEN_BITS = 65535.0
_PROFILE_SPACES = {"RGB": "RGB ", "L": "GRAY", "CMYK": "CMYK"}


def resizable(image: Image.Image) -> Image.Image:
    """The same picture in one of the modes L, RGB, RGBA and CMYK, whose pixels can be averaged."""
    mode = image.mode
    if mode.startswith("I") or mode == "F":
        return _from_numbers(image)
    if mode == "LAB":
        return _from_lab(image)
    if image.has_transparency_data:
        return image if mode == "RGBA" else image.convert("RGBA")
    if mode in ("L", "RGB", "CMYK"):
        return image
    return image.convert("L" if mode == "1" else "RGB")


def to_rgb(image: Image.Image, profile: bytes | None) -> Image.Image:
    """A picture in one of `resizable`'s modes as sRGB; transparent parts become white.

    `profile` is an ICC profile, of which one that is broken or doesn't fit the mode is ignored.
    """
    if image.mode == "RGBA":
        white = Image.new("RGB", image.size, (255, 255, 255))
        white.paste(image, mask=image.getchannel("A"))
        image = white
    if profile:
        image = _from_profile(image, profile)
    return image.convert("RGB")


def _from_profile(image: Image.Image, profile: bytes) -> Image.Image:
    try:
        source = ImageCms.ImageCmsProfile(io.BytesIO(profile))
        if source.profile.xcolor_space != _PROFILE_SPACES[image.mode] or _is_srgb(source):
            return image
        converted = ImageCms.profileToProfile(
            image, source, ImageCms.createProfile("sRGB"), outputMode="RGB"
        )
    except (ImageCms.PyCMSError, OSError, ValueError, KeyError):
        return image
    return converted or image


def _is_srgb(profile: ImageCms.ImageCmsProfile) -> bool:
    return "sRGB" in (profile.profile.profile_description or "")


def _from_numbers(image: Image.Image) -> Image.Image:
    """16-bit, 32-bit and floating-point grey as L.

    The white point is 1 where no number is larger (floating point only), else 255 (floating point
    only), else 65535; where numbers are negative or larger still, the range from the smallest to
    the largest is stretched over black to white.
    """
    values = np.nan_to_num(np.asarray(image, dtype=np.float32), posinf=0.0, neginf=0.0)
    low, high = float(values.min()), float(values.max())
    if image.mode.startswith("I;16"):
        low, high = 0.0, _SIXTEEN_BITS
    elif low >= 0 and high <= _SIXTEEN_BITS:
        low = 0.0
        if image.mode == "F" and high <= 1:
            high = 1.0
        else:
            high = 255.0 if image.mode == "F" and high <= 255 else _SIXTEEN_BITS
    values -= low
    values *= 255.0 / ((high - low) or 1.0)
    return Image.fromarray(values.round().clip(0, 255).astype(np.uint8))


def _from_lab(image: Image.Image) -> Image.Image:
    transform = ImageCms.buildTransform(
        ImageCms.createProfile("LAB"), ImageCms.createProfile("sRGB"), "LAB", "RGB"
    )
    converted = ImageCms.applyTransform(image, transform)
    assert converted is not None
    return converted
