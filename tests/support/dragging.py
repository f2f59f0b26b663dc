"""The other end of a drag, or of a copy: a small window, which prints what happens. Run by the
desktop's own Python.

dragging.py source KIND DATA     lets DATA (its \\n escaped) be dragged away as KIND
dragging.py target KIND          prints what is dropped on it, as JSON
dragging.py clipboard FILE       no drag: the pixels of a picture are on the clipboard
"""

import json
import sys

import gi

gi.require_version("Gdk", "3.0")
gi.require_version("Gtk", "3.0")
from gi.repository import Gdk, GdkPixbuf, Gtk  # noqa: E402


def tell(event):
    print(event, flush=True)


def source(widget, kind, data):
    def begun(_widget, context):
        # The other side says that it would take it.
        context.connect("action-changed", lambda _context, action: tell(f"action {int(action)}"))
        tell("begun")

    def give(_widget, _context, selection, _info, _time):
        selection.set(selection.get_target(), 8, data.encode().decode("unicode_escape").encode())

    entry = Gtk.TargetEntry.new(kind, 0, 0)
    widget.drag_source_set(Gdk.ModifierType.BUTTON1_MASK, [entry], Gdk.DragAction.COPY)
    widget.connect("drag-begin", begun)
    widget.connect("drag-data-get", give)
    widget.connect("drag-end", lambda *_: tell("ended"))


def target(widget, kind):
    def received(_widget, _context, _x, _y, selection, _info, _time):
        tell("dropped " + json.dumps(bytes(selection.get_data()).decode()))

    widget.drag_dest_set(
        Gtk.DestDefaults.ALL, [Gtk.TargetEntry.new(kind, 0, 0)], Gdk.DragAction.COPY
    )
    widget.connect("drag-motion", lambda *_: tell("motion"))
    widget.connect("drag-data-received", received)


def clipboard(_widget, file):
    Gtk.Clipboard.get(Gdk.SELECTION_CLIPBOARD).set_image(GdkPixbuf.Pixbuf.new_from_file(file))
    tell("offered")


def main(role, *arguments):
    window = Gtk.Window(title=f"The {role}", default_width=200, default_height=200)
    area = Gtk.EventBox()
    window.add(area)
    {"source": source, "target": target, "clipboard": clipboard}[role](area, *arguments)
    window.connect("destroy", Gtk.main_quit)
    window.show_all()
    Gtk.main()


if __name__ == "__main__":
    main(*sys.argv[1:])
