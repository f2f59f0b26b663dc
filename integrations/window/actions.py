"""What can be done with the pictures that were found."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gi.repository import Gio, GLib

from grid.item import content
from texts import _

if TYPE_CHECKING:
    from collections.abc import Callable

    from bus.service import Service
    from grid.item import Item
    from grid.results import Results
    from window import Window

_MOST_OPENED = 10


def install(window: Window, results: Results, service: Service) -> None:
    """Adds the window's actions and the menu of the grid."""

    def add(name: str, act: Callable[[], object]) -> None:
        action = Gio.SimpleAction.new(name, None)
        action.connect("activate", lambda *_: act())
        window.add_action(action)

    def with_selected(act: Callable[[list[Item]], object]) -> Callable[[], None]:
        def run() -> None:
            if items := results.selected():
                act(items)

        return run

    def open_them(items: list[Item]) -> None:
        for item in items[:_MOST_OPENED]:
            window.launch(item.file)

    def show(items: list[Item]) -> None:
        folder = items[0].file.get_parent()
        uris = [item.file.get_uri() for item in items]
        service.show_in_folder(uris, lambda: window.launch(folder))

    def find() -> None:
        window.viewer.lightbox.leave()
        window.field.grab_focus()

    def copy(items: list[Item]) -> None:
        window.get_clipboard().set_content(content(items))

    def properties(items: list[Item]) -> None:
        uris = [item.file.get_uri() for item in items]
        missing = _("There is no file manager that shows properties.")
        service.show_properties(uris, lambda: window.notice(missing, failed=True))

    add("open", with_selected(open_them))
    add("show-in-folder", with_selected(show))
    add("copy", with_selected(copy))
    add("show-alike", with_selected(lambda items: results.emit("unfolded", items[0])))
    add("larger", lambda: results.resize(1))
    add("smaller", lambda: results.resize(-1))
    add("usual-size", lambda: results.resize(0))
    add("similar", with_selected(window.like))
    add("properties", with_selected(properties))
    add("back", window.walking.back)
    add("forward", window.walking.forward)
    add("find", find)
    add("everywhere", lambda: window.scope.set_folder(None, told=True))
    add("choose-folder", lambda: window.start.choose_scope(window.scope))
    add("try-again", window.try_again)

    def show_filters(action: Gio.SimpleAction, shown: GLib.Variant) -> None:
        action.set_state(shown)
        window.filtering.bar.set_visible(shown.get_boolean())

    def sort(_action: Gio.SimpleAction, order: GLib.Variant) -> None:
        window.set_sort(order.get_string())
        window.search()

    filters = Gio.SimpleAction.new_stateful("filters", None, GLib.Variant("b", False))
    filters.connect("change-state", show_filters)
    window.add_action(filters)
    none = GLib.Variant("s", "")
    sorting = Gio.SimpleAction.new_stateful("sort", none.get_type(), none)
    sorting.connect("change-state", sort)
    window.add_action(sorting)

    menu = Gio.Menu()
    menu.append(_("View"), "win.look")
    menu.append(_("Open"), "win.open")
    menu.append(_("Open With…"), "win.open-with")
    menu.append(_("Show in Folder"), "win.show-in-folder")
    other = Gio.Menu()
    other.append(_("Copy"), "win.copy")
    other.append(_("Find Similar Images"), "win.similar")
    other.append(_("Copy to…"), "win.copy-to")
    other.append(_("Tag…"), "win.tag")
    other.append(_("Information"), "win.information")
    other.append(_("Show All That Are Nearly the Same"), "win.show-alike")
    menu.append_section(None, other)
    about = Gio.Menu()
    about.append(_("Properties"), "win.properties")
    menu.append_section(None, about)
    last = Gio.Menu()
    last.append(_("Move to Trash"), "win.trash")
    menu.append_section(None, last)
    results.set_menu(menu)
