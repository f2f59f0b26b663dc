"""How a client starts the service: the unit where there is one, else a process."""

from __future__ import annotations

import os
import socket
import time

import pytest
from home import Home
from scripted_service import answering, hits

from support.user import wait_for

# Listens, and answers every request, as its environment and standing tell.
_DAEMON = """
    import json, os, socket, sys
    sys.path.insert(0, {tests!r})
    from csearch.protocol.wire import socket_path
    from scripted_service import Service, answering, hits

    facts = {{
        "directory": os.getcwd(),
        "leader": os.getsid(0) == os.getpid(),
        "open": sorted(os.readlink(f"/proc/self/fd/{{fd}}") for fd in (0, 1, 2)),
        "count": len(os.listdir("/proc/self/fd")) - 1,
        "socket": os.environ.get("CSEARCH_SOCKET"),
    }}
    with open({facts!r}, "w") as file:
        json.dump(facts, file)
    path = socket_path()
    os.makedirs(os.path.dirname(path), mode=0o700, exist_ok=True)
    if os.path.exists(path):
        os.unlink(path)
    service = Service(path, search=answering(hits(b"/p/a.jpg")), stop=lambda c, r: os._exit(0))
    import threading
    threading.Event().wait(60)
"""


@pytest.fixture
def daemon(home: Home):
    """A stand-in for csearchd; the file of facts about how it was started."""
    facts = home.home / "facts.json"
    tests = os.path.dirname(__file__)
    home.stand_in("csearchd.__main__", _DAEMON.format(tests=tests, facts=str(facts)))
    yield facts
    home.ask("csearchctl", "stop")


def test_the_first_search_starts_it_detached(home, daemon):
    import json

    reader, writer = os.pipe()  # must not stay open in the daemon, or its reader waits for ever
    process = home.begin("csearch", "dog", pass_fds=[writer])
    os.close(writer)
    assert process.communicate(timeout=30)[0] == b"/p/a.jpg\n"
    assert os.read(reader, 1) == b""
    facts = json.loads(daemon.read_text())
    log = str(home.home / ".cache" / "csearch" / "csearchd.log")
    assert facts["directory"] == "/"
    assert facts["leader"]
    assert facts["open"] == sorted(["/dev/null", log, log])
    assert facts["count"] == 3


def test_a_stale_socket_is_no_obstacle(home, daemon):
    os.makedirs(os.path.dirname(home.socket), mode=0o700)
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(home.socket)
    assert home.ask("csearch", "dog").stdout == b"/p/a.jpg\n"


def test_a_relative_address_is_the_same_for_both(home, daemon):
    home.environment["CSEARCH_SOCKET"] = "own.sock"
    assert home.ask("csearch", "dog").stdout == b"/p/a.jpg\n"
    assert str(home.pictures / "own.sock") in daemon.read_text()


def test_a_daemon_that_fails_says_why(home):
    home.stand_in("csearchd.__main__", "import sys; sys.exit('config.toml, line 3: unknown key x')")
    begun = time.monotonic()
    done = home.ask("csearch", "dog")
    assert time.monotonic() - begun < 10
    assert done.returncode == 2
    assert b"config.toml, line 3: unknown key x" in done.stderr
    assert b"Traceback" not in done.stderr


def test_only_the_last_words_of_this_start_are_shown(home):
    home.stand_in("csearchd.__main__", "import sys; sys.exit('first')")
    home.ask("csearch", "dog")
    home.stand_in("csearchd.__main__", "import sys; sys.exit('second')")
    done = home.ask("csearch", "dog")
    assert b"second" in done.stderr
    assert b"first" not in done.stderr


def test_one_that_lost_the_race_is_waited_past(home, service):
    marker = home.home / "began"
    home.stand_in("csearchd.__main__", f"open({str(marker)!r}, 'w').close()")
    process = home.begin("csearch", "dog")
    wait_for(marker.exists, "a daemon that was started")
    service(search=answering(hits(b"/p/a.jpg")))
    assert process.communicate(timeout=30) == (b"/p/a.jpg\n", b"")


