"""A process that makes small pictures: `python -m csearchd.previews.thumbnails`.

It reads frames of csearch.protocol.wire from standard input, until that is closed, and answers each
on standard output:

    {path: bin, width, height, form}    a picture of at most this size, in pixels; form: "png",
                                        "jpeg", "rgb", "xterm" or "palette"
    → {width, height, data: bin}        a PNG or JPEG file; 3 bytes a pixel; 1 byte a pixel, a
                                        colour of xterm's palette from 16 on; or 1 byte a pixel,
                                        with `palette` (bin), 3 bytes a colour, at most COLOURS
    {path: bin, form: "desktop", size}  a thumbnail in the desktop's cache; size: "normal",
                                        "large", "x-large" or "xx-large"
    → {file: str}                       the thumbnail's file
    → {reason: str}                     why there is none, in answer to either

The desktop's own thumbnail is used where it is large enough and up to date.
"""

from __future__ import annotations

import io
import os
import sys
import tempfile
import warnings

from PIL import Image, PngImagePlugin

from csearch.protocol.wire import MAX_REQUEST, Message, Unpacker, pack
from csearchd import config as configuration
from csearchd.encoder.colour import resizable, to_rgb
from csearchd.encoder.decoding.loading import load_image
from csearchd.encoder.errors import check_memory, memory_exhausted, undecodable
from csearchd.encoder.messages import SOFTWARE, Limits
from csearchd.encoder.opening import coded_orientation, memory_needed, open_image, register_formats
from csearchd.encoder.raw import raw_preview, read_raw
from csearchd.errors import ConfigError, PictureError, UnreadableError
from csearchd.formats.suffixes import is_raw
from csearchd.metadata.exif import exif_orientation, read_exif, upright
from csearchd.paths import standard_paths
from csearchd.previews.desktop_thumbnails import PIXELS, modified_text, thumbnail_file, uri
from csearchd.previews.xterm_colours import in_xterm_colours
from csearchd.system.child_process import enter_background
from csearchd.system.files import FileStat, open_file, read_file
from csearchd.system.memory import limit_growth

COLOURS = 64
_GROWTH = 256 << 20  # bytes that the process may grow by beside a file and its picture


class ThumbnailMaker:
    """Makes small pictures: upright, in sRGB, without transparency."""

    def __init__(self, limits: Limits | None = None) -> None:
        """`limits` are by default those that the user has set for the encoder."""
        self._limits = limits or users_limits()
        self._formats = register_formats(self._limits.pixels)

    def make(self, path: bytes, width: int, height: int) -> Image.Image:
        """The picture at `path`, at most so many pixels wide and high.

        Raises PictureError, UnreadableError.
        """
        return self.make_with_stat(path, width, height)[0]

    def make_with_stat(self, path: bytes, width: int, height: int) -> tuple[Image.Image, FileStat]:
        """The same, and the stat of the version of the file that it shows."""
        descriptor, file = open_file(path, self._limits.bytes)
        side = max(width, height)
        try:
            image = _of_desktop(path, file.mtime_ns, side)
            if image:
                os.close(descriptor)
            else:
                image = self._reduced(read_file(descriptor, file), path, side)
            image.thumbnail((width, height))
        except (PictureError, UnreadableError):
            raise
        except MemoryError as error:
            raise memory_exhausted(self._limits) from error
        except Exception as error:  # a decoder in the hands of a hostile file raises anything
            raise undecodable(error) from error
        return image, file

    def _reduced(self, data: bytes, path: bytes, side: int) -> Image.Image:
        raw = read_raw(data, self._limits) if is_raw(path) else None
        if raw:
            check_memory(raw.width * raw.height * 8, self._limits)
            image, _ = raw_preview(data, raw.orientation, side, self._formats, self._limits)
            orientation = 1
        else:
            image = open_image(data, self._formats, self._limits)
            orientation = coded_orientation(image, read_exif(image, data), data)
            coded_pixels = image.width * image.height

            def prepare(image: Image.Image) -> None:
                if image.format in ("JPEG", "MPO"):
                    image.draft(None, (side, side))
                check_memory(memory_needed(image, coded_pixels), self._limits)

            image, _ = load_image(data, self._formats, self._limits, prepare)
            if image.format == "TIFF":
                orientation = exif_orientation(image.getexif())  # Pillow has applied it
        profile = image.info.get("icc_profile")
        image = resizable(image)
        factor = max(image.size) // (2 * side)
        if factor > 1:
            image = Image.Image.reduce(image, factor)
        return upright(to_rgb(image, profile), orientation)


