"""Identities that are in libraries already: they change only with the scheme's number."""

from __future__ import annotations

import struct
import zlib

import pytest

from csearchd.formats.identity import SCHEME, identity


def segment(marker: int, content: bytes) -> bytes:
    return bytes((0xFF, marker)) + struct.pack(">H", 2 + len(content)) + content


def chunk(kind: bytes, content: bytes) -> bytes:
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(content))


def riff(kind: bytes, content: bytes) -> bytes:
    return kind + struct.pack("<I", len(content)) + content + b"\0" * (len(content) & 1)


def box(kind: bytes, content: bytes) -> bytes:
    return struct.pack(">I4s", 8 + len(content), kind) + content


def jpeg() -> bytes:
    frame = segment(0xC0, bytes((8, 0, 8, 0, 8, 3, 1, 0x22, 0, 2, 0x11, 1, 3, 0x11, 1)))
    scan = segment(0xDA, b"\3\1\0\2\x11\3\x11\0\x3f\0") + b"scan\xff\0data\xff\xd0more"
    about = (
        segment(0xE0, b"JFIF\0" + bytes(9)) + segment(0xE1, b"Exif\0\0II") + segment(0xFE, b"hi")
    )
    profile = segment(0xE2, b"ICC_PROFILE\0\1\1profile")
    return b"\xff\xd8" + about + profile + segment(0xDB, b"t" * 65) + frame + scan + b"\xff\xd9end"


def png() -> bytes:
    header = chunk(b"IHDR", struct.pack(">IIBBBBB", 8, 8, 8, 2, 0, 0, 0))
    return (
        b"\x89PNG\r\n\x1a\n" + header + chunk(b"tEXt", b"Comment\0hi") + chunk(b"gAMA", b"\0\0\1\0")
        + chunk(b"IDAT", b"coded") + chunk(b"IEND", b"")
    )  # fmt: skip


def webp() -> bytes:
    body = riff(b"VP8X", bytes((0x06,)) + bytes(9)) + riff(b"ANIM", b"colour")
    body += riff(b"ANMF", b"frame") + riff(b"XMP ", b"<a/>")
    return b"RIFF" + struct.pack("<I", 4 + len(body)) + b"WEBP" + body


def tiff() -> bytes:
    entries = [(256, 3, 1, 8), (257, 3, 1, 8), (270, 2, 9, 100), (273, 4, 1, 120), (279, 4, 1, 5)]
    packed = struct.pack(">H", len(entries))
    for tag, kind, count, value in entries:
        inline = value << 16 if kind == 3 else value
        packed += struct.pack(">HHII", tag, kind, count, inline)
    head = (b"MM\0*" + struct.pack(">I", 8) + packed).ljust(100, b"\0")
    return head + b"describe".ljust(20, b"\0") + b"strip"


def heif() -> bytes:
    types = b"".join(
        box(b"infe", b"\2\0\0\0" + struct.pack(">HH4s", item, 0, kind))
        for item, kind in ((1, b"hvc1"), (2, b"Exif"))
    )
    located = b"".join(  # item, in idat, this file, one extent, its offset and size
        struct.pack(">HHHHII", item, 1, 0, 1, offset, size)
        for item, offset, size in ((1, 0, 5), (2, 5, 4))
    )
    meta = box(b"pitm", b"\0\0\0\0\0\1") + box(b"iprp", box(b"ipco", b"size"))
    meta += box(b"iinf", b"\0\0\0\0\0\2" + types)
    meta += box(b"iloc", b"\1\0\0\0\x44\0\0\2" + located) + box(b"idat", b"codedexif")
    meta += box(b"iref", b"\0\0\0\0" + box(b"cdsc", b"\0\2\0\1\0\1") + box(b"thmb", b"abc"))
    return box(b"ftyp", b"heic\0\0\0\0") + box(b"meta", b"\0\0\0\0" + meta)


KNOWN = {
    ("JPEG", 1): (jpeg(), "12ed2e086140bf822b7705e3dd8fb018"),
    ("JPEG", 6): (jpeg(), "6f9f9ea8296b4a8fb6796c5dabae5df4"),
    ("MPO", 1): (jpeg(), "12ed2e086140bf822b7705e3dd8fb018"),
    ("PNG", 1): (png(), "eb854c92b4241fa7f23273895a1ae42c"),
    ("WEBP", 1): (webp(), "4e936fe85e0597c3027f1380692e1a3c"),
    ("TIFF", 1): (tiff(), "8f1931a40d8a01e6f9fdf7670ef6a0bf"),
    ("HEIF", 1): (heif(), "979dc26d4fb4f66e71fffa48596d01ba"),
    ("AVIF", 1): (heif(), "979dc26d4fb4f66e71fffa48596d01ba"),
    ("GIF", 1): (b"GIF89a", "6fb6f9c7ff298596e51c225016780b6d"),
    (None, 0): (b"not a picture", "b1ce03e98ea10e247917caa93fee7bf3"),
    ("PNG", 2): (b"not a picture", "8096642e16c81db90623d4f0d5056777"),
}


@pytest.mark.parametrize(("format", "orientation"), KNOWN)
def test_known_identities(format: str | None, orientation: int) -> None:
    data, known = KNOWN[format, orientation]
    assert SCHEME == 1
    assert identity(data, format, orientation).hex() == known
