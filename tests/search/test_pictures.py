"""Pictures in queries: by path, option, standard input and URL; also damaged files."""

from __future__ import annotations

import os
import signal
import socket
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from csearch.protocol.wire import pack
from csearch.show.paths import file_uri
from csearchd.encoder.messages import Limits, Settings
from csearchd.encoder.pool import Event
from csearchd.errors import LibraryError
from csearchd.library.library import Library
from csearchd.models.active_model import Models
from csearchd.search.image_query import ImageQueries, Picture
from csearchd.search.query_language.grammar import FILTERS
from support.photos import photo
from support.user import User, wait_for

_VALUES = ("2023", "x", "1..2", '"a b"', "", ">3", "*", "1,2,3km", "last", "raw", "5MP", "/")
PIECES = st.builds(
    "{}{}{}".format,
    st.sampled_from(["", "not:", "2:", "-", '"']),
    st.sampled_from(["", "+", "--", *(f"{name}:" for name in FILTERS)]),
    st.sampled_from(_VALUES),
)


@pytest.fixture(scope="module")
def owner(tmp_path_factory: pytest.TempPathFactory) -> Iterator[User]:
    with User(tmp_path_factory.mktemp("p")) as someone:
        someone.take_photos()
        someone.search("x", "--in", someone.pictures)
        yield someone


@pytest.fixture
def turned(tmp_path: Path) -> Path:
    """A picture of a horse that no library knows."""
    path = tmp_path / "turned horse.jpg"
    photo("horse").rotate(4, fillcolor="white").save(path)
    return path


def names(user: User, *arguments: object, **options: object) -> list[str]:
    done = user.csearch("-0", *arguments, cwd=user.pictures, **options)
    return [Path(os.fsdecode(path)).stem for path in done.stdout.split(b"\0") if path]


def image_queries(user: User) -> bool:
    """Whether the encoder for pictures in queries is running."""
    for pid in user.pids("csearchd.encoder"):
        try:
            if b"urgent" in Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0"):
                return True
        except OSError:
            continue  # it has just ended
    return False


def test_known_pictures_are_not_encoded_nor_found(owner: User) -> None:
    before = owner.status()["encoded"]
    by_path = names(owner, "./cat.jpg")
    assert len(by_path) == 7
    assert "cat" not in by_path
    assert names(owner, "cat.jpg") == by_path
    assert names(owner, "--like", owner.pictures / "cat.jpg") == by_path
    assert not image_queries(owner)
    assert owner.status()["encoded"] == before


def test_words_and_pictures_are_combined(owner: User) -> None:
    assert names(owner, "0.1:./moon.jpg + a horse", "-t1") == ["horse"]
    assert names(owner, "5:./moon.jpg", "+", "0.01:horse") == names(owner, "./moon.jpg")
    both = names(owner, "cat.jpg", "--like", "coffee.jpg")
    assert not {"cat", "coffee"} & set(both)
    assert names(owner, "horse - ./horse.jpg")[-1] != "horse"


def test_names_of_pictures(owner: User, tmp_path: Path) -> None:
    """With blanks, in quotes, after two dashes, and where there is no such file."""
    link = owner.pictures / "my own + cat.jpg"
    os.link(owner.pictures / "cat.jpg", link)
    try:
        like = names(owner, "./cat.jpg")
        assert names(owner, "./my own + cat.jpg") == like
        assert names(owner, "2:./my", "own", "+", "cat.jpg") == like
        assert names(owner, link.as_uri()) == names(owner, "--like", link.as_uri()) == like
        assert names(owner, file_uri(os.fsencode(link))) == like  # copied from the table
    finally:
        link.unlink()
    assert "cat" in names(owner, '"cat.jpg"')
    assert "cat" in names(owner, "--", "cat.jpg")
    for missing in ("no-cat.JPG", "./no-cat.jpg", "file:///no-cat.jpg", "ftp://example/cat.jpg"):
        told = owner.csearch(missing, cwd=owner.pictures).stderr.decode()
        assert f"{missing} is not a file; searching for it as words" in told
    assert b"(name:no-cat.jpg searches" in owner.csearch("./no-cat.jpg").stderr
    assert b"not a file" not in owner.csearch("name:no-cat.jpg", check=1).stderr
    assert b"No such file" in owner.csearch("--like", "no.jpg", check=2).stderr
    assert (
        b"a file name can't contain NUL" in owner.csearch("--like", "file:///a%00b", check=2).stderr
    )