def test_cache_that_cannot_be_written(home):
    home.environment["XDG_CACHE_HOME"] = "/proc/nowhere"
    done = home.ask("csearch", "dog")
    assert done.returncode == 2
    assert b"/proc/nowhere/csearch/csearchd.log: cannot be written" in done.stderr


def test_a_python_that_cannot_be_run(home):
    home.stand_in("sitecustomize", "import sys; sys.executable = '/missing/python'")
    done = home.ask("csearch", "dog")
    assert done.returncode == 2
    assert b"/missing/python cannot be run: No such file or directory" in done.stderr
    assert b"Traceback" not in done.stderr


def systemctl(home: Home, state: str, code: str) -> None:
    """Stands in for a user manager whose unit is in this `state`; `code` is its start."""
    (home.runtime / "systemd").mkdir()
    (home.runtime / "systemd" / "private").touch()
    path = home.home / "bin" / "systemctl"
    path.parent.mkdir()
    path.write_text(
        f'#!/bin/sh\n[ "$1" = --user ] || exit 9\n'
        f'case "$2" in show|is-active) {state};;\n'
        f'start) echo "$3" > {home.home}/started; {code};; esac\n'
    )
    path.chmod(0o755)
    home.environment["PATH"] = f"{path.parent}:{home.environment['PATH']}"


def test_the_installed_unit_is_started(home, service):
    systemctl(home, "echo loaded", "exit 0")
    process = home.begin("csearch", "dog")
    started = home.home / "started"
    wait_for(lambda: started.exists() and started.read_text(), "a unit that was started")
    assert started.read_text() == "csearchd.service\n"
    service(search=answering(hits(b"/p/a.jpg")))
    assert process.communicate(timeout=30) == (b"/p/a.jpg\n", b"")
    assert not (home.home / ".cache" / "csearch" / "csearchd.log").exists()


def test_a_unit_that_fails_says_so(home):
    systemctl(home, "echo loaded", "echo Job failed. >&2; exit 1")
    done = home.ask("csearch", "dog")
    assert done.returncode == 2
    assert b"Job failed." in done.stderr
    assert b"journalctl --user -u csearchd.service" in done.stderr


@pytest.mark.parametrize("state", ["inactive", "failed", "deactivating"])
@pytest.mark.parametrize("command", [["status"], ["stop"], ["doctor"], ["model", "list"]])
def test_a_socket_of_systemd_is_left_alone_where_nothing_must_start(home, service, state, command):
    systemctl(home, f"echo active; echo {state}; exit 3", "exit 1")
    asked = service().requests  # as systemd does: listens, though no service runs
    done = home.ask("csearchctl", *command)
    assert b"not running" in done.stdout or b"stopped" in done.stdout or command[0] == "model"
    assert done.stderr == b""
    assert not asked


def test_a_service_that_systemd_runs_is_asked(home, service):
    systemctl(home, "echo active; echo active", "exit 1")
    service(status=lambda c, r: c.reply(r, "result", state="idle"))
    assert home.ask("csearchctl", "status").returncode == 0


@pytest.mark.parametrize("state", ["echo not-found", "echo no bus >&2; exit 1"])
def test_without_a_unit_it_is_a_process(home, daemon, state):
    systemctl(home, state, "exit 1")
    assert home.ask("csearch", "dog").stdout == b"/p/a.jpg\n"
    assert not (home.home / "started").exists()


def test_another_address_is_not_the_units(home, daemon):
    systemctl(home, "echo loaded", "exit 1")
    home.environment["CSEARCH_SOCKET"] = str(home.runtime / "own.sock")
    assert home.ask("csearch", "dog").stdout == b"/p/a.jpg\n"
    assert not (home.home / "started").exists()


@pytest.mark.parametrize(
    ("command", "status"), [(["status"], 1), (["status", "--json"], 1), (["stop"], 0)]
)
def test_some_commands_never_start_it(home, daemon, command, status):
    done = home.ask("csearchctl", *command)
    assert done.returncode == status
    assert b"stopped" in done.stdout or b"not running" in done.stdout
    assert not daemon.exists()
