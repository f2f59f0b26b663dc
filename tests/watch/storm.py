"""A tree of pictures and what programs do to it, step by step; the steps are data."""

from __future__ import annotations

import os
import shutil
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from support import archives
from support.kernel import exchange
from support.photos import drawn

CONTENTS = 8
LONG = "l" * 255
NAMES = ["a", "b", "c", "B", "d.jpg", "\udcff\udce9", LONG]
PICTURES = ["0.jpg", "1.jpg", "2.JPG", "3.jpeg", "\udce9.jpg", "p" * 251 + ".jpg"]
IGNORED = [
    "a\n", "b/\n", "/c\n", "0.jpg\n", "*.jpeg\n", "!0.jpg\n", "!a/\n", "a/b\n", "**/B/*\n",
    "!*.jpg\n", "/*\n", "!/a/\n", "c/**\n", "[\udce9\udcff]*\n", "d.jpg/\n", "\n",
]  # fmt: skip
PAUSES = [0.0, 0.0, 0.0, 0.0, 0.002, 0.02, 0.06, 0.15]
_MOST_BYTES = 1500  # of a directory's path, so that the test itself can walk the tree


class Step(NamedTuple):
    """One change; the numbers choose among what there is."""

    what: str
    one: int
    other: int
    pause: float  # seconds afterwards


