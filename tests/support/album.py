"""A small album whose pictures tell of themselves, for tests of filters and of what is shown."""

from __future__ import annotations

import io
from pathlib import Path

from PIL import ExifTags, Image, PngImagePlugin

from support.photos import photo

_XMP = """<x:xmpmeta xmlns:x="adobe:ns:meta/">
<rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">
<rdf:Description rdf:about="" xmlns:dc="http://purl.org/dc/elements/1.1/"
 xmlns:person="http://iptc.org/std/Iptc4xmpExt/2008-02-29/"
 xmlns:xmp="http://ns.adobe.com/xap/1.0/" xmp:Rating="{rating}">
<dc:title><rdf:Alt><rdf:li xml:lang="x-default">{title}</rdf:li></rdf:Alt></dc:title>
<dc:description><rdf:Alt>
<rdf:li xml:lang="x-default">{description}</rdf:li>
</rdf:Alt></dc:description>
<dc:subject><rdf:Bag>{keywords}</rdf:Bag></dc:subject>
<person:PersonInImage><rdf:Bag>{people}</rdf:Bag></person:PersonInImage>
</rdf:Description></rdf:RDF></x:xmpmeta>"""


def xmp(
    keywords: tuple[str, ...] = (),
    rating: int = 0,
    title: str = "",
    people: tuple[str, ...] = (),
    description: str = "",
) -> bytes:
    """An XMP packet."""
    lists = ("".join(f"<rdf:li>{one}</rdf:li>" for one in texts) for texts in (keywords, people))
    items = dict(zip(("keywords", "people"), lists, strict=True))
    texts = {"title": title, "description": description}
    return _XMP.format(rating=rating, **texts, **items).encode()


def write_photo(
    path: Path,
    subject: str,
    *,
    size: tuple[int, int] | None = None,
    taken: str = "",
    camera: tuple[str, str] = ("", ""),
    lens: str = "",
    iso: int = 0,
    exposure: tuple[float, float, float] | None = None,
    place: tuple[float, float] | None = None,
    packet: bytes = b"",
) -> Path:
    """A JPEG or PNG of one of photos.NAMES; `taken` as EXIF has it, `place` in degrees;
    `exposure`: seconds, f-number, millimetres."""
    image = photo(subject)
    image = image.resize(size) if size else image
    exif = Image.Exif()
    inner, gps = exif.get_ifd(ExifTags.IFD.Exif), exif.get_ifd(ExifTags.IFD.GPSInfo)
    for number, text in ((271, camera[0]), (272, camera[1])):
        if text:
            exif[number] = text
    seconds, aperture, length = exposure or (0, 0, 0)
    for number, value in (
        (36867, taken), (42036, lens), (34855, iso), (33434, seconds), (33437, aperture),
        (37386, length),
    ):  # fmt: skip
        if value:
            inner[number] = value
    if place:
        north, east = place
        gps.update({1: "N" if north >= 0 else "S", 2: (abs(north), 0.0, 0.0)})
        gps.update({3: "E" if east >= 0 else "W", 4: (abs(east), 0.0, 0.0)})
    path.parent.mkdir(parents=True, exist_ok=True)
    stream = io.BytesIO()
    if path.suffix == ".png":
        text = PngImagePlugin.PngInfo()
        if packet:
            text.add_itxt("XML:com.adobe.xmp", packet.decode())
        image.save(stream, "PNG", pnginfo=text, exif=exif.tobytes())
    else:
        image.save(stream, "JPEG", exif=exif, **({"xmp": packet} if packet else {}))
    path.write_bytes(stream.getvalue())
    return path


def write_album(directory: Path) -> None:
    """Seven pictures; README's examples of queries are about them too."""
    lisbon = (38.71, -9.14)
    write_photo(
        directory / "Holidays/2023/IMG_0001.jpg", "cat", taken="2023:05:17 10:30:00",
        camera=("NIKON CORPORATION", "NIKON D750"), lens="AF-S Nikkor 50mm f/1.8G", iso=1600,
        exposure=(0.004, 2.8, 50), place=lisbon, packet=xmp(("beach", "old"), 5, "Felix"),
        size=(300, 400),
    )  # fmt: skip
    write_photo(
        directory / "Holidays/2023/IMG_0002.jpg", "coffee", taken="2023:07:02 08:00:00",
        camera=("Canon", "Canon EOS R6"), lens="RF24-105mm", iso=100, place=(38.72, -9.13),
        packet=xmp(("beach",), 3, people=("Anna Smith", "Ben")), size=(4000, 3000),
    )  # fmt: skip
    write_photo(
        directory / "Holidays/2021/IMG_0003.jpg", "rocket", taken="2021:08:20 21:00:00",
        camera=("Apple", "iPhone 12"), iso=800, place=(48.85, 2.35), packet=xmp(("Paris",)),
        size=(400, 300),
    )  # fmt: skip
    write_photo(directory / "horse.jpg", "horse", taken="2020:01:01 00:00:00", size=(400, 300))
    write_photo(directory / "moon.png", "moon", taken="2019:12:24 23:00:00", size=(300, 300))
    write_photo(
        directory / "astronaut, at work.jpg", "astronaut", taken="2010:03:03 12:00:00",
        size=(400, 300),
    )  # fmt: skip
    write_photo(directory / "Tins/Acme Cola.jpg", "coins", taken="2018:06:01 12:00:00")
