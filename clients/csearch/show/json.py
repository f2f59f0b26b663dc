"""JSON for programs: paths are bytes and JSON's text isn't."""

from __future__ import annotations

import json
from base64 import b64encode
from typing import Any


def path_fields(path: bytes) -> dict[str, str]:
    """`path` as text, and where it isn't UTF-8 (U+FFFD then stands in it) as base64 too."""
    text = path.decode(errors="replace")
    if text.encode() == path:
        return {"path": text}
    return {"path": text, "path_b64": b64encode(path).decode()}


def line(value: object) -> bytes:
    """`value` as one line of JSON in UTF-8, in which no character steers a terminal."""
    text = json.dumps(value, ensure_ascii=False).encode(errors="replace").decode()
    if not text.isprintable():
        text = "".join(c if c.isprintable() else json.dumps(c)[1:-1] for c in text)
    return text.encode() + b"\n"


def plain(value: Any) -> Any:
    """`value` with every map's bytes as text, with KEY_b64 beside a KEY that isn't UTF-8."""
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
