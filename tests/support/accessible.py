"""Reads and drives programs through AT-SPI; run by the desktop's own Python. Prints JSON.

accessible.py texts APPLICATION           all names and texts that it shows
accessible.py press APPLICATION NAME      triggers what is called NAME; whether it is there
accessible.py focused APPLICATION         names of what has the keyboard
accessible.py scrolled APPLICATION        where sliders and scroll bars are
accessible.py described APPLICATION       name and description of what has a description
accessible.py size APPLICATION NAME       width and height of what is called NAME
accessible.py tree APPLICATION            role, name and text of everything, for people
"""

import json
import sys

import gi

gi.require_version("Atspi", "2.0")
from gi.repository import Atspi, GLib  # noqa: E402


def applications(name):
    desktop = Atspi.get_desktop(0)
    for index in range(desktop.get_child_count()):
        child = desktop.get_child_at_index(index)
        if child and name in (child.get_name() or ""):
            yield child


def everything(accessible):
    """An accessible and all below it; what vanishes meanwhile is passed over."""
    yield accessible
    try:
        children = [accessible.get_child_at_index(i) for i in range(accessible.get_child_count())]
    except GLib.Error:
        return
    for child in children:
        if child is not None:
            yield from everything(child)


def text_of(accessible):
    if not accessible.get_text_iface():
        return ""
    # From 0 to -1 would be nothing of a field in GTK 4.8.
    return Atspi.Text.get_text(accessible, 0, Atspi.Text.get_character_count(accessible))


def name_of(accessible):
    """Its name. From GTK 4.12 on a menu item has none of its own, but a relation to the label in
    it, which has a text and isn't in the tree."""
    if name := accessible.get_name():
        return name
    for relation in accessible.get_relation_set():
        if relation.get_relation_type() == Atspi.RelationType.LABELLED_BY:
            labels = map(relation.get_target, range(relation.get_n_targets()))
            return " ".join(label.get_name() or text_of(label) for label in labels)
    return ""


def described(accessible):
    try:
        name, role = name_of(accessible), accessible.get_role_name()
        role = "button" if role == "push button" else role  # as at-spi2-core 2.54 renamed it
        text = text_of(accessible)
    except GLib.Error:
        return "", "", ""
    return role, name, text


def main(command, application, *rest):
    found = [node for top in applications(application) for node in everything(top)]
    if command == "texts":
        told = [described(node) for node in found]
        return [part for _, name, text in told for part in (name, text) if part]
    if command == "focused":
        has = Atspi.StateType.FOCUSED
        return [name_of(node) for node in found if node.get_state_set().contains(has)]
    if command == "scrolled":
        return [Atspi.Value.get_current_value(node) for node in found if node.get_value_iface()]
    if command == "described":
        told = [(name_of(node), node.get_description()) for node in found]
        return [pair for pair in told if pair[1]]
    if command == "tree":
        return [described(node) for node in found]
    if command == "size":
        sizes = [Atspi.Component.get_size(node) for node in found if described(node)[1] == rest[0]]
        return [(size.x, size.y) for size in sizes]
    for node in found:
        role, name, _text = described(node)
        if role == "label":  # of what can be pressed, and has actions of its own
            continue
        if name == rest[0] and node.get_action_iface() and node.get_action_iface().get_n_actions():
            return bool(Atspi.Action.do_action(node, 0))
    return False


if __name__ == "__main__":
    print(json.dumps(main(*sys.argv[1:])))
