"""Terminals of a few columns show less beside a name, and still the name."""

from __future__ import annotations

import re

import pytest
from scripted_service import answering

NARROW = (*range(1, 21), 25, 30)
COLOURS = re.compile(r"\x1b\[[\d;]*m")


def hit(name: bytes, **fields: object) -> dict[str, object]:
    return {"path": b"/p/" + name, "score": 0.9, "confidence": "strong", **fields}


@pytest.mark.parametrize("columns", NARROW)
@pytest.mark.parametrize("fields", [{}, {"confidence": None}, {"similar": 3}, {"score": None}])
def test_results_show_names(home, service, columns, fields):
    found = [hit(b"a.jpg", **fields), hit(b"long-" * 30 + b"b.jpg", **fields)]
    service(search=answering(("hits", {"hits": found})))
    output, status = home.terminal("csearch", "dog", columns=columns).finish()
    lines = COLOURS.sub("", output).splitlines()
    assert status == 0 and lines[0].rstrip().partition("  +")[0].endswith("a.jpg")
    assert "b.jpg" in lines[1] and "…" in lines[1]
    assert max(map(len, lines)) <= max(columns, 12)


@pytest.mark.parametrize("columns", NARROW)
def test_status_shows_names(home, service, columns):
    roots = [{"path": b"/" + b"long-" * 30 + b"end", "images": 3}]
    service(status=lambda c, r: c.reply(r, "result", state="idle", roots=roots, images=3))
    output, _ = home.terminal("csearchctl", "status", columns=columns).finish()
    lines = COLOURS.sub("", output).splitlines()
    (line,) = (line for line in lines if line.endswith("end"))
    assert len(line) <= max(columns, 14)


@pytest.mark.parametrize("columns", NARROW)
def test_mistakes_are_pointed_at(home, service, columns):
    query = "ab " * 30 + "camra" + " yz" * 30
    start = query.index("camra")
    fields = {"code": "query", "message": "what is that?", "start": start, "end": start + 5}
    service(search=lambda c, r: c.reply(r, "error", **fields))
    output, status = home.terminal("csearch", query, columns=columns).finish()
    _, text, carets = output.splitlines()
    at = carets.index("^")
    assert status == 2 and text[at:].startswith("cam")
    assert max(len(text), len(carets)) <= max(columns, 18)


@pytest.mark.parametrize("columns", [1, 2, 3, 7, 12, 20])
@pytest.mark.parametrize(
    "command", [("csearch", "--help"), ("csearchctl", "--help"), ("csearchctl", "help", "query")]
)
def test_help(home, columns, command):
    output, status = home.terminal(*command, columns=columns, PATH="/nowhere").finish()
    assert status == 0 and "Traceback" not in output and len(output) > 500
