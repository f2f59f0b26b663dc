"""When what is written in a part of the screen appeared; run by nautilus.py, in the desktop's own
Python.

    screen_watch.py X Y WIDTH HEIGHT SECONDS

prints "watching", and after so many seconds the monotonic time since when nine tenths of the dark
pixels that it has at the end have been there.
"""

import sys
import time

import gi

gi.require_version("Gdk", "3.0")
from gi.repository import Gdk  # noqa: E402

_EVERY = 0.01  # seconds
_DARK = bytes(value < 128 for value in range(256))


def main() -> None:
    x, y, width, height = map(int, sys.argv[1:5])
    root = Gdk.get_default_root_window()
    seen = []
    print("watching", flush=True)
    end = time.monotonic() + float(sys.argv[5])
    while (now := time.monotonic()) < end:
        pixels = Gdk.pixbuf_get_from_window(root, x, y, width, height).get_pixels()
        seen.append((now, pixels.translate(_DARK).count(1)))
        time.sleep(_EVERY)
    enough = 0.9 * seen[-1][1]
    since = end
    for now, dark in reversed(seen):
        # The empty screen is black: it is darker than any list of names.
        if not enough <= dark <= 2 * seen[-1][1]:
            break
        since = now
    print(since)


if __name__ == "__main__":
    main()
