"""The commands with the real service, as a user sees them in the first minutes."""

from __future__ import annotations

import json
import os
import re
import signal
from collections.abc import Iterator

import pytest
from home import Home

from support.photos import write_drawn
from support.user import wait_for


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Home]:
    with Home(tmp_path_factory.mktemp("r")) as someone:
        yield someone


@pytest.fixture
def guest(running: Home, tmp_path_factory: pytest.TempPathFactory) -> Home:
    """A home whose service may know more than the pictures of this test."""
    running.pictures = tmp_path_factory.mktemp("pictures")
    return running


def test_whatever_a_test_does_nothing_of_it_goes_on(tmp_path_factory: pytest.TempPathFactory):
    """Not even by a command that is about to start a service."""
    someone = Home(tmp_path_factory.mktemp("f"))
    with pytest.raises(AssertionError, match="a failure"), someone:
        someone.begin("csearch", "a cat")
        wait_for(lambda: someone.pids("csearch.search"), "a search")
        raise AssertionError("a failure")
    assert not someone.pids("csearch.search") and not someone.pids("csearchd")


def test_first_search_second_search_and_the_end(home: Home):
    photos = {os.fsencode(path) for path in home.take_photos()}
    first = home.ask("csearch", "a", "cat", "-t", "3")
    assert first.returncode == 0
    found = first.stdout.splitlines()
    assert len(found) == 3
    assert set(found) <= photos
    assert b"reading 8 new pictures" in first.stderr
    second = home.ask("csearch", "a cat", "-t3")
    assert (second.stdout, second.stderr) == (first.stdout, b"")

    page = home.ask("csearchctl", "status").stdout.decode()
    assert "● idle" in page
    assert "8 can be found" in page
    assert "8 pictures; 0 recognised" in page
    said = home.status()
    assert (said["state"], said["images"], said["pending"]) == ("idle", 8, 0)

    assert home.ask("csearchctl", "stop").stdout == b"The search service has stopped.\n"
    assert not home.pids("csearchd")
    assert home.ask("csearchctl", "stop").stdout == b"The search service is not running.\n"
    assert home.ask("csearchctl", "status").returncode == 1


def test_table_on_a_terminal(guest: Home):
    guest.take_photos()
    guest.ask("csearch", "x")
    output, status = guest.terminal("csearch", "coffee", NO_COLOR="1", VTE_VERSION="7000").finish()
    assert status == 0
    plain = re.sub(r"\x1b\]8;;[^\x1b]*\x1b\\", "", output)
    lines = [line for line in plain.splitlines() if not line.startswith("csearch: nothing matches")]
    assert lines and all(
        re.fullmatch(r"[ -]\d\.\d{3}  (weak|fair|strong) +\w+\.jpg(  by name)?", line)
        for line in lines
    )
    assert output.count("\x1b]8;;file://") == 8


def test_a_link_is_followed_before_its_parent_is_taken(guest: Home):
    elsewhere = guest.pictures / "elsewhere"
    (elsewhere / "sub").mkdir(parents=True)
    (source,) = guest.take_photos(("cat",))
    source.rename(elsewhere / "cat.jpg")
    guest.take_photos(("coffee",))
    (guest.pictures / "link").symlink_to(elsewhere / "sub")
    found = guest.ask("csearch", "--in", "link/..", "x").stdout
    assert found == os.fsencode(elsewhere / "cat.jpg") + b"\n"


def test_names_of_every_kind(guest: Home):
    (source,) = guest.take_photos(("cat",))
    names = [b"new\nline.jpg", b'quote\'s "x".jpg', b"bytes\xff.jpg", "Straße 東京.jpg".encode()]
    paths = {os.fsencode(guest.pictures) + b"/" + name for name in names}
    for path in paths:
        with open(path, "wb") as file:
            file.write(source.read_bytes())
    source.unlink()
    assert set(guest.ask("csearch", "-0", "cat").stdout.split(b"\0")) == paths | {b""}
    rows = [json.loads(row) for row in guest.ask("csearch", "--json", "cat").stdout.splitlines()]
    assert len(rows) == 4
    assert sum("path_b64" in row for row in rows) == 1


