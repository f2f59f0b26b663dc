"""The units of a package, which are the same for all users, in a real systemd of one of them."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from support.systemd_user import SystemdUser, needs_systemd

pytestmark = needs_systemd

PLACES = Path(__file__).parents[2] / "integrations" / "packaging" / "places.py"
SERVICE, SOCKET = "csearchd.service", "csearchd.socket"
UNITS = "/usr/lib/systemd/user"


@pytest.fixture(scope="module")
def session(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SystemdUser]:
    """A session on a machine with the package."""
    package = tmp_path_factory.mktemp("package")
    subprocess.run([sys.executable, "-P", PLACES, package], check=True)
    user = SystemdUser()
    try:
        user.take_photos()
        user.own()
        layers = f"lowerdir={package}{UNITS}:{UNITS}"
        done = user.shell(f"mount -t overlay -o {layers} overlay {UNITS}", root=True)
        assert done.returncode == 0, done.stderr
        user.systemctl("daemon-reload")
        yield user
    finally:
        print(user.log())
        user.end()


def test_install_makes_no_second_copy(session: SystemdUser) -> None:
    told = session.csearchctl("install", "--all").stdout.decode()
    assert "for all users already" in told and "installs" not in told and "sudo" not in told
    assert session.property(SOCKET, "ActiveState") == "active"
    assert session.property(SERVICE, "UnitFileState") == "enabled"
    assert session.property(SERVICE, "FragmentPath") == f"{UNITS}/{SERVICE}"
    assert not (session.home / ".local/share/csearch/installed.json").exists()
    told = session.csearchctl("doctor", check=None).stdout.decode()
    assert "for all users, by the system's package" in told


def test_it_writes_to_its_users_directories_alone(session: SystemdUser) -> None:
    found = session.search("a cup of coffee", "--in", session.pictures)
    assert found[0].name == "coffee.jpg"
    assert session.property(SERVICE, "ActiveState") == "active"
    home = session.home
    data = home / ".local/share/csearch"
    assert (data / "library.sqlite").exists()
    done = session.sandboxed(
        f"touch {data}/written && rm {data}/written && ! touch {session.home}/x"
    )
    assert done.returncode == 0, done.stderr


def test_uninstall_stops_it_and_names_what_removes_the_package(session: SystemdUser) -> None:
    told = session.csearchctl("uninstall").stdout.decode()
    assert "sudo apt purge csearch" in told
    assert session.property(SERVICE, "ActiveState") == "inactive"
    assert session.property(SERVICE, "UnitFileState") == "disabled"
    assert session.property(SOCKET, "ActiveState") == "inactive"
