"""Completions of options, subcommands and values, and when there are none."""

from __future__ import annotations

import shutil
import socket
import stat
import threading
from collections.abc import Iterator

import pytest

from support.album import write_photo, xmp
from support.user import User, wait_for


def offered(user: User, *words: str, command: str = "csearch") -> list[str]:
    """The completions that fish gets for the last of some words."""
    done = user.run("csearch.completing", "fish", command, *words, check=None)
    assert not done.stderr
    return [line.partition("\t")[0] for line in done.stdout.decode().splitlines()[1:]]


def until(user: User, expected: list[str], *words: str, command: str = "csearch") -> None:
    """Waits until these are the completions; a single call gives none if the service is slow."""
    try:
        wait_for(lambda: offered(user, *words, command=command) == expected, words[-1])
    except AssertionError:
        assert offered(user, *words, command=command) == expected


def until_past(user: User, *expected: str) -> None:
    """As `completed`, for past queries only."""
    try:
        wait_for(lambda: past(user) == [*expected], "past queries")
    except AssertionError:
        assert past(user) == [*expected]


def past(user: User) -> list[str]:
    """The past queries, the latest first."""
    done = user.run("csearch.completing", "fish", "csearch", "")
    lines = done.stdout.decode().splitlines()
    return [line.partition("\t")[0] for line in lines if line.endswith("\tasked before")]


@pytest.fixture
def asked(user: User) -> Iterator[User]:
    """A user with past queries."""
    write_photo(user.pictures / "cat.jpg", "cat")
    for query in ("a red boat", "a cat", "a  red boat"):
        user.search(query, "--in", user.pictures)
    wait_for(lambda: past(user)[:1] == ["a red boat"], "the last query to be kept")
    yield user


def test_past_queries_are_offered_once_and_the_latest_first(asked: User) -> None:
    until_past(asked, "a red boat", "a cat")
    assert stat.S_IMODE((asked.data / "history").stat().st_mode) == 0o600
    asked.csearchctl("stop")
    asked.start()
    until_past(asked, "a red boat", "a cat")


def test_past_queries_are_cleared(asked: User) -> None:
    assert asked.csearchctl("history", "clear").stdout == b"2 past queries deleted.\n"
    assert not (asked.data / "history").exists()
    asked.search("a dog", "-g")
    until_past(asked, "a dog")


def test_past_queries_can_be_switched_off(asked: User) -> None:
    asked.config.parent.mkdir(parents=True, exist_ok=True)
    asked.config.write_text("[history]\nkeep = false\n")
    asked.csearchctl("reload")
    before = (asked.data / "history").read_bytes()
    asked.search("a dog", "-g")
    asked.csearchctl("stop")  # nothing is left to be written
    assert (asked.data / "history").read_bytes() == before
    asked.start()
    assert past(asked) == []


def test_a_forgotten_path_is_forgotten_in_queries_too(asked: User) -> None:
    path = asked.pictures / "cat.jpg"
    write_photo(asked.pictures / "moon.jpg", "moon")
    asked.search(f"{path} + snow", "--wait", "--in", asked.pictures)
    wait_for(lambda: f"{path} + snow" in past(asked), "the query to be kept")
    asked.csearchctl("forget", asked.pictures)
    until_past(asked, "a red boat", "a cat")


def test_a_picture_relative_to_a_directory_is_not_kept(asked: User) -> None:
    write_photo(asked.pictures / "moon.jpg", "moon")
    asked.csearch("./cat.jpg", "+", "rain", "--wait", cwd=asked.pictures)
    asked.search("a dog", "-g")
    until_past(asked, "a dog", "a red boat", "a cat")


def test_what_moves_a_cursor_is_not_kept(asked: User) -> None:
    asked.search("a \x1b[2J dog", "-g")
    asked.search("a dog", "-g")
    until_past(asked, "a dog", "a red boat", "a cat")


def test_the_history_does_not_grow_for_ever(asked: User) -> None:
    asked.csearchctl("stop")
    file = asked.data / "history"
    file.write_text("".join(f"query {number}\n" for number in range(1500)))
    asked.search("a dog", "-g")
    wait_for(lambda: "a dog" in past(asked), "the query to be kept")
    assert len(file.read_text().splitlines()) <= 501


def test_without_a_service_only_options_are_offered_and_none_is_started(user: User) -> None:
    assert offered(user, "tag:") == [] and offered(user, "two ") == []
    assert offered(user, "--rev") == ["--reverse"]
    assert offered(user, "resu", command="csearchctl") == ["resume"]
    assert not user.pids("csearchd") and not user.answers()


