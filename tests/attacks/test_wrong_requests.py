"""Whatever a client sends: it is told what is wrong with it, and the service is never at fault."""

from __future__ import annotations

import math
from typing import Any

import pytest
from dbus_fast import Variant

from support.bus import KRUNNER, OWN, SHELL, Bus, Caller, needs_bus, on_bus
from support.user import Client, User, wait_for

# A value of each type, of each size that is special, for each argument of each operation.
VALUES: list[Any] = [
    None, True, 0, -1, 1, 1 << 31, (1 << 63) - 1, 1 << 63, (1 << 64) - 1, -(1 << 63),
    0.5, math.nan, math.inf, 1e308,
    "", "x", "\0", "a\nb", "9" * 5000, "*" * 60_000, "\u0663", "\ufffd" * 300,
    b"", b"x", b"/\0", b"/x" * 3000, b"/" + b"x" * 300,
    [], [None], [1], ["x"], [b"x"], [b"/x"] * 30, [[[]]], [{}],
    {}, {"a": 1}, {1: {}}, {"path": b"/x", "start": 5, "end": 1 << 63},
]  # fmt: skip

RECORD = {
    "mark": "m", "root": "", "words": ["a"], "removed": [], "model": "", "written": 1,
    "digest": b"", "original": None,
}  # fmt: skip
ENTRY = {"item": 1, "outcome": "written", "row": None, "record": RECORD, "reason": None}
SEARCH = {"query": "a cat", "scopes": None, "top": 1}
ARGUMENTS: dict[str, dict[str, Any]] = {
    "hello": {"protocol": 1, "version": "0.1"},
    "search": {
        **SEARCH, "wait": "none", "pictures": [], "label": "", "blend": 0.5, "offset": 0,
        "sort": "date", "reverse": False, "min_score": None, "min_confidence": "weak",
        "remember": False, "details": True, "places": False, "count": False, "group": True,
        "random": False, "why": False,
    },
    "answer": {"target": 1},
    "add": {"path": b"/missing"},
    "remove": {"path": b"/missing"},
    "rescan": {"path": b"/missing"},
    "failed": {"retry": False},
    "forget": {"path": b"/missing"},
    "describe": {"paths": [b"/missing"], "details": True},
    "complete": {"what": "queries", "prefix": ""},
    "use": {"model": "none"},
    "regions": {**SEARCH, "path": b"/missing"},
    "dupes": {"path": b"/missing", "exact": True},
    "teach": {"name": "x", "pictures": [], "against": 0},
    "concept-rename": {"name": "x", "new": "y"},
    "concept-remove": {"name": "x"},
    "saved": {"name": b"x"},
    "saved-add": {
        "name": b"x", "query": "a cat", "scopes": None, "pictures": [], "top": 5, "sort": "date",
        "min_confidence": "weak", "replace": True,
    },
    "saved-rename": {"name": b"x", "new": b"y"},
    "saved-remove": {"name": b"y"},
    "tags-write": {"path": b"/missing", "mode": "xattr"},
    "tags-give": {"paths": [b"/missing"], "mode": "xattr", "add": ["a"]},
    "tags-preview": {"path": b"/missing"},
    "tags-on": {"path": b"/missing", "mode": "xattr"},
    "tags-off": {"path": b"/missing"},
    "tags-undo": {"path": b"/missing"},
    "tags-intend": {"entries": [ENTRY]},
    "tags-done": {"entries": [ENTRY]},
    "tags-known": {"mark": "m"},
}  # fmt: skip


def sound(client: Client, op: Any, **fields: Any) -> None:
    """The reply is a result, or says what the client did wrong."""
    reply = client.ask(op=op, **fields)
    assert reply.get("code") not in ("internal", "library"), (op, fields, reply)
    assert len(str(reply.get("message", ""))) < 10_000, (op, fields)


@pytest.mark.parametrize("op", ARGUMENTS)
def test_every_argument_of_every_type(settled: User, op: str) -> None:
    usual = ARGUMENTS[op]
    with settled.connect() as client:
        sound(client, op)
        for name in usual:
            for value in VALUES:
                if (op, name, value) != ("rescan", "path", None):
                    sound(client, op, **{**usual, name: value})
    assert "Traceback" not in settled.log()


