"""Roots on a file system whose changes nobody tells: a real one, in user space."""

from __future__ import annotations

import os
import signal
import socket
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from csearch.protocol.wire import pack
from csearchd.concurrency.timed_calls import TimedCalls
from csearchd.errors import Unanswered
from csearchd.watch.mounts import Mounts
from csearchd.watch.remote.polling import Polling
from support.photos import write_drawn
from support.served import served
from support.user import User, wait_for
from watch.following import wait_until_equal


@pytest.fixture
def below(user: User) -> Iterator[tuple[Path, Path, int]]:
    """What is shown at a mount in the user's pictures, the mount, and its server's process."""
    source, mount = user.home / "source", user.pictures / "mount"
    write_drawn(source / "inner", 2)
    with served(source, mount, "bindfs") as server:
        yield source, mount, server
        user.end()


def test_it_is_polled_and_changes_below_it_are_found(
    user: User, below: tuple[Path, Path, int]
) -> None:
    source, mount, _ = below
    user.start()
    user.csearchctl("add", mount)
    wait_until_equal(user, mount)
    (root,) = user.status()["roots"]
    assert (root["watch"], root["directories"], root["images"]) == ("polled", 0, 2)
    write_drawn(source / "later", 2, first=5)
    (source / "inner").rename(source / "renamed")
    wait_until_equal(user, mount)  # nobody asked: it looks by itself
    assert user.settle()["encoded"] == 4
    (source / "renamed" / "drawn-00000.jpg").unlink()
    user.csearchctl("rescan", mount)
    wait_until_equal(user, mount)


def test_it_is_found_inside_a_watched_root(user: User, below: tuple[Path, Path, int]) -> None:
    source, _, _ = below
    user.start()
    user.csearchctl("add", user.pictures)
    wait_until_equal(user, user.pictures)
    (root,) = user.status()["roots"]
    assert (root["watch"], root["directories"]) == ("watched", 1)
    write_drawn(source / "later", 2, first=5)
    wait_until_equal(user, user.pictures)


def test_a_server_that_hangs_holds_nobody_up(user: User, below: tuple[Path, Path, int]) -> None:
    source, mount, server = below
    other = user.home / "other"
    write_drawn(other, 1, first=9)
    user.start()
    for directory in (mount, other):
        user.csearchctl("add", directory)
        wait_until_equal(user, directory)
    os.kill(server, signal.SIGSTOP)
    with user.connect() as client:
        client.send(id=1, op="rescan", path=os.fsencode(mount))  # and nobody waits for it
        wait_for(lambda: "doesn't answer" in failed(user), "a word about it")
        write_drawn(other / "new", 1, first=10)
        wait_until_equal(user, other)
        assert len(user.status()["roots"]) == 2
        assert len(user.search("-g", "anything")) == 4  # what can't be asked for counts as there
        scope, picture = os.fsencode(mount), os.fsencode(mount / "inner" / "drawn-00000.jpg")
        asked: list[dict[str, Any]] = [
            {"op": "search", "scopes": [scope], "query": "anything", "top": 9},
            {"op": "describe", "paths": [picture]},
            {"op": "forget", "path": os.fsencode(mount / "unknown")},
            {"op": "remove", "path": os.fsencode(mount / "no root")},
            {"op": "tags-off", "path": scope},
            {"op": "tags-undo", "path": os.fsencode(mount / "unknown")},
            {"op": "failed", "retry": True},
        ]
        (user.home / "link").symlink_to(mount / "inner")
        through = os.fsencode(user.home / "link")
        asked += [{**question, "path": through} for question in asked if "path" in question]
        asked.append({"op": "describe", "paths": [through + b"/drawn-00000.jpg"]})
        for question in asked:
            for _ in range(40):  # more than there are threads for requests
                client.send(id=2, **question)
            replies = 0
            while replies < 40:
                reply = client.receive()
                assert reply is not None and reply.get("code") != "internal", reply
                replies += reply["id"] == 2 and reply["type"] in ("error", "result")
        there = user.csearch("--in", mount, "anything", check=2)
        assert b"doesn't answer" in there.stderr
    os.kill(server, signal.SIGCONT)
    write_drawn(source, 1, first=11)
    user.csearchctl("rescan", mount)
    wait_for(lambda: not failed(user), "the end of looks that had begun before")
    wait_until_equal(user, mount)
    assert not failed(user)


def test_a_picture_on_a_server_that_hangs_is_not_waited_for(
    user: User, below: tuple[Path, Path, int]
) -> None:
    """It was opened while the server answered, and is searched with when it doesn't any more."""
    _, mount, server = below
    user.start()
    user.csearchctl("add", mount)
    wait_until_equal(user, mount)
    picture = mount / "inner" / "drawn-00000.jpg"
    link = user.home / "link"
    link.symlink_to(mount / "inner")
    file = os.open(picture, os.O_RDONLY)
    try:
        os.kill(server, signal.SIGSTOP)
        wait_for(lambda: not_answered(user, picture, file), "the kernel to have forgotten the file")
        for path in (picture, link / picture.name):
            assert not_answered(user, path, file, times=40)  # more than there are threads
        assert not_answered(user, picture, file, op="regions", query="a", path=os.fsencode(picture))
        assert len(user.search("-g", "anything")) == 2
    finally:
        os.kill(server, signal.SIGCONT)
        os.close(file)
    wait_for(lambda: user.csearch("-g", picture, check=None).returncode == 0, "the server's answer")


