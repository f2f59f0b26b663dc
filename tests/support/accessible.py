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


def children(accessible):
    """What is right below an accessible, as far as it doesn't vanish meanwhile."""
    try:
        found = [accessible.get_child_at_index(i) for i in range(accessible.get_child_count())]
    except GLib.Error:
        return []
    return [child for child in found if child is not None]


def applications(name):
    running = asked(lambda one: one.get_name() or "", children(Atspi.get_desktop(0)))
    return [application for application, own in running if name in own]


def everything(accessible):
    """An accessible and all below it."""
    yield accessible
    for child in children(accessible):
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
    name, role = name_of(accessible), accessible.get_role_name()
    role = "button" if role == "push button" else role  # as at-spi2-core 2.54 renamed it
    return role, name, text_of(accessible)


def asked(question, found):
    """Pairs of an accessible and what is answered for it; what vanishes meanwhile is left out."""
    for node in found:
        try:
            answer = question(node)
        except GLib.Error:
            continue
        yield node, answer


def answers(question, found):
    return [answer for _, answer in asked(question, found)]


def main(command, application, *rest):
    found = [node for top in applications(application) for node in everything(top)]
    if command == "texts":
        told = answers(described, found)
        return [part for _, name, text in told for part in (name, text) if part]
    if command == "focused":
        states = asked(lambda node: node.get_state_set(), found)
        focused = [node for node, state in states if state.contains(Atspi.StateType.FOCUSED)]
        return answers(name_of, focused)
    if command == "scrolled":
        scrolling = [
            node for node, value in asked(lambda node: node.get_value_iface(), found) if value
        ]
        return answers(Atspi.Value.get_current_value, scrolling)
    if command == "described":
        told = answers(lambda node: (name_of(node), node.get_description()), found)
        return [pair for pair in told if pair[1]]
    if command == "tree":
        return answers(described, found)
    if command == "size":
        called = [node for node, (_, name, _) in asked(described, found) if name == rest[0]]
        return [(size.x, size.y) for size in answers(Atspi.Component.get_size, called)]
    for node, (role, name, _) in asked(described, found):
        if role == "label":  # of what can be pressed, and has actions of its own
            continue
        if name == rest[0] and node.get_action_iface() and node.get_action_iface().get_n_actions():
            return bool(Atspi.Action.do_action(node, 0))
    return False


if __name__ == "__main__":
    print(json.dumps(main(*sys.argv[1:])))
