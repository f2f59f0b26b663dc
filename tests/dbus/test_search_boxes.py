"""The desktops' search boxes, called as GNOME Shell and KRunner call them."""

from __future__ import annotations

import asyncio
import hashlib
import os
import signal
import stat
from pathlib import Path
from typing import Any

import pytest
from dbus_fast import MessageType
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from support.bus import KRUNNER, SHELL, Bus, Caller, needs_bus, on_bus
from support.photos import drawn, write_drawn
from support.programs import FILE_MANAGER, PORTAL, WINDOW, Programs
from support.served import served
from support.user import User, wait_for

pytestmark = needs_bus


def test_the_shell_gets_pictures_while_somebody_types(desktop: Bus) -> None:
    async def scenario() -> None:
        async with Caller(desktop) as shell:
            (first,) = await shell.call(SHELL, "GetInitialResultSet", "as", ["cup"])
            (results,) = await shell.call(
                SHELL, "GetSubsearchResultSet", "asas", first, ["cup", "of", "coffee"]
            )
            coffee = desktop.user.pictures / "coffee.jpg"
            assert results[0] == coffee.as_uri()
            (metas,) = await shell.call(SHELL, "GetResultMetas", "as", results[:2])
            assert [meta["id"].value for meta in metas] == results[:2]
            assert metas[0]["name"].value == "coffee.jpg"
            assert metas[0]["description"].value == "~/Pictures"

    desktop.run(scenario())


def test_too_few_letters_find_nothing(desktop: Bus) -> None:
    assert desktop.call(SHELL, "GetInitialResultSet", "as", ["c"]) == [[]]
    assert desktop.call(KRUNNER, "Match", "s", "ca") == [[]]


def cached(desktop: Bus, picture: Path, size: str) -> Path:
    name = hashlib.md5(picture.as_uri().encode()).hexdigest()
    return desktop.user.home / ".cache" / "thumbnails" / size / f"{name}.png"


@pytest.mark.parametrize("size", ["normal", "xx-large"])
def test_thumbnails_that_the_desktop_has_are_shown(desktop: Bus, size: str) -> None:
    cat = desktop.user.pictures / "cat.jpg"
    thumbnail = cached(desktop, cat, size)
    thumbnail.parent.mkdir(parents=True)
    texts = PngInfo()
    texts.add_text("Thumb::MTime", str(int(cat.stat().st_mtime)))
    cached(desktop, cat, "large").unlink(missing_ok=True)
    Image.new("RGB", (8, 8)).save(thumbnail, pnginfo=texts)
    try:
        (metas,) = desktop.call(SHELL, "GetResultMetas", "as", [cat.as_uri()])
        assert metas[0]["gicon"].value == str(thumbnail)
        (matches,) = desktop.call(KRUNNER, "Match", "s", "a cat")
        assert str(thumbnail) in [match[2] for match in matches]
        earlier = cat.stat().st_mtime - 100
        os.utime(cat, (earlier, earlier))  # another picture, moved there: the thumbnail is younger
        (metas,) = desktop.call(SHELL, "GetResultMetas", "as", [cat.as_uri()])
        assert metas[0]["gicon"].value != str(thumbnail)
    finally:
        thumbnail.unlink()


def test_thumbnails_that_are_missing_are_made(desktop: Bus) -> None:
    coins = desktop.user.pictures / "coins.jpg"
    thumbnail = cached(desktop, coins, "large")
    thumbnail.unlink(missing_ok=True)

    def shown() -> bool:
        (metas,) = desktop.call(SHELL, "GetResultMetas", "as", [coins.as_uri()])
        return bool(metas[0]["gicon"].value == str(thumbnail))

    wait_for(shown, "a thumbnail")
    with Image.open(thumbnail) as made:
        assert max(made.size) == 256
        assert made.info["Thumb::URI"] == coins.as_uri()
        assert made.info["Thumb::MTime"] == str(int(coins.stat().st_mtime))
    assert stat.S_IMODE(thumbnail.stat().st_mode) == 0o600
    thumbnail.unlink()
    for maker in desktop.user.pids("csearchd.previews.thumbnails"):
        os.kill(maker, signal.SIGKILL)  # costs nothing: there will be another one
        wait_for(lambda: not desktop.user.pids("csearchd.previews.thumbnails"), "its end")
    wait_for(
        lambda: str(thumbnail) in [x[2] for x in desktop.call(KRUNNER, "Match", "s", "coins")[0]],
        "a thumbnail in KRunner",
    )
    assert not list(thumbnail.parent.glob("tmp*"))