def test_unknown_pictures(owner: User, turned: Path) -> None:
    encoded = owner.status()["encoded"]
    assert names(owner, "--like", turned, "-t1") == ["horse"]
    assert image_queries(owner)
    data = turned.read_bytes()
    assert names(owner, "-", "-t1", input=data) == ["horse"]
    assert names(owner, "--like", "-", "-t1", input=data) == ["horse"]
    status = owner.status()
    assert (status["encoded"], status["images"]) == (encoded, 8)  # nothing of it is kept


def test_known_pixels_cost_no_encoding(owner: User, tmp_path: Path) -> None:
    """A copy in another directory is recognised, and the original is not a result."""
    copy = tmp_path / "copy.jpg"
    copy.write_bytes((owner.pictures / "cat.jpg").read_bytes())
    assert names(owner, "--like", copy) == names(owner, "./cat.jpg")


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"\xff\xd8\xff\xe0 rubbish", "truncated"),
        (b"plain text", "no picture in a format that csearch reads"),
        (b"", "empty"),
    ],
)
def test_rubbish_fails_with_its_reason(owner: User, tmp_path: Path, data: bytes, said: str) -> None:
    path = tmp_path / "rubbish.jpg"
    path.write_bytes(data)
    done = owner.csearch("--like", path, check=2)
    assert str(path) in done.stderr.decode()
    assert said in done.stderr.decode()
    assert b"standard input" in owner.csearch("-", input=data, check=2).stderr
    assert b"not a regular file" in owner.csearch("--like", "/dev/zero", check=2).stderr
    assert names(owner, "cat", "-t1") == ["cat"]  # the service goes on


class _Web(BaseHTTPRequestHandler):
    """A picture, and other kinds of files."""

    picture = b""

    def do_GET(self) -> None:
        kind, body = "image/jpeg", self.picture
        if self.path == "/page":
            kind, body = "text/html", b"<html>"
        elif self.path.startswith("/to?"):
            self.send_response(302)
            self.send_header("Location", self.path.removeprefix("/to?"))
            self.end_headers()
            return
        elif self.path == "/none":
            self.send_error(404)
            return
        self.send_response(200)
        self.send_header("Content-Type", kind)
        self.end_headers()
        self.wfile.write(body)
        if self.path == "/large":
            try:
                for _ in range(52):
                    self.wfile.write(bytes(1 << 20))
            except OSError:
                pass  # they have had enough

    def log_message(self, *arguments: object) -> None:
        pass


@pytest.fixture
def web(turned: Path) -> Iterator[str]:
    _Web.picture = turned.read_bytes()
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Web)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_address[1]}"
    server.shutdown()
    server.server_close()


def test_urls(owner: User, web: str) -> None:
    assert names(owner, f"{web}/horse.jpg?size=1", "-t1") == ["horse"]
    assert names(owner, f"{web}/to?/horse.jpg", "-t1") == ["horse"]
    assert names(owner, f"2:{web}/horse.jpg + animal", "-t1") == ["horse"]
    assert names(owner, "--like", f"{web}/horse.jpg", "-t1") == ["horse"]
    for path, said in {
        "none": "404",
        "page": "web page",
        "large": "more than 50 MB",
        f"to?{owner.pictures.as_uri()}/cat.jpg": "302",
        "to?ftp://127.0.0.1/x.jpg": "unknown url type",
    }.items():
        done = owner.csearch(f"{web}/{path}", check=2)
        assert said in done.stderr.decode(), done.stderr
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        closed = f"http://127.0.0.1:{unused.getsockname()[1]}/x.jpg"
        assert b"refused" in owner.csearch(closed, check=2).stderr


def test_an_encoder_that_is_killed_is_replaced(owner: User, turned: Path) -> None:
    names(owner, "--like", turned)
    for pid in owner.pids("csearchd.encoder"):
        os.kill(pid, signal.SIGKILL)
    assert names(owner, "--like", turned, "-t1") == ["horse"]


def test_the_encoder_for_queries_ends_by_itself(owner: User, turned: Path) -> None:
    names(owner, "--like", turned)
    begun = time.monotonic()
    wait_for(lambda: not image_queries(owner), "the end of the encoder")
    assert time.monotonic() - begun > 5  # it waits for another picture


