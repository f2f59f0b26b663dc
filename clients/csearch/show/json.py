"""JSON output. Paths are bytes, so those that aren't UTF-8 are given in base64, too."""

from __future__ import annotations

import json
from base64 import b64encode
from typing import Any


def path_fields(path: bytes) -> dict[str, str]:
    """`path` as text; if it isn't UTF-8, with U+FFFD in it, and `path_b64` in base64."""
    text = path.decode(errors="replace")
    if text.encode() == path:
        return {"path": text}
    return {"path": text, "path_b64": b64encode(path).decode()}


def line(value: object) -> bytes:
    """`value` as a line of JSON in UTF-8, in which control characters are escaped."""
    text = json.dumps(value, ensure_ascii=False).encode(errors="replace").decode()
    if not text.isprintable():
        text = "".join(c if c.isprintable() else json.dumps(c)[1:-1] for c in text)
    return text.encode() + b"\n"


def plain(value: Any) -> Any:
    """`value` with bytes as text; KEY_b64 in base64 is added for each KEY that isn't UTF-8."""
    if isinstance(value, bytes):
        return value.decode(errors="replace")
    if isinstance(value, list):
        return [plain(item) for item in value]
    if not isinstance(value, dict):
        return value
    result = {}
    for key, item in value.items():
        result[key] = plain(item)
        if isinstance(item, bytes) and result[key].encode() != item:
            result[f"{key}_b64"] = b64encode(item).decode()
    return result