@pytest.mark.parametrize("op", ["tags-intend", "tags-done"])
def test_every_field_of_a_taggers_report(settled: User, op: str) -> None:
    """While a tagger is at work, so that its items are there."""
    with settled.connect() as tagger, settled.connect() as client:
        writing = {"path": bytes(settled.pictures), "mode": "sidecar"}
        tagger.send(id=1, op="tags-serve")
        client.send(id=1, op="tags-write", **writing)
        while (given := tagger.receive()) is None or given["type"] != "hits":
            assert given
        entry = {**ENTRY, "item": given["hits"][0]["item"]}
        with settled.connect() as liar:
            for name in entry:
                for value in VALUES:
                    if (name, value) != ("item", entry["item"]) and name != "reason":
                        sound(liar, op, entries=[{**entry, "item": 999, name: value}])
                    if value not in (entry[name], None):
                        wrong = {**entry, name: value}
                        if op == "tags-intend" or name != "row":
                            sound(liar, "tags-intend", entries=[wrong | {"outcome": 7}])
            for name in RECORD:
                for value in VALUES:
                    record = {**RECORD, name: value}
                    sound(liar, op, entries=[{**entry, "item": 999, "record": record}])
            sound(liar, op, entries=[entry, entry])
            sound(liar, op, entries=[entry] * 3 + [7])
    assert "Traceback" not in settled.log()


@pytest.mark.parametrize("op", [None, 7, "x" * 100_000, b"search", [], {}, ["search"]])
def test_operations_that_there_are_not(settled: User, op: Any) -> None:
    with settled.connect() as client:
        reply = client.ask(op=op)
        assert reply["code"] == "bad-request" and len(reply["message"]) < 1000


@pytest.mark.parametrize("identifier", ["x" * 100_000, [1], {}, 1.5, True, b"1"])
def test_identifiers_are_numbers(settled: User, identifier: Any) -> None:
    with settled.connect() as client:
        client.send(id=identifier, op="status")
        reply = client.receive()
        assert reply and reply["code"] == "bad-request" and reply["id"] is None


@pytest.mark.parametrize(
    "query",
    [
        "name:" + "x" * 60_000,
        "name:*" + "a*" * 2000,
        "folder:" + "a/" * 2000,
        "tag:" + "*?" * 2000,
        "x" * 1_000_000,
        "-" * 1_000_000,
        '"' * 999_999,
        "1:" * 100_000 + "x",
        "a:" * 100_000,
        "unknown" * 10_000 + ":x",
        "date:99999999999999999999",
        "after:999999999999yearsago",
        'on:"in 99999999999 days"',
        'date:"0000-00-00..9999-99-99"',
        "near:1e999,1",
        "near:" + "9" * 4000 + ",1",
        "rating:" + "9" * 4000,
        "size:>" + "9" * 400 + "MP",
        "iso:" + "1." * 2000,
        "9" * 400 + ":cat",
        "\0",
        "name:\0",
        "not:" * 1000 + "tag:x",
    ],
)
def test_queries_that_are_strange(settled: User, query: str) -> None:
    with settled.connect() as client:
        sound(client, "search", **{**SEARCH, "query": query})
    assert "Traceback" not in settled.log()


@needs_bus
def test_every_option_of_a_call(settled: User) -> None:
    bus = Bus(settled)
    bus.start()
    variants = [
        Variant("b", True), Variant("x", -1), Variant("t", (1 << 64) - 1), Variant("d", math.nan),
        Variant("s", "x" * 5000), Variant("as", ["x"]), Variant("ay", b"/x"),
        Variant("aay", [b"x"]), Variant("a{sv}", {"path": Variant("s", "x")}),
        Variant("av", [Variant("ay", b"/x")]), Variant("o", "/x"), Variant("(sx)", ["a", 1]),
        Variant("aa{sv}", [{"path": Variant("ay", b"/x")}]), Variant("ax", [5]),
    ]  # fmt: skip

    async def scenario() -> None:
        async with Caller(bus) as caller:
            for option in [*ARGUMENTS["search"], "files", "stream", "op", "id"]:
                for value in variants:
                    reply = await caller.ask(OWN, "Search", "sa{sv}", "a cat", {option: value})
                    assert reply.error_name != "org.csearch.Error.Internal", (option, value)
            for value in variants:
                reply = await caller.ask(OWN, "Tags", "aaya{sv}", [b"/x"], {"details": value})
                assert reply.error_name != "org.csearch.Error.Internal", value
            for text in (
                "",
                "\x01",
                "file:///",
                "file:///%00",
                "file://" + "/x" * 3000,
                "x" * 9000,
            ):
                for at, member, signature, values in (
                    (SHELL, "GetResultMetas", "as", [[text]]),
                    (SHELL, "GetInitialResultSet", "as", [[text]]),
                    (KRUNNER, "Match", "s", [text]),
                    (OWN, "TagTexts", "as", [[text]]),
                    (OWN, "Thumbnails", "aayu", [[text.encode()], 1 << 31]),
                ):
                    reply = await caller.ask(at, member, signature, *values)
                    assert reply.error_name != "org.csearch.Error.Internal", (member, text)

    try:
        wait_for(lambda: on_bus(bus), "the service on the bus")
        bus.run(scenario())
    finally:
        bus.stop()
    assert "Traceback" not in settled.log()