def test_krunner_waits_for_the_thumbnail_of_a_large_picture(desktop: Bus) -> None:
    large = desktop.user.home / "large"
    large.mkdir()
    Image.effect_noise((2600, 2000), 90).save(large / "large.jpg", quality=95)
    desktop.user.search("anything", "--in", large, "--wait")
    thumbnail = cached(desktop, large / "large.jpg", "large")

    def shown_at_once() -> bool:  # KRunner doesn't ask a second time
        (matches,) = desktop.call(KRUNNER, "Match", "s", "name:large* large")
        ((_, _, icon, *_),) = matches
        wait_for(thumbnail.exists, "the thumbnail")  # so that the next answer has to wait for it
        thumbnail.unlink()
        return str(icon) == str(thumbnail)

    # The maker has to be started; and a loaded machine may take longer than KRunner waits.
    wait_for(shown_at_once, "an answer with the thumbnail")


def test_a_server_that_hangs_holds_no_search_box_up(desktop: Bus) -> None:
    user = desktop.user
    source, mount = user.home / "source", user.home / "served"
    write_drawn(source, 2)
    cat = user.pictures / "cat.jpg"
    cached(desktop, cat, "large").unlink(missing_ok=True)
    with served(source, mount) as server:
        (first, _) = sorted(user.search("anything", "--in", mount, "--wait"))

        async def scenario() -> None:
            async with Caller(desktop) as caller:
                for _ in range(10):  # one after the other: none takes a thread for good
                    (metas,) = await caller.call(SHELL, "GetResultMetas", "as", [first.as_uri()])
                    assert metas[0]["gicon"].value == "image-x-generic"
                shown = ""
                while not shown.endswith(".png"):
                    uris = [first.as_uri(), cat.as_uri()]
                    (metas,) = await caller.call(SHELL, "GetResultMetas", "as", uris)
                    shown = metas[1]["gicon"].value
                values = (first.as_uri(), [], 0)
                reply = await caller.ask(SHELL, "ActivateResult", "sasu", *values)
                assert reply.error_name == "org.csearch.Error.NotFound"
                assert "doesn't answer" in reply.body[0]
                assert (await caller.call(KRUNNER, "Match", "s", "a cat"))[0]

        os.kill(server, signal.SIGSTOP)
        desktop.run(scenario())


def test_pictures_that_cannot_be_shown_have_an_icon(desktop: Bus) -> None:
    broken = desktop.user.home / "broken.jpg"
    broken.write_bytes(b"nonsense")
    gone = desktop.user.home / "gone.jpg"
    cat = desktop.user.pictures / "cat.jpg"
    uris = [broken.as_uri(), gone.as_uri(), cat.as_uri()]

    def shown() -> bool:
        (metas,) = desktop.call(SHELL, "GetResultMetas", "as", uris)
        assert [meta["id"].value for meta in metas] == uris
        assert {meta["gicon"].value for meta in metas[:2]} == {"image-x-generic"}
        return bool(metas[2]["gicon"].value.endswith(".png"))

    wait_for(shown, "the thumbnail of the last one")


def test_names_of_every_kind_go_through(desktop: Bus) -> None:
    odd = desktop.user.home / "odd"
    odd.mkdir(exist_ok=True)
    path = os.fsencode(odd) + b"/\xff %;#\n.jpg"
    Path(os.fsdecode(path)).write_bytes(drawn(7))
    desktop.user.search("anything", "--in", odd, "--wait")

    async def scenario() -> None:
        programs = Programs(desktop, FILE_MANAGER)
        async with Caller(desktop) as shell, programs:
            uris = (await shell.call(SHELL, "GetInitialResultSet", "as", ["odd"]))[0]
            (found,) = uris
            assert found.endswith("/odd/%FF%20%25%3B%23%0A.jpg")
            (metas,) = await shell.call(SHELL, "GetResultMetas", "as", [found])
            assert metas[0]["name"].value.endswith(".jpg")
            await shell.call(KRUNNER, "Run", "ss", found, "folder")
            assert programs.told == [("ShowItems", [[found], ""])]

    desktop.run(scenario())


def test_enter_opens_the_picture_in_the_users_program(desktop: Bus) -> None:
    cat = desktop.user.pictures / "cat.jpg"

    async def scenario() -> None:
        async with Caller(desktop) as caller, Programs(desktop, PORTAL) as programs:
            await caller.call(SHELL, "ActivateResult", "sasu", cat.as_uri(), ["cat"], 0)
            await caller.call(KRUNNER, "Run", "ss", cat.as_uri(), "")
            assert [member for member, _ in programs.told] == ["OpenFile", "OpenFile"]
            assert programs.read == cat.read_bytes()

    desktop.run(scenario())


def test_without_a_portal_the_file_manager_shows_it(desktop: Bus) -> None:
    cat = desktop.user.pictures / "cat.jpg"

    async def scenario() -> None:
        async with Caller(desktop) as caller, Programs(desktop, FILE_MANAGER) as programs:
            await caller.call(SHELL, "ActivateResult", "sasu", cat.as_uri(), ["cat"], 0)
            assert programs.told == [("ShowItems", [[cat.as_uri()], ""])]

    desktop.run(scenario())