def test_a_service_that_hangs_is_not_waited_for(user: User) -> None:
    user.address.parent.mkdir(mode=0o700)
    with socket.socket(socket.AF_UNIX) as deaf:
        deaf.bind(str(user.address))
        deaf.listen()
        taken: list[socket.socket] = []
        threading.Thread(target=lambda: taken.append(deaf.accept()[0]), daemon=True).start()
        assert offered(user, "tag:") == []
        wait_for(lambda: taken, "the question")


def test_a_socket_of_systemd_is_left_alone_while_no_service_runs(user: User) -> None:
    (user.runtime / "systemd").mkdir()
    (user.runtime / "systemd/private").touch()
    user.address.parent.mkdir(mode=0o700)
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(str(user.address))
        listening.listen()
        listening.setblocking(False)
        assert offered(user, "tag:") == []
        with pytest.raises(BlockingIOError):
            listening.accept()


def test_a_mistake_is_no_complaint(user: User) -> None:
    for words in (("nonsense", "x"), ("model", "nonsense", "x"), ("--nonsense", "x")):
        assert offered(user, *words, command="csearchctl") == []
    assert user.run("csearch.completing", check=1).stderr == b""


def test_each_option_is_offered_but_those_already_given(user: User) -> None:
    assert "--sort" in offered(user, "-") and "--sort" not in offered(user, "--sort", "date", "-")
    assert "--in" in offered(user, "--in", "/tmp", "-")
    assert offered(user, "--", "-") == []


def test_only_what_pictures_have_is_offered(user: User) -> None:
    for name, camera in (("a", "Nikon"), ("b", "Canon")):
        write_photo(
            user.pictures / f"{name}.jpg", "cat" if name == "a" else "moon", camera=(camera, "X")
        )
    user.search("a cat", "--in", user.pictures)
    wait_for(lambda: len(offered(user, "camera:")) == 2, "both cameras")
    (user.pictures / "b.jpg").unlink()
    user.search("a cat", "--wait", "--in", user.pictures)
    until(user, ['camera:"nikon x"'], "camera:")
    until(user, ["CAMERA:x"], "CAMERA:x")
    assert offered(user, "near:") == []


def test_numbers_dates_and_folders_of_pictures_are_offered(user: User) -> None:
    for place, taken, iso, stars in (
        ("Holidays/Beach 2019/a", "2019:07:03 10:00:00", 100, 5),
        ("Holidays/2021/b", "2021:01:30 10:00:00", 800, 3),
        ("Work/c", "2021:02:01 10:00:00", 6400, 0),
    ):
        path = user.pictures / f"{place}.jpg"
        packet = xmp(rating=stars) if stars else b""
        write_photo(path, "cat", size=(2000, 1500), taken=taken, iso=iso, packet=packet)
    (user.pictures / "Hollow").mkdir()
    user.csearchctl("add", user.pictures)
    user.settle()
    until(user, ["iso:100", "iso:800", "iso:6400", "iso:>=800", "iso:>=6400"], "iso:")
    until(user, ["iso:>6400"], "iso:>6")
    until(user, ["not:iso:800"], "not:iso:8")
    until(user, ["rating:3", "rating:5", "rating:>=5"], "rating:")
    until(user, ["size:3MP"], "size:")
    until(user, ["folder:holidays"], "folder:hol")
    until(user, ["folder:Holidays/2021", 'folder:"Holidays/Beach 2019"'], "folder:Holidays/")
    until(user, ["after:2021", "after:2019"], "after:20")
    until(user, ["on:2021-02", "on:2021-01"], "on:2021-")
    until(user, ["on:2021-01-30"], "on:2021-01-")
    until(user, ["date:2019..2021-02", "date:2019..2021-01"], "date:2019..2021-")


def test_names_of_places_near_pictures_are_offered(user: User) -> None:
    write_photo(user.pictures / "a.jpg", "cat", place=(38.72, -9.14))
    user.search("a cat", "--in", user.pictures)
    until(user, ["near:Lisbon"], "near:Lisb")


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_scripts_are_valid_and_installed(user: User, shell: str) -> None:
    if not shutil.which(shell):
        pytest.skip(f"needs the package {shell}")
    script = user.home / "script"
    script.write_bytes(user.csearchctl("completion", shell).stdout)
    assert b"@PYTHON@" not in script.read_bytes()
    user.csearchctl("install", "--all")
    place = {
        "bash": "bash-completion/completions/csearchctl",
        "zsh": "zsh/site-functions/_csearch",
        "fish": "fish/vendor_completions.d/csearchctl.fish",
    }[shell]
    assert (user.home / ".local/share" / place).read_bytes() == script.read_bytes()


def test_what_was_taught_is_offered(asked: User) -> None:
    cat = asked.pictures / "cat.jpg"
    asked.csearchctl("teach", "our cat Felix", cat)
    until(asked, ["Felix"], "Fel")
    assert offered(asked, "remove", "our", command="csearchctl") == []
    until(asked, ["our cat Felix"], "concepts", "remove", "our", command="csearchctl")
