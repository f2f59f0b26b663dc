"""csearch's own interface, called by programs on a real bus."""

from __future__ import annotations

import asyncio
import os
import signal
from pathlib import Path
from typing import Any

import pytest
from dbus_fast import Variant
from PIL import Image
from pillow_heif import register_heif_opener

from support.bus import OWN, Bus, Caller, needs_bus
from support.photos import NAMES, photo, write_drawn, write_photos
from support.raw import dng
from support.user import wait_for

pytestmark = needs_bus


def names(hits: list[Any]) -> list[str]:
    return [os.path.basename(os.fsdecode(path)) for path, *_ in hits]


def test_a_search_has_the_answer_of_the_socket(desktop: Bus) -> None:
    hits, result = desktop.call(OWN, "Search", "sa{sv}", "a cup of coffee", {})
    assert [os.fsdecode(path) for path, *_ in hits] == [
        str(path) for path in desktop.user.search("-g", "a cup of coffee")
    ]
    assert names(hits)[0] == "coffee.jpg"
    assert hits[0][1] > hits[1][1]
    assert result["images"].value == len(hits) and result["model"].value == "starter"


def test_options_are_those_of_the_protocol(desktop: Bus) -> None:
    other = desktop.user.home / "other\udcff"
    write_photos(other, ("cat",))
    options = {
        "scopes": Variant("aay", [os.fsencode(other) + b"\0"]),  # as GLib writes them
        "top": Variant("u", 3),
        "wait": Variant("s", "all"),
    }
    hits, result = desktop.call(OWN, "Search", "sa{sv}", "a cat", options)
    assert [path for path, *_ in hits] == [os.fsencode(other / "cat.jpg")]
    assert result["pending"].value == 0


@pytest.mark.parametrize(
    ("query", "options", "error"),
    [
        (" ", {}, "Query"),
        ("a cat", {"scopes": Variant("aay", [b"/there/is/none"])}, "NotFound"),
        ("a cat", {"scopes": Variant("aay", [b"/etc/passwd"])}, "NotADirectory"),
        ("a cat", {"scopes": Variant("s", "relative")}, "BadRequest"),
        ("a cat", {"top": Variant("s", "many")}, "BadRequest"),
        ("a cat", {"wait": Variant("aau", [])}, "BadRequest"),
    ],
)
def test_errors_have_a_name_and_words(
    desktop: Bus, query: str, options: dict[str, Variant], error: str
) -> None:
    async def ask() -> Any:
        async with Caller(desktop) as caller:
            return await caller.ask(OWN, "Search", "sa{sv}", query, options)

    reply = desktop.run(ask())
    assert reply.error_name == f"org.csearch.Error.{error}"
    assert "Traceback" not in reply.body[0] and reply.body[0]


def test_errors_are_in_the_result_where_that_is_asked_for(desktop: Bus) -> None:
    missing = b"/there/is/none/\xff"
    options = {"errors": Variant("b", True), "scopes": Variant("aay", [missing])}
    hits, result = desktop.call(OWN, "Search", "sa{sv}", "a cat", options)
    assert hits == [] and result.keys() == {"error"}
    error = result["error"].value
    assert error["code"].value == "not-found"
    reason = error["reason"].value
    assert reason["code"].value == "no-directory"
    assert reason["parameters"].value["path"].value == missing
    assert reason["text"].value == error["message"].value
    wrong = {"errors": Variant("b", True), "top": Variant("s", "many")}
    _, result = desktop.call(OWN, "Search", "sa{sv}", "a cat", wrong)
    assert result["error"].value["code"].value == "bad-request"
    hits, result = desktop.call(OWN, "Search", "sa{sv}", "a cat", {"errors": Variant("b", True)})
    assert hits and "error" not in result


