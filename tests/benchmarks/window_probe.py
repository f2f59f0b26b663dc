"""The search window with a stopwatch; run by window.py, in the desktop's own Python.

Writes JSON to $PROBE_REPORT: `keys` has an object for each key whose results were painted. With
$PROBE_PREPARE it makes thumbnails of whatever is shown instead of measuring them. With
$PROBE_SCROLL, a query, it scrolls through its results by itself, and reports the milliseconds of
all `frames`, how many `results` there were, and the `memory` in MB.
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
_SCROLL = os.environ.get("PROBE_SCROLL")  # a query whose results are scrolled through
_SCROLLED = 10_000  # of them
_STEP = 120  # pixels a frame
_MOST_SECONDS = 240


class Watched(window.Window):
    __gtype_name__ = "CsearchWatchedWindow"

    def __init__(self, *arguments):
        super().__init__(*arguments)
        self.seen = []
        self._scrolled = {}
        self._scrolling = False
        self._pressed = self._asked = self._painting = None
        keys = Gtk.EventControllerKey(propagation_phase=Gtk.PropagationPhase.CAPTURE)
        keys.connect("key-pressed", self._key_pressed)
        self.add_controller(keys)
        self.connect(
            "realize", lambda _: self.get_frame_clock().connect_after("after-paint", self._painted)
        )
        self._frames = []  # milliseconds of each frame while the results are scrolled
        self.connect("close-request", self._report)

    def _key_pressed(self, keys, *_):
        self._pressed = keys.get_current_event_time()
        return False

    def search(self, top=window._FIRST):
        self._asked = self._pressed if top == window._FIRST else None
        super().search(top)

    def _answer(self, hits, result, failure):
        begun = GLib.get_monotonic_time()
        super()._answer(hits, result, failure)
        if _SCROLL and not failure and self._top > window._FIRST and not self._scrolling:
            self._scrolling = True
            GLib.timeout_add(500, lambda: self.scroll())
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
            json.dump({"keys": self.seen, **self._scrolled}, file)
        return False

    def scroll(self):
        """Scrolls through all results, and closes the window then."""
        clock = self.get_frame_clock()
        adjustment = self.results.adjustment
        began = GLib.get_monotonic_time()
        clock.connect("before-paint", lambda _: setattr(self, "_begun", GLib.get_monotonic_time()))
        clock.connect_after("after-paint", self._frame)

        def step(*_):
            end = adjustment.get_upper() - adjustment.get_page_size()
            adjustment.set_value(min(adjustment.get_value() + _STEP, end))
            many = len(self.results.store)
            seconds = (GLib.get_monotonic_time() - began) / 1e6
            there = adjustment.get_value() >= end
            if (there and many >= _SCROLLED) or seconds > _MOST_SECONDS:
                self._scrolled = {"frames": self._frames, "results": many, "memory": _memory()}
                self.close()
                return False
            return True

        self.add_tick_callback(step)

    def _frame(self, _clock):
        self._frames.append((GLib.get_monotonic_time() - self._begun) / 1000)


def _memory():
    """What the process holds, in MB."""
    with open("/proc/self/status") as status:
        (line,) = [line for line in status if line.startswith("VmRSS:")]
    return int(line.split()[1]) / 1024


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
sys.exit(application.Application().run([sys.argv[0], *filter(None, [_SCROLL])]))
