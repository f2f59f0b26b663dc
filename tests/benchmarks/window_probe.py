"""The search window with a stopwatch; run by window.py, in the desktop's own Python.

Writes a JSON list to $PROBE_REPORT, an object for each key whose results were painted. With
$PROBE_PREPARE it makes thumbnails of whatever is shown instead of measuring them.
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
from grid import thumbnails
from grid.thumbnails import GdkPixbuf

_PREPARE = bool(os.environ["PROBE_PREPARE"])


class Watched(window.Window):
    __gtype_name__ = "CsearchWatchedWindow"

    def __init__(self, *arguments):
        super().__init__(*arguments)
        self.seen = []
        self._pressed = self._asked = self._painting = None
        keys = Gtk.EventControllerKey(propagation_phase=Gtk.PropagationPhase.CAPTURE)
        keys.connect("key-pressed", self._key_pressed)
        self.add_controller(keys)
        self.connect(
            "realize", lambda _: self.get_frame_clock().connect_after("after-paint", self._painted)
        )
        self.connect("close-request", self._report)

    def _realized(self, _window):
        self.get_frame_clock().connect_after("after-paint", self._painted)

    def _key_pressed(self, keys, *_):
        self._pressed = keys.get_current_event_time()
        return False

    def search(self, top=window._FIRST):
        self._asked = self._pressed if top == window._FIRST else None
        super().search(top)

    def _answer(self, hits, result, failure):
        begun = GLib.get_monotonic_time()
        super()._answer(hits, result, failure)
        if self._asked is None or failure:
            return
        if _PREPARE:
            for path, _score, _fields in hits[:40]:
                _make_thumbnail(path)
        self._painting = {
            "key": self._asked,
            "answered": (begun / 1000 - self._asked) % (1 << 32),
            "shown": (GLib.get_monotonic_time() - begun) / 1000,
        }
        self._asked = None
        self.queue_draw()

    def _painted(self, _clock):
        one = self._painting
        if one is None:
            return
        now = (GLib.get_monotonic_time() / 1000 - one["key"]) % (1 << 32)
        if "names" not in one:
            one["names"] = now
            self.seen.append(one)
        shown = [item for item in self.results.store if item.shown][:20]
        if all(item.texture for item in shown):
            one["thumbnails"] = now
            self._painting = None

    def _report(self, _window):
        with open(os.environ["PROBE_REPORT"], "w") as file:
            json.dump(self.seen, file)
        return False


def _make_thumbnail(path):
    uri = GLib.filename_to_uri(os.fsdecode(path))
    name = thumbnails.hashlib.md5(uri.encode()).hexdigest() + ".png"
    file = os.path.join(GLib.get_user_cache_dir(), "thumbnails", "large", name)
    if not os.path.exists(file):
        pixbuf = GdkPixbuf.Pixbuf.new(GdkPixbuf.Colorspace.RGB, False, 8, 256, 192)
        pixbuf.fill((hash(path) & 0xFFFFFF) << 8 | 0xFF)
        os.makedirs(os.path.dirname(file), exist_ok=True)
        keys = ["tEXt::Thumb::URI", "tEXt::Thumb::MTime"]
        pixbuf.savev(file, "png", keys, [uri, str(int(os.stat(path).st_mtime))])


application.Window = Watched
sys.exit(application.Application().run(sys.argv))
