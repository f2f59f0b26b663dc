"""A process that gives a picture the format of a file: `python -m csearchd.previews.output`.

It reads one frame of csearch.protocol.wire from standard input, {png: bin, form, kind}, and writes
the file to standard output. `form`: a key of LIMITS; `kind`: what the picture is, such as "contact
sheet", by which it is known again. Where that fails, the last line on standard error says why.
"""

from __future__ import annotations

import io
import sys

from PIL import Image, PngImagePlugin
from PIL.TiffImagePlugin import SOFTWARE as SOFTWARE_TAG

from csearch.protocol.wire import MAX_REPLY, Message, Unpacker
from csearchd.encoder.messages import SOFTWARE

LIMITS = {
    "JPEG": 65_500,
    "PNG": 1 << 30,
    "WEBP": 16_383,
    "TIFF": 1 << 30,
    "AVIF": 32_767,
    "GIF": 65_535,
}
"""The formats, and how many pixels a side of a picture can have there."""

_QUALITY = {"JPEG": 90, "WEBP": 90, "AVIF": 80}


def encoded(image: Image.Image, form: str, kind: str) -> bytes:
    """A file of an RGB picture, in the format `form`, with a mark that it is a `kind` of csearch's.

    Raises ValueError with a text for people where the format has no room for it.
    """
    if max(image.size) > LIMITS[form]:
        raise ValueError(
            f"it has {image.width:,} by {image.height:,} pixels, and a side of a {form} file at "
            f"most {LIMITS[form]:,}; a name that ends in .png has room for it"
        )
    mark = f"{SOFTWARE} {kind}"
    if form == "PNG":
        texts = PngImagePlugin.PngInfo()
        texts.add_text("Software", SOFTWARE)
        texts.add_text("Source", mark)
        about: Message = {"pnginfo": texts}
    elif form == "GIF":
        about = {"comment": mark.encode()}
    else:
        exif = Image.Exif()
        exif[SOFTWARE_TAG] = mark
        about = {"exif": exif.tobytes()} if form != "TIFF" else {"software": mark}
    if form in _QUALITY:
        about["quality"] = _QUALITY[form]
    out = io.BytesIO()
    image.save(out, form, **about)
    return out.getvalue()


def write(image: Image.Image, message: Message) -> None:
    """Writes a picture to standard output, as a message says; ends the process where that fails."""
    try:
        data = encoded(image, message["form"], message["kind"])
    except ValueError as error:
        sys.exit(str(error))
    sys.stdout.buffer.write(data)


def main() -> None:
    """Writes the picture of a frame in another format."""
    (message,) = Unpacker(MAX_REPLY).feed(sys.stdin.buffer.read())
    with Image.open(io.BytesIO(message["png"]), formats=["PNG"]) as image:
        write(image.convert("RGB"), message)


if __name__ == "__main__":
    main()
