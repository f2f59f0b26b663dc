"""Reading a directory for the first time: what is shown, and Ctrl-C."""

from __future__ import annotations

import pytest
from scripted_service import answering, hits

from support.user import wait_for


def test_reading_a_new_directory_into_a_pipe_says_so_once(home, service):
    service(search=answering(*progress(3), hits(b"/p/a.jpg")))
    done = home.ask("csearch", "dog")
    assert done.stdout == b"/p/a.jpg\n"
    assert done.stderr == b"csearch: reading 2,000 new pictures first\n"


def test_progress_on_a_terminal_is_cleared(home, service):
    service(search=answering(*progress(3), hits(b"/p/a.jpg")))
    output, _ = home.terminal("csearch", "dog", NO_COLOR="1").finish()
    bars, _, after = output.rpartition("\r\x1b[K")
    assert after == " 0.900  /p/a.jpg\n"
    assert "Looking for pictures: 2,000 found" in bars
    assert "Reading 2,000 pictures" in bars
    assert "85/s, 20 s left" in bars


@pytest.mark.parametrize("columns", [43, 50])
def test_a_narrow_terminal_has_a_shorter_bar(home, service, columns):
    service(search=answering(*progress(3), hits(b"/p/a.jpg")))
    output, _ = home.terminal("csearch", "dog", NO_COLOR="1", columns=columns).finish()
    lines = [line for line in output.split("\r\x1b[K") if line.startswith("Reading")]
    assert lines and all(line.endswith("85/s, 20 s left") for line in lines)
    assert max(map(len, lines)) < columns and ("░" in lines[0]) == (columns == 50)


def progress(steps: int) -> list[tuple[str, dict]]:
    scanning = {"phase": "scanning", "found": 2000, "done": 0, "total": 0, "failed": 0}
    encoding = {"phase": "encoding", "found": 2000, "total": 2000, "failed": 0, "rate": 85.2}
    return [("progress", scanning)] + [
        ("progress", {**encoding, "done": step, "remaining": 20}) for step in range(steps)
    ]


def endless(conversation, request):
    """A search that goes on until the client asks for the results so far."""
    send(conversation, request, progress(0))
    answer = conversation.next()
    assert (answer["op"], answer["target"]) == ("answer", request["id"])
    conversation.reply(answer, "result")
    answering(hits(b"/p/a.jpg"), images=10, pending=1990, stopped=True)(conversation, request)


def send(conversation, request, replies):
    for kind, fields in replies:
        conversation.reply(request, kind, **fields)


def test_ctrl_c_prints_what_there_is(home, service):
    service(search=endless)
    terminal = home.terminal("csearch", "dog", NO_COLOR="1")
    terminal.process.expect("2,000 found")
    terminal.process.sendintr()
    output, status = terminal.finish()
    assert status == 0
    assert " 0.900  /p/a.jpg\n" in output
    assert "1,990 pictures still to be read; the search service continues" in output


def test_second_ctrl_c_leaves_at_once(home, service):
    answers = []

    def deaf(conversation, request):
        send(conversation, request, progress(0))
        while answer := conversation.next():
            answers.append(answer)

    service(search=deaf)
    terminal = home.terminal("csearch", "dog")
    terminal.process.expect("2,000 found")
    terminal.process.sendintr()
    wait_for(lambda: answers, "the request for an answer")
    terminal.process.sendintr()
    output, status = terminal.finish()
    assert status == 130
    assert "Traceback" not in output


def test_ctrl_c_before_anything_was_said(home, service):
    asked = service(search=lambda conversation, request: None).requests
    terminal = home.terminal("csearch", "dog")
    wait_for(lambda: [request for request in asked if request["op"] == "search"], "the search")
    terminal.process.sendintr()
    output, status = terminal.finish()
    assert status == 130
    assert "Traceback" not in output