def test_what_is_no_method_is_said_by_the_bus_names(desktop: Bus) -> None:
    async def ask(member: str, signature: str, *values: Any) -> str | None:
        async with Caller(desktop) as caller:
            reply = await caller.ask(OWN, member, signature, *values)
            return str(reply.error_name)

    unknown = "org.freedesktop.DBus.Error.UnknownMethod"
    assert desktop.run(ask("Serch", "")) == unknown
    assert desktop.run(ask("Search", "s", "x")) == "org.freedesktop.DBus.Error.InvalidArgs"


def test_status(desktop: Bus) -> None:
    (status,) = desktop.call(OWN, "Status")
    told = {key: value.value for key, value in status.items()}
    expected = desktop.user.status()
    for key in ("images", "pending", "state", "model", "pid", "version"):
        assert told[key] == expected[key]


def test_hits_can_be_streamed_to_the_caller_alone(desktop: Bus) -> None:
    async def scenario() -> None:
        async with Caller(desktop) as caller, Caller(desktop) as other:
            options = {"stream": Variant("b", True)}
            hits, result = await caller.call(OWN, "Search", "sa{sv}", "a cat", options)
            assert not hits
            streamed = [signal for signal in caller.signals if signal.member == "Hits"]
            assert len(streamed) == 1
            assert len(streamed[0].body[0]) == min(10, result["images"].value)
            assert not [signal for signal in other.signals if signal.member == "Hits"]

    desktop.run(scenario())


def test_a_wait_shows_progress_and_can_be_cut_short(desktop: Bus) -> None:
    new = desktop.user.home / "new"
    write_drawn(new, 400)

    async def scenario() -> Any:
        async with Caller(desktop) as caller:
            options = {
                "scopes": Variant("aay", [os.fsencode(new)]),
                "wait": Variant("s", "first"),
            }
            search = asyncio.create_task(caller.call(OWN, "Search", "sa{sv}", "a cat", options))
            while not [s for s in caller.signals if s.member == "Progress"]:
                await asyncio.sleep(0.001)
            await caller.call(OWN, "Answer")
            return await search, caller.signals

    (_, result), signals = desktop.run(scenario())
    assert result["stopped"].value is True
    progress = [signal.body[0] for signal in signals if signal.member == "Progress"]
    assert {"phase", "done", "total"} <= set(progress[0])


def test_a_newer_search_takes_the_place_of_the_older_ones(desktop: Bus) -> None:
    (service,) = desktop.user.pids("csearchd")

    async def scenario() -> list[Any]:
        async with Caller(desktop) as caller, Caller(desktop) as other:
            queries = [f"a cat number {number}" for number in range(30)]
            os.kill(service, signal.SIGSTOP)  # so that all is asked before the first answer
            try:
                replies = [
                    asyncio.create_task(caller.ask(OWN, "Search", "sa{sv}", query, {}))
                    for query in queries
                ]
                async with Caller(desktop):
                    pass  # the bus has had its turn, and has passed them on
            finally:
                os.kill(service, signal.SIGCONT)
            undisturbed = await other.call(OWN, "Search", "sa{sv}", "a cat", {})
            assert len(undisturbed[0]) >= 8
            return await asyncio.gather(*replies)

    replies = desktop.run(scenario())
    assert replies[-1].error_name is None and len(replies[-1].body[0]) >= 8
    ended = [reply.error_name for reply in replies[:-1] if reply.error_name]
    assert set(ended) == {"org.csearch.Error.Cancelled"}
    assert ended, "how many depends on how fast they came"


def test_a_search_that_waits_gives_way_too(desktop: Bus) -> None:
    new = desktop.user.home / "waited-for"
    write_drawn(new, 400)

    async def scenario() -> tuple[Any, Any]:
        async with Caller(desktop) as caller:
            options = {
                "scopes": Variant("aay", [os.fsencode(new)]),
                "wait": Variant("s", "all"),
            }
            waiting = asyncio.create_task(caller.ask(OWN, "Search", "sa{sv}", "a cat", options))
            while not [s for s in caller.signals if s.member == "Progress"]:
                await asyncio.sleep(0.01)
            newer = await caller.ask(OWN, "Search", "sa{sv}", "a dog", {})
            return await waiting, newer

    older, newer = desktop.run(scenario())
    assert older.error_name == "org.csearch.Error.Cancelled"
    assert newer.error_name is None


