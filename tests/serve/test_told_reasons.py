"""Errors and remarks are told to programs too: by a code, and with their parameters."""

from __future__ import annotations

import os
import socket
from pathlib import Path
from typing import Any

import pytest

from csearch.protocol.wire import pack
from support.user import User, wait_for


def asked(user: User, query: str, **more: Any) -> dict[str, Any]:
    with user.connect() as client:
        scope = [os.fsencode(user.pictures)]
        return client.ask(op="search", **{"query": query, "scopes": scope, "top": 3, **more})


@pytest.mark.parametrize(
    ("query", "code", "parameters"),
    [
        ("a cat +", "nothing-follows", {"operator": "+"}),
        ("cat qqqq:red", "unknown-filter", {"name": "qqqq"}),
        ("iso:many", "wrong-value", {"name": "iso"}),
    ],
)
def test_what_is_wrong_with_a_query(
    settled: User, query: str, code: str, parameters: dict[str, Any]
) -> None:
    reply = asked(settled, query)
    assert (reply["type"], reply["code"]) == ("error", "query")
    reason = reply["reason"]
    assert (reason["code"], reason["text"]) == (code, reply["message"])
    assert reason["parameters"].items() >= parameters.items()
    assert reply["end"] > reply["start"]


def test_a_reason_may_be_a_part_of_another_one(settled: User) -> None:
    reason = asked(settled, "near:Lisbom")["reason"]
    assert (reason["code"], reason["parameters"]["name"]) == ("wrong-value", "near")
    within = reason["parameters"]["reason"]
    assert within["code"] == "misspelt-city"
    assert within["parameters"] == {"name": "Lisbom", "similar": "Lisbon"}


def test_paths_are_bytes(settled: User, tmp_path: Path) -> None:
    missing = os.fsencode(tmp_path) + b"/\xff"
    reason = asked(settled, "a cat", scopes=[missing])["reason"]
    assert (reason["code"], reason["parameters"]) == ("no-directory", {"path": missing})


def test_a_picture_that_cannot_be_searched_with(settled: User, tmp_path: Path) -> None:
    """What the encoder says comes through whole."""
    path = tmp_path / "broken.jpg"
    path.write_bytes(b"\xff\xd8\xff" + bytes(5000))
    request = {"op": "search", "query": "", "top": 1, "pictures": [{"path": os.fsencode(path)}]}
    with settled.connect() as client, path.open("rb") as file:
        frame = pack({"id": 1, "files": 1, "scopes": None, **request})
        socket.send_fds(client.socket, [frame], [file.fileno()])
        reply = client.receive()
    assert reply is not None
    reason = reply["reason"]
    assert (reply["code"], reason["code"]) == ("picture", "path")
    assert reason["parameters"]["path"] == os.fsencode(path)
    within = reason["parameters"]["reason"]
    assert (within["code"], within["parameters"]) == ("header-damaged", {"format": "JPEG"})


def test_remarks_go_with_the_notes(user: User) -> None:
    user.start()
    user.csearchctl("add", user.pictures)
    user.csearchctl("pause")
    user.take_photos(("cat",))  # where all is read, it isn't told that reading is paused
    wait_for(lambda: user.status()["pending"], "a picture that is to be read")
    found = asked(user, "a cat")
    assert [remark["text"] for remark in found["remarks"]] == found["notes"]
    assert "paused" in [remark["code"] for remark in found["remarks"]]
    status = user.status()
    assert [remark["text"] for remark in status["remarks"]] == status["notes"]
    user.csearchctl("resume")
    user.settle()
    assert asked(user, "a cat")["remarks"] == []
