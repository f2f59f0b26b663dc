"""Small pictures for whoever shows results: `python -m csearchd.encode.thumbnails`.

A process of its own, since decoders crash on hostile files. It reads frames of csearch.protocol
from standard input and answers each on standard output, until that closes:

    {path: bin, width, height, form}    the largest sizes, pixels; form: "png", "rgb" or "palette"
    {width, height, data: bin}          a PNG file; 3 bytes a pixel; or 1 byte a pixel, with
                                        `palette` (bin), 3 bytes a colour, at most COLOURS
    {path: bin, form: "desktop", size}  a thumbnail in the desktop's cache: "large", "x-large"
    {file: str}                         where it is now
    {reason: str}                       why there is none

The desktop's own thumbnail is taken where it is large enough and up to date.
"""

from __future__ import annotations

import hashlib
import io
import os
import sys
import tempfile
from urllib.parse import quote

from PIL import Image, PngImagePlugin

from csearch.protocol import MAX_REQUEST, Message, Unpacker, pack
from csearchd.encode.colour import resizable, to_rgb
from csearchd.encode.errors import PictureError, check_memory, undecodable
from csearchd.encode.exif import orientation, read_exif, upright
from csearchd.encode.files import UnreadableError, open_file, read_file
from csearchd.encode.formats import is_raw
from csearchd.encode.messages import SOFTWARE, Limits
from csearchd.encode.opening import open_image, register_formats
from csearchd.encode.raw import raw_preview, read_raw

COLOURS = 64
_LIMITS = Limits(pixels=300_000_000, bytes=1_000_000_000, memory=2_000_000_000)
_DESKTOP_SIZES = {"normal": 128, "large": 256, "x-large": 512, "xx-large": 1024}
_SAFE = "!$&'()*+,-./:=@_~"  # what GLib doesn't escape: thumbnails are named after that


class Thumbnails:
    """Makes small pictures, upright, in sRGB, without transparency."""

    def __init__(self) -> None:
        self._formats = register_formats()

    def make(self, path: bytes, width: int, height: int) -> Image.Image:
        """The picture at `path`, within the size. Raises PictureError, UnreadableError."""
        descriptor, file = open_file(path, _LIMITS.bytes)
        most = max(width, height)
        image = _of_desktop(path, file.mtime_ns // 1_000_000_000, most)
        if image:
            os.close(descriptor)
        else:
            image = self._decoded(read_file(descriptor, file), path, most)
        image.thumbnail((width, height))
        return image

    def _decoded(self, data: bytes, path: bytes, most: int) -> Image.Image:
        """Not much larger than `most` pixels. Raises PictureError."""
        try:
            return self._reduced(data, path, most)
        except PictureError:
            raise
        except Exception as error:  # a decoder in the hands of a hostile file raises anything
            raise undecodable(error) from error

    def _reduced(self, data: bytes, path: bytes, most: int) -> Image.Image:
        raw = read_raw(data, _LIMITS) if is_raw(path) else None
        if raw:
            image, turn = raw_preview(data, raw.orientation, most, self._formats, _LIMITS), 1
        else:
            image = open_image(data, self._formats, _LIMITS)
            turn = orientation(read_exif(image, data))
            if image.format in ("JPEG", "MPO"):
                image.draft(None, (most, most))
            check_memory(image.width * image.height * 4, _LIMITS)
            image.load()
            if image.format == "TIFF":
                turn = orientation(image.getexif())  # Pillow has turned it, and says so
        profile = image.info.get("icc_profile")
        image = resizable(image)
        factor = max(image.size) // (2 * most)
        if factor > 1:
            image = Image.Image.reduce(image, factor)
        return upright(to_rgb(image, profile), turn)


def _of_desktop(path: bytes, modified: int, most: int) -> Image.Image | None:
    """The desktop's thumbnail, if it is as large, or as the picture, and of this version of it.

    https://specifications.freedesktop.org/thumbnail-spec/latest/
    """
    for size, pixels in _DESKTOP_SIZES.items():
        if pixels < most:
            continue
        try:
            with open(_desktop_file(_uri(path), size), "rb") as file:
                image = open_image(file.read(), ("PNG",), _LIMITS)
            image.load()
        except (OSError, PictureError):
            continue
        if image.info.get("Thumb::MTime") == str(modified):
            return to_rgb(resizable(image), None)
    return None


def _uri(path: bytes) -> str:
    return "file://" + quote(path, safe=_SAFE)


def _desktop_file(uri: str, size: str) -> str:
    name = hashlib.md5(uri.encode(), usedforsecurity=False).hexdigest()
    base = os.environ.get("XDG_CACHE_HOME", "")
    cache = base if os.path.isabs(base) else os.path.expanduser("~/.cache")
    return os.path.join(cache, "thumbnails", size, f"{name}.png")


def keep_for_desktop(thumbnails: Thumbnails, path: bytes, size: str) -> str:
    """Puts a thumbnail into the desktop's cache, as a whole or not at all; its file.

    Raises PictureError, UnreadableError, OSError.
    """
    modified = os.stat(path).st_mtime_ns // 1_000_000_000
    pixels = _DESKTOP_SIZES[size]
    image = thumbnails.make(path, pixels, pixels)
    uri = _uri(path)
    file = _desktop_file(uri, size)
    texts = PngImagePlugin.PngInfo()
    for key, text in (("URI", uri), ("MTime", str(modified))):
        texts.add_text(f"Thumb::{key}", text)
    texts.add_text("Software", SOFTWARE)
    os.makedirs(os.path.dirname(file), mode=0o700, exist_ok=True)
    with tempfile.NamedTemporaryFile(dir=os.path.dirname(file), delete=False) as temporary:  # 0600
        try:
            # It is sRGB; a large profile would stand before the texts, which are looked for.
            # Photos hardly get smaller with more effort, which takes longer than the decoding.
            image.save(temporary, "PNG", pnginfo=texts, icc_profile=None, compress_level=1)
            os.replace(temporary.name, file)
        except BaseException:
            os.unlink(temporary.name)
            raise
    return file


def _reply(thumbnails: Thumbnails, request: Message) -> Message:
    try:
        if request["form"] == "desktop":
            return {"file": keep_for_desktop(thumbnails, request["path"], request["size"])}
        image = thumbnails.make(request["path"], request["width"], request["height"])
    except (PictureError, UnreadableError, OSError) as error:
        return {"reason": str(error)}
    if request["form"] == "png":
        stream = io.BytesIO()
        image.save(stream, "PNG", compress_level=1)
        return {"width": image.width, "height": image.height, "data": stream.getvalue()}
    if request["form"] == "rgb":
        return {"width": image.width, "height": image.height, "data": image.tobytes()}
    image = image.quantize(COLOURS, Image.Quantize.MEDIANCUT)
    palette = bytes(image.getpalette() or ())[: 3 * COLOURS]
    size = {"width": image.width, "height": image.height}
    return {**size, "data": image.tobytes(), "palette": palette}


def main() -> None:
    """Answers until nobody asks."""
    thumbnails = Thumbnails()
    unpacker = Unpacker(MAX_REQUEST)
    while data := os.read(0, 1 << 16):
        for request in unpacker.feed(data):
            sys.stdout.buffer.write(pack(_reply(thumbnails, request)))
            sys.stdout.buffer.flush()


if __name__ == "__main__":
    main()
