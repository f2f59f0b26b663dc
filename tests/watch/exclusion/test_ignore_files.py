"""Files .csearchignore: git's own answers, and what the library makes of changes to them."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from csearchd.watch.exclusion.ignore_files import IgnoreFile, ignored, parse
from support.photos import drawn, write_drawn
from support.user import User
from watch.following import wait_known

needs_git = pytest.mark.skipif(not shutil.which("git"), reason="needs git (apt install git)")

PATHS = (
    "a", "b.jpg", "a.jpg", "x/a.jpg", "x/y/a.jpg", "x/y/z/b.jpg", "foo/bar.jpg", "foo/x/bar.jpg",
    "foobar", "foo-a/bar", "[a]", "a]", "!a", "#a", "a b", "a ", "\\a", "x/*", "-", "a-c", "x/.hid",
)  # fmt: skip
PIECES = st.sampled_from(
    ["a", "b", "x", "y", "foo", "bar", ".jpg", "*", "**", "/", "?", "[a-c]", "[!a]", "[^x-z]", "!",
     "#", "\\", " ", "[", "]", "-", "[]a]", "[[:alpha:]]", "[a", "[[:nope:]]", "[\\]]", "\\*", "\t"]
)  # fmt: skip
LINES = st.lists(PIECES, max_size=6).map("".join)
TEXTS = st.lists(LINES, min_size=1, max_size=4).map("\n".join)


def ours(files: dict[str, str]) -> set[str]:
    """The paths of PATHS that files with these texts, by their directories, ignore."""
    found: set[str] = set()
    for path in PATHS:
        parts = path.split("/")
        for depth in range(1, len(parts) + 1):
            here = "/top/" + "/".join(parts[:depth])
            above = [f"/top/{'/'.join(parts[:n])}".rstrip("/") for n in reversed(range(depth))]
            used = [
                IgnoreFile(directory.encode(), parse(files[directory[5:]].encode()))
                for directory in above
                if directory[5:] in files
            ]
            if ignored(used, here.encode(), depth < len(parts)):
                found.add(path)
                break
    return found


@needs_git
@settings(max_examples=200, deadline=None)
@given(TEXTS, TEXTS)
@example("*\n!*/\n!*.jpg", "")
@example("/*\n!/x/\nx/*\n!x/y", "a.jpg")
@example("foo**/bar.jpg", "**")
@example("**/a.jpg\n!x/**", "!a.jpg")
@example("a\\ \n\\!a\n\\#a\nx/**/b.jpg", "y/\n")
def test_what_git_ignores(tmp_path_factory: pytest.TempPathFactory, top: str, below: str) -> None:
    directory = tmp_path_factory.mktemp("g")
    for path in PATHS:
        (directory / path).parent.mkdir(parents=True, exist_ok=True)
        (directory / path).touch()
    files = {"": top, "x": below}
    for name, text in files.items():
        (directory / name / ".csearchignore").write_bytes(text.encode())
    base = ["git", "-c", "core.excludesFile=/dev/null", "-c", "init.templateDir="]
    subprocess.run([*base, "init", "-q", "--bare", directory / "r.git"], check=True)
    command = [*base, f"--git-dir={directory / 'r.git'}", f"--work-tree={directory}", "ls-files"]
    listed = subprocess.run(
        [*command, "-z", "--others", "--exclude-per-directory=.csearchignore"],
        cwd=directory, check=True, capture_output=True,
    )  # fmt: skip
    kept = set(os.fsdecode(listed.stdout).split("\0"))
    shutil.rmtree(directory)
    assert ours(files) == set(PATHS) - kept, (top, below)


def write(directory: Path, *files: str) -> None:
    for number, name in enumerate(files):
        (directory / name).parent.mkdir(parents=True, exist_ok=True)
        (directory / name).write_bytes(drawn(number))


def test_changes_of_one_take_effect(watching: User, folder: Path) -> None:
    write(folder, "a.jpg", "b.png", "raw/c.jpg", "x/raw/d.jpg", "x/keep.png", "x/e.jpg")
    wait_known(
        watching, folder, "a.jpg", "b.png", "raw/c.jpg", "x/raw/d.jpg", "x/keep.png", "x/e.jpg"
    )
    ignore = folder / ".csearchignore"
    ignore.write_text("raw/\n*.png\n")
    wait_known(watching, folder, "a.jpg", "x/e.jpg")
    write(folder, "x/raw/new.jpg", "new.png", "x/new.png", "x/new.jpg", "y/raw/z/f.jpg", "y/g.jpg")
    wait_known(watching, folder, "a.jpg", "x/e.jpg", "x/new.jpg", "y/g.jpg")
    (folder / "x" / ".csearchignore").write_text("!keep.png\n/e.jpg\n")
    wait_known(watching, folder, "a.jpg", "x/keep.png", "x/new.jpg", "y/g.jpg")
    with ignore.open("a") as file:
        file.write("!/raw/\n/y\n")
        file.flush()  # it stays open
        wait_known(watching, folder, "a.jpg", "x/keep.png", "x/new.jpg", "raw/c.jpg")
    ignore.rename(folder / "y" / ".csearchignore")
    (folder / "x" / ".csearchignore").unlink()
    everything = {
        "a.jpg", "b.png", "raw/c.jpg", "x/raw/d.jpg", "x/keep.png", "x/e.jpg", "x/raw/new.jpg",
        "new.png", "x/new.png", "x/new.jpg", "y/g.jpg", "y/raw/z/f.jpg",
    }  # fmt: skip
    wait_known(watching, folder, *everything)
    os.replace(folder / "y" / ".csearchignore", folder / "x" / ".csearchignore")
    wait_known(
        watching, folder, "a.jpg", "b.png", "raw/c.jpg", "x/raw/d.jpg", "x/e.jpg",
        "x/raw/new.jpg", "new.png", "x/new.jpg", "y/g.jpg", "y/raw/z/f.jpg",
    )  # fmt: skip


def test_what_is_moved_into_and_out_of_its_reach(watching: User, folder: Path) -> None:
    write(folder, "in/.csearchignore", "out/d/a.png", "out/d/a.jpg", "in/b.png", "in/e/c.png")
    (folder / "in" / ".csearchignore").write_text("*.png\nhidden\n")
    wait_known(watching, folder, "out/d/a.png", "out/d/a.jpg")
    (folder / "out" / "d").rename(folder / "in" / "d")
    wait_known(watching, folder, "in/d/a.jpg")
    (folder / "in" / "d").rename(folder / "in" / "hidden")
    wait_known(watching, folder)
    (folder / "in" / "hidden").rename(folder / "shown")
    (folder / "in" / "b.png").rename(folder / "b.png")
    (folder / "in" / "e").rename(folder / "e")
    wait_known(watching, folder, "shown/a.png", "shown/a.jpg", "b.png", "e/c.png")


def test_one_of_which_the_directory_is_asked_for(watching: User, folder: Path) -> None:
    write(folder, "raw/a.jpg", "raw/b/c.jpg", "raw/b/d.png")
    (folder / ".csearchignore").write_text("raw\n*.jpg")
    (folder / "raw" / ".csearchignore").write_text("*.png")
    watching.csearchctl("rescan", folder)
    wait_known(watching, folder)
    found = watching.search("anything", "--in", folder / "raw")
    assert sorted(found) == [folder / "raw" / "a.jpg", folder / "raw" / "b" / "c.jpg"]


def test_one_that_is_no_file_of_text(watching: User, folder: Path) -> None:
    write(folder, "a/a.jpg", "b/b.jpg", "c/c.jpg", "d/d.jpg")
    (folder / "patterns").write_text("*")
    (folder / "a" / ".csearchignore").symlink_to(folder / "patterns")  # as in git, not followed
    (folder / "b" / ".csearchignore").mkdir()
    os.mkfifo(folder / "c" / ".csearchignore")
    (folder / "d" / ".csearchignore").write_bytes(b"\xff\n[\n\\\n!\n/\n\n#*\n" + b"**/" * 50 + b"x")
    wait_known(watching, folder, "a/a.jpg", "b/b.jpg", "c/c.jpg", "d/d.jpg")


def test_one_below_a_directory_that_is_no_root(user: User) -> None:
    directory = user.home / "elsewhere"
    write_drawn(directory / "a", 2)
    (directory / ".csearchignore").write_text("*1.jpg\n")
    assert len(user.search("anything", "--in", directory)) == 1
    assert len(user.search("anything", "--in", directory / "a")) == 1
    (directory / ".csearchignore").unlink()
    assert len(user.search("anything", "--in", directory / "a", "--wait")) == 2


def test_patterns_that_take_long_elsewhere() -> None:
    """Each of these must be compared in a moment: with a number of steps that only grows as the
    pattern and the path do."""
    deep = b"/t/" + b"a/" * 60 + b"a" * 200
    stars = (b"**/" * 60, b"**/a/" * 40, b"**\\/a/" * 40, b"*a" * 60, b"*?" * 60, b"a*" * 100)
    for line in (each + b"b" for each in stars):
        assert IgnoreFile(b"/t", parse(line)).ignores(deep, False) is None
