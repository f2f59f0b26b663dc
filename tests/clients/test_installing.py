"""csearchctl install and uninstall, where no service manager answers."""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from csearch.installation import render
from support.user import User

UNIT = Path(".config/systemd/user/csearchd.service")
BUS = Path(".local/share/dbus-1/services/org.csearch.Csearch1.service")
RUNNER = Path(".local/share/krunner/dbusplugins/org.csearch.krunner.desktop")


@pytest.fixture
def user(tmp_path_factory: pytest.TempPathFactory) -> Iterator[User]:
    """A user who has no configuration."""
    with User(tmp_path_factory.mktemp("u"), reads_words=True) as someone:
        yield someone


def files(user: User) -> dict[str, bytes]:
    found = (path for path in user.home.rglob("*") if path.is_file() and not path.is_symlink())
    return {str(path.relative_to(user.home)): path.read_bytes() for path in found}


def bare(user: User, *programs: str) -> None:
    """Gives the user a PATH with nothing but these programs, which do nothing."""
    path = user.home.parent / f"{user.home.name}-bin"
    path.mkdir(exist_ok=True)
    for program in programs:
        (path / program).write_text("#!/bin/sh\nexit 1\n")
        (path / program).chmod(0o755)
    user.environment["PATH"] = str(path)


def test_install_twice_and_uninstall_leave_nothing_behind(user: User) -> None:
    (user.home / ".config").mkdir()
    before = sorted(map(str, user.home.rglob("*")))
    user.csearchctl("install", "--all")
    once = files(user)
    assert {str(UNIT), str(BUS), str(RUNNER)} <= set(once)
    again = user.csearchctl("install", "--all").stdout.decode()
    assert "installs" not in again
    assert files(user) == once
    user.csearchctl("uninstall")
    assert sorted(map(str, user.home.rglob("*"))) == before
    assert b"Nothing is installed" in user.csearchctl("uninstall").stdout


def test_only_desktops_that_are_there(user: User) -> None:
    bare(user, "systemctl", "dbus-daemon")
    user.csearchctl("install")
    there = set(files(user))
    assert {str(UNIT), str(BUS)} <= there and str(RUNNER) not in there
    bare(user, "krunner")
    user.csearchctl("install")
    assert str(RUNNER) in files(user)


def test_dry_runs_say_it_and_do_nothing(user: User) -> None:
    told = user.csearchctl("install", "--all", "--dry-run").stdout.decode()
    assert f"would install {user.home / UNIT}\n" in told
    assert not files(user)
    user.csearchctl("install", "--all")
    once = files(user)
    assert str(UNIT) in user.csearchctl("uninstall", "--dry-run").stdout.decode()
    assert files(user) == once


def test_a_second_time_says_that_all_is_there(user: User) -> None:
    user.csearchctl("install", "--all")
    assert b"Everything is installed already." in user.csearchctl("install", "--all").stdout


def test_what_root_has_to_do_is_one_command(user: User, tmp_path: Path) -> None:
    bare(user, "gnome-shell")
    told = user.csearchctl("install").stdout.decode()
    (command,) = [line.strip() for line in told.splitlines() if "sudo" in line]
    target = command.split()[-1]
    assert target.startswith("/usr/local/share/gnome-shell/search-providers/")
    command = command.removeprefix("sudo ").replace(target, str(tmp_path / "x" / "a.ini"))
    subprocess.run(["sh", "-c", command], check=True)
    assert "org.csearch.Csearch1" in (tmp_path / "x" / "a.ini").read_text()


def test_changed_files_are_kept_and_named(user: User) -> None:
    unit = user.home / UNIT
    unit.parent.mkdir(parents=True)
    unit.write_text("mine\n")
    done = user.csearchctl("install", "--all")
    assert unit.read_text() == "mine\n" and str(unit) in done.stderr.decode()
    bus = user.home / BUS
    bus.write_text(bus.read_text() + "# mine too\n")
    done = user.csearchctl("uninstall")
    assert bus.exists() and str(bus) in done.stderr.decode()
    assert unit.exists() and not (user.home / RUNNER).exists()


def test_a_new_version_renews_what_is_unchanged(user: User) -> None:
    user.environment["XDG_CACHE_HOME"] = str(user.home / "elsewhere")
    user.csearchctl("install", "--all")
    assert "elsewhere/csearch" in (user.home / UNIT).read_text()
    del user.environment["XDG_CACHE_HOME"]
    assert b"installs" in user.csearchctl("install", "--all").stdout
    assert "elsewhere" not in (user.home / UNIT).read_text()


