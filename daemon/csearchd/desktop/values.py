"""Converts values of the protocol to D-Bus, and back."""

from __future__ import annotations

import gettext
import os
from typing import Any

from dbus_fast import Variant

from csearch.protocol.share import share_directory
from csearch.protocol.wire import Message


def text(value: str) -> str:
    """Returns a text that a D-Bus string may hold: Unicode without NUL."""
    return value.encode(errors="replace").decode().replace("\0", "?")


def variants(message: Message) -> dict[str, Variant]:
    """Returns a message as `a{sv}`, without the fields that are None."""
    return {key: variant(value) for key, value in message.items() if value is not None}


def variant(value: Any) -> Variant:
    """Returns a value as b, x, d, s, ay, a{sv}, or an array of the latter four (of strings if
    empty)."""
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
    """Returns an argument as a value that a message of the protocol may hold.

    GLib ends its byte strings with a NUL, which is removed: it is no part of a path.
    """
    if isinstance(value, Variant):
        return plain(value.value)
    if isinstance(value, dict):
        return {key: plain(element) for key, element in value.items()}
    if isinstance(value, list):
        return [plain(element) for element in value]
    return value.removesuffix(b"\0") if isinstance(value, bytes) else value


def in_the_users_language(english: str) -> str:
    """Translates a text into the language that the session has set for its services, with the
    window's catalogues."""
    share = share_directory()
    if share is None:
        return english
    catalogues = os.path.join(share, "integrations", "locale")
    return gettext.translation("csearch", catalogues, fallback=True).gettext(english)
