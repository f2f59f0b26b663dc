"""What csearch writes: to a pipe, to a terminal, and how it ends."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from base64 import b64decode

import pytest
from scripted_service import answering, hits

NASTY = b"/p/new\nline \xff\x1b[31m.jpg"
PATHS = [b"/p/a.jpg", NASTY, "/p/dir/Straße 東京.jpg".encode()]


def test_pipe_gets_absolute_paths_as_they_are(home, service):
    service(search=answering(hits(*PATHS)))
    done = home.ask("csearch", "a", "dog")
    assert (done.returncode, done.stderr) == (0, b"")
    assert done.stdout == b"".join(path + b"\n" for path in PATHS)


def test_nul(home, service):
    service(search=answering(hits(*PATHS)))
    assert home.ask("csearch", "-0", "dog").stdout == b"".join(path + b"\0" for path in PATHS)


def test_json(home, service):
    service(search=answering(hits(*PATHS[:2]), hits(*PATHS[2:])))
    rows = [json.loads(line) for line in home.ask("csearch", "--json", "dog").stdout.splitlines()]
    assert [row["rank"] for row in rows] == [1, 2, 3]
    assert all(isinstance(row["score"], float) for row in rows)
    assert rows[0]["path"] == "/p/a.jpg"
    assert "path_b64" not in rows[0]
    assert rows[1]["path"] == NASTY.decode(errors="replace")
    assert b64decode(rows[1]["path_b64"]) == NASTY
    assert rows[2]["path"] == PATHS[2].decode()


def test_what_is_asked(home, service):
    asked = service(search=answering(hits(b"/p/a.jpg"))).requests
    home.ask("csearch", "two", "parrots", "-t", "3", "--wait", "on a branch")
    home.ask("csearch", "--in", "x", "--in", "/y/../z", "dog")
    home.ask("csearch", "-g", "dog")
    first, second, third = (request for request in asked if request["op"] == "search")
    assert first["query"] == "two parrots on a branch"
    assert first["scopes"] == [os.fsencode(home.pictures)]
    assert (first["top"], first["wait"]) == (3, "all")
    assert second["scopes"] == [os.fsencode(home.pictures / "x"), b"/y/../z"]
    assert (second["top"], second["wait"]) == (10, "first")
    assert third["scopes"] is None


@pytest.mark.parametrize(
    ("arguments", "query"),
    [
        (["--", "-g", "x"], "-- -g x"),
        (["a", "-t3", "--", "-b"], "a -- -b"),
        (["--", "--"], "-- --"),
    ],
)
def test_what_follows_two_dashes_is_the_query(home, service, arguments, query):
    asked = service(search=answering(hits(b"/p/a.jpg"))).requests
    assert home.ask("csearch", *arguments).returncode == 0
    assert asked[-1]["query"] == query


def test_bytes_that_are_no_text(home, service):
    asked = service(search=answering(hits(b"/p/a.jpg"))).requests
    assert home.ask("csearch", "--in", b"/p/\xff", b"caf\xe9").returncode == 0
    assert asked[-1]["query"] == "caf\ufffd"
    assert asked[-1]["scopes"] == [b"/p/\xff"]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ([""], "empty"),
        (["  ", " "], "empty"),
        ([], "QUERY"),
        (["-t", "0", "dog"], "at least 1"),
        (["-t", "x", "dog"], "at least 1"),
        (["--no-such", "dog"], "--no-such"),
        (["-g", "--in", "x", "dog"], "doesn't go with"),
    ],
)
def test_wrong_usage(home, arguments, said):
    done = home.ask("csearch", *arguments)
    assert done.returncode == 2
    assert said in done.stderr.decode()
    assert b"Traceback" not in done.stderr


def test_nothing_found(home, service):
    service(search=answering(images=0))
    done = home.ask("csearch", "dog")
    assert (done.returncode, done.stdout) == (1, b"")
    assert b"no pictures" in done.stderr


@pytest.mark.parametrize(
    ("result", "said"),
    [
        ({"notes": ["the disk is full"]}, b"csearch: the disk is full\n"),
        ({"failed": 2}, b"csearch: 2 pictures could not be read; csearchctl failed says why\n"),
    ],
)
@pytest.mark.parametrize("where", [[], ["-g"]])
def test_why_there_is_nothing_is_all_that_is_said(home, service, where, result, said):
    service(search=answering(**{"images": 0, **result}))
    done = home.ask("csearch", *where, "dog")
    assert (done.returncode, done.stdout, done.stderr) == (1, b"", said)


def test_error_of_the_service(home, service):
    service(search=lambda c, r: c.reply(r, "error", code="not-found", message="/x: no such thing"))
    done = home.ask("csearch", "--in", "/x", "dog")
    assert (done.returncode, done.stdout) == (2, b"")
    assert done.stderr == b"csearch: /x: no such thing\n"


def test_the_place_of_an_error(home, service):
    fields = {"code": "query", "message": "what is that?", "start": 4, "end": 9}
    service(search=lambda c, r: c.reply(r, "error", **fields))
    done = home.ask("csearch", "猫 a camra x")
    assert done.stderr.decode() == "csearch: what is that? (at character 5)\n"
    output, status = home.terminal("csearch", "猫 a camra x", TERM="dumb").finish()
    assert status == 2
    assert output == "csearch: what is that?\n  猫 a camra x\n       ^^^^^\n"
    output, _ = home.terminal("csearch", "猫 a camra x" + " y" * 100, columns=40).finish()
    lines = output.splitlines()
    assert lines[1].index("camra") + 1 == lines[2].index("^")  # 猫 takes two columns
    assert max(map(len, lines[1:])) < 40


def test_remarks_go_to_stderr(home, service):
    service(
        search=answering(hits(b"/p/a.jpg"), images=1880, pending=120, notes=["the disk is full"])
    )
    done = home.ask("csearch", "dog")
    assert done.stdout == b"/p/a.jpg\n"
    assert b"120 of 2,000 pictures" in done.stderr
    assert b"the disk is full" in done.stderr


def test_what_is_only_read_again_makes_no_result_incomplete(home, service):
    service(search=answering(hits(b"/p/a.jpg"), images=2000, pending=120, again=120))
    done = home.ask("csearch", "dog")
    assert b"120 of 2,000 pictures to be read again" in done.stderr
    assert b"incomplete" not in done.stderr


def test_that_nothing_matches_is_said_though_some_are_read_again(home, service):
    service(search=answering(images=2000, pending=120, again=120))
    done = home.ask("csearch", "dog")
    assert done.returncode == 1
    assert b"to be read again" in done.stderr
    assert b"no picture matches" in done.stderr


@pytest.mark.parametrize(
    ("arguments", "result", "advised"),
    [
        ([], {}, True),
        (["--wait"], {"stopped": True}, False),
        ([], {"notes": ["reading is paused; csearchctl resume continues it"]}, False),
    ],
)
def test_waiting_is_advised_where_it_helps(home, service, arguments, result, advised):
    service(search=answering(hits(b"/p/a.jpg"), pending=120, **result))
    done = home.ask("csearch", *arguments, "dog")
    assert b"still to be read" in done.stderr
    assert (b"--wait" in done.stderr) == advised


@pytest.mark.parametrize("module", ["csearch.search", "csearch.control"])
def test_ctrl_c_among_the_imports_is_silent(home, module):
    home.stand_in("msgpack", "import os, signal; os.kill(os.getpid(), signal.SIGINT)")
    done = subprocess.run(
        [sys.executable, "-P", "-m", module, "status"], env=home.environment, capture_output=True
    )
    assert (done.returncode, done.stdout, done.stderr) == (130, b"", b"")


def test_closed_pipe_is_silent(home, service):
    many = hits(*(b"/p/%d" % number * 50 for number in range(1000)))
    service(search=answering(*[many] * 20))
    process = home.begin("csearch", "dog")
    process.stdout.readline()
    process.stdout.close()
    assert process.wait(30) == 0
    assert process.stderr.read() == b""


@pytest.mark.parametrize("command", [["csearch", "-h"], ["csearchctl", "status", "-h"]])
def test_help_into_a_closed_pipe(home, command):
    reader, writer = os.pipe()
    os.close(reader)
    process = home.begin(*command, stdout=writer)
    os.close(writer)
    assert process.communicate(timeout=30)[1] == b""
    assert process.returncode == 0


def test_full_disk_is_an_error(home, service):
    service(search=answering(hits(b"/p/a.jpg")))
    with open("/dev/full", "wb") as full:
        process = home.begin("csearch", "dog", stdout=full)
    assert b"No space left" in process.communicate(timeout=30)[1]
    assert process.returncode == 2


@pytest.mark.parametrize(
    ("redirection", "status", "output", "errors"),
    [
        ("<&-", 0, b"/p/a.jpg\n", b""),
        (">&-", 2, b"", b"csearch: the answer cannot be written: Bad file descriptor\n"),
        ("2>&-", 0, b"/p/a.jpg\n", b""),
        ("<&- >&- 2>&-", 2, b"", b""),
    ],
)
def test_closed_descriptors(home, service, redirection, status, output, errors):
    asked = service(search=answering(hits(b"/p/a.jpg"), pending=1 if "2>" in redirection else 0))
    shell = ["bash", "-c", f'exec "$@" {redirection}', "bash"]
    done = subprocess.run(
        [*shell, sys.executable, "-P", "-m", "csearch.search", "dog"],
        env=home.environment,
        cwd=home.pictures,
        capture_output=True,
    )
    assert (done.returncode, done.stdout, done.stderr) == (status, output, errors)
    assert [request["op"] for request in asked.requests] == ["hello", "search"]


def test_a_terminal_is_no_picture(home):
    output, status = home.terminal("csearch", "-").finish()
    assert status == 2 and "csearch - < cat.jpg" in output


def test_removed_directory(home):
    shell = ["bash", "-c", 'mkdir x; cd x; rmdir ../x; exec "$@"', "bash"]
    done = subprocess.run(
        [*shell, sys.executable, "-P", "-m", "csearch.search", "dog"],
        env=home.environment,
        cwd=home.home,
        capture_output=True,
    )
    assert done.returncode == 2
    assert done.stderr == b"csearch: the current directory has been removed; go to another one\n"


def test_table(home, service):
    here = os.fsencode(home.pictures)
    paths = [here + b"/a.jpg", b"/b.jpg", here + b"/sub/" + b"long-" * 30 + b".jpg"]
    service(search=answering(hits(*paths)))
    output, status = home.terminal("csearch", "dog", columns=60, NO_COLOR="1").finish()
    assert status == 0
    lines = output.splitlines()
    assert lines[0] == " 0.900  a.jpg"
    assert lines[1] == " 0.800  /b.jpg"
    assert "…" in lines[2]
    assert lines[2].endswith("-.jpg")
    assert len(lines[2]) == 60


def test_what_is_found_by_name_is_marked_where_its_confidence_goes_down(home, service):
    reply, found = hits(b"/p/moon.png", b"/p/b.jpg", b"/p/c.jpg", b"/p/moon-2.png")
    levels = (("weak", ["moon"]), ("strong", None), ("fair", ["moon"]), ("strong", ["moon"]))
    for hit, (confidence, words) in zip(found["hits"], levels, strict=True):
        hit |= {"confidence": confidence, "by_name": words}
    service(search=answering((reply, found)))
    output, _ = home.terminal("csearch", "moon", columns=60, NO_COLOR="1").finish()
    assert output.splitlines() == [
        " 0.900  weak    /p/moon.png  by name",
        " 0.800  strong  /p/b.jpg",
        " 0.700  fair    /p/c.jpg  by name",
        " 0.600  strong  /p/moon-2.png",
    ]


def test_nothing_of_a_name_reaches_the_terminal_raw(home, service):
    service(search=answering(hits(NASTY)))
    output, _ = home.terminal("csearch", "dog").finish()
    shown = re.sub(r"\x1b\[\d*m", "", output)
    assert shown == " 0.900  $'/p/new\\nline \\xff\\e[31m.jpg'\n"


@pytest.mark.parametrize(
    ("environment", "colours", "links"),
    [
        ({}, True, False),
        ({"VTE_VERSION": "7006"}, True, True),
        ({"VTE_VERSION": "7006", "NO_COLOR": "1"}, False, True),
        ({"VTE_VERSION": "7006", "TERM": "dumb"}, False, False),
        ({"VTE_VERSION": "7006", "TERM": "screen-256color"}, True, False),
        ({"TERM": "xterm-kitty"}, True, True),
        ({"TERM": "linux"}, True, False),
        ({"TERM": "unknown"}, False, False),
    ],
)
def test_what_the_terminal_can(home, service, environment, colours, links):
    service(search=answering(hits(b"/p/a b\xff.jpg")))
    output, _ = home.terminal("csearch", "dog", **environment).finish()
    assert ("\x1b[" in output) == colours
    uri = f"\x1b]8;;file://{os.uname().nodename}/p/a%20b%FF.jpg\x1b\\"
    assert (uri in output) == links
    assert ("\x1b]8" in output) == links