def test_to_close_a_file_holds_nobody_up(user: User, below: tuple[Path, Path, int]) -> None:
    """Its server hears of that too; unless it doesn't care, and once has said so."""
    _, mount, server = below
    user.start()
    picture = mount / "inner" / "drawn-00000.jpg"
    file = os.open(picture, os.O_RDONLY)
    try:
        os.kill(server, signal.SIGSTOP)
        for _ in range(20):
            with user.connect() as client:  # these files nobody takes
                socket.send_fds(client.socket, [pack({"id": 1, "op": "roots"})], [file] * 2)
                assert client.receive()
        assert not_answered(user, picture, file, times=40)  # more than there are threads
        with user.connect() as client:
            assert client.ask(op="status")["type"] == "result"
    finally:
        os.kill(server, signal.SIGCONT)
        os.close(file)


def test_a_picture_on_a_server_that_has_gone(user: User, below: tuple[Path, Path, int]) -> None:
    _, mount, server = below
    user.start()
    picture = mount / "inner" / "drawn-00000.jpg"
    file = os.open(picture, os.O_RDONLY)
    os.kill(server, signal.SIGKILL)
    wait_for(lambda: not os.access(mount, os.F_OK), "the end of the server")
    with user.connect() as client:
        shown = [{"path": os.fsencode(picture)}]
        request = {"id": 1, "op": "search", "query": "", "top": 9, "pictures": shown, "files": 1}
        socket.send_fds(client.socket, [pack(request)], [file])
        reply = client.receive()
        assert reply and "not connected" in reply["message"]
        socket.send_fds(client.socket, [pack({"id": 1, "op": "roots"})], [file] * 2)
        assert client.receive()
    with suppress(OSError):
        os.close(file)
    wait_for(lambda: os.fsencode(picture) not in open_files(user), "the closing of all")
    assert "Traceback" not in user.log()


def open_files(user: User) -> list[bytes]:
    """The paths of what the service has open."""
    (pid,) = user.pids("csearchd")
    found = []
    for name in os.listdir(f"/proc/{pid}/fd"):
        with suppress(FileNotFoundError):
            found.append(os.readlink(b"/proc/%d/fd/%s" % (pid, name.encode())))
    return found


def not_answered(user: User, picture: Path, file: int, times: int = 1, **asked: Any) -> bool:
    """Whether each search with an open picture fails since its server doesn't answer."""
    shown = [{"path": os.fsencode(picture)}]
    question = asked or {"op": "search", "query": "", "top": 9, "pictures": shown}
    failed = 0
    with user.connect() as client:
        for _ in range(times):
            socket.send_fds(client.socket, [pack({"id": 1, "files": 1, **question})], [file])
        for _ in range(times):
            while (reply := client.receive()) and reply["type"] == "hits":
                pass
            failed += reply is not None and "doesn't answer" in reply.get("message", "")
    return failed == times


@pytest.mark.parametrize(
    "path", ["a/b/x", "rel/x", "abs/../x", "rel/../x", "loop/x", "./a//b/..", "gone/../x", "up/a"]
)
def test_links_are_followed_as_the_kernel_does(tmp_path: Path, path: str) -> None:
    (tmp_path / "a" / "b").mkdir(parents=True)
    for name, target in (("rel", "a/b"), ("abs", tmp_path / "a"), ("loop", "loop"), ("up", "..")):
        (tmp_path / name).symlink_to(target)
    asked = os.path.join(os.fsencode(tmp_path), os.fsencode(path))
    assert Mounts().resolve_local(asked) == os.path.realpath(asked)


def failed(user: User) -> str:
    return user.csearchctl("failed").stdout.decode()


def test_it_is_looked_at_more_often_while_it_changes() -> None:
    polling = Polling()
    assert polling.next(b"/a", True, 0) == 4
    assert [polling.next(b"/a", False, 0) for _ in range(5)] == [8, 16, 32, 60, 60]
    assert polling.next(b"/a", True, 10) == 500
    assert polling.next(b"/b", False, 0) == 60


def test_a_remote_one_is_looked_at_as_often_as_its_cost_allows() -> None:
    polling = Polling()
    assert polling.next(b"/a", True, 0.1, remote=True) == 60
    assert polling.next(b"/a", True, 10, remote=True) == 500
    assert polling.next(b"/a", True, 1, remote=True) == 250  # it may have come from a cache
    assert polling.next(b"/b", False, 5000, remote=True) == polling.interval(b"/b") == 86400
    assert not polling.is_due(b"/a/b/c", b"/a") and polling.is_due(b"/c/b", b"/c")
    assert polling.interval(b"/c") is None
    assert polling.resume(b"/c", 10, 100) == 400 and not polling.is_due(b"/c/b", b"/c")
    assert polling.resume(b"/d", 10, 501) is None and polling.is_due(b"/d", b"/d")


def test_calls_to_a_place_take_turns_and_none_waits_for_one_that_hangs() -> None:
    patience, over = TimedCalls(0.2), threading.Event()
    with ThreadPoolExecutor(8) as callers:
        calls = [callers.submit(patience.call, b"/a", lambda n=n: n) for n in range(50)]  # type: ignore[misc]
        assert [call.result() for call in calls] == list(range(50))
    for _ in range(3):
        with pytest.raises(Unanswered):
            patience.call(b"/a", over.wait)
    assert patience.call(b"/b", lambda: 1) == 1
    over.set()
    wait_for(lambda: _answers(patience), "the place to answer again")


def _answers(patience: TimedCalls) -> bool:
    try:
        return patience.call(b"/a", lambda: True)
    except Unanswered:
        return False
