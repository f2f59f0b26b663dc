"""The objects' interfaces: those that XML files describe, and the standard ones.

The XML files give the signatures of calls, and are the answer to introspection. dbus-fast answers
for the standard interface Peer.

https://dbus.freedesktop.org/doc/dbus-specification.html#introspection-format
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from xml.etree import ElementTree

from dbus_fast import ErrorType, Message

from csearchd.desktop.errors import error

_HEAD = (
    '<!DOCTYPE node PUBLIC "-//freedesktop//DTD D-BUS Object Introspection 1.0//EN"\n'
    '  "http://www.freedesktop.org/standards/dbus/1.0/introspect.dtd">\n'
)
_DESCRIBED = """\
  <interface name="org.freedesktop.DBus.Introspectable">
    <method name="Introspect"><arg name="xml" type="s" direction="out"/></method>
  </interface>
  <interface name="org.freedesktop.DBus.Peer">
    <method name="Ping"/>
    <method name="GetMachineId"><arg name="machine" type="s" direction="out"/></method>
  </interface>
  <interface name="org.freedesktop.DBus.Properties">
    <method name="Get">
      <arg name="interface" type="s" direction="in"/>
      <arg name="property" type="s" direction="in"/>
      <arg name="value" type="v" direction="out"/>
    </method>
    <method name="Set">
      <arg name="interface" type="s" direction="in"/>
      <arg name="property" type="s" direction="in"/>
      <arg name="value" type="v" direction="in"/>
    </method>
    <method name="GetAll">
      <arg name="interface" type="s" direction="in"/>
      <arg name="properties" type="a{sv}" direction="out"/>
    </method>
  </interface>
"""
STANDARD = tuple(f"org.freedesktop.DBus.{x}" for x in ("Introspectable", "Peer", "Properties"))


@dataclass(frozen=True)
class Interface:
    name: str
    text: str  # the XML element
    methods: dict[str, tuple[str, str]]  # signatures in and out
    signals: dict[str, str]


@cache
def interface(name: str) -> Interface:
    """Returns the interface that the file `NAME.xml` describes."""
    with open(os.path.join(os.path.dirname(__file__), f"{name}.xml"), encoding="utf-8") as file:
        text = file.read()
    element = ElementTree.fromstring(text).find("interface")
    assert element is not None and element.get("name") == name
    return Interface(
        name=name,
        text=text[text.index("  <interface") : text.index("</node>")],
        methods={
            str(method.get("name")): (_signature(method, "in"), _signature(method, "out"))
            for method in element.findall("method")
        },
        signals={
            str(signal.get("name")): _signature(signal, None)
            for signal in element.findall("signal")
        },
    )


def _signature(element: ElementTree.Element, direction: str | None) -> str:
    return "".join(
        str(argument.get("type"))
        for argument in element.findall("arg")
        if argument.get("direction") == direction
    )


def describe(path: str, objects: Mapping[str, Interface]) -> str | None:
    """Returns the introspection of `path`, or None if there is nothing. `objects` are all objects
    by path."""
    below = path.rstrip("/") + "/"
    children = sorted(
        {name[len(below) :].split("/")[0] for name in objects if name.startswith(below)}
    )
    here = objects.get(path)
    if here is None and not children:
        return None
    parts = [here.text if here else "", _DESCRIBED, *(f'  <node name="{c}"/>\n' for c in children)]
    return f"{_HEAD}<node>\n{''.join(parts)}</node>\n"


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
