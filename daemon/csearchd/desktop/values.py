"""Values of the protocol as D-Bus has them, and back."""

from __future__ import annotations

from typing import Any

from dbus_fast import Variant

from csearch.protocol.wire import Message


def text(value: str) -> str:
    """What a D-Bus string may hold: Unicode without NUL."""
    return value.encode(errors="replace").decode().replace("\0", "?")


def variants(message: Message) -> dict[str, Variant]:
    """A message as `a{sv}`; what is None is left out."""
    return {key: variant(value) for key, value in message.items() if value is not None}


def variant(value: Any) -> Variant:
    """b, x, d, s, ay, a{sv}, or an array of the latter four (of strings, where it is empty)."""
    match value:
        case bool():
            return Variant("b", value)
        case int():
            return Variant("x", value)
        case float():
            return Variant("d", value)
        case str():
            return Variant("s", text(value))
        case bytes():
            return Variant("ay", value)
        case dict():
            return Variant("a{sv}", variants(value))
        case list() | tuple():
            kinds = {variant(element).signature for element in value}
            if len(kinds) > 1:
                return Variant("av", [variant(element) for element in value])
            kind = kinds.pop() if kinds else "s"
            return Variant(f"a{kind}", [variant(element).value for element in value])
    raise TypeError(f"no D-Bus type for {type(value).__name__}")


def plain(value: Any) -> Any:
    """What a message of the protocol may hold, of an argument.

    GLib ends its byte strings with a NUL, which is no part of a path.
    """
    if isinstance(value, Variant):
        return plain(value.value)
    if isinstance(value, dict):
        return {key: plain(element) for key, element in value.items()}
    if isinstance(value, list):
        return [plain(element) for element in value]
    return value.removesuffix(b"\0") if isinstance(value, bytes) else value
