"""Dolphin's service menus: what their Exec lines start, as KDE starts them."""

from __future__ import annotations

import configparser
import os
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from support.desktop import Desktop, needs
from support.user import User, wait_for

WINDOW = "org.csearch.Window"
MENUS = {
    "csearch-similar": ("image/*;", "Find Similar Images"),
    "csearch-like-these": ("image/*;", "Find Images Like These"),
    "csearch-here": ("inode/directory;", "Search Images Here…"),
}


def menu(user: User, name: str, *files: Path) -> list[str]:
    """The command of an installed service menu for some files."""
    file = user.home / ".local" / "share" / "kio" / "servicemenus" / f"{name}.desktop"
    user.csearchctl("install", "--all")
    assert os.access(file, os.X_OK), "KDE runs only what is executable"
    entry = configparser.RawConfigParser()
    entry.optionxform = str  # type: ignore[assignment,method-assign]
    entry.read(file)
    assert entry["Desktop Entry"]["X-KDE-ServiceTypes"] == "KonqPopupMenu/Plugin"
    kinds, label = MENUS[name]
    assert entry["Desktop Entry"]["MimeType"] == kinds
    (action,) = entry["Desktop Entry"]["Actions"].strip(";").split(";")
    chosen = entry[f"Desktop Action {action}"]
    assert chosen["Name"] == label
    *command, last = shlex.split(chosen["Exec"])
    assert last.lower() == "%f"
    return [*command, *map(str, files)]


@needs()
def test_menus_open_the_window(screen: Desktop) -> None:
    pictures = screen.user.pictures
    one, other = pictures / "coffee.jpg", pictures / "coins.jpg"
    for name, files, shown in (
        ("csearch-similar", [one], "Search without coffee.jpg"),
        ("csearch-like-these", [one, other], "Search without coins.jpg"),
        ("csearch-here", [pictures], "Finds pictures below Pictures."),
    ):
        process = screen.run(*menu(screen.user, name, *files))
        screen.wait_for_text(WINDOW, shown)
        screen.keys("windowactivate", "--sync", screen.window("Picture Search"))
        screen.keys("key", "ctrl+q")
        assert process.wait(60) == 0


@pytest.fixture
def no_toolkit(tmp_path: Path) -> list[str]:
    """Runs csearch.menu where the desktop's Python has no GTK."""
    python = tmp_path / "python3"
    python.write_text("#!/bin/sh\nexit 69\n")
    python.chmod(0o755)
    code = (
        "import runpy, sys, csearch.search.window\n"
        f"csearch.search.window.PYTHON = {str(python)!r}\n"
        "sys.argv[0] = 'menu'\n"
        "runpy.run_module('csearch.menu', run_name='__main__')"
    )
    return [sys.executable, "-P", "-c", code]


def test_without_a_toolkit_there_is_a_folder(
    settled: User, no_toolkit: list[str], tmp_path: Path
) -> None:
    folders = settled.runtime / "csearch" / "results"
    bins = tmp_path / "bin"
    bins.mkdir()
    dialog, opener = bins / "kdialog", bins / "xdg-open"
    opened = tmp_path / "opened"
    dialog.write_text("#!/bin/sh\necho a cup of coffee\n")
    opener.write_text(f'#!/bin/sh\necho "$1" >> {opened}\n')
    for program in (dialog, opener):
        program.chmod(0o755)
    environment = {
        **settled.environment,
        "PATH": f"{bins}:{os.environ['PATH']}",
        "DISPLAY": ":nowhere",
    }
    cat = settled.pictures / "cat.jpg"
    settled.csearchctl("add", settled.pictures)
    for arguments in (["similar", str(cat)], ["here", str(settled.pictures)]):
        command = [*no_toolkit, *arguments]
        done = subprocess.run(command, env=environment, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
    wait_for(lambda: opened.exists() and len(opened.read_text().splitlines()) == 2, "both")
    here, like = folders / "a cup of coffee", folders / "like cat.jpg"
    assert sorted(os.listdir(here))[0] == "001 coffee.jpg"
    assert "001 cat.jpg" not in os.listdir(like) and len(os.listdir(like)) >= 5
