"""What no program of ours may write to stderr: tracebacks, and warnings of GLib, GTK and Python."""

from __future__ import annotations

import re

_COMPLAINT = re.compile(
    r"Traceback \(most recent call last\)"
    r"|-(CRITICAL|WARNING|ERROR) \*\*"  # (process:1): Gtk-CRITICAL **: …
    r"|: (\w*Warning): "  # file.py:1: ResourceWarning: …
    r"|assertion '.*' failed"
)


def complaints(text: str, of: str = "") -> list[str]:
    """The lines of `text` that complain; with `of`, only if that name occurs near them."""
    lines = text.splitlines()
    found = [number for number, line in enumerate(lines) if _COMPLAINT.search(line)]
    near = [(number, "\n".join(lines[max(0, number - 2) : number + 20])) for number in found]
    return [lines[number] for number, around in near if of in around]