def test_what_cannot_be_opened_is_an_error_with_a_name(desktop: Bus) -> None:
    async def scenario() -> None:
        async with Caller(desktop) as caller:
            for result in ("file:///gone.jpg", "nonsense", (desktop.user.home / "x").as_uri()):
                reply = await caller.ask(SHELL, "ActivateResult", "sasu", result, [], 0)
                assert reply.error_name == "org.csearch.Error.NotFound"
                assert "Traceback" not in reply.body[0]

    desktop.run(scenario())


def test_only_pictures_that_are_known_are_opened(desktop: Bus) -> None:
    """Whoever is on the bus may ask."""
    home, known = desktop.user.home, desktop.user.pictures
    secret, new = home / "secret.jpg", known / ".hidden" / "new.jpg"
    new.parent.mkdir()
    for path in (secret, new):
        path.write_bytes(drawn(7))
    (known / "link.jpg").symlink_to(secret)
    uris = [path.as_uri() for path in (secret, new, known / "link.jpg", known, home)]
    uris += [(known / "cat.jpg").as_uri() + end for end in ("/", "/..", "%00", "/../cat.jpg")]
    uris += [f"{known.as_uri()}/../{name}" for name in ("secret.jpg", "Pictures/cat.jpg")]
    uris += ["file:///etc/passwd", "file:///", "file:////etc/passwd", "file:///%2e%2e/etc/passwd"]

    async def scenario() -> None:
        async with (
            Caller(desktop) as caller,
            Programs(desktop, PORTAL) as portal,
            Programs(desktop, FILE_MANAGER) as manager,
        ):
            for uri in uris:
                replies = [
                    await caller.ask(SHELL, "ActivateResult", "sasu", uri, [], 0),
                    await caller.ask(KRUNNER, "Run", "ss", uri, ""),
                    await caller.ask(KRUNNER, "Run", "ss", uri, "folder"),
                ]
                assert {reply.error_name for reply in replies} == {"org.csearch.Error.NotFound"}
            assert portal.told == manager.told == []

    desktop.run(scenario())


def test_all_results_are_shown_in_the_window(desktop: Bus) -> None:
    async def scenario() -> None:
        async with Caller(desktop) as caller, Programs(desktop, WINDOW) as programs:
            await caller.call(SHELL, "LaunchSearch", "asu", ["a", "cat"], 0)
            ((member, values),) = programs.told
            assert member == "ActivateAction"
            assert values[0] == "search" and values[1][0].value == "a cat"

    desktop.run(scenario())


@pytest.mark.parametrize(
    ("language", "shown"), [("de_DE.UTF-8", "Im Ordner zeigen"), ("C.UTF-8", "Show in Folder")]
)
def test_krunner_shows_actions_in_the_users_language(
    user: User, bus: Bus, language: str, shown: str
) -> None:
    bus.start()
    user.start(environment={"LC_MESSAGES": language, "LC_ALL": "", "LANGUAGE": ""})
    wait_for(lambda: on_bus(bus), "the service on the bus")
    (((_, text, _),),) = bus.call(KRUNNER, "Actions")
    assert text == shown


def test_krunner_gets_matches_with_actions(desktop: Bus) -> None:
    async def scenario() -> None:
        async with Caller(desktop) as caller:
            assert (await caller.call(KRUNNER, "Config"))[0]["MinLetterCount"].value == 3
            ((action,),) = await caller.call(KRUNNER, "Actions")
            (matches,) = await caller.call(KRUNNER, "Match", "s", "a cup of coffee")
            identifier, text, icon, _, _, properties = matches[0]
            assert text == "coffee.jpg" and icon
            assert properties["urls"].value == [identifier]
            assert "category" not in properties  # so it is the runner's name, in KRunner's language
            assert properties["actions"].value == [action[0]]
            relevances = [match[4] for match in matches]
            assert relevances == sorted(relevances, reverse=True) and relevances[0] <= 1
            await caller.call(KRUNNER, "Teardown")

    desktop.run(scenario())


def test_quick_typing_gets_the_last_answer_and_no_errors(desktop: Bus) -> None:
    words = "there is a cup of coffee"
    (service,) = desktop.user.pids("csearchd")

    async def scenario() -> list[Any]:
        async with Caller(desktop) as caller:
            os.kill(service, signal.SIGSTOP)  # so that all is typed before the first answer
            try:
                typed = [words[:length] for length in range(1, len(words) + 1)]
                asked = [
                    asyncio.create_task(caller.ask(KRUNNER, "Match", "s", text)) for text in typed
                ]
                async with Caller(desktop):
                    pass  # the bus has had its turn, and has passed them on
            finally:
                os.kill(service, signal.SIGCONT)
            return await asyncio.gather(*asked)

    replies = desktop.run(scenario())
    assert {reply.message_type for reply in replies} == {MessageType.METHOD_RETURN}
    assert replies[-1].body[0][0][1] == "coffee.jpg"
    assert not all(reply.body[0] for reply in replies[3:]), "some gave way to newer ones"
