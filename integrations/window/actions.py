"""What can be done with the pictures that were found."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gi.repository import Gio

from grid.results import content
from texts import _

if TYPE_CHECKING:
    from collections.abc import Callable

    from bus.service import Service
    from grid.results import Item, Results
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

    add("open", with_selected(open_them))
    add("show-in-folder", with_selected(show))
    add("copy", with_selected(lambda items: window.copy(content(items))))
    add("similar", with_selected(window.like))
    add("find", lambda: window.field.grab_focus())
    add("everywhere", lambda: window.scope.set_folder(None, told=True))
    add("choose-folder", lambda: window.start.choose_scope(window.scope))
    add("try-again", window.try_again)

    menu = Gio.Menu()
    menu.append(_("Open"), "win.open")
    menu.append(_("Show in Folder"), "win.show-in-folder")
    other = Gio.Menu()
    other.append(_("Copy"), "win.copy")
    other.append(_("Find Similar Images"), "win.similar")
    menu.append_section(None, other)
    results.set_menu(menu)