def test_changes_are_told(desktop: Bus) -> None:
    seen = desktop.user.home / "watched"
    seen.mkdir()
    images = desktop.user.settle()["images"]

    async def scenario() -> Any:
        async with Caller(desktop) as caller:
            at = ("/org/freedesktop/DBus", "org.freedesktop.DBus")
            rule = "type='signal',interface='org.csearch.Csearch1',member='Changed'"
            await caller.ask(at, "AddMatch", "s", rule, destination="org.freedesktop.DBus")
            await asyncio.to_thread(desktop.user.csearchctl, "add", seen)
            write_photos(seen, ("cat",))
            while not any(
                s.member == "Changed" and s.body[0]["images"].value == images + 1
                for s in caller.signals
            ):
                await asyncio.sleep(0.01)
            return caller.signals[-1]

    signal = desktop.run(scenario())
    assert set(signal.body[0]) == {"state", "images", "pending"}
    desktop.user.csearchctl("remove", seen)


def test_thumbnails_are_made_for_whoever_cannot(desktop: Bus, tmp_path: Path) -> None:
    """Of what other programs often can't read; two callers at a time don't disturb each other."""
    register_heif_opener()
    photo("cat").resize((900, 600)).save(tmp_path / "cat.heic")
    (tmp_path / "horse.dng").write_bytes(dng(photo("horse").resize((900, 600))))
    (tmp_path / "broken.jpg").write_bytes(b"nonsense")
    desktop.user.search("anything", "--in", tmp_path)
    photo("cat").save(tmp_path / "unknown.jpg")
    names = ("cat.heic", "broken.jpg", "horse.dng", "unknown.jpg")
    paths = [os.fsencode(tmp_path / name) for name in names]
    others = [os.fsencode(desktop.user.pictures / f"{name}.jpg") for name in NAMES]

    async def ask() -> Any:
        async with Caller(desktop) as one, Caller(desktop) as other:
            return await asyncio.gather(
                one.call(OWN, "Thumbnails", "aayu", paths, 512),
                other.call(OWN, "Thumbnails", "aayu", others, 256),
            )

    (made,), (more,) = desktop.run(ask())
    assert [bool(file) for file in made] == [True, False, True, False]
    for file in more:
        with Image.open(file) as thumbnail:
            assert max(thumbnail.size) == 256
    for file, path in ((made[0], paths[0]), (made[2], paths[2])):
        with Image.open(file) as thumbnail:
            assert thumbnail.size == (512, 341)
            assert thumbnail.info["Thumb::URI"] == Path(os.fsdecode(path)).as_uri()


@pytest.mark.parametrize("paths", [[b"relative.jpg"], [b"/a\0b"], [b"/a"] * 33])
def test_thumbnails_that_cannot_be_asked_for(desktop: Bus, paths: list[bytes]) -> None:
    async def ask() -> str | None:
        async with Caller(desktop) as caller:
            return str((await caller.ask(OWN, "Thumbnails", "aayu", paths, 256)).error_name)

    assert desktop.run(ask()) == "org.csearch.Error.BadRequest"


def test_descriptors_that_nobody_asked_for_are_closed(desktop: Bus) -> None:
    async def scenario() -> None:
        async with Caller(desktop) as caller:
            for _ in range(50):
                with open("/etc/passwd", "rb") as file:
                    options = {"file": Variant("h", 0)}
                    await caller.ask(
                        OWN, "Search", "sa{sv}", "a cat", options, unix_fds=[file.fileno()]
                    )

    desktop.run(scenario())
    wait_for(lambda: not desktop.user.held_open("/etc/passwd"), "closed descriptors")


