"""What shows notifications on a desktop, for the tests: keeps them in a file.

Run in the desktop's own Python: `notifications.py FILE`. FILE gets a JSON object a line, with the
`summary` and the `body` of a notification and its `actions`. On SIGUSR1 the last one is clicked.
"""

from __future__ import annotations

import json
import signal
import sys
from typing import Any

from gi.repository import Gio, GLib

NAME, PATH = "org.freedesktop.Notifications", "/org/freedesktop/Notifications"
# https://specifications.freedesktop.org/notification-spec/latest/protocol.html
_INTERFACE = """
<node>
  <interface name="org.freedesktop.Notifications">
    <method name="Notify">
      <arg type="s" direction="in"/>
      <arg type="u" direction="in"/>
      <arg type="s" direction="in"/>
      <arg type="s" direction="in"/>
      <arg type="s" direction="in"/>
      <arg type="as" direction="in"/>
      <arg type="a{sv}" direction="in"/>
      <arg type="i" direction="in"/>
      <arg type="u" direction="out"/>
    </method>
    <method name="CloseNotification">
      <arg type="u" direction="in"/>
    </method>
    <method name="GetCapabilities">
      <arg type="as" direction="out"/>
    </method>
    <method name="GetServerInformation">
      <arg type="s" direction="out"/>
      <arg type="s" direction="out"/>
      <arg type="s" direction="out"/>
      <arg type="s" direction="out"/>
    </method>
  </interface>
</node>
"""


def main() -> None:
    file = sys.argv[1]
    shown = 0

    def call(
        _bus: Any, _sender: str, _path: str, _interface: str, method: str, values: Any, answer: Any
    ) -> None:
        nonlocal shown
        reply = None
        if method == "Notify":
            _name, _replaced, _icon, summary, body, actions, *_rest = values.unpack()
            shown += 1
            with open(file, "a") as out:
                print(json.dumps({"summary": summary, "body": body, "actions": actions}), file=out)
            reply = GLib.Variant("(u)", (shown,))
        elif method == "GetCapabilities":
            reply = GLib.Variant("(as)", (["actions", "body"],))
        elif method == "GetServerInformation":
            reply = GLib.Variant("(ssss)", ("test", "csearch", "1", "1.2"))
        answer.return_value(reply)

    bus = Gio.bus_get_sync(Gio.BusType.SESSION)

    def click() -> bool:
        clicked = GLib.Variant("(us)", (shown, "default"))
        bus.emit_signal(None, PATH, NAME, "ActionInvoked", clicked)
        return bool(GLib.SOURCE_CONTINUE)

    (interface,) = Gio.DBusNodeInfo.new_for_xml(_INTERFACE).interfaces
    bus.register_object(PATH, interface, call)
    GLib.unix_signal_add(GLib.PRIORITY_DEFAULT, signal.SIGUSR1, click)
    Gio.bus_own_name_on_connection(bus, NAME, Gio.BusNameOwnerFlags.NONE, None, None)
    GLib.MainLoop().run()


main()
