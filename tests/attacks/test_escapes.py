"""Names and messages that would steer a terminal: shown by every command, harmless in each."""

from __future__ import annotations

import argparse
import json
import os
import pty
import subprocess
import unicodedata
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from home import SECONDS, Home, _command
from scripted_service import STATUS, Service

from csearch.control.commands import COMMANDS, build_parser
from csearch.search.parser import build
from csearchd.logs import log_to_stderr

# ESC, OSC with BEL, CR, DEL, CSI as one character, right-to-left, an isolate, a line's separator.
TEXT = "e\x1b[31m\x1b]0;title\x07\r\x7f\x9b1m\u202egpj\u2066\u2028\nBROKEN"
NAME = TEXT.encode() + b"\xff.jpg"
PATH = b"/p/" + NAME
_OURS = "\u200c\u200d"


def harmless(shown: bytes) -> bool:
    """Whether text does nothing on a terminal but stand in its lines, and the name in one of
    them."""
    text = shown.decode().replace("\r\n", "\n")  # a terminal adds the CR
    odd = {c for c in text if not (c.isprintable() or c in "\n\t" or c in _OURS)}
    return all(unicodedata.category(c) == "Zs" for c in odd) and "\nBROKEN" not in text


def on_terminal(home: Home, command: str, *arguments: bytes | str) -> bytes:
    """What a command writes on a terminal that knows no escapes, on stdout and stderr."""
    ours, theirs = pty.openpty()
    process = subprocess.Popen(
        [*_command(command), *arguments],
        env={**home.environment, "TERM": "dumb"},
        cwd=home.pictures,
        stdin=subprocess.DEVNULL,
        stdout=theirs,
        stderr=theirs,
    )
    os.close(theirs)
    shown = b""
    try:
        while data := os.read(ours, 1 << 16):
            shown += data
    except OSError:  # EIO: the other end is closed
        pass
    finally:
        os.close(ours)
    process.wait(SECONDS)
    assert b"Traceback" not in shown
    return shown


def _arguments(
    parser: argparse.ArgumentParser, before: list[str]
) -> Iterator[tuple[list[str], list[str]]]:
    """For each argument of a parser that takes a value: the words before its value, and after."""
    actions = [action for action in parser._actions if action.nargs != 0]
    needed = [action for action in actions if action.required]
    for action in actions:
        if isinstance(action, argparse._SubParsersAction):
            for name, sub in action.choices.items():
                yield from _arguments(sub, [*before, name])
            yield before, []
            continue
        others = [word for other in needed if other is not action for word in _given(other)]
        yield [*before, *others, *action.option_strings[-1:]], []
    yield [*before, "--no-such-option"], []


def _given(action: argparse.Action) -> list[str]:
    value = str(next(iter(action.choices))) if action.choices else "x"
    return [*action.option_strings[-1:], value]


def _commands() -> list[list[str]]:
    """Every command with every argument, whose value comes last."""
    found = [["csearchctl"]]
    for name in COMMANDS:
        parser = build_parser(name)
        found += [["csearchctl", *words] for words, _ in _arguments(parser, [name])]
    for action in build()._actions:
        if action.nargs != 0 and action.dest != "query":
            found.append(["csearch", "dog", action.option_strings[-1]])
    return [*found, ["csearch", "-g"], ["csearch"], ["csearch", "--no-such-option"]]


def _hostile(conversation: Any, request: dict[str, Any]) -> None:
    """Finds a picture with that name, and ends in an error that tells it."""
    hit = {"path": PATH, "score": 0.5, "reason": TEXT, "tags": [[TEXT, 0.5]]}
    if request["op"] == "dupes":
        files = [{"path": PATH, "likeness": 1.0, "pixels": 1, "size": 1, "content": 1}] * 2
        hit = {"kind": "exact", "exact": True, "files": files}
    conversation.reply(request, "hits", hits=[hit])
    conversation.reply(request, "error", code="not-found", message=f"{TEXT}: is not there")


_OPERATIONS = (
    "search", "add", "remove", "rescan", "failed", "forget", "dupes", "teach", "concepts", "use",
    "concept-rename", "concept-remove", "history", "history-clear", "models", "tags-write",
    "tags-preview", "tags-on", "tags-off", "tags-undo", "roots", "reload", "pause", "resume",
    "status", "text", "text-forget", "text-read", "saved", "saved-add", "saved-rename",
    "saved-remove",
)  # fmt: skip


@pytest.fixture
def hostile(home: Home, service: Callable[..., Service]) -> Home:
    """A user whose service says such names in hits and errors, and who has such a picture."""
    service(**dict.fromkeys(_OPERATIONS, _hostile))
    (home.pictures / os.fsdecode(NAME)).write_bytes(b"no picture")
    return home


@pytest.mark.parametrize("words", _commands(), ids=" ".join)
def test_every_argument(hostile: Home, words: list[str]) -> None:
    """Typed as it is, as a path, and as the start of something else."""
    for value in (NAME, b"-" + NAME, b"no:" + NAME):
        shown = on_terminal(hostile, words[0], *words[1:], value)
        assert harmless(shown), shown


