"""Links to the commands of a virtual environment, in ~/.local/bin."""

from __future__ import annotations

import os
import subprocess
import sys

import pexpect
import pytest
from home import SECONDS, Home

NAMES = ("csearch", "csearchctl")


class Environment:
    """A virtual environment with commands, in which csearchctl runs."""

    def __init__(self, home: Home) -> None:
        self.home = home
        self.bin = home.home / "venv" / "bin"
        self.links = home.home / ".local" / "bin"
        self.bin.mkdir(parents=True)
        for name in NAMES:
            (self.bin / name).write_text("#!/bin/sh\n")
            (self.bin / name).chmod(0o755)
        for name in ("python", "python3"):
            (self.bin / name).symlink_to(sys.executable)
        base = os.path.dirname(os.path.realpath(sys.executable))
        (self.bin.parent / "pyvenv.cfg").write_text(f"home = {base}\n")
        places = os.pathsep.join(place for place in sys.path if place)
        self.variables = {**home.environment, "PYTHONPATH": places, "PATH": "/usr/bin:/bin"}
        self.variables.pop("VIRTUAL_ENV", None)

    def run(self, *arguments: str) -> str:
        command = [self.bin / "python", "-P", "-m", "csearch.control", *arguments]
        done = subprocess.run(
            command, env=self.variables, stdin=subprocess.DEVNULL, capture_output=True, text=True
        )
        assert "Traceback" not in done.stderr, done.stderr
        return done.stdout

    def answer(self, answer: str) -> None:
        """Answers the question of `install` on a terminal."""
        words = ["-P", "-m", "csearch.control", "install"]
        terminal = pexpect.spawn(
            str(self.bin / "python"), words, env=self.variables, timeout=SECONDS, encoding="utf-8"
        )
        terminal.expect("Link csearch and csearchctl into ~/.local/bin")
        terminal.sendline(answer)
        terminal.expect(pexpect.EOF)
        terminal.close()
        assert terminal.exitstatus == 0

    def linked(self) -> list[str]:
        return [name for name in NAMES if (self.links / name).is_symlink()]


@pytest.fixture
def environment(home: Home) -> Environment:
    return Environment(home)


def test_they_are_offered_on_a_terminal(environment: Environment) -> None:
    environment.answer("n")
    assert not environment.links.exists()
    environment.answer("y")
    for name in NAMES:
        assert (environment.links / name).readlink() == environment.bin / name
    assert "links" not in environment.run("install")
    told = environment.run("uninstall")
    assert all(f"removes the link {environment.links / name}\n" in told for name in NAMES)
    assert not environment.links.exists(), "nor the directory that was made"


def test_without_a_terminal_they_are_made_if_that_is_said(environment: Environment) -> None:
    assert "csearchctl install --yes" in environment.run("install")
    assert f"would link {environment.links}/csearch," in environment.run("install", "--dry-run")
    assert not environment.links.exists()
    assert "log in again" in environment.run("install", "--yes")
    assert environment.linked() == list(NAMES)
    told = environment.run("uninstall", "--dry-run")
    assert f"would remove the link {environment.links}/csearch\n" in told
    assert environment.linked() == list(NAMES)


def test_what_others_have_made_stays(environment: Environment) -> None:
    environment.links.mkdir()
    mine, gone = environment.links / "csearch", environment.links / "csearchctl"
    mine.write_text("#!/bin/sh\n")
    gone.symlink_to("/gone/venv/bin/csearchctl")
    environment.run("install", "--yes")
    assert mine.read_text() == "#!/bin/sh\n"
    assert gone.readlink() == environment.bin / "csearchctl", "one that leads nowhere is renewed"
    gone.unlink()
    gone.symlink_to("/usr/bin/true")
    environment.run("uninstall")
    assert mine.exists() and os.readlink(gone) == "/usr/bin/true"


def test_links_that_are_found_elsewhere_are_enough(environment: Environment) -> None:
    elsewhere = environment.home.home / "bin"
    elsewhere.mkdir()
    for name in NAMES:
        (elsewhere / name).symlink_to(environment.bin / name)
    environment.variables["PATH"] = f"{environment.bin}:{elsewhere}:/usr/bin:/bin"
    environment.run("install", "--yes")
    environment.run("uninstall")
    assert not environment.linked() and (elsewhere / "csearch").exists()


def test_what_is_installed_is_told_in_a_line(environment: Environment) -> None:
    (line,) = [
        x for x in environment.run("install", "--all").splitlines() if x.startswith("installs ")
    ]
    assert "manual pages (6)" in line and "Dolphin (3)" in line and "/" not in line
    (line,) = [x for x in environment.run("uninstall").splitlines() if x.startswith("removes ")]
    assert "systemd units (3)" in line


def test_doctor_tells_of_an_environment_in_the_path_of_the_session(
    environment: Environment,
) -> None:
    def told() -> str:
        lines = environment.run("doctor").splitlines()
        numbers = [n for n, line in enumerate(lines) if "python3 is" in line]
        return "\n".join(lines[numbers[0] : numbers[0] + 2]) if numbers else ""

    assert told() == ""
    environment.variables["PATH"] = f"{environment.bin}:/usr/bin:/bin"
    assert told().startswith("warn  PATH") and f"take {environment.bin} out of PATH" in told()
    environment.variables["VIRTUAL_ENV"] = str(environment.bin.parent)
    assert told() == "", "activated in a shell, which is no concern of the desktop"
    del environment.variables["VIRTUAL_ENV"]
    with (environment.bin.parent / "pyvenv.cfg").open("a") as file:
        file.write("include-system-site-packages = true\n")
    assert told() == ""
