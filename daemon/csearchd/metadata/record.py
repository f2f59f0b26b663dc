"""One record of a picture's metadata, from all the sources that have some.

The record is a dictionary with those of these keys whose values are known:

taken       local time, "YYYY-MM-DDTHH:MM:SS", or as much of it as is known: a year, month or day
taken_ms    milliseconds of it
utc_offset  minutes east of UTC, of `taken`
date_source one of csearchd.metadata.dates.stated.SOURCES
date_doubtful  1 if a camera may have invented it (csearchd.metadata.dates.choice)
make, model, lens, iso
exposure, aperture, focal_length  seconds, the f-number, and millimetres as they are on the lens
latitude, longitude     degrees, north and east positive
altitude    metres above the sea
orientation 1 to 8 (EXIF 2.32, tag 0x0112)
title, description
rating      −1 (rejected), 0 (unrated) or 1 to 5 stars
favourite   1 if it is one
keywords    a list of str; a path is in it as `a/b` and as `b`
people      a list of str: the names of those whom other programs have named
regions     by some of these names, where they are (csearchd.metadata.people.regions)

Until `dated` has chosen one, the dates of all sources are in the list `dates` (StatedDate) instead.

The keywords and people of all sources are joined; two that differ only in case are one. For every
other value, the first source counts that has it: the sidecars; EXIF, XMP and IPTC in the file (for
title, description and rating: XMP, IPTC, EXIF); extended attributes. A rating of 0 counts only
where no source gives another, since cameras write it into every picture; a favourite without stars
has five.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

from csearchd.formats.parsing import MAX_XMP_BYTES, MetadataBlocks
from csearchd.metadata import fields
from csearchd.metadata.dates.choice import chosen
from csearchd.metadata.dates.file_names import from_name
from csearchd.metadata.exif_directories import Exif
from csearchd.metadata.exif_fields import from_exif
from csearchd.metadata.iptc import from_iptc
from csearchd.metadata.texts.camera_phrases import is_invented
from csearchd.metadata.xmp import from_xmp
from csearchd.spelling import folded

_MAX_PACKETS = 16
_FAVOURITE = 5  # stars

# The values of a group belong together and come from one source.
_GROUPS = (
    ("lens",), ("iso",), ("exposure",), ("aperture",), ("focal_length",),
    ("latitude", "longitude", "altitude"), ("orientation",), ("favourite",),
)  # fmt: skip

_TOLD = ("title", "description", "rating")  # of which EXIF data come last


def embedded_metadata(exif: Exif, blocks: MetadataBlocks) -> dict[str, Any]:
    """The record of a file's own metadata. Never raises."""
    camera = from_exif(exif)
    told = {name: camera.pop(name) for name in _TOLD if name in camera}
    packets = [from_xmp(packet) for packet in _few(blocks.xmp)]
    iptc = from_iptc(blocks.iptc) if blocks.iptc else {}
    return merged(camera, *packets, iptc, told)


def dated(record: dict[str, Any], name: bytes, now: datetime) -> dict[str, Any]:
    """A merged record with the picture's date in place of the dates that its sources state.

    `name` is that of the picture's file, `now` the local time.
    """
    rest = {key: value for key, value in record.items() if key != "dates"}
    return {**rest, **chosen(record.get("dates", ()), from_name(name), now)}


def _few(packets: list[bytes]) -> list[bytes]:
    """The first XMP packets, as many as together are no larger than one may be."""
    sizes = itertools.accumulate(map(len, packets[:_MAX_PACKETS]))
    return [packet for packet, size in zip(packets, sizes, strict=False) if size <= MAX_XMP_BYTES]


def merged(*sources: dict[str, Any]) -> dict[str, Any]:
    """One record of several; the first source is the most important (see above)."""
    found: dict[str, Any] = {}
    for group in _GROUPS:
        for source in sources:
            if group[0] in source and group[0] not in found:
                found.update((key, source[key]) for key in group if key in source)
    if dates := [date for source in sources for date in source.get("dates", ())]:
        found["dates"] = dates
    found.update(_camera(sources))
    for name in ("title", "description"):
        texts = (source[name] for source in sources if name in source)
        camera = found.get("make"), found.get("model")
        if text := next((text for text in texts if not is_invented(text, *camera)), None):
            found[name] = text
    ratings = [source["rating"] for source in sources if "rating" in source]
    if ratings:
        found["rating"] = next((rating for rating in ratings if rating), 0)
    if found.get("favourite") and not found.get("rating"):
        found["rating"] = _FAVOURITE
    if keywords := _joined(source.get("keywords", ()) for source in sources):
        found["keywords"] = keywords[: fields.MAX_KEYWORDS]
    if people := _joined(source.get("people", ()) for source in sources):
        found["people"] = people
        found.update(_regions(people, sources))
    return found


def _camera(sources: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """Make and model of the first source with either; another may add what that doesn't tell."""
    found: dict[str, Any] = {}
    for source in sources:
        camera = {key: value for key, value in source.items() if key in ("make", "model")}
        if all(found.get(key, value) == value for key, value in camera.items()):
            found.update(camera)
    return found


def _regions(people: Sequence[str], sources: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """The field `regions`: for each of `people`, the region that the first source tells."""
    told: dict[str, list[float]] = {}
    for source in sources:
        for name, region in source.get("regions", {}).items():
            told.setdefault(folded(name), region)
    found = {name: told[folded(name)] for name in people if folded(name) in told}
    return {"regions": found} if found else {}


def _joined(lists: Iterable[Sequence[str]]) -> list[str]:
    """The distinct texts of several lists, whatever the case."""
    known: dict[str, str] = {}
    for text in itertools.chain.from_iterable(lists):
        known.setdefault(folded(text), text)
    return list(known.values())
