"""csearchctl doctor: what keeps csearch from working as it should, each with a remedy."""

from __future__ import annotations

import os
import sqlite3
import subprocess
import sys
import time
from importlib import metadata
from pathlib import Path

import pytest
from home import Home

from csearchd.library.schema import APPLICATION_ID


def lines(home: Home) -> list[tuple[str, str, str]]:
    """Level, subject and text with the advice, of each finding."""
    done = home.ask("csearchctl", "doctor")
    assert done.stderr == b""
    found: list[tuple[str, str, str]] = []
    for line in done.stdout.decode().splitlines():
        if line.startswith(" "):
            level, subject, text = found[-1]
            found[-1] = (level, subject, text + line)
        else:
            found.append((line[:4].strip(), line[6:19].strip(), line[21:]))
    return found


def finding(home: Home, subject: str) -> tuple[str, str]:
    """Level and text of the gravest finding on a subject."""
    found = [(level, text) for level, name, text in lines(home) if name == subject]
    return min(found, key=lambda each: ["fail", "warn", "ok"].index(each[0]))


def database(path: Path, *statements: str) -> None:
    connection = sqlite3.connect(path)
    for statement in statements:
        connection.execute(statement)
    connection.commit()
    connection.close()


def test_a_library_of_random_bytes(home: Home) -> None:
    path = home.data / "library.sqlite"
    path.write_bytes(os.urandom(50_000))
    level, text = finding(home, "library")
    assert level == "fail" and str(path) in text and "backup" in text
    assert len(path.read_bytes()) == 50_000, "it stays as it is"


def test_a_damaged_page_of_the_library(home: Home) -> None:
    home.take_photos(("cat",))
    assert home.search("a cat", "--in", home.pictures)
    home.csearchctl("stop")
    assert finding(home, "library")[0] == "ok"
    path = home.data / "library.sqlite"
    content = bytearray(path.read_bytes())
    content[3 * 16384 : 20 * 16384] = os.urandom(17 * 16384)
    path.write_bytes(content)
    level, text = finding(home, "library")
    assert level == "fail" and "is damaged" in text


def test_a_directory_in_the_place_of_the_library(home: Home) -> None:
    path = home.data / "library.sqlite"
    path.mkdir()
    level, text = finding(home, "library")
    assert level == "fail" and f"mv {path} {path}.old" in text
    done = home.ask("csearchctl", "start")
    assert done.returncode == 2 and f"mv {path} {path}.old".encode() in done.stderr


def test_a_library_that_may_not_be_read(home: Home) -> None:
    path = home.data / "library.sqlite"
    database(path, f"PRAGMA application_id = {APPLICATION_ID}")
    path.chmod(0)
    told = home.csearchctl("doctor", check=None, plain=True).stdout.decode()
    assert any(line.startswith("fail  library") for line in told.splitlines()), told
    assert f"chmod u+rw {path}" in told


def test_a_library_of_a_newer_version(home: Home) -> None:
    database(
        home.data / "library.sqlite",
        "CREATE TABLE directories (id)",
        f"PRAGMA application_id = {APPLICATION_ID}",
        "PRAGMA user_version = 999",
    )
    level, text = finding(home, "library")
    assert level == "fail" and "newer csearch" in text and "XDG_DATA_HOME" in text


def test_a_database_of_another_program(home: Home) -> None:
    database(home.data / "library.sqlite", "CREATE TABLE notes (text)")
    level, text = finding(home, "library")
    assert level == "fail" and "another program" in text


def test_the_session_bus(home: Home) -> None:
    home.environment.pop("DBUS_SESSION_BUS_ADDRESS", None)
    home.environment.pop("WAYLAND_DISPLAY", None)
    home.environment.pop("DISPLAY", None)
    assert finding(home, "session bus")[0] == "ok", "nobody has a screen here"
    home.environment["DISPLAY"] = ":99"
    level, text = finding(home, "session bus")
    assert level == "warn" and "dbus-run-session csearch --window" in text
    home.environment["DBUS_SESSION_BUS_ADDRESS"] = f"unix:path={home.runtime}/gone,guid=1"
    level, text = finding(home, "session bus")
    assert level == "warn" and f"{home.runtime}/gone" in text


