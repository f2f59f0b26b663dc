"""The interfaces, as their XML files describe them: signatures for calls, text for introspection.

https://dbus.freedesktop.org/doc/dbus-specification.html#introspection-format
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from xml.etree import ElementTree

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
