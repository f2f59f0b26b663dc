"""Keys and buttons of the mouse that are for the query wherever they are pressed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gi.repository import Gdk, Gtk

if TYPE_CHECKING:
    from collections.abc import Callable

    from query.incoming import Incoming
    from window import Window

_BACK, _FORWARD = 8, 9  # of a mouse, by X11's count
_COMMANDS = (
    Gdk.ModifierType.CONTROL_MASK
    | Gdk.ModifierType.ALT_MASK
    | Gdk.ModifierType.SUPER_MASK
    | Gdk.ModifierType.META_MASK
)


def in_field(window: Window, incoming: Incoming) -> None:
    """What keys do in the field, before it takes them."""
    field, results, chips = window.field, window.results, window.chips

    def pressed(
        _keys: Gtk.EventControllerKey, value: int, _code: int, state: Gdk.ModifierType
    ) -> bool:
        plain = not state & Gtk.accelerator_get_default_mod_mask()
        asks_pictures = chips.pictures or not results.empty()
        if (field.get_text() or not asks_pictures) and window.filtering.suggestions.key(
            value, plain
        ):
            return True
        onwards = (Gdk.KEY_Down,) if chips.pictures else (Gdk.KEY_Down, Gdk.KEY_Tab)
        if value in onwards and plain and not results.empty():
            results.focus_first()
            return True
        if value in (Gdk.KEY_v, Gdk.KEY_V) and state & Gdk.ModifierType.CONTROL_MASK:
            return incoming.paste(window.get_clipboard())
        if value == Gdk.KEY_BackSpace and not field.get_text() and chips.pictures:
            chips.remove_last()
            return True
        return False

    keys = Gtk.EventControllerKey(propagation_phase=Gtk.PropagationPhase.CAPTURE)
    keys.connect("key-pressed", pressed)
    field.add_controller(keys)


def type_anywhere(window: Gtk.Window, field: Gtk.SearchEntry, begin: Callable[[], object]) -> None:
    """What is typed while the pictures have the keyboard is a new query, from its first letter on,
    and takes the keyboard to the field; `begin()` is called before. Blanks and BackSpace are no
    beginning: they belong to what has the keyboard.

    It bubbles: whatever has a use for a letter of its own comes first.
    """

    def pressed(
        keys: Gtk.EventControllerKey, value: int, _code: int, state: Gdk.ModifierType
    ) -> bool:
        focus = window.get_focus()
        if not field.get_mapped():  # a picture is looked at
            return False
        if state & _COMMANDS or not _writes(value) or (focus and _is_elsewhere(focus)):
            return False
        begin()
        field.grab_focus()
        field.select_region(0, -1)  # gives way to what is typed
        return bool(keys.forward(field.get_delegate()))

    keys = Gtk.EventControllerKey()
    keys.connect("key-pressed", pressed)
    window.add_controller(keys)


def text_first(window: Gtk.Window) -> None:
    """Ctrl+C copies text that is selected where the keyboard is, Ctrl+Z takes back what was typed
    there: the window's own uses of them are for other places."""

    def copy(*_: object) -> bool:
        focus = window.get_focus()
        if not isinstance(focus, Gtk.Text) or not focus.get_selection_bounds():
            return False
        return bool(focus.activate_action("clipboard.copy", None))

    def undo(*_: object) -> bool:
        focus = window.get_focus()
        if not isinstance(focus, Gtk.Text):
            return False
        before = focus.get_text()
        focus.activate_action("text.undo", None)
        return bool(before or focus.get_text())

    # Added last, it is asked before the window's accelerators are.
    keys = Gtk.ShortcutController(propagation_phase=Gtk.PropagationPhase.CAPTURE)
    for trigger, act in (("<Control>c", copy), ("<Control>z", undo)):
        shortcut = Gtk.ShortcutTrigger.parse_string(trigger)
        keys.add_shortcut(Gtk.Shortcut.new(shortcut, Gtk.CallbackAction.new(act)))
    window.add_controller(keys)


def walk_by_mouse(
    window: Gtk.Window, back: Callable[[], object], forward: Callable[[], object]
) -> None:
    """The buttons of a mouse that web browsers have for that."""

    def pressed(gesture: Gtk.GestureClick, _times: int, _x: float, _y: float) -> None:
        button = gesture.get_current_button()
        if button in (_BACK, _FORWARD):
            gesture.set_state(Gtk.EventSequenceState.CLAIMED)
            (back if button == _BACK else forward)()

    click = Gtk.GestureClick(button=0, propagation_phase=Gtk.PropagationPhase.CAPTURE)
    click.connect("pressed", pressed)
    window.add_controller(click)


def _writes(value: int) -> bool:
    """Whether a key may begin a text: a letter, a sign, or what is composed into one."""
    if Gdk.KEY_dead_grave <= value <= Gdk.KEY_dead_greek or value == Gdk.KEY_Multi_key:
        return True
    letter = chr(Gdk.keyval_to_unicode(value))
    return letter.isprintable() and not letter.isspace()


def _is_elsewhere(focus: Gtk.Widget) -> bool:
    """Whether letters have another meaning there: in a field, or a menu."""
    return (
        isinstance(focus, Gtk.Editable | Gtk.TextView)
        or focus.get_ancestor(Gtk.Popover) is not None
    )
