"""What is told of a hit beside its path, by the names of --format and --json."""

from __future__ import annotations

from typing import Any

from csearch.protocol.wire import Message

FIELDS = (
    "path", "name", "folder", "score", "confidence", "similar", "rank", "date", "dated",
    "utc_offset", "place", "latitude", "longitude", "altitude", "camera", "make", "model", "lens",
    "iso", "width", "height", "size", "format", "orientation", "rating", "title", "description",
    "keywords",
)  # fmt: skip
OF_THE_PATH = ("path", "name", "folder")


def values(hit: Message, rank: int) -> dict[str, Any]:
    """FIELDS but those of the path, in their order; None for what isn't known.

    `date` is the picture's local time, or that of its file unless `dated`; `utc_offset` minutes,
    `altitude` metres, `size` bytes; `orientation` what EXIF says.
    """
    details = hit.get("details") or {}
    score = hit.get("score")
    camera = " ".join(part for part in (details.get("make"), details.get("model")) if part)
    known = {
        **details,
        "similar": hit.get("similar", 0),
        "confidence": hit.get("confidence"),
        "score": None if score is None else round(score, 6),
        "rank": rank,
        "date": details.get("taken"),
        "camera": camera or None,
    }
    shown = {name: known.get(name) for name in FIELDS if name not in OF_THE_PATH}
    return {**shown, "why": hit["why"]} if hit.get("why") else shown
