"""Dates as people write them. They come as ISO 8601, as much of it as is known."""

from __future__ import annotations

from gi.repository import GLib

from texts import _


def day(taken: str) -> str:
    """14 May 2023, May 2023 or 2023; "" where nothing is known."""
    if len(taken) < len("2023-05-14"):
        return month(taken)
    # Translators: a day, as of GLib.DateTime.format
    return _format(taken[:10], _("%-d %B %Y"))


def month(taken: str) -> str:
    """May 2023, or 2023; "" where nothing is known."""
    if len(taken) < len("2023-05"):
        return taken
    # Translators: a month, as of GLib.DateTime.format
    return _format(f"{taken[:7]}-01", _("%OB %Y"))


def _format(date: str, form: str) -> str:
    try:
        parts = [int(part) for part in date.split("-")]
    except ValueError:
        return ""
    moment = GLib.DateTime.new_utc(*parts, 12, 0, 0) if len(parts) == 3 else None
    return (moment and moment.format(form)) or ""
