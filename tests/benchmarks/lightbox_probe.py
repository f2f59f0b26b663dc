"""The search window with a stopwatch at its lightbox; run by lightbox.py, in the desktop's own
Python.

Writes a JSON list to $PROBE_REPORT, milliseconds from each key to the picture on the screen.
"""

import json
import os
import sys

sys.path.insert(
    0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../../integrations/window")
)

import application
import window
from application import GLib, Gtk


class Watched(window.Window):
    __gtype_name__ = "CsearchWatchedWindow"

    def __init__(self, *arguments):
        super().__init__(*arguments)
        self.seen = []
        self._pressed = None
        self._ready = False
        keys = Gtk.EventControllerKey(propagation_phase=Gtk.PropagationPhase.CAPTURE)
        keys.connect("key-pressed", self._key_pressed)
        self.add_controller(keys)
        box = self.viewer.lightbox
        loaded = box._loaded

        def watched(item, shown, again=False):
            loaded(item, shown, again)
            self._ready = bool(shown.texture) and not again

        box._loaded = watched
        self.connect(
            "realize", lambda _: self.get_frame_clock().connect_after("after-paint", self._painted)
        )
        self.connect("close-request", self._report)

    def _key_pressed(self, keys, *_):
        self._pressed, self._ready = keys.get_current_event_time(), False
        return False

    def _painted(self, _clock):
        if self._ready and self._pressed is not None:
            taken = (GLib.get_monotonic_time() / 1000 - self._pressed) % (1 << 32)
            self.seen.append(taken)
            self._pressed = None

    def _report(self, _window):
        with open(os.environ["PROBE_REPORT"], "w") as file:
            json.dump(self.seen, file)
        return False


application.Window = Watched
sys.exit(application.Application().run(sys.argv))
