"""The units, in a real systemd of a user of their own."""

from __future__ import annotations

import json
import os
import shlex
import shutil
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from csearchd.desktop import pictures
from csearchd.previews import desktop_thumbnails
from support.photos import write_drawn, write_photos
from support.systemd_user import GROUP, UID, SystemdUser, needs_systemd
from support.user import wait_for

pytestmark = needs_systemd

SERVICE, SOCKET, TAGGER = "csearchd.service", "csearchd.socket", "csearchd-tagger.service"


@pytest.fixture(scope="module")
def session() -> Iterator[SystemdUser]:
    """A session in which csearch is installed."""
    user = SystemdUser()
    try:
        user.take_photos()
        user.own()
        user.csearchctl("install")
        yield user
    finally:
        print(user.log())
        user.end()


def test_nothing_runs_until_the_first_search(session: SystemdUser) -> None:
    assert session.property(SERVICE, "ActiveState") == "inactive"
    assert session.property(SOCKET, "ActiveState") == "active"
    session.csearchctl("status", check=1)
    assert session.property(SERVICE, "ActiveState") == "inactive", "status starts nothing"
    found = session.search("a cup of coffee", "--in", session.pictures)
    assert found[0].name == "coffee.jpg" and len(found) == 8
    assert session.property(SERVICE, "ActiveState") == "active", "READY was told"
    assert session.main_pid() == session.status()["pid"]
    assert "pictures" in session.property(SERVICE, "StatusText")


def test_the_units_are_right(session: SystemdUser) -> None:
    units = session.home / ".config" / "systemd" / "user"
    for unit in sorted(units.glob("csearchd*")):
        if unit.is_file():
            verify = f"systemd-analyze --user verify {unit}"
            told = session.shell(verify)
            assert (told.returncode, told.stderr) == (0, ""), unit
    assert session.property(SERVICE, "OOMPolicy") == "continue"
    assert session.property(SERVICE, "Nice") == str(os.nice(0))  # as the session has it
    memory = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    for unit, high, most in ((SERVICE, 0.5, 0.75), ("csearchd-tagger.service", 0.25, 0.5)):
        # A little less where the session itself may not have all of the memory.
        for name, share in (("MemoryHigh", high), ("MemoryMax", most)):
            assert 0 < int(session.property(unit, name)) <= 1.01 * share * memory, (unit, name)


def test_the_bus_starts_it_through_systemd(session: SystemdUser) -> None:
    session.csearchctl("stop")
    wait_for(lambda: session.property(SERVICE, "ActiveState") == "inactive", "the end")
    told = session.shell(
        "busctl --user call org.csearch.Csearch1 /org/csearch/Csearch1 org.csearch.Csearch1 Status"
    )
    assert told.returncode == 0, told.stderr
    assert session.property(SERVICE, "ActiveState") == "active"
    assert f'"pid" x {session.main_pid()}' in told.stdout


def test_a_killed_encoder_ends_nothing(session: SystemdUser) -> None:
    session.search("a cat", "--in", session.pictures)
    pid = session.main_pid()
    write_drawn(session.pictures / "more", 30)
    session.own()
    session.csearch("anything", "--in", session.pictures / "more")
    encoder = session.status()["encoder"]
    assert encoder
    os.kill(encoder, signal.SIGKILL)
    write_drawn(session.pictures / "after", 3)
    session.own()
    assert len(session.search("anything", "--in", session.pictures / "after")) == 3
    assert session.main_pid() == pid


def test_it_writes_to_its_own_directories_alone(session: SystemdUser) -> None:
    session.search("a cat", "--in", session.pictures)
    home = session.home
    session.shell("mkdir -p -m 1777 /dev/shm; touch /dev/shm/of-the-user-$$")
    for directory in (session.data, home / ".cache/csearch", home / ".cache/thumbnails"):
        assert session.sandboxed(f"touch '{directory}/new' && rm '{directory}/new'").returncode == 0
    own = f"/run/user/{UID}/csearch"
    assert session.sandboxed(f"touch {own}/new && rm {own}/new").returncode == 0
    for place in (
        home,
        session.pictures,
        home / ".config/csearch",
        home / ".config",
        home / ".cache",
        Path("/tmp"),
        Path("/var/tmp"),
        Path(f"/run/user/{UID}"),
    ):
        assert session.shell(f"mkdir -p '{place}' && touch '{place}/mine'").returncode == 0
        told = session.sandboxed(f"touch '{place}/new'")
        assert "Read-only file system" in told.stderr, (place, told)
        told = session.sandboxed(f"chmod 600 '{place}/mine'")
        assert "Read-only file system" in told.stderr, (place, told)
    session.shell("rm -f /tmp/mine /var/tmp/mine")
    cat = session.pictures / "cat.jpg"
    assert "Read-only" in session.sandboxed(f"echo >> '{cat}'").stderr


