"""Errors on the bus: a name for programs, and words for people."""

from __future__ import annotations

from dbus_fast import ErrorType, Message

from csearchd.desktop.values import text

_ERRORS = "org.csearch.Error."


def error(message: Message, kind: ErrorType | str, what: str) -> Message:
    """The reply to a call that failed."""
    return Message.new_error(message, kind, text(what))


def error_name(code: str) -> str:
    """The D-Bus error of a protocol's code: "not-found" is org.csearch.Error.NotFound."""
    return _ERRORS + "".join(part.capitalize() for part in code.split("-"))