def test_programs_that_are_missing(home: Home) -> None:
    empty = home.home / "bin"
    empty.mkdir()
    home.environment["PATH"] = str(empty)
    level, text = finding(home, "exiftool")
    assert level == "warn" and "libimage-exiftool-perl" in text


@pytest.fixture
def environment(home: Home) -> Path:
    """A directory with a Python of this environment and commands: they are what is run."""
    bin_ = home.home / "venv" / "bin"
    bin_.mkdir(parents=True)
    for name in ("csearch", "csearchctl"):
        (bin_ / name).write_text("#!/bin/sh\n")
        (bin_ / name).chmod(0o755)
    (bin_ / "python").symlink_to(sys.executable)
    return bin_


def doctor_of(home: Home, bin_: Path) -> str:
    places = os.pathsep.join(place for place in sys.path if place)
    done = subprocess.run(
        [bin_ / "python", "-P", "-m", "csearch.control", "doctor"],
        env={**home.environment, "PYTHONPATH": places},
        cwd=home.home,
        capture_output=True,
    )
    return done.stdout.decode()


def test_commands_that_a_shell_does_not_find(home: Home, environment: Path) -> None:
    local = home.home / ".local" / "bin"
    local.mkdir()
    home.environment["PATH"] = f"{local}:/usr/bin:/bin"
    assert "csearch isn't in the directories of PATH" in doctor_of(home, environment)
    (local / "csearch").symlink_to(home.home / "old" / "csearch")
    said = doctor_of(home, environment)
    assert f"{local}/csearch is a link to a file that is gone" in said
    assert f"ln -sf {environment}/csearch {environment}/csearchctl ~/.local/bin/" in said
    (local / "csearch").unlink()
    (local / "csearch").write_text("#!/bin/sh\n")
    (local / "csearch").chmod(0o755)
    assert "of another environment than" in doctor_of(home, environment)
    for name in ("csearch", "csearchctl"):
        (local / name).unlink(missing_ok=True)
        (local / name).symlink_to(environment / name)
    assert f"ok    PATH           csearch is {local}/csearch" in doctor_of(home, environment)


def test_a_service_of_an_environment_that_was_moved(home: Home, environment: Path) -> None:
    places = os.pathsep.join(place for place in sys.path if place)
    daemon = subprocess.Popen(
        [environment / "python", "-P", "-m", "csearchd"],
        env={**home.environment, "PYTHONPATH": places},
        cwd=home.home,
        stderr=subprocess.DEVNULL,
    )
    try:
        while not home.answers():
            assert daemon.poll() is None
            time.sleep(0.05)
        level, text = finding(home, "service")
        assert level == "warn" and "from another environment" in text
        assert "csearchctl stop && csearchctl start" in text
        environment.parent.rename(home.home / "moved")
        level, text = finding(home, "service")
        assert level == "warn" and "was moved or deleted" in text
    finally:
        daemon.kill()
        daemon.wait()


def test_a_manual_that_man_does_not_find(home: Home) -> None:
    home.csearchctl("install", "--all")
    home.environment["PATH"] = "/usr/bin:/bin"
    home.environment["MANPATH"] = "/nowhere"
    level, text = finding(home, "MANPATH")
    pages = home.data.parent / "man"
    assert level == "warn" and f"export MANPATH={pages}:" in text
    home.environment["MANPATH"] = f"{pages}:"
    assert finding(home, "MANPATH")[0] == "ok"


def test_advice_to_install_names_where_csearch_came_from(home: Home) -> None:
    record = home.home / "stand-ins" / "csearch-0.1.0.dist-info"
    record.mkdir(parents=True)
    version = metadata.version("msgpack")
    (record / "METADATA").write_text(
        "Metadata-Version: 2.1\nName: csearch\nVersion: 0.1.0\n"
        f"Requires-Dist: msgpack=={version}\nRequires-Dist: no-such-package\n"
    )
    clone = home.home / "my clone"
    clone.mkdir()
    (record / "direct_url.json").write_text(
        f'{{"url": "{clone.as_uri()}", "dir_info": {{"editable": true}}}}'
    )
    home.environment["PYTHONPATH"] = str(record.parent)
    level, text = finding(home, "packages")
    assert level == "fail" and "no-such-package" in text
    assert f"-m pip install -e '{clone}'" in text
    clone.rmdir()
    assert "in a clone of csearch: " in finding(home, "packages")[1]
