"""Names of damaged or lost things in remarks for the user."""

from __future__ import annotations

from typing import Any


def shown(name: Any) -> str:
    """A name, path or id as printable text, with escapes where necessary."""
    text = name.decode(errors="backslashreplace") if isinstance(name, bytes) else str(name)
    return text if text.isprintable() else ascii(text)[1:-1]