def test_doctor_notices_what_has_moved_or_gone(user: User) -> None:
    def told() -> str:
        lines = user.csearchctl("doctor", check=None).stdout.decode().splitlines()
        start = next(i for i, line in enumerate(lines) if "integrations" in line)
        return "\n".join(lines[start : start + 2])

    assert told().startswith("ok")
    user.csearchctl("install", "--all")
    assert told().startswith("ok")
    moved = user.home / "moved-python"
    moved.symlink_to(sys.executable)
    manifest = user.data / "installed.json"
    manifest.write_text(manifest.read_text().replace(sys.executable, str(moved)))
    assert told().startswith("warn") and "csearchctl install" in told()
    user.csearchctl("install", "--all")
    assert told().startswith("ok")
    # As a version before this one would have written it.
    now = (user.home / UNIT).read_bytes()
    (user.home / UNIT).write_bytes(now + b"# older\n")
    digests = [hashlib.sha256(text).hexdigest() for text in (now, now + b"# older\n")]
    manifest.write_text(manifest.read_text().replace(*digests))
    assert told().startswith("warn") and str(UNIT) in told() and "csearchctl install" in told()
    user.csearchctl("install", "--all")
    assert told().startswith("ok") and (user.home / UNIT).read_bytes() == now
    (user.home / UNIT).unlink()
    assert told().startswith("warn") and str(UNIT) in told()


def test_installed_commands_run_this_environment(user: User) -> None:
    user.csearchctl("install", "--all")
    (line,) = [x for x in (user.home / BUS).read_text().splitlines() if x.startswith("Exec=")]
    command = line.removeprefix("Exec=") + " --version"
    done = subprocess.run(["sh", "-c", command], env={"HOME": str(user.home)}, capture_output=True)
    assert done.stdout.startswith(b"csearchd "), done
    for name in (UNIT, BUS):
        assert not re.search("@[A-Z]+@", (user.home / name).read_text())


@pytest.mark.parametrize("name", ["100%", "a\tb", "\udcff"])
def test_paths_that_units_cannot_hold_are_refused(user: User, name: str) -> None:
    user.environment["XDG_DATA_HOME"] = str(user.home / name)
    done = user.csearchctl("install", "--all", check=2)
    assert b"in a path can't be installed" in done.stderr and b"Traceback" not in done.stderr
    assert not (user.home / UNIT).exists()


def test_systemd_runs_a_python_with_a_quote_in_its_path(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    for variable in ("XDG_CONFIG_HOME", "XDG_DATA_HOME", "XDG_CACHE_HOME", "PYTHONPATH"):
        monkeypatch.delenv(variable, raising=False)
    directory = tmp_path / "it's mine"
    directory.mkdir()
    (directory / "python3").symlink_to("/bin/true")
    monkeypatch.setattr(sys, "executable", str(directory / "python3"))
    unit = tmp_path / "some.service"
    unit.write_text(f"[Service]\nExecStart={render.command()}\n")
    verify = ["systemd-analyze", "--user", "verify", unit]
    environment = {"PATH": os.defpath, "XDG_RUNTIME_DIR": str(tmp_path), "HOME": str(tmp_path)}
    done = subprocess.run(verify, env=environment, capture_output=True, text=True)
    assert "some.service" not in done.stderr, done.stderr


@pytest.mark.skipif(
    shutil.which("desktop-file-validate") is None, reason="needs desktop-file-utils"
)
def test_desktop_files_are_valid(user: User) -> None:
    user.csearchctl("install", "--all")
    found = list(user.home.rglob("*.desktop"))
    assert found
    done = subprocess.run(["desktop-file-validate", *found], capture_output=True, text=True)
    # KDE's service menus have keys that the standard gives to applications alone.
    of_kde = 'only valid for type "Application"'
    errors = [line for line in done.stdout.splitlines() if "error:" in line and of_kde not in line]
    assert not errors and os.path.exists(found[0])


@pytest.mark.parametrize(
    "text",
    [
        "{",
        "[]",
        '{"files": null}',
        '{"files": {"/x": 5}}',
        '{"files": {"x": "0"}, "directories": []}',
    ],
)
def test_a_damaged_record_is_told(user: User, text: str) -> None:
    record = user.data / "installed.json"
    record.parent.mkdir(parents=True)
    record.write_text(text)
    done = user.csearchctl("uninstall", check=2)
    assert f"{record}: is damaged; remove it".encode() in done.stderr
    done = user.csearchctl("doctor", check=None)
    assert done.stderr == b"" and b"installed.json: is damaged" in done.stdout


def test_a_directory_in_the_place_of_a_file_stays(user: User) -> None:
    user.csearchctl("install", "--all")
    unit = user.home / ".config" / "systemd" / "user" / "csearchd.service"
    unit.unlink()
    unit.mkdir()
    assert b"changed" in user.csearchctl("doctor", check=None).stdout
    user.csearchctl("uninstall")
    assert unit.is_dir()
