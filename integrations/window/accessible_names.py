"""What assistive technology calls a widget that shows something else."""

from __future__ import annotations

from gi.repository import Gtk


def call(widget: Gtk.Accessible, name: str) -> None:
    """Also where GTK names the widget after a label in it, which from GTK 4.12 on wins."""
    widget.reset_relation(Gtk.AccessibleRelation.LABELLED_BY)
    widget.update_property([Gtk.AccessibleProperty.LABEL], [name])
