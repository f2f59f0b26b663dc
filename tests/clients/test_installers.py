"""pipx and uv, which make an environment of their own for csearch and link its commands."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

PROJECT = Path(__file__).parents[2]
# Installed beside the tests, or elsewhere in PATH.
PLACES = f"{Path(sys.executable).parent}:{os.environ.get('PATH', os.defpath)}"
INSTALL = {"pipx": ("pipx", "install"), "uv": ("uv", "tool", "install", "--python")}
SECONDS = 500.0


class Someone:
    """A user without anything of Python's, for whom an installer has installed csearch."""

    def __init__(self, home: Path, installer: str) -> None:
        self.home = home
        self.runtime = home / "runtime"
        self.runtime.mkdir(mode=0o700)
        foreign = ("XDG_", "PYTHON", "VIRTUAL_ENV", "DBUS_", "CSEARCH_")
        kept = {name: it for name, it in os.environ.items() if not name.startswith(foreign)}
        self.variables = {
            **kept,
            "HOME": str(home),
            "XDG_RUNTIME_DIR": str(self.runtime),
            "PATH": f"{home}/.local/bin:/usr/bin:/bin",
        }
        command, *arguments = INSTALL[installer]
        program = shutil.which(command, path=PLACES)
        assert program
        python = [sys.executable] if arguments[-1] == "--python" else ["--python", sys.executable]
        self.do(program, *arguments, *python, str(PROJECT))

    def do(self, *command: str) -> str:
        done = subprocess.run(
            command,
            env=self.variables,
            cwd="/",
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=SECONDS,
        )
        assert done.returncode == 0, (command, done.stdout, done.stderr)
        return done.stdout


@pytest.fixture(scope="module", params=INSTALL)
def someone(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Someone]:
    if not shutil.which(INSTALL[request.param][0], path=PLACES):
        pytest.skip(f"needs {request.param}")
    home = tmp_path_factory.mktemp("home")
    home.chmod(0o700)
    yield Someone(home, request.param)
    shutil.rmtree(home)


def test_they_install_what_finds_a_picture(someone: Someone) -> None:
    found = someone.do("csearch", "--demo", "a cup of coffee").splitlines()
    assert found[0].endswith("/coffee.jpg")


def test_the_desktop_runs_the_environment_that_they_made(someone: Someone) -> None:
    told = someone.do("csearchctl", "install", "--all")
    assert "installs" in told and "link" not in told, "the commands are in PATH already"
    service = someone.home / ".local/share/dbus-1/services/org.csearch.Csearch1.service"
    python = service.read_text().partition('Exec="')[2].partition('"')[0]
    assert python.startswith(f"{someone.home}/") and "/csearch/bin/" in python
    someone.do(python, "-P", "-c", "import csearchd")
    told = someone.do("csearchctl", "doctor")
    for line in ("ok    integrations ", "ok    PATH "):
        assert line in told
    someone.do("csearchctl", "uninstall")
    assert not service.exists()
