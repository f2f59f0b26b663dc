"""csearchctl: its pages, its usage, its subcommands' requests."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest
from scripted_service import STATUS

from csearch.control.commands import COMMANDS
from support.user import wait_for


def status_service(service, **more):
    return service(status=lambda c, r: c.reply(r, "result", **{**STATUS, **more}))


def test_status_is_a_page(home, service):
    status_service(service)
    done = home.ask("csearchctl", "status")
    assert done.returncode == 0
    text = done.stdout.decode()
    assert "\x1b" not in text
    for part in (
        "encoding",
        "1,234 can be found",
        "56 files",
        "12.3/s",
        "1 min 15 s left",
        "2 pictures",
        "1,200 pictures; 34 recognised and not encoded again",
        "starter; changing to large (10 of 1,234 pictures read)",
        "$'/pictures/\\xff'",
        "scanning   /pictures/new",
        "70 directories; 3 events lost",
        "not there now",
        "the disk is full",
        "120 MB",
    ):
        assert part in text


def test_one_directory_is_no_directories(home, service):
    status_service(service, watch={"directories": 1})
    told = home.ask("csearchctl", "status").stdout.decode()
    assert "1 directory\n" in told and "1 directories" not in told


def test_status_tells_of_tags(home, service):
    folder = {"path": b"/pictures/kept", "mode": "xattr", "present": False, "left": 3}
    lone = {"path": b"/lone", "mode": "sidecar", "present": True, "watched": False}
    tags = {"folders": [folder, lone], "waiting": 12, "trouble": "the tagger can't be started"}
    status_service(service, tags=tags)
    told = home.ask("csearchctl", "status").stdout.decode()
    assert "/pictures/kept is kept tagged (xattr, 3 pictures left alone: " in told
    assert "csearchctl tags write says why, not there now)" in told
    assert "/lone is kept tagged (sidecar, not watched: csearchctl add or tags off)" in told
    assert "12 pictures to do; the tagger can't be started" in told


@pytest.mark.parametrize("columns", [70, 100])
def test_status_in_colour_keeps_to_the_width(home, service, columns):
    root = {**STATUS["roots"][0], "path": b"/pictures/" + b"long-" * 30}
    status_service(service, roots=[root], scanning=[])
    output, status = home.terminal("csearchctl", "status", columns=columns).finish()
    assert status == 0
    assert "\x1b[36m" in output
    _, table = output.split("Watched directories")
    rows = table.partition("\n\n")[0].splitlines()
    assert any("…" in row for row in rows)
    assert any("2 failed" in row for row in rows)
    assert max(map(len, rows)) <= columns


def test_status_json_is_what_the_service_says(home, service):
    status_service(service)
    done = home.ask("csearchctl", "status", "--json")
    said = json.loads(done.stdout)
    assert said.keys() == STATUS.keys()
    assert said["roots"][0]["path"] == "/pictures/\ufffd"
    assert said["roots"][0]["path_b64"] == "L3BpY3R1cmVzL/8="
    assert said["pending"] == 56


def test_status_json_without_a_service(home):
    done = home.ask("csearchctl", "status", "--json")
    assert (done.returncode, json.loads(done.stdout)) == (1, {"state": "stopped"})


def test_watch_redraws_until_ctrl_c(home, service):
    status_service(service)
    terminal = home.terminal("csearchctl", "status", "--watch")
    for _ in range(2):
        terminal.process.expect("1,234 can be found")
    terminal.process.sendintr()
    output, status = terminal.finish()
    assert status == 0
    assert "Traceback" not in output


def test_stop_returns_when_the_process_has_gone(home, service):
    sleeper = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    asked = []

    def hello(conversation, request):
        conversation.reply(request, "result", protocol=1, version="0.1.0", pid=sleeper.pid)

    def stop(conversation, request):
        conversation.reply(request, "result")
        asked.append(request)

    service(hello=hello, stop=stop)
    process = home.begin("csearchctl", "stop")
    wait_for(lambda: asked, "the request to stop")
    with pytest.raises(subprocess.TimeoutExpired):
        process.wait(0.5)
    sleeper.communicate(b"\n")
    assert process.communicate(timeout=30) == (b"The search service has stopped.\n", b"")
    assert process.returncode == 0


_HOLDER = """
import fcntl, os, signal, sys
signal.signal(signal.SIGTERM, lambda number, frame: None)
lock = os.open(sys.argv[1], os.O_RDWR | os.O_CREAT)
fcntl.flock(lock, fcntl.LOCK_EX)
os.write(lock, b"%d\\n" % os.getpid())
print(flush=True)
input()
"""


@pytest.mark.parametrize("answers", [False, True])
def test_stop_waits_for_a_daemon_that_is_ending(home, service, answers):
    """Its socket is closed, or closes before the answer; the lock file has its process number."""
    holder = subprocess.Popen(
        [sys.executable, "-c", _HOLDER, home.data / "lock"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    holder.stdout.readline()
    if answers:
        service(stop=lambda conversation, request: conversation.close())
    process = home.begin("csearchctl", "stop")
    with pytest.raises(subprocess.TimeoutExpired):
        process.wait(2)
    holder.communicate(b"\n")
    assert process.communicate(timeout=30) == (b"The search service has stopped.\n", b"")
    again = home.ask("csearchctl", "stop")  # the file of the lock is still there
    if not answers:
        assert again.stdout == b"The search service is not running.\n"


@pytest.mark.parametrize("name", COMMANDS)
def test_help_of_each_command_has_examples(home, name):
    done = home.ask("csearchctl", name, "-h")
    assert done.returncode == 0
    assert f"examples:\n  csearchctl {name}".encode() in done.stdout
    told = done.stdout.decode()
    assert COMMANDS[name][1:] in " ".join(told.split())
    description = told.partition("\n\n")[2].partition("\n\n")[0]
    assert all(len(line) < 80 for line in description.splitlines())


@pytest.mark.parametrize("action", ["list", "install", "import", "use", "remove"])
def test_help_of_each_model_action_has_examples(home, action):
    done = home.ask("csearchctl", "model", action, "-h")
    assert f"examples:\n  csearchctl model {action}".encode() in done.stdout


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ([], "usage"),
        (["statis"], "did you mean status?"),
        (["frobnicate"], "no command frobnicate"),
        (["add"], "DIR"),
        (["status", "--nope"], "--nope"),
        (["model"], "ACTION"),
    ],
)
def test_wrong_usage(home, arguments, said):
    done = home.ask("csearchctl", *arguments)
    assert (done.returncode, done.stdout) == (2, b"")
    assert said in done.stderr.decode()


def test_version(home):
    assert home.ask("csearchctl", "--version").stdout.startswith(b"csearchctl ")
    assert home.ask("csearch", "--version").stdout.startswith(b"csearch ")


def test_failed(home, service):
    def failed(conversation, request):
        rows = [{"path": b"/p/\xff.jpg", "reason": "the file is truncated"}]
        conversation.reply(request, "hits", hits=rows)
        conversation.reply(request, "result", count=1, retried=1 if request["retry"] else 0)

    service(failed=failed)
    done = home.ask("csearchctl", "failed")
    assert (done.stdout, done.stderr) == (b"/p/\xff.jpg\tthe file is truncated\n", b"")
    again = home.ask("csearchctl", "failed", "--retry")
    assert again.stderr == b"1 picture will be tried again.\n"


@pytest.mark.parametrize(
    ("arguments", "op", "sent", "result"),
    [
        (["add", "a"], "add", {"path": "a"}, {"path": b"/a", "images": 1}),
        (["remove", "a"], "remove", {"path": "a"}, {"path": b"/a", "images": 1}),
        (["forget", "a"], "forget", {"path": "a"}, {"files": 3}),
        (["rescan", "a"], "rescan", {"path": "a"}, {"directories": [b"/a"]}),
        (["rescan"], "rescan", {"path": None}, {"directories": []}),
        (["roots"], "roots", {}, {"roots": []}),
        (["pause"], "pause", {}, {}),
        (["resume"], "resume", {}, {}),
        (["reload"], "reload", {}, {}),
        (["start"], "status", {}, {"state": "idle"}),
        (["model", "use", "m"], "use", {"model": "m"}, {"model": "m", "total": 3}),
    ],
)
def test_requests(home, service, arguments, op, sent, result):
    asked = service(**{op: lambda c, r: c.reply(r, "result", **result)}).requests
    done = home.ask("csearchctl", *arguments)
    assert done.returncode == 0, done.stderr
    request = asked[-1]
    assert request["op"] == op
    for key, value in sent.items():
        expected = bytes(home.pictures / value) if key == "path" and value else value
        assert request[key] == expected


def test_paths_are_not_folded(home, service):
    """Only the kernel knows what `link/..` is."""
    asked = service(forget=lambda c, r: c.reply(r, "result", files=1)).requests
    home.ask("csearchctl", "forget", "link/..", "/a/../b")
    paths = [request["path"] for request in asked if request["op"] == "forget"]
    assert paths == [bytes(home.pictures / "link" / ".."), b"/a/../b"]
    done = home.ask("csearchctl", "forget", "")
    assert (done.returncode, done.stdout) == (2, b"")
    assert b"empty" in done.stderr


@pytest.mark.parametrize(
    "arguments",
    [
        [b"\xff"],
        [b"model", b"use", b"\xff"],
        [b"model", b"install", b"\xff"],
        [b"model", b"remove", b"\xff"],
        [b"model", b"import", b"--arch", b"\xff", b"--weights", b"x"],
        [b"model", b"import", b"--arch", b"ViT-B-32", b"--weights", b"\xff"],
        [b"status", b"\xff"],
    ],
)
def test_bytes_that_are_no_text_are_one_line(home, service, arguments):
    models = {"current": "starter", "next": None, "done": 0, "total": 0}
    service(models=lambda c, r: c.reply(r, "result", **models))
    done = home.ask("csearchctl", *arguments)
    assert (done.returncode, done.stdout) == (2, b"")
    assert b"Traceback" not in done.stderr
    assert len([line for line in done.stderr.splitlines() if b"usage" not in line]) == 1


def test_errors_are_one_line(home, service):
    service(add=lambda c, r: c.reply(r, "error", code="not-found", message="/a: no such directory"))
    done = home.ask("csearchctl", "add", "/a")
    assert (done.returncode, done.stderr) == (2, b"csearchctl: /a: no such directory\n")