def test_thumbnails_for_the_desktop_are_made_inside(session: SystemdUser) -> None:
    session.search("a cat", "--in", session.pictures)
    picture = (session.pictures / "cat.jpg").as_uri()
    call = (
        "busctl --user call org.csearch.Csearch1 /org/csearch/SearchProvider "
        f"org.gnome.Shell.SearchProvider2 GetResultMetas as 1 '{picture}'"
    )

    def made() -> bool:
        told = session.shell(call)
        assert told.returncode == 0, told.stderr
        return f"{session.home}/.cache/thumbnails/large/" in told.stdout

    wait_for(made, "a thumbnail")
    (thumbnail,) = (session.home / ".cache/thumbnails/large").iterdir()
    assert thumbnail.stat().st_uid == UID


def test_enter_opens_what_was_found_outside_of_the_sandbox(session: SystemdUser) -> None:
    picture = session.pictures / "it's $HOME, 100%.jpg"
    shutil.copy(session.pictures / "cat.jpg", picture)
    opener = session.home / "bin" / "xdg-open"
    opener.parent.mkdir()
    opener.write_text('#!/bin/sh\nprintf "%s" "$DISPLAY $1" >"$HOME/being"\nmv ~/being ~/opened\n')
    opener.chmod(0o755)
    session.own()
    path = f"{opener.parent}:{session.environment['PATH']}"
    session.systemctl("set-environment", f"PATH={path}", "DISPLAY=:77")
    session.systemctl("restart", SERVICE)
    session.search("a cat", "--wait", "--in", session.pictures)  # only what is known is opened
    try:
        call = (
            "busctl --user call org.csearch.Csearch1 /org/csearch/SearchProvider "
            "org.gnome.Shell.SearchProvider2 ActivateResult sasu {} 0 0"
        )
        told = session.shell(call.format(shlex.quote(desktop_thumbnails.uri(os.fsencode(picture)))))
        assert told.returncode == 0, told.stderr
        opened = session.home / "opened"  # where the service may not write
        wait_for(opened.exists, "a program that is told what to open")
        screen, uri = opened.read_text().split()
        assert screen == ":77"
        assert pictures.from_uri(uri) == os.fsencode(picture)
    finally:
        session.systemctl("unset-environment", "DISPLAY")
        session.systemctl("set-environment", f"PATH={session.environment['PATH']}")
        picture.unlink()


def test_it_has_no_network(session: SystemdUser) -> None:
    links = session.sandboxed("ls /sys/class/net /proc/self/net/dev; cat /proc/self/net/dev").stdout
    names = [line.split(":")[0].strip() for line in links.splitlines() if ":" in line]
    assert not [name for name in names if name.startswith(("eth", "en", "wl"))]
    namespace = os.readlink(f"/proc/{session.main_pid()}/ns/net")
    assert namespace != os.readlink("/proc/self/ns/net")
    with socket.socket() as server:  # of the machine, which the service can't reach
        server.bind(("127.0.0.1", 0))
        server.listen()
        code = f"import socket; socket.create_connection(('127.0.0.1', {server.getsockname()[1]}))"
        told = session.sandboxed(f'python3 -c "{code}"')
        assert (told.returncode and "OSError" in told.stderr) or "Error" in told.stderr
    # The filter of the service's own process, which a process that enters doesn't get.
    status = Path(f"/proc/{session.main_pid()}/status").read_text()
    assert "Seccomp:\t2" in status and "NoNewPrivs:\t1" in status


def test_what_the_user_can_read_is_searched(session: SystemdUser) -> None:
    """Also in /tmp, of other owners, through a group, and on disks mounted later."""
    in_tmp = Path(f"/tmp/csearch-test-{os.getpid()}")
    group = Path(f"/tmp/csearch-group-{os.getpid()}")
    try:
        write_photos(in_tmp, ("cat",))
        (in_tmp / "cat.jpg").chmod(0o644)
        write_photos(group, ("rocket",))
        for path, mode in ((group, 0o750), (group / "rocket.jpg", 0o640)):
            os.chown(path, 0, GROUP)
            path.chmod(mode)
        for directory in (in_tmp, group):
            assert len(session.search("anything", "--in", directory)) == 1
    finally:
        subprocess.run(["rm", "-rf", in_tmp, group], check=True)


# Runs in the service's own process, in its main thread, on a signal: tries to write.
_HOOK = """
import json, os, signal

def attempt(path):
    try:
        os.close(os.open(path, os.O_WRONLY | os.O_CREAT, 0o600))
        return "written"
    except OSError as error:
        return error.strerror

def attempts(number, frame):
    here = os.path.dirname(os.path.abspath(__file__))
    report = {path: attempt(path) for path in open(here + "/paths").read().splitlines()}
    cache = os.path.expanduser("~/.cache/csearch/")
    with open(cache + "report.new", "w") as file:
        json.dump(report, file)
    os.rename(cache + "report.new", cache + "report")

signal.signal(signal.SIGUSR1, attempts)
"""


