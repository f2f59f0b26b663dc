"""Saved searches in the desktops' search boxes: offered by how their names begin."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from support.bus import KRUNNER, SHELL, Bus, Caller, needs_bus
from support.programs import FILE_MANAGER, WINDOW, Programs

pytestmark = needs_bus


@pytest.fixture
def saver(desktop: Bus) -> Iterator[Bus]:
    """A session whose user has saved searches, one of them below a directory."""
    user = desktop.user
    searches = {"Cats & more é": (), "Catering": ("--in", user.pictures)}
    for name, place in searches.items():
        user.csearchctl("saved", "add", name, "a cat after:2020", *place)
    yield desktop
    for name in searches:
        user.csearchctl("saved", "remove", name)


def test_they_are_offered_before_pictures(saver: Bus) -> None:
    (results,) = saver.call(SHELL, "GetInitialResultSet", "as", ["CATS", "&"])
    (metas,) = saver.call(SHELL, "GetResultMetas", "as", results[:1])
    assert metas[0]["name"].value == "Cats & more é"
    assert metas[0]["description"].value == "Saved Searches" and metas[0]["gicon"].value
    (results,) = saver.call(SHELL, "GetSubsearchResultSet", "asas", results, ["cat"])
    names = [meta["name"].value for meta in saver.call(SHELL, "GetResultMetas", "as", results)[0]]
    assert names[:2] == ["Catering", "Cats & more é"] and "cat.jpg" in names[2:]
    (matches,) = saver.call(KRUNNER, "Match", "s", "cat")
    assert [match[1] for match in matches[:2]] == ["Catering", "Cats & more é"]
    relevances = [match[4] for match in matches]
    assert relevances == sorted(relevances, reverse=True) and relevances[0] <= 1
    assert saver.call(KRUNNER, "Match", "s", "ca") == [[]]
    for typed in ("dog", "ats", "x" * 100_000):
        (matches,) = saver.call(KRUNNER, "Match", "s", typed)
        assert not [match for match in matches if match[1].startswith("Cat")]


def test_activating_one_shows_what_it_finds(saver: Bus) -> None:
    async def scenario() -> None:
        async with (
            Caller(saver) as caller,
            Programs(saver, WINDOW) as window,
            Programs(saver, FILE_MANAGER) as manager,
        ):
            (matches,) = await caller.call(KRUNNER, "Match", "s", "cats")
            await caller.call(KRUNNER, "Run", "ss", matches[0][0], "")
            await caller.call(SHELL, "ActivateResult", "sasu", matches[0][0], ["cats"], 0)
            assert [values[:1] for _, values in window.told] == [["search"], ["search"]]
            assert window.told[0][1][1][0].value == "a cat after:2020"
            (matches,) = await caller.call(KRUNNER, "Match", "s", "catering")
            await caller.call(KRUNNER, "Run", "ss", matches[0][0], "")
            folder = saver.user.data / "saved" / "Catering"
            assert manager.told == [("ShowFolders", [[folder.as_uri()], ""])]
            for identifier in ("csearch-saved:none", "csearch-saved:%00", "csearch-saved:"):
                reply = await caller.ask(KRUNNER, "Run", "ss", identifier, "")
                assert reply.error_name == "org.csearch.Error.NotFound"

    saver.run(scenario())