def test_pictures_like_others(desktop: Bus, tmp_path: Path) -> None:
    """The service gets open files: where they are it need not be able to read."""
    cat, rocket = write_photos(tmp_path, ("cat", "rocket"))

    async def ask(member: str, signature: str, *values: Any) -> Any:
        async with Caller(desktop) as caller:
            with cat.open("rb") as one, rocket.open("rb") as other:
                files = [one.fileno(), other.fileno()]
                reply = await caller.ask(OWN, member, signature, *values, unix_fds=files)
            return reply.body if reply.error_name is None else reply.error_name

    one, both = [(os.fsencode(cat), 0)], [(os.fsencode(cat), 0), (os.fsencode(rocket), 1)]
    hits, _ = desktop.run(ask("Similar", "a(ayh)a{sv}", [list(x) for x in one], {}))
    assert names(hits) and "cat.jpg" not in names(hits), "the same picture is not found"
    hits, _ = desktop.run(ask("Similar", "a(ayh)a{sv}", [list(x) for x in both], {}))
    assert not {"cat.jpg", "rocket.jpg"} & set(names(hits))
    picture = {"path": Variant("ay", os.fsencode(cat)), "start": Variant("i", 5)}
    options = {
        "pictures": Variant("aa{sv}", [{**picture, "end": Variant("i", 14)}]),
        "files": Variant("ah", [0]),
    }
    hits, _ = desktop.run(ask("Search", "sa{sv}", "boat ./cat.jpg", options))
    assert "cat.jpg" not in names(hits) and len(hits) >= 5
    options["files"] = Variant("ah", [7])
    error = desktop.run(ask("Search", "sa{sv}", "boat ./cat.jpg", options))
    assert error == "org.csearch.Error.BadRequest"


def test_tags_of_many_files_in_one_call(desktop: Bus) -> None:
    pictures = desktop.user.pictures
    xattr = pictures / "coins.jpg"
    try:
        os.setxattr(xattr, "user.xdg.tags", b"Roman,silver,metal/silver,coins/old")
    except OSError:
        pytest.skip("needs a file system with user attributes")
    desktop.user.search("anything", "--wait", "--in", pictures)
    paths = [os.fsencode(pictures / name) for name in ("cat.jpg", "coins.jpg", "none.jpg")]
    (tags,) = desktop.call(OWN, "Tags", "aaya{sv}", [path + b"\0" for path in paths], {})
    assert [set(file) for file in tags] == [{"keywords", "words"}, {"keywords", "words"}, set()]
    assert tags[1]["keywords"].value == [
        "Roman", "coins/old", "metal/silver", "old", "silver",
    ]  # fmt: skip
    assert len(tags[0]["words"].value) <= 5
    uris = [f"file://{path.decode()}" for path in paths] + ["trash:///cat.jpg", "cat.jpg"]
    (texts,) = desktop.call(OWN, "TagTexts", "as", uris)
    assert texts[1].startswith("Roman, old, silver") and texts[2:] == ["", "", ""]
    strange = [b"/a\0/b.jpg", b"cat.jpg", b""]
    assert desktop.call(OWN, "Tags", "aaya{sv}", strange, {}) == [[{}, {}, {}]]
    ((cat,),) = desktop.call(OWN, "Tags", "aaya{sv}", paths[:1], {"details": Variant("b", True)})
    assert cat["details"].value["width"].value == 451


@pytest.mark.parametrize("count", [1, 16])
def test_several_pictures(desktop: Bus, count: int) -> None:
    cat = desktop.user.pictures / "cat.jpg"
    file = os.open(cat, os.O_RDONLY)
    pictures = Variant("aa{sv}", [{"path": Variant("ay", os.fsencode(cat))}] * count)
    options = {"pictures": pictures, "files": Variant("ah", list(range(count)))}
    try:
        hits, _ = desktop.call(OWN, "Search", "sa{sv}", "", options, unix_fds=[file] * count)
    finally:
        os.close(file)
    assert hits and "cat.jpg" not in names(hits)
