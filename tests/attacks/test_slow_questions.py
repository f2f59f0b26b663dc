"""Questions that take long: others are answered meanwhile, and who leaves ends his own."""

from __future__ import annotations

import os
import signal
import socket
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from csearch.protocol.wire import pack
from csearchd.concurrency.threads import Cancellation
from csearchd.encoder.messages import Limits, Settings
from csearchd.encoder.pool import Event
from csearchd.errors import Ended, ImageQueryError
from csearchd.library.library import Library
from csearchd.models.active_model import Models
from csearchd.search.image_query import ImageQueries, Picture
from support.faults import fault, start_with
from support.photos import photo, write_drawn
from support.user import Client, User, wait_for


def lookers(user: User) -> list[int]:
    """Encoders for pictures to search with."""
    found = []
    for pid in user.pids("csearchd.encoder"):
        try:
            words = Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
        except FileNotFoundError:
            continue
        if b"urgent" in words:
            found.append(pid)
    return found


def ask_like(client: Client, picture: Path) -> None:
    message = {
        "id": 1, "op": "search", "query": "", "scopes": None, "top": 1, "files": 1,
        "pictures": [{"path": bytes(picture)}],
    }  # fmt: skip
    with picture.open("rb") as file:
        socket.send_fds(client.socket, [pack(message)], [file.fileno()])


@contextmanager
def stopped_encoder(user: User, picture: Path) -> Iterator[None]:
    """The encoder for pictures to search with has one in hand, and doesn't go on."""
    with user.connect() as client:
        ask_like(client, picture)
        client.receive()
    (pid,) = wait_for(lambda: lookers(user), "an encoder")
    os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        for pid in lookers(user):
            os.kill(pid, signal.SIGCONT)


@pytest.fixture
def strange(tmp_path: Path) -> list[Path]:
    """Pictures that no library knows."""
    paths = []
    for number in range(18):
        path = tmp_path / f"{number}.jpg"
        photo("horse").rotate(number + 2, fillcolor="white").save(path)
        paths.append(path)
    return paths


def test_sixteen_slow_pictures_delay_no_search(settled: User, strange: list[Path]) -> None:
    first, *others, last = strange
    with stopped_encoder(settled, first):
        with ExitStack() as stack:
            for path in others:
                ask_like(stack.enter_context(settled.connect()), path)
            for _ in range(3):
                with settled.connect() as client:
                    client.socket.settimeout(30)
                    reply = client.ask(op="search", query="a cat", scopes=None, top=1)
                    assert reply["type"] == "result"
                    assert client.ask(op="status")["type"] == "result"
            # What the library knows needs no encoder.
            with settled.connect() as client:
                client.socket.settimeout(30)
                ask_like(client, settled.pictures / "cat.jpg")
                while (reply := client.receive()) and reply["type"] == "hits":
                    pass
                assert reply and reply["type"] == "result"
        # They have left, and so their questions have: the next one has the encoder to itself.
        with settled.connect() as client:
            ask_like(client, last)
            while (reply := client.receive()) and reply["type"] == "hits":
                pass
            assert reply and reply["type"] == "result"


def test_more_slow_questions_than_may_wait(settled: User, strange: list[Path]) -> None:
    first, second, *_ = strange
    with stopped_encoder(settled, first), ExitStack() as stack:
        clients = [stack.enter_context(settled.connect()) for _ in range(70)]
        for client in clients:
            ask_like(client, second)

        def told() -> bool:
            for client in clients:
                client.socket.setblocking(False)
                try:
                    reply = client.receive()
                except BlockingIOError:
                    continue
                return bool(reply and reply["code"] == "busy" and "later" in reply["message"])
            return False

        wait_for(told, "a question that finds no place")
        assert settled.search("a cat", "-g")


def test_searches_for_very_many_results_delay_no_other(user: User) -> None:
    fault(user).touch()
    start_with(
        user,
        """
from csearchd import limits
from csearchd.search.engine import Engine
limits.MANY = 2
before = Engine.search

def search(self, request):
    while request.top > 2 and faulty():
        request.check()
        time.sleep(0.01)
    return before(self, request)

Engine.search = search
""",
    )
    write_drawn(user.pictures, 5)
    user.csearchctl("add", user.pictures)
    user.settle()
    with ExitStack() as stack:
        clients = [stack.enter_context(user.connect()) for _ in range(16)]
        for client in clients:
            client.send(id=1, op="search", query="a cat", scopes=None, top=5)
        with user.connect() as other:
            other.socket.settimeout(30)
            for _ in range(3):
                found = other.ask(op="search", query="a cat", scopes=None, top=1)
                assert found["type"] == "result"
        fault(user).unlink()
        for client in clients:
            found = client.receive()
            assert found and len(found["hits"]) == 5


def test_regions_never_get_the_answer_for_another(
    tmp_path: Path, strange: list[Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    """An error while one picture is drawn leaves nothing for the next one."""
    library = Library(str(tmp_path / "library.sqlite"))
    limits = Limits(pixels=300_000_000, bytes=512 << 20, memory=1 << 30)
    image_queries = ImageQueries(
        library,
        Models(library, str(tmp_path), 1),
        lambda model: (Settings(model.directory, limits, 1, "cpu"), 60.0),
    )
    query = np.ones(image_queries._models.active_model.model.dimensions, np.float32)

    def draw(path: Path, cancellation: Cancellation | None = None) -> Any:
        with path.open("rb") as file:
            info = os.fstat(file.fileno())
            picture = Picture(file.fileno(), bytes(path), bytes(path), info)
            return image_queries.regions(picture, query, cancellation)

    alone = draw(strange[1])
    with pytest.raises(Ended):
        draw(strange[0], Cancellation(0.0))
    assert draw(strange[1]) == alone
    ready = image_queries._ready_pool

    def failing(*arguments: Any) -> Any:
        pool = ready(*arguments)

        def poll(*arguments: Any) -> list[Event]:
            monkeypatch.undo()
            raise ImageQueryError("something went wrong in the middle")

        monkeypatch.setattr(pool, "poll", poll)
        return pool

    monkeypatch.setattr(image_queries, "_ready_pool", failing)
    with pytest.raises(ImageQueryError):
        draw(strange[0])
    assert draw(strange[1]) == alone
    library.close()
