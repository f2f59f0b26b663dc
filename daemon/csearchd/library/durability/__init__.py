"""What keeps the library whole, or says that it isn't: its log, its files, its rows."""

from __future__ import annotations

from typing import Any


def shown(name: Any) -> str:
    """A name or path for a remark: as it is where that can be shown, else with escapes."""
    text = name.decode(errors="backslashreplace") if isinstance(name, bytes) else str(name)
    return text if text.isprintable() else ascii(text)[1:-1]
