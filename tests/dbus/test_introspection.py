"""What the objects on the bus say of themselves, to tools that know nothing of csearch."""

from __future__ import annotations

import shutil
import subprocess
from typing import Any
from xml.etree import ElementTree

import pytest
from dbus_fast import Variant

from support.bus import KRUNNER, NAME, OWN, SHELL, Bus, Caller, needs_bus

pytestmark = needs_bus

STANDARD = "org.freedesktop.DBus"


def test_introspection_is_what_other_tools_read(desktop: Bus) -> None:
    tools = [tool for tool in ("gdbus", "busctl") if shutil.which(tool)]
    if not tools:
        pytest.skip("needs gdbus (libglib2.0-bin) or busctl (systemd)")
    commands = {
        "gdbus": ["gdbus", "introspect", "--address", desktop.address, "--dest", NAME],
        "busctl": ["busctl", f"--address={desktop.address}", "introspect", NAME, OWN[0]],
    }
    commands["gdbus"] += ["--object-path", "/", "--recurse"]
    for tool in tools:
        told = subprocess.run(commands[tool], capture_output=True, text=True, check=True).stdout
        for word in ("Search", "Status", "Changed", "Progress"):
            assert word in told, (tool, told)


def test_every_object_is_found_from_the_root(desktop: Bus) -> None:
    at = "org.freedesktop.DBus.Introspectable"

    def walk(path: str) -> set[str]:
        (text,) = desktop.call((path, at), "Introspect")
        node = ElementTree.fromstring(text)
        found = {str(interface.get("name")) for interface in node.findall("interface")}
        for child in node.findall("node"):
            found |= walk(path.rstrip("/") + "/" + str(child.get("name")))
        return found

    assert {NAME, "org.gnome.Shell.SearchProvider2", "org.kde.krunner1"} <= walk("/")


@pytest.mark.parametrize("path", ["/", OWN[0], SHELL[0], KRUNNER[0]])
def test_properties_can_be_asked_for_though_there_are_none(desktop: Bus, path: str) -> None:
    at = (path, f"{STANDARD}.Properties")
    (text,) = desktop.call((path, f"{STANDARD}.Introspectable"), "Introspect")
    described = [str(x.get("name")) for x in ElementTree.fromstring(text).findall("interface")]
    assert at[1] in described
    for interface in described:
        assert desktop.call(at, "GetAll", "s", interface) == [{}]
    value = Variant("s", "x")
    assert refusal(desktop, at, "GetAll", "s", "org.nobody.Knows") == "UnknownInterface"
    assert refusal(desktop, at, "Get", "ss", described[0], "Version") == "UnknownProperty"
    assert refusal(desktop, at, "Set", "ssv", described[0], "Version", value) == "UnknownProperty"
    assert refusal(desktop, at, "GetAll", "") == "UnknownMethod"


def test_where_there_is_no_object_none_answers(desktop: Bus) -> None:
    for interface, member, signature, *values in (
        ("Properties", "GetAll", "s", NAME),
        ("Introspectable", "Introspect", ""),
    ):
        at = ("/org/nobody", f"{STANDARD}.{interface}")
        assert refusal(desktop, at, member, signature, *values) == "UnknownObject"


def refusal(desktop: Bus, at: tuple[str, str], member: str, signature: str, *values: Any) -> str:
    """The name of the error."""

    async def ask() -> str:
        async with Caller(desktop) as caller:
            reply = await caller.ask(at, member, signature, *values)
            return str(reply.error_name).removeprefix(f"{STANDARD}.Error.")

    name: str = desktop.run(ask())
    return name
