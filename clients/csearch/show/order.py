"""What explains the order of results beside their scores: the date, or the size."""

from __future__ import annotations

from csearch.protocol.wire import Message

COLUMNS = 11  # "2023-05-14?", or "9999.9 MP"


def order_value(hit: Message, sort: str | None) -> str:
    """A hit's megapixels if results are sorted by size, else its date if they are sorted by it, or
    have no scores; "" for other results, and where it isn't known.

    `sort` is that of the request. `?` after a date: the camera may have invented it.
    """
    details = hit.get("details") or {}
    if sort == "size":
        pixels = (details.get("width") or 0) * (details.get("height") or 0)
        return f"{pixels / 1e6:6.1f} MP" if pixels else ""
    if sort != "date" and hit["score"] is not None:
        return ""
    day = str(details.get("taken") or "").partition("T")[0]
    return f"{day}?" if day and details.get("date_doubtful") else day


def is_of_file(hit: Message, sort: str | None) -> bool:
    """Whether the date that `order_value` gives is only that of the file."""
    return sort != "size" and (hit.get("details") or {}).get("date_source") == "file"
