"""The parser of XMP packets, RDF in XML (ISO 16684-1, 7), on which all reading of XMP is built.

It knows x:xmpmeta / rdf:RDF / rdf:Description / property / … by levels below rdf:RDF, and refuses
what no honest program writes. csearchd.metadata.xmp takes values from it, of damaged packets too;
csearchd.metadata.xmp_packet positions in bytes, of well-formed packets only.
"""

from __future__ import annotations

import re
from xml.parsers import expat

from csearchd.errors import XmpError
from csearchd.metadata.texts import charsets

RDF = "http://www.w3.org/1999/02/22-rdf-syntax-ns#"
_RDF_RDF = f"{RDF} RDF"
_MAX_DEPTH = 64  # of elements
_ENCODING = re.compile(rb"\s*<\?xml[^>]*\bencoding\s*=\s*[\"']([\w.:-]+)[\"']")
# How a packet begins, with a byte order mark or without, in other encodings than UTF-8
_WIDE = (
    (b"\xff\xfe\0\0", "utf-32"), (b"\0\0\xfe\xff", "utf-32"), (b"<\0\0\0", "utf-32-le"),
    (b"\0\0\0<", "utf-32-be"), (b"\xff\xfe", "utf-16"), (b"\xfe\xff", "utf-16"),
    (b"<\0", "utf-16-le"), (b"\0<", "utf-16-be"), (b" \0", "utf-16-le"), (b"\0 ", "utf-16-be"),
    (b"\n\0", "utf-16-le"), (b"\0\n", "utf-16-be"),
)  # fmt: skip


def in_utf8(packet: bytes) -> bytes:
    """A packet in UTF-8, from UTF-8, UTF-16 or UTF-32 (ISO 16684-1, 7.1), from what it declares,
    or from what it is guessed to be in."""
    for head, encoding in _WIDE:
        if packet.startswith(head):
            text = packet.decode(encoding, "replace")
            break
    else:
        name = _ENCODING.match(packet)
        text = (
            charsets.declared(packet, "utf-8")
            or charsets.declared(packet, name[1].decode("ascii", "replace") if name else "utf-8")
            or charsets.decoded(packet)
        )
    return text.strip("\ufeff\0 \t\r\n").encode(errors="replace")


class XmpParser:
    """Calls its methods `opened`, `closed` and `text`, which subclasses override, while it parses.

    Names are "uri local", as expat gives them. A level is 0 for rdf:RDF, 1 for a node in it, 2 for
    a node's property, and so on; −1 outside of rdf:RDF. A document type is refused, and with it
    entities, so that nothing is ever expanded.
    """

    def __init__(self, encoding: str | None = None) -> None:
        """`encoding` overrides what the packet declares."""
        self._depth = 0
        self._rdf_depth = 0  # of rdf:RDF; 0 outside of it
        parser = expat.ParserCreate(encoding, " ")
        parser.buffer_text = True
        parser.StartDoctypeDeclHandler = self._refuse_doctype
        parser.StartElementHandler = self._start
        parser.EndElementHandler = self._end
        parser.CharacterDataHandler = self.text
        self._parser = parser

    def parse(self, data: bytes) -> None:
        """Parses a whole packet. Raises XmpError, or expat.ExpatError where it isn't well-formed;
        what was found before stays."""
        self._parser.Parse(data, True)

    @property
    def position(self) -> int:
        """Where the tag begins that is being reported, in bytes."""
        return self._parser.CurrentByteIndex

    def opened(self, level: int, name: str, attributes: dict[str, str]) -> None:
        """An element's start tag."""
        raise NotImplementedError

    def closed(self, level: int, name: str) -> None:
        """An element's end tag."""
        raise NotImplementedError

    def text(self, data: str) -> None:
        """Characters between tags; may come in parts."""
        raise NotImplementedError

    def _refuse_doctype(self, *_: object) -> None:
        raise XmpError("its XMP is damaged: it declares a document type, which XMP doesn't have")

    def _start(self, name: str, attributes: dict[str, str]) -> None:
        self._depth += 1
        if self._depth > _MAX_DEPTH:
            raise XmpError("its XMP is damaged: it is nested too deeply")
        if not self._rdf_depth and name == _RDF_RDF:
            self._rdf_depth = self._depth
        self.opened(self._depth - self._rdf_depth if self._rdf_depth else -1, name, attributes)

    def _end(self, name: str) -> None:
        level = self._depth - self._rdf_depth if self._rdf_depth else -1
        self.closed(level, name)
        if level == 0:
            self._rdf_depth = 0
        self._depth -= 1
