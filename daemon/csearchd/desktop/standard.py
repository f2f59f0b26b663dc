"""The standard interfaces that every object answers: Introspectable and Properties. dbus-fast
answers for Peer.

https://dbus.freedesktop.org/doc/dbus-specification.html#standard-interfaces
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from dbus_fast import ErrorType, Message

from csearchd.desktop.errors import error
from csearchd.desktop.interfaces import STANDARD, Interface, describe

_Answer = Callable[[Message, Mapping[str, Interface]], Message]


def standard(message: Message, objects: Mapping[str, Interface]) -> Message | None:
    """Returns the reply to a call of a standard interface, or None for other calls. `objects` are
    all objects by path."""
    answer = _ANSWERS.get(message.interface or "")
    if answer is None:
        return None
    if describe(message.path or "/", objects) is None:
        return error(message, ErrorType.UNKNOWN_OBJECT, f"there is no {message.path}")
    return answer(message, objects)


def _introspect(message: Message, objects: Mapping[str, Interface]) -> Message:
    if (message.member, message.signature) != ("Introspect", ""):
        return _no_method(message)
    return Message.new_method_return(message, "s", [describe(message.path or "/", objects)])


def _properties(message: Message, objects: Mapping[str, Interface]) -> Message:
    """Answers that there are no properties. Viewers of the bus ask for them."""
    if (message.member, message.signature) not in _PROPERTIES:
        return _no_method(message)
    name = message.body[0]
    here = objects.get(message.path or "/")
    if name not in ("", *STANDARD, here.name if here else ""):  # "": whichever it is
        what = f"{message.path} has no interface {name}"
        return error(message, ErrorType.UNKNOWN_INTERFACE, what)
    if message.member == "GetAll":
        return Message.new_method_return(message, "a{sv}", [{}])
    what = f"{name or message.path} has no property {message.body[1]}"
    return error(message, ErrorType.UNKNOWN_PROPERTY, what)


def _no_method(message: Message) -> Message:
    what = f"{message.interface} has no method {message.member}({message.signature})"
    return error(message, ErrorType.UNKNOWN_METHOD, what)


_PROPERTIES = {("Get", "ss"), ("Set", "ssv"), ("GetAll", "s")}
_ANSWERS: dict[str, _Answer] = {
    "org.freedesktop.DBus.Introspectable": _introspect,
    "org.freedesktop.DBus.Properties": _properties,
}
