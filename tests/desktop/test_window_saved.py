"""Saved searches in the search window: saved with a button, listed beside the pictures."""

from __future__ import annotations

import json
import os
import shutil
import sqlite3
from collections.abc import Iterator

import pytest

from support.desktop import Desktop, needs
from support.search_window import (
    APPLICATION,
    COMMAND,
    FIELD,
    focus,
    press,
    query,
    search_window,
    see,
    shown,
)
from support.user import wait_for

pytestmark = needs()


@pytest.fixture
def shelf(screen: Desktop) -> Iterator[Desktop]:
    """A desktop on which nothing is saved, before or after."""
    yield screen
    for search in saved(screen):
        screen.user.csearchctl("saved", "remove", str(search["name"]))


@pytest.fixture
def window(shelf: Desktop) -> Iterator[Desktop]:
    with search_window(shelf, *COMMAND):
        yield shelf


def saved(screen: Desktop) -> list[dict[str, object]]:
    output = screen.user.csearchctl("saved", "list", "--json").stdout
    return [json.loads(line) for line in output.splitlines()]


def listed(screen: Desktop) -> list[str]:
    """The names of the rows, without numbers of pictures."""
    tree = screen.accessible("tree", APPLICATION)
    rows = [name for role, name, _ in tree if role == "list item"]
    return [name.rpartition(", ")[0] or name for name in rows]


def await_listed(screen: Desktop, *names: str) -> None:
    wait_for(lambda: listed(screen) == list(names), f"{names} in the list")


def test_a_search_is_saved_with_one_button(window: Desktop) -> None:
    window.keys("type", "a cup of coffee")
    see(window, "coffee")
    press(window, "Save Search")
    focus(window, "Name")
    window.keys("key", "Return")
    await_listed(window, "a cup of coffee")
    (only,) = saved(window)
    assert only["name"] == only["query"] == "a cup of coffee"
    assert "scopes" not in only and "sort" not in only