@pytest.mark.parametrize(
    ("directory", "said"), [("nowhere", "no such directory"), ("cat.jpg", "not a directory")]
)
def test_directories_that_are_none(guest: Home, directory, said):
    guest.take_photos(("cat",))
    for command in (["csearch", "--in", directory, "dog"], ["csearchctl", "add", directory]):
        done = guest.ask(*command)
        assert (done.returncode, done.stdout) == (2, b"")
        assert f"{guest.pictures / directory}: " in done.stderr.decode()
        assert said in done.stderr.decode()


def test_roots(home: Home):
    home.take_photos()
    assert home.ask("csearchctl", "add", ".").returncode == 0
    status = home.status()
    assert status["pending"] or status["state"] != "idle" or status["images"] == 8
    home.settle()
    assert home.ask("csearchctl", "roots").stdout == os.fsencode(home.pictures) + b"\n"
    shown = home.ask("csearchctl", "status").stdout  # the end of a long path
    assert os.fsencode(home.pictures)[-10:] in shown
    assert len(home.ask("csearch", "-g", "dog").stdout.splitlines()) == 8
    assert home.ask("csearchctl", "remove", ".").returncode == 0
    assert home.ask("csearchctl", "roots").stdout == b""
    assert home.ask("csearchctl", "remove", ".").returncode == 2


def test_a_picture_that_fails_is_told(guest: Home):
    guest.take_photos(("cat",))
    (guest.pictures / "broken.jpg").write_bytes(b"\xff\xd8\xff\xe0 no picture")
    first = guest.ask("csearch", "cat")
    assert first.stdout == os.fsencode(guest.pictures / "cat.jpg") + b"\n"
    assert b"1 picture could not be read; csearchctl failed" in first.stderr
    assert guest.ask("csearch", "cat").stderr == b""  # it was told
    failed = guest.ask("csearchctl", "failed")
    path, _, reason = failed.stdout.rstrip(b"\n").partition(b"\t")
    assert path == os.fsencode(guest.pictures / "broken.jpg")
    assert reason


def test_forget(guest: Home):
    guest.take_photos(("cat",))
    guest.ask("csearch", "cat")
    assert guest.ask("csearchctl", "forget", "cat.jpg").stdout == b"1 file forgotten.\n"
    assert guest.ask("csearchctl", "forget", "/nowhere").returncode == 2


def test_pause_is_shown_and_undone(guest: Home):
    guest.take_photos(("cat",))
    assert guest.ask("csearchctl", "pause").returncode == 0
    assert b"paused" in guest.ask("csearchctl", "status").stdout
    assert guest.ask("csearchctl", "resume").returncode == 0
    assert guest.status()["state"] != "paused"


def test_ctrl_c_leaves_the_service_at_work(home: Home):
    write_drawn(home.pictures, 3000)
    terminal = home.terminal("csearch", "red", NO_COLOR="1")
    terminal.process.expect("Reading 3,000 pictures")
    terminal.process.sendintr()
    output, status = terminal.finish()
    assert status in (0, 1)  # with results or before any
    assert "Traceback" not in output
    assert "the search service continues" in output
    before = home.status()
    assert before["pending"]
    wait_for(lambda: home.status()["pending"] < before["pending"], "the service to go on")


def test_ten_first_clients_at_once(home: Home):
    home.take_photos(("cat", "coffee"))
    clients = [home.begin("csearch", "cat") for _ in range(10)]
    answers = [client.communicate(timeout=120) for client in clients]
    assert {output for output, _ in answers} == {answers[0][0]}
    assert all(client.returncode == 0 for client in clients), answers
    assert len(answers[0][0].splitlines()) == 2
    assert len(home.pids("csearchd")) == 1


def test_a_daemon_that_was_killed_is_replaced(home: Home):
    home.take_photos(("cat",))
    home.ask("csearch", "cat")
    (pid,) = home.pids("csearchd")
    os.kill(pid, signal.SIGKILL)
    wait_for(lambda: not home.pids("csearchd"), "the end of the daemon")
    assert home.address.exists()  # stale
    assert home.ask("csearchctl", "status").returncode == 1
    assert home.ask("csearch", "cat").stdout == os.fsencode(home.pictures / "cat.jpg") + b"\n"


def test_wrong_configuration_is_told_by_the_first_search(home: Home):
    home.config.parent.mkdir(parents=True, exist_ok=True)
    home.config.write_text("[encode]\nthread = 3\n")
    done = home.ask("csearch", "cat")
    assert done.returncode == 2
    assert b"config.toml, line 2: unknown key encode.thread" in done.stderr
    assert b"Traceback" not in done.stderr
