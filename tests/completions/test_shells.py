"""Completion in real shells, against the real service."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Iterator

import pexpect
import pytest

from support.album import write_album
from support.user import SECONDS, User, wait_for

SHELLS = ("bash", "zsh", "fish")
_SECONDS_OF_A_COMMAND = 30.0  # with its completion, on a loaded machine
_COMMANDS = {"csearch": "csearch.search", "csearchctl": "csearch.control"}
_PROMPT = "READY> "
_SET_UP = {
    "bash": f"PS1='{_PROMPT}'; bind 'set bell-style none'; bind 'set enable-bracketed-paste off'\n",
    "zsh": f"PS1='{_PROMPT}'; autoload -Uz compinit; compinit -u -D; unsetopt beep auto_menu\n",
    "fish": f"function fish_prompt; echo -n '{_PROMPT}'; end; function fish_greeting; end\n",
}
_LOAD = {
    "bash": 'eval "$(csearchctl completion bash)"\n',
    "zsh": 'eval "$(csearchctl completion zsh)"\n',
    "fish": "csearchctl completion fish | source\n",
}


@pytest.fixture(scope="module")
def album(tmp_path_factory: pytest.TempPathFactory) -> Iterator[User]:
    """A user whose commands are in the PATH, who has asked something before."""
    with User(tmp_path_factory.mktemp("c")) as user:
        programs = user.home / "bin"
        programs.mkdir()
        for name, module in _COMMANDS.items():
            program = programs / name
            program.write_text(f'#!/bin/sh\nexec {sys.executable} -P -m {module} "$@"\n')
            program.chmod(0o755)
        user.environment["PATH"] = f"{programs}:{os.environ['PATH']}"
        write_album(user.pictures)
        user.csearchctl("add", user.pictures)
        user.settle()
        user.search("two parrots on a branch", "-g")
        user.search('red boat not:tag:"old town"', "-g")
        yield user


@pytest.fixture(params=SHELLS)
def shell(request: pytest.FixtureRequest, album: User) -> Iterator[Shell]:
    if not shutil.which(request.param):
        pytest.skip(f"needs the package {request.param}")
    typing = Shell(request.param, album)
    yield typing
    typing.close()


class Shell:
    """An interactive shell with our completion."""

    def __init__(self, name: str, user: User, load: str | None = None) -> None:
        self.name = name
        self._log = user.home / f"{name}.txt"
        set_up = user.home / f"set-up.{name}"
        set_up.write_text((load or "") + _SET_UP[name] + (_LOAD[name] if load is None else ""))
        arguments = {
            "bash": ["--noprofile", "--rcfile", str(set_up), "-i"],
            "zsh": ["-f", "-i"],
            "fish": ["--private", "-i", "-C", f"source {set_up}"],
        }[name]
        program = user.home / "bin" / "shown"
        new = f"{self._log}.new"
        program.write_text(f'#!/bin/sh\nprintf "%s\\n" "$@" >{new}\nmv {new} {self._log}\n')
        program.chmod(0o755)
        self._child = pexpect.spawn(
            name,
            arguments,
            env={**user.environment, "TERM": "xterm", "LC_ALL": "C.UTF-8"},
            cwd=str(user.home),
            encoding="utf-8",
            dimensions=(50, 200),
            timeout=SECONDS,
            use_poll=True,
        )
        if name == "zsh":
            self._child.send(f"source {set_up}\n")
        self._child.expect_exact(_PROMPT)

    def completed(self, text: str) -> list[str]:
        """The arguments that the shell gives the command after `text` and Tab.

        None where nothing was completed within open quotes, which the shell waits to be closed.
        """
        self._log.unlink(missing_ok=True)
        command, _, rest = text.partition(" ")
        # What was completed is handed to another program instead, which tells of it.
        # The shell reads the next keys when it is done with Tab: to the beginning, and Enter.
        self._child.send(f"{command} {rest}\t\x01shown \r")
        try:
            wait_for(self._log.exists, f"{self.name} to run the command", _SECONDS_OF_A_COMMAND)
        except AssertionError:
            self._child.sendintr()
            return []
        return self._log.read_text().splitlines()[1:]

    def until(self, text: str, expected: list[str]) -> None:
        """Completes it until the arguments are those: an answer that is late is not waited for.

        A blank is added within open quotes; zsh takes a slash away where no more follows; fish
        puts words that follow each other into one argument.
        """
        found: list[str] = []

        def as_expected() -> bool:
            found[:] = [one.rstrip(" /") for one in self.completed(text)]
            return " ".join(found) == " ".join(expected)

        try:
            wait_for(as_expected, f"{expected} in {self.name}")
        except AssertionError:
            assert found == expected

    def close(self) -> None:
        self._child.close(force=True)


@pytest.mark.parametrize(
    ("typed", "arguments"),
    [
        ("csearch --rev", ["--reverse"]),
        ("csearch --sort da", ["--sort", "date"]),
        ("csearchctl res", ["res"]),  # rescan and resume
        ("csearchctl resu", ["resume"]),
        ("csearchctl tags wri", ["tags", "write"]),
        ("csearchctl tags write --mode side", ["tags", "write", "--mode", "sidecar"]),
        ("csearchctl model use star", ["model", "use", "starter"]),
        ("csearchctl model install ViT-B-32-2", ["model", "install", "ViT-B-32-256"]),
        ("csearchctl add Pict", ["add", "Pictures"]),
        ("csearchctl remove /", ["remove", "HOME/Pictures"]),
        ("csearch orient", ["orientation:"]),
        ("csearch a cat tag:bea", ["a", "cat", "tag:beach"]),
        ("csearch not:tag:bea", ["not:tag:beach"]),
        ("csearch 'red boat tag:bea", ["red boat tag:beach"]),
        ("csearch camera:iph", ['camera:"iphone 12"']),
        ("csearch near:Lisb", ["near:Lisbon"]),
        ("csearch type:jp2", ["type:jp2"]),
        ("csearch folder:Pict", ["folder:Pictures"]),
        ("csearch 'iso:>=16", ["iso:>=1600"]),
    ],
)
def test_a_word_is_completed(shell: Shell, album: User, typed: str, arguments: list[str]) -> None:
    shell.until(typed, [one.replace("HOME", str(album.home)) for one in arguments])


def test_past_queries_are_offered(shell: Shell) -> None:
    shell.until("csearch two par", ["two", "parrots", "on", "a", "branch"])
    shell.until("csearch 'two par", ["two parrots on a branch"])


def test_what_means_something_to_the_shell_reaches_csearch(shell: Shell) -> None:
    shell.until("csearch red bo", ["red", "boat", 'not:tag:"old town"'])


_BASH_COMPLETION = "/usr/share/bash-completion/bash_completion"


@pytest.mark.parametrize(
    ("name", "load"),
    [
        pytest.param(
            "bash",
            f"source {_BASH_COMPLETION}\n",
            marks=pytest.mark.skipif(
                not os.path.exists(_BASH_COMPLETION), reason="needs the package bash-completion"
            ),
        ),
        ("zsh", "fpath+=$HOME/.local/share/zsh/site-functions\n"),
        ("fish", ""),
    ],
)
def test_what_was_installed_is_found(album: User, name: str, load: str) -> None:
    if not shutil.which(name):
        pytest.skip(f"needs the package {name}")
    album.csearchctl("install", "--all")
    shell = Shell(name, album, load)
    try:
        shell.until("csearch tag:bea", ["tag:beach"])
        shell.until("csearchctl model use star", ["model", "use", "starter"])
    finally:
        shell.close()