def _of_desktop(path: bytes, mtime_ns: int, min_side: int) -> Image.Image | None:
    """The desktop's thumbnail of a picture; None unless it is large enough and up to date.

    `mtime_ns` is when the picture's file was changed.
    """
    for size, pixels in PIXELS.items():
        if pixels < min_side:
            continue
        limits = Limits(pixels=pixels * pixels, bytes=8 * pixels * pixels, memory=sys.maxsize)
        try:
            file = os.fsencode(thumbnail_file(path, size))
            image = open_image(read_file(*open_file(file, limits.bytes)), ("PNG",), limits)
            image.load()
            if image.info.get("Thumb::MTime") == modified_text(mtime_ns):
                return to_rgb(resizable(image), None)
        except Exception:  # Pillow raises SyntaxError and much else for a broken one
            continue
    return None


def users_limits() -> Limits:
    """What a picture may cost: by the user's configuration, or the defaults where it is invalid."""
    try:
        encode = configuration.load(standard_paths().config).encode
    except ConfigError:
        encode = configuration.parse("", "").encode
    return Limits(encode.max_pixels, encode.max_bytes, encode.max_memory)


def keep_for_desktop(maker: ThumbnailMaker, path: bytes, size: str) -> str:
    """Puts a thumbnail into the desktop's cache, atomically; returns its file.

    `size` is "normal", "large", "x-large" or "xx-large". Raises PictureError, UnreadableError,
    OSError.
    """
    pixels = PIXELS[size]
    image, version = maker.make_with_stat(path, pixels, pixels)
    file = thumbnail_file(path, size)
    texts = PngImagePlugin.PngInfo()
    for key, text in (("URI", uri(path)), ("MTime", modified_text(version.mtime_ns))):
        texts.add_text(f"Thumb::{key}", text)
    texts.add_text("Software", SOFTWARE)
    os.makedirs(os.path.dirname(file), mode=0o700, exist_ok=True)
    with tempfile.NamedTemporaryFile(dir=os.path.dirname(file), delete=False) as temporary:  # 0600
        try:
            # It is sRGB; a large profile would stand before the texts, which are searched for in
            # the first bytes. More compression takes longer than decoding and saves little.
            image.save(temporary, "PNG", pnginfo=texts, icc_profile=None, compress_level=1)
            os.replace(temporary.name, file)
        except BaseException:
            os.unlink(temporary.name)
            raise
    return file


def _reply(maker: ThumbnailMaker, request: Message) -> Message:
    """The answer to a request; whatever goes wrong becomes its reason."""
    try:
        return _made(maker, request)
    except (PictureError, UnreadableError, OSError) as error:
        return {"reason": str(error)}
    except Exception as error:
        return {"reason": str(undecodable(error))}


def _made(maker: ThumbnailMaker, request: Message) -> Message:
    if request["form"] == "desktop":
        return {"file": keep_for_desktop(maker, request["path"], request["size"])}
    image = maker.make(request["path"], request["width"], request["height"])
    size = {"width": image.width, "height": image.height}
    match request["form"]:
        case "png" | "jpeg" as form:
            stream = io.BytesIO()
            image.save(stream, form, compress_level=1, quality=85)
            return {**size, "data": stream.getvalue()}
        case "rgb":
            return {**size, "data": image.tobytes()}
        case "xterm":
            return {**size, "data": in_xterm_colours(image)}
        case _:
            image = image.quantize(COLOURS, Image.Quantize.MEDIANCUT)
            palette = bytes(image.getpalette() or ())[: 3 * COLOURS]
            return {**size, "data": image.tobytes(), "palette": palette}


def background_maker() -> ThumbnailMaker:
    """A ThumbnailMaker for this process, whose priority is lowered and whose memory is limited."""
    enter_background(2, quiet=True)
    warnings.simplefilter("ignore")  # Pillow warns of what is reported as failure, or is harmless
    limits = users_limits()
    limit_growth(2 * limits.memory + limits.bytes + _GROWTH)
    return ThumbnailMaker(limits)


def main() -> None:
    """Answers requests until standard input is closed."""
    maker = background_maker()
    unpacker = Unpacker(MAX_REQUEST)
    while data := os.read(0, 1 << 16):
        for request in unpacker.feed(data):
            sys.stdout.buffer.write(pack(_reply(maker, request)))
            sys.stdout.buffer.flush()


if __name__ == "__main__":
    main()