@pytest.mark.parametrize(
    "options",
    [
        [],
        ["--json"],
        ["--format", "{path} {name} {folder} {title} {keywords}"],
        ["--format", f"{TEXT}{{path}}"],
        ["--why"],
        ["--folder"],
        ["--preview"],
    ],
    ids=lambda options: options[0] if options else "table",
)
def test_results(home: Home, service: Callable[..., Service], options: list[str]) -> None:
    part = {"text": TEXT, "weight": 1.0, "confidence": "fair", "contribution": 0.1}
    why = {"parts": [part], "terms": [TEXT]}
    details = {"title": TEXT, "keywords": [TEXT], "place": TEXT, "make": TEXT}
    hit = {"path": PATH, "score": 0.5, "confidence": "fair", "why": why, "details": details}
    filters = {"scope": 1, "left": 1, "filters": [{"text": TEXT, "files": 1}]}

    def search(conversation: Any, request: dict[str, Any]) -> None:
        conversation.reply(request, "hits", hits=[hit])
        conversation.reply(request, "result", images=1, notes=[TEXT], why=filters)

    service(search=search)
    shown = on_terminal(home, "csearch", *options, "dog")
    assert harmless(shown), shown
    piped = home.ask("csearch", *options, "dog").stdout
    if options == ["--json"]:
        assert json.loads(piped)["title"] == TEXT
        assert harmless(piped)
    elif not options:
        assert piped == PATH + b"\n"


_TABLES: dict[str, dict[str, Any]] = {
    "status": {
        **STATUS,
        "state": TEXT,
        "model": TEXT,
        "notes": [TEXT],
        "scanning": [PATH],
        "next_model": {"name": TEXT, "done": 1, "total": 2},
        "version": TEXT,
        "reason": TEXT,
        "roots": [{"path": PATH, "images": 1, "watch": TEXT}],
        "tags": {"folders": [{"path": PATH, "mode": TEXT}], "waiting": 1, "trouble": TEXT},
    },
    "roots": {"roots": [{"path": PATH, "images": 1, "watch": TEXT}]},
    "add": {"path": PATH, "images": 1},
    "remove": {"path": PATH},
    "rescan": {"directories": [PATH]},
    "concepts": {"concepts": [{"name": TEXT, "examples": 1, "against": 0, "called": [TEXT]}]},
    "teach": {"name": TEXT, "examples": 1, "against": 0, "called": [TEXT], "new": True},
    "tags-on": {"path": PATH, "added": True},
    "tags-off": {"paths": [PATH]},
    "tags-undo": {"files": 1, "written": 1, "left": 0, "folders": [PATH]},
    "use": {"model": TEXT, "total": 1},
    "saved": {
        "searches": [
            {
                "name": NAME,
                "query": TEXT,
                "scopes": [PATH],
                "folder": PATH,
                "reason": {"code": "other", "parameters": {}, "text": TEXT},
            }
        ]
    },
}


@pytest.mark.parametrize(
    "command",
    [
        "status",
        "status --json",
        "doctor",
        "roots",
        "add x",
        "remove x",
        "rescan x",
        "concepts",
        "teach x x.jpg",
        "tags on --mode xattr x",
        "tags off x",
        "tags undo x",
        "model use x",
        "saved list",
        "saved list --json",
        "saved show x",
    ],
)
def test_answers(home: Home, service: Callable[..., Service], command: str) -> None:
    def answer(conversation: Any, request: dict[str, Any]) -> None:
        conversation.reply(request, "result", **_TABLES[request["op"]])

    service(**dict.fromkeys(_TABLES, answer))
    (home.pictures / "x.jpg").touch()
    shown = on_terminal(home, "csearchctl", *command.split())
    assert b"title" in shown
    assert harmless(shown), shown


def test_a_newline_breaks_no_row_of_failed(home: Home, service: Callable[..., Service]) -> None:
    def failed(conversation: Any, request: dict[str, Any]) -> None:
        hits = [{"path": b"/p/a\nb.jpg", "reason": "x\ny"}, {"path": b"/p/\xff", "reason": "z"}]
        conversation.reply(request, "hits", hits=hits)
        conversation.reply(request, "result", count=2)

    service(failed=failed)
    rows = home.ask("csearchctl", "failed").stdout.splitlines()
    assert rows == [b"$'/p/a\\nb.jpg'\tx\\ny", b"/p/\xff\tz"]
    assert len(on_terminal(home, "csearchctl", "failed").splitlines()) == 2


def test_what_completion_offers_can_be_shown(home: Home, service: Callable[..., Service]) -> None:
    service(complete=lambda c, r: c.reply(r, "result", values=[f"/{TEXT}", "/good"]))
    done = home.run("csearch.completing", "fish", "csearchctl", "remove", "/")
    assert done.stdout == b"words\n/good\t\n"


def test_lines_of_the_log(capsys: pytest.CaptureFixture[str]) -> None:
    import logging

    root, before = logging.getLogger(), logging.getLogger().handlers
    try:
        root.handlers = []
        log_to_stderr("info", "%(message)s")
        try:
            raise ValueError(TEXT)
        except ValueError:
            logging.getLogger("csearchd").exception("%s has gone", TEXT)
    finally:
        root.handlers = before
    logged = capsys.readouterr().err
    assert "has gone" in logged.splitlines()[0]
    assert harmless(logged.replace("\nBROKEN", "").encode())  # a traceback has lines