def test_files_over_the_socket(owner: User) -> None:
    """A file belongs to the request that announces it; other files are refused."""
    search = {"op": "search", "query": "", "scopes": None, "top": 3}
    with owner.connect() as client, (owner.pictures / "cat.jpg").open("rb") as file:
        picture = {"path": b"cat.jpg"}
        frame = pack({"id": 1, "files": 1, "pictures": [picture], **search})
        socket.send_fds(client.socket, [frame[:1]], [file.fileno()])
        client.socket.sendall(frame[1:])
        hits = client.receive()
        assert hits is not None
        assert [hit["path"] for hit in hits["hits"]]
        client.receive()
        reply = client.ask(pictures=[picture], **search)
        assert (reply["type"], reply["code"]) == ("error", "bad-request")
        assert client.ask(files=1, pictures=[picture], **search)["code"] == "bad-request"
    assert names(owner, "cat", "-t1") == ["cat"]


@pytest.mark.parametrize(
    "fields",
    [
        {"query": None},
        {"query": ["x"]},
        {"query": "cat", "top": 0},
        {"query": "cat", "top": "3"},
        {"query": "cat", "offset": -1},
        {"query": "cat", "sort": ["date"]},
        {"query": "cat", "min_score": "x"},
        {"query": "cat", "min_score": float("nan")},
        {"query": "cat", "blend": 1.5},
        {"query": "cat", "label": 7},
        {"query": "cat", "pictures": "x"},
        {"query": "cat", "pictures": [{"path": b"x"}]},
        {"query": "cat", "pictures": [7], "files": 1},
        {"query": "cat", "files": True},
        {"query": "cat", "files": -1},
        {"query": "cat", "scopes": "/"},
        {"query": "cat", "wait": {}},
    ],
)
def test_wrong_fields_are_refused(owner: User, fields: dict[str, object]) -> None:
    with owner.connect() as client:
        reply = client.ask(**{"op": "search", "scopes": None, "top": 3, **fields})
    assert (reply["type"], reply["code"]) == ("error", "bad-request")


@settings(deadline=None, max_examples=60, suppress_health_check=[HealthCheck.too_slow])
@given(st.one_of(st.text(max_size=40), st.lists(PIECES, max_size=8).map(" ".join)))
def test_any_query_is_answered_or_refused(owner: User, query: str) -> None:
    """The service refuses them, too, and never with an internal error."""
    with owner.connect() as client:
        reply = client.ask(op="search", query=query, scopes=None, top=2, details=True, places=True)
    assert reply["type"] == "result" or reply["code"] == "query", reply


def test_files_that_nobody_takes_are_closed(owner: User) -> None:
    picture = owner.pictures / "cat.jpg"
    with owner.connect() as client, picture.open("rb") as file:
        for _ in range(10):
            socket.send_fds(client.socket, [pack({"id": 1, "op": "roots"})], [file.fileno()] * 8)
            client.receive()
    wait_for(lambda: not owner.held_open(str(picture)), "descriptors to be closed")


def test_files_of_a_request_that_never_began_are_closed(owner: User) -> None:
    """What comes behind it ends the connection."""
    picture = owner.pictures / "cat.jpg"
    for _ in range(10):
        with owner.connect() as client, picture.open("rb") as file:
            frames = pack({"id": 1, "op": "roots", "files": 8}) + b"\xff" * 8
            socket.send_fds(client.socket, [frames], [file.fileno()] * 8)
            client.receive()
    wait_for(lambda: not owner.held_open(str(picture)), "descriptors to be closed")


def test_a_picture_never_gets_the_answer_for_another(
    owner: User, turned: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    library = Library(str(tmp_path / "library.sqlite"))
    limits = Limits(pixels=300_000_000, bytes=512 << 20, memory=1 << 30)
    image_queries = ImageQueries(
        library,
        Models(library, str(tmp_path), 1),
        lambda model: (Settings(model.directory, limits, 1, "cpu"), 60.0),
    )

    def look(path: Path) -> Any:
        with path.open("rb") as file:
            info = os.fstat(file.fileno())
            return image_queries.encode(
                Picture(file.fileno(), bytes(path), bytes(path), info)
            ).vector

    def full(event: Event) -> None:
        raise LibraryError("the disk is full")

    horse = look(turned)
    with monkeypatch.context() as once, pytest.raises(LibraryError):
        once.setattr(image_queries, "_content_of", full)
        look(owner.pictures / "cat.jpg")
    if image_queries._pool and image_queries._pool.pid:
        os.kill(
            image_queries._pool.pid, signal.SIGKILL
        )  # another one would get all that isn't over
    assert look(turned) @ horse > 0.99
    library.close()
