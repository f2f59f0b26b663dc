"""Makes the signatures of pictures (csearchd.library.signatures)."""

from __future__ import annotations

from PIL import Image

from csearchd.library.signatures.form import SIDE, packed


def signature_of(image: Image.Image) -> bytes:
    """The signature of a picture as it is shown, of mode RGB."""
    small = image.convert("L").resize((SIDE, SIDE), Image.Resampling.BILINEAR)
    return packed(small.tobytes(), image.width / image.height)