class Tree:
    """A tree below `top`; `outside` is a place on the same file system that nobody watches."""

    def __init__(self, top: Path, outside: Path) -> None:
        self.top = top
        self.outside = outside
        self._contents = [drawn(number) for number in range(CONTENTS)]
        top.mkdir()
        outside.mkdir(exist_ok=True)

    def change(self, step: Step) -> None:
        try:
            OPERATIONS[step.what](self, step.one, step.other)
        except OSError:
            pass  # what was chosen doesn't allow it
        except (shutil.Error, subprocess.CalledProcessError):
            pass  # that was in the way of another program, or not whole
        time.sleep(step.pause)

    def open_all(self) -> None:
        """Gives back the permissions that steps have taken."""
        for path, _, names in os.walk(self.top):
            for thing in (path, *(os.path.join(path, name) for name in names)):
                if not os.path.islink(thing) and not os.stat(thing).st_mode & 0o400:
                    os.chmod(thing, 0o755)

    def directories(self) -> list[Path]:
        found = []
        for path, names, _ in os.walk(self.top):
            names[:] = sorted(name for name in names if name != ".git")
            found.append(Path(path))
        return found

    def directory(self, number: int) -> Path:
        found = self.directories()
        return found[number % len(found)]

    def something(self, number: int) -> Path:
        hidden = (".nosearch", ".nomedia", ".csearchignore", ".git")
        found = [p for p in sorted(self.directory(number // 16).iterdir()) if p.name not in hidden]
        return found[number % len(found)] if found else self.top / "nothing"

    def place(self, number: int, suffix: str = "") -> Path:
        """A name that may be free, or not."""
        directory = self.directory(number // 16)
        if len(os.fsencode(directory)) > _MOST_BYTES:
            directory = self.top
        name = NAMES[number % len(NAMES)]
        return directory / (os.path.splitext(name)[0][: 255 - len(suffix)] + suffix)

    def picture(self, number: int) -> Path:
        return self.place(number).with_name(PICTURES[number % len(PICTURES)])

    def content(self, number: int) -> bytes:
        return self._contents[number % CONTENTS]


def write(tree: Tree, one: int, other: int) -> None:
    tree.picture(one).write_bytes(tree.content(other))


def write_slowly(tree: Tree, one: int, other: int) -> None:
    content = tree.content(other)
    with tree.picture(one).open("wb") as file:
        file.write(content[:300])
        file.flush()
        time.sleep(other % 50 / 1000)
        file.write(content[300:])


def overwrite(tree: Tree, one: int, other: int) -> None:
    path = tree.something(one)
    if path.suffix.lower() in (".jpg", ".jpeg"):
        path.write_bytes(tree.content(other))


def save(tree: Tree, one: int, other: int) -> None:
    """As most editors do it."""
    path = tree.picture(one)
    temporary = path.with_name(".saving")
    temporary.write_bytes(tree.content(other))
    temporary.replace(path)


def save_with_backup(tree: Tree, one: int, other: int) -> None:
    """As the others do it."""
    path = tree.picture(one)
    path.rename(path.with_name("backup~"))
    path.write_bytes(tree.content(other))


def rename(tree: Tree, one: int, other: int) -> None:
    source = tree.something(one)
    source.rename(tree.place(other, ".jpg" if source.is_file() else ""))


def change_case(tree: Tree, one: int, other: int) -> None:
    source = tree.something(one)
    source.rename(source.with_name(source.name.swapcase()))


def swap(tree: Tree, one: int, other: int) -> None:
    first, second = tree.something(one), tree.something(other)
    between = tree.top / "between"
    first.rename(between)
    second.rename(first)
    between.rename(second)


def swap_at_once(tree: Tree, one: int, other: int) -> None:
    exchange(tree.something(one), tree.something(other))


def link(tree: Tree, one: int, other: int) -> None:
    os.link(tree.something(one), tree.picture(other), follow_symlinks=False)


def symlink(tree: Tree, one: int, other: int) -> None:
    tree.picture(other).symlink_to(tree.something(one))


def touch(tree: Tree, one: int, other: int) -> None:
    os.utime(tree.something(one), (other * 1e5, other * 1e5), follow_symlinks=False)


def set_attribute(tree: Tree, one: int, other: int) -> None:
    os.setxattr(tree.something(one), "user.xdg.tags", b"%d" % other, follow_symlinks=False)


def close(tree: Tree, one: int, other: int) -> None:
    path = tree.something(one)
    if not path.is_symlink():
        path.chmod(0)


def reopen(tree: Tree, one: int, other: int) -> None:
    tree.open_all()


def make(tree: Tree, one: int, other: int) -> None:
    path = tree.place(one) / NAMES[other % len(NAMES)]
    path.mkdir(parents=True)
    (path / "0.jpg").write_bytes(tree.content(one + other))


def directory_to_file(tree: Tree, one: int, other: int) -> None:
    path = tree.something(one)
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
        path.write_bytes(tree.content(other))
        path.rename(path.with_name("d.jpg"))


def file_to_directory(tree: Tree, one: int, other: int) -> None:
    path = tree.something(one)
    path.unlink()
    path.mkdir()
    (path / "0.jpg").write_bytes(tree.content(other))


def copy(tree: Tree, one: int, other: int) -> None:
    target = tree.place(other)
    if not target.is_relative_to(source := tree.directory(one)):
        subprocess.run(["cp", "-r", source, target], check=True, capture_output=True)


def delete(tree: Tree, one: int, other: int) -> None:
    tree.something(one).unlink()


def delete_tree(tree: Tree, one: int, other: int) -> None:
    path = tree.something(one)
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)


def mark(tree: Tree, one: int, other: int) -> None:
    directory = tree.directory(one)
    if directory != tree.top:
        (directory / (".nosearch" if other % 2 else ".nomedia")).touch()


def unmark(tree: Tree, one: int, other: int) -> None:
    marks = sorted([*tree.top.rglob(".nosearch"), *tree.top.rglob(".nomedia")])
    if marks:
        marks[one % len(marks)].unlink()


def ignore(tree: Tree, one: int, other: int) -> None:
    lines = [IGNORED[other >> shift & 15] for shift in (0, 4, 8)]
    with (tree.directory(one) / ".csearchignore").open("ab" if other % 3 else "wb") as file:
        file.write("".join(lines).encode(errors="surrogateescape"))


def stop_ignoring(tree: Tree, one: int, other: int) -> None:
    files = sorted(tree.top.rglob(".csearchignore"))
    if files:
        file = files[one % len(files)]
        if other % 3:
            file.unlink()
        else:
            file.rename(tree.directory(other) / ".csearchignore")


def leave(tree: Tree, one: int, other: int) -> None:
    tree.something(one).rename(tree.outside / str(other % 4))


def come_back(tree: Tree, one: int, other: int) -> None:
    thing = tree.outside / str(one % 4)
    thing.rename(tree.place(other, ".jpg" if thing.is_file() else ""))


def unpack(tree: Tree, one: int, other: int) -> None:
    archive = tree.outside / ("archive.tar" if other % 2 else "archive.zip")
    if not archive.exists():
        source = tree.outside / "packed" / "new"
        source.mkdir(parents=True, exist_ok=True)
        for number in range(3):
            (source / f"{number}.jpg").write_bytes(tree.content(number))
        shutil.make_archive(str(archive.with_suffix("")), archive.suffix[1:], source.parent)
    archives.unpack(archive, tree.directory(one))


def check_out(tree: Tree, one: int, other: int) -> None:
    def git(*arguments: str) -> None:
        name = ("-c", "user.name=x", "-c", "user.email=x@example.org")
        command = ["git", *name, *arguments]
        subprocess.run(command, cwd=repository, check=True, capture_output=True)

    repository = tree.outside / "repository"
    if not repository.exists():
        repository.mkdir()
        git("init", "-q", "-b", "0")
        for branch in range(2):
            (repository / f"{branch}" / "x").mkdir(parents=True)
            for number in range(3):
                path = repository / f"{branch}" / "x" / f"{number}.jpg"
                path.write_bytes(tree.content(branch + number))
            (repository / "same.jpg").write_bytes(tree.content(branch))
            git("add", "-A")
            git("commit", "-qm", "x")
            git("checkout", "-qb", f"{branch + 1}")
            git("rm", "-qr", f"{branch}")
    own = tree.top / "repository"
    if not own.exists():
        shutil.copytree(repository, own)
    repository = own
    git("checkout", "-qf", str(other % 2))


OPERATIONS: dict[str, Callable[[Tree, int, int], None]] = {
    function.__name__: function
    for function in (
        write, write_slowly, overwrite, save, save_with_backup, rename, change_case, swap,
        swap_at_once, link, symlink, touch, set_attribute, close, reopen, make, directory_to_file,
        file_to_directory, copy, delete, delete_tree, mark, unmark, ignore, stop_ignoring, leave,
        come_back, unpack, check_out,
    )
}  # fmt: skip
OFTEN = ("write", "rename", "make", "swap_at_once", "save")
