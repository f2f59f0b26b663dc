"""The fields of a hit for --format and --json."""

from __future__ import annotations

from typing import Any

from csearch.protocol.wire import Message

FIELDS = (
    "path", "name", "folder", "score", "confidence", "similar", "burst", "by_name", "rank",
    "date", "dated", "date_source", "date_doubtful", "utc_offset", "place", "latitude", "longitude",
    "altitude", "camera", "make", "model", "lens", "iso", "width", "height", "size", "format",
    "orientation", "rating", "favourite", "title", "description", "keywords", "people",
    "incomplete",
)  # fmt: skip
OF_THE_PATH = ("path", "name", "folder")
OF_THE_HIT = ("score", "confidence", "similar", "burst", "by_name", "rank")  # without details


def values(hit: Message, rank: int) -> dict[str, Any]:
    """The FIELDS of a hit, in this order, without those OF_THE_PATH; None if unknown.

    `date` is the picture's local time if it is `dated`, else the time of its file; of a time that
    is known in part, that part (2023, 2023-05). `date_source` says where it is from. `utc_offset`
    is in minutes, `altitude` in metres, `size` in bytes, and `orientation` that of EXIF.
    `by_name`: words of the query that its name, folders or metadata have. `incomplete`: the file
    lacks a part of the picture. `similar`: how many pictures --group left out for this one;
    `burst`: how many of them are different shots of the same seconds.
    """
    details = hit.get("details") or {}
    score = hit.get("score")
    camera = " ".join(part for part in (details.get("make"), details.get("model")) if part)
    known = {
        **details,
        "similar": hit.get("similar", 0),
        "burst": hit.get("burst", 0),
        "confidence": hit.get("confidence"),
        "by_name": hit.get("by_name"),
        "score": None if score is None else round(score, 6),
        "rank": rank,
        "date": details.get("taken"),
        "camera": camera or None,
        "favourite": bool(details.get("favourite")),
    }
    shown = {name: known.get(name) for name in FIELDS if name not in OF_THE_PATH}
    return {**shown, "why": hit["why"]} if hit.get("why") else shown
