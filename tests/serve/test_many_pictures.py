"""Searching with many pictures at a time: their descriptors go in batches."""

from __future__ import annotations

import resource
import socket
from collections.abc import Iterator
from contextlib import ExitStack
from typing import Any

import pytest

from csearch.protocol.wire import MAX_FILES, pack
from support.photos import write_drawn
from support.user import User, wait_for

HERE = 45


@pytest.fixture(scope="module")
def user(tmp_path_factory: pytest.TempPathFactory) -> Iterator[User]:
    with User(tmp_path_factory.mktemp("u")) as someone:
        write_drawn(someone.pictures, HERE)
        someone.csearchctl("add", someone.pictures)
        someone.csearch("-g", "--wait", "anything")
        yield someone


def copies(user: User, count: int) -> list[str]:
    """So many names of a few pictures."""
    names = [f"./drawn-{number:05}.jpg" for number in range(HERE - 5)]
    return [names[number % len(names)] for number in range(count)]


@pytest.mark.parametrize("count", [1, 2, 40, 253, 254, 300, 3000])
def test_so_many_pictures(user: User, count: int) -> None:
    done = user.csearch("-t", str(HERE), *copies(user, count), cwd=user.pictures)
    assert len(done.stdout.splitlines()) == HERE - min(count, HERE - 5)
    assert done.stderr == b""


def test_more_than_may_be_open(user: User) -> None:
    """The command raises its limit of open files to what is allowed, or says so."""

    def limited(soft: int, hard: int) -> Any:
        return lambda: resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))

    names = copies(user, 300)
    done = user.csearch("-t1", *names, cwd=user.pictures, preexec_fn=limited(64, 1024))
    assert done.stdout.count(b"\n") == 1
    done = user.csearch("-t1", *names, cwd=user.pictures, preexec_fn=limited(64, 64), check=2)
    assert b"at most 64 files may be open" in done.stderr and b"Traceback" not in done.stderr


def test_too_many_are_told(user: User) -> None:
    names = copies(user, MAX_FILES + 1)
    done = user.csearch("-t1", *names, cwd=user.pictures, check=2)
    assert b"at most 5000" in done.stderr


def test_a_service_that_may_open_few_files_says_so(user: User) -> None:
    user.csearchctl("stop")
    user.start(preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_NOFILE, (400, 400)))
    try:
        done = user.csearch("-t1", *copies(user, 300), cwd=user.pictures, check=2)
        assert b"at most 100 pictures" in done.stderr
        assert user.csearch("-t1", *copies(user, 90), cwd=user.pictures).stdout
        assert user.search("anything", "-g")
    finally:
        user.csearchctl("stop")
        user.start()


def test_files_may_come_with_any_byte_of_the_frame(user: User) -> None:
    with user.connect() as client, ExitStack() as stack:
        file = stack.enter_context((user.pictures / "drawn-00001.jpg").open("rb")).fileno()
        pictures = [{"path": b"x.jpg"}] * 6
        request = {"op": "search", "query": "", "scopes": None, "top": 1, "pictures": pictures}
        frame = pack({"id": 1, "files": 6, **request})
        for part, end in ((0, 1), (1, 9), (9, len(frame))):
            socket.send_fds(client.socket, [frame[part:end]], [file] * 2)
        hits = client.receive()
        assert hits is not None and len(hits["hits"]) == 1
        reply = client.receive()
        assert reply is not None and reply["type"] == "result"
    wait_for(lambda: not user.held_open("drawn-00001"), "the files to be closed")


def test_all_pictures_there_are_those_asked_with(user: User) -> None:
    names = [f"./drawn-{number:05}.jpg" for number in range(HERE)]
    done = user.csearch(*names, cwd=user.pictures, check=1)
    assert b"every picture there is one of those asked with" in done.stderr
    assert b"no picture matches" not in done.stderr
    done = user.csearch(*names, "name:drawn-00001*", cwd=user.pictures, check=1)
    assert b"every picture there is one of those asked with" in done.stderr
    done = user.csearch(*names, "name:nothing*", cwd=user.pictures, check=1)
    assert b"no picture matches" in done.stderr