def test_a_disk_that_is_mounted_later_is_read_and_not_written(session: SystemdUser) -> None:
    hook = session.home / "hook"
    hook.mkdir()
    (hook / "sitecustomize.py").write_text(_HOOK)
    inside = session.data / "new"
    outside = ["/media/stick/new", "/media/stick/coins.jpg", "/dev/shm/new", "/tmp/new"]
    (hook / "paths").write_text("\n".join([*outside, str(inside)]))
    path = ":".join([str(hook), *session.environment.get("PYTHONPATH", "").split(":")])
    session.drop_in(
        f'ExecStart=\nExecStart=/usr/bin/env "PYTHONPATH={path}" {sys.executable} -P -m csearchd'
    )
    source = session.home / "disk"
    write_photos(source, ("coins",))
    session.own()
    mount = "mkdir -p /media/stick && mount -t tmpfs none /media/stick"
    copy = f"cp '{source}/coins.jpg' /media/stick/ && chown -R {UID}:{UID} /media/stick"
    told = session.shell(f"{mount} && {copy}", root=True)
    assert told.returncode == 0, told.stderr
    assert len(session.search("coins", "--in", "/media/stick")) == 1
    assert session.shell("touch /media/stick/new && rm /media/stick/new").returncode == 0
    os.kill(session.main_pid(), signal.SIGUSR1)
    report = session.home / ".cache/csearch/report"
    wait_for(report.exists, "the report of the service")
    told_of = json.loads(report.read_text())
    assert told_of.pop(str(inside)) == "written"
    assert set(told_of) == set(outside)
    assert set(told_of.values()) <= {"Permission denied", "Read-only file system"}, told_of


def test_tags_are_written_from_outside_of_the_sandbox(session: SystemdUser) -> None:
    tagged = session.home / "tagged"
    write_photos(tagged, ("gravel", "coins"))
    session.own()
    session.csearchctl("tags", "write", "--mode", "sidecar", tagged)
    sidecars = list(tagged.glob("*.xmp"))
    assert sidecars and sidecars[0].stat().st_uid == UID
    journal = session.property("csearchd-tagger.service", "ExecMainStartTimestampMonotonic")
    assert int(journal) > 0, "it was the unit that wrote"


def test_a_folder_is_kept_tagged_by_the_unit(session: SystemdUser) -> None:
    """Again and again, with pauses in which it ends; what the service can't write, the unit can."""
    kept = session.home / "kept"
    kept.mkdir()
    session.config.parent.mkdir(parents=True, exist_ok=True)
    session.config.write_text("[tags]\nconfidence = 1\n")
    session.own()
    session.csearchctl("reload")
    told = session.csearchctl("tags", "on", "--mode", "xattr", kept)
    assert b"tagged and watched" in told.stdout
    starts: set[str] = set()
    # More than the manager's limit for starts of a unit in ten seconds, if it had one
    assert session.property(TAGGER, "StartLimitIntervalUSec") == "0"
    for name in ("coffee", "cat"):
        wait_for(lambda: session.property(TAGGER, "ActiveState") == "inactive", "the unit's end")
        (path,) = write_photos(session.home, (name,))
        session.own()
        arrived = path.rename(kept / path.name)
        wait_for(lambda: "user.xdg.tags" in os.listxattr(arrived), "tags")  # noqa: B023
        assert arrived.stat().st_uid == UID
        starts.add(session.property(TAGGER, "ExecMainStartTimestampMonotonic"))
        refused = session.sandboxed(f"echo more >> '{arrived}'")
        assert refused.returncode != 0 and "Read-only file system" in refused.stderr
        refused = session.sandboxed(
            f'{sys.executable} -c \'import os; os.setxattr("{arrived}", "user.a", b"1")\''
        )
        assert refused.returncode != 0 and "OSError" in refused.stderr
    assert len(starts) == 2 and "0" not in starts, "it was the unit that wrote"
    (folder,) = session.status()["tags"]["folders"]
    assert folder.pop("path") == str(kept)
    assert folder == {"mode": "xattr", "present": True, "watched": True, "left": 0}
    session.csearchctl("tags", "undo", kept)
    assert [os.listxattr(path) for path in kept.iterdir()] == [[], []]
    assert not session.status()["tags"]["folders"]
    session.csearchctl("remove", kept)


def test_a_hung_service_is_started_again(session: SystemdUser) -> None:
    session.drop_in("WatchdogSec=2\nTimeoutAbortSec=1")
    pid = session.main_pid()
    os.kill(pid, signal.SIGSTOP)
    wait_for(lambda: session.main_pid() not in (0, pid), "another process")
    assert session.search("a cat", "--in", session.pictures)
    assert session.property(SERVICE, "NRestarts") == "1"


def test_uninstall_leaves_a_service_that_clients_start(session: SystemdUser) -> None:
    session.csearchctl("uninstall")
    assert session.property(SERVICE, "LoadState") in ("not-found", "loaded")
    assert not (session.home / ".config/systemd/user/csearchd.socket").exists()
    assert not list((session.home / ".config/systemd/user").glob("*.wants/csearchd*"))
    assert session.search("a cat", "--in", session.pictures)
    assert session.main_pid() == 0 or session.status()["pid"] != session.main_pid()
    session.csearchctl("install")
    wait_for(lambda: session.main_pid() == session.status()["pid"], "the unit taking over")
    assert session.search("a cat", "--in", session.pictures)
