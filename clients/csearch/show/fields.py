"""The fields of a hit for --format and --json."""

from __future__ import annotations

from typing import Any

from csearch.protocol.wire import Message

FIELDS = (
    "path", "name", "folder", "score", "probability", "confidence", "similar", "burst", "by_name",
    "rank", "date", "dated", "date_source", "date_doubtful", "utc_offset", "place", "latitude",
    "longitude", "altitude", "camera", "make", "model", "lens", "iso", "exposure", "aperture",
    "focal_length", "width", "height", "size", "format", "orientation", "rating", "favourite",
    "title", "description", "keywords", "people", "incomplete", "text",
)  # fmt: skip
OF_THE_PATH = ("path", "name", "folder")
# Without details:
OF_THE_HIT = ("score", "probability", "confidence", "similar", "burst", "by_name", "text", "rank")


def values(hit: Message, rank: int) -> dict[str, Any]:
    """The FIELDS of a hit, in this order, without those OF_THE_PATH; None if unknown.

    `date` is the picture's local time if it is `dated`, else the time of its file; of a time that
    is known in part, that part (2023, 2023-05). `date_source` says where it is from. `utc_offset`
    is in minutes, `altitude` in metres, `exposure` in seconds, `aperture` the f-number,
    `focal_length` in millimetres, `size` in bytes, and `orientation` that of EXIF. `by_name`: words
    of the query that its name, folders or metadata have, or that stand in it; `text`: the line in
    it that has most of them. `incomplete`: the file lacks a part of the picture. `similar`: how
    many pictures --group left out for this one; `burst`: how many of them are different shots of
    the same seconds.
    """
    details = hit.get("details") or {}
    score, sure = hit.get("score"), hit.get("probability")
    camera = " ".join(part for part in (details.get("make"), details.get("model")) if part)
    known = {
        **details,
        "similar": hit.get("similar", 0),
        "burst": hit.get("burst", 0),
        "probability": None if sure is None else round(sure, 4),
        "confidence": hit.get("confidence"),
        "by_name": hit.get("by_name"),
        "text": best_line(hit),
        "score": None if score is None else round(score, 6),
        "rank": rank,
        "date": details.get("taken"),
        "camera": camera or None,
        "favourite": bool(details.get("favourite")),
    }
    shown = {name: known.get(name) for name in FIELDS if name not in OF_THE_PATH}
    if hit.get("text"):
        shown["text_lines"] = hit["text"]
    return {**shown, "why": hit["why"]} if hit.get("why") else shown


def best_line(hit: Message) -> str | None:
    """The line of words in a picture that has most of what was looked for; None without one."""
    lines = hit.get("text")
    return lines[0]["text"] if lines else None
