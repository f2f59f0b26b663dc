"""Errors on the bus: each has a name for programs and a text for people."""

from __future__ import annotations

from dbus_fast import ErrorType, Message

from csearchd.desktop.values import text

_ERRORS = "org.csearch.Error."


def error(message: Message, kind: ErrorType | str, what: str) -> Message:
    """Returns the reply to a call that failed."""
    return Message.new_error(message, kind, text(what))


def error_name(code: str) -> str:
    """Returns the name of a code's D-Bus error: "not-found" is org.csearch.Error.NotFound."""
    return _ERRORS + "".join(part.capitalize() for part in code.split("-"))
