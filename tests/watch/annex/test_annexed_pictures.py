"""Pictures in git-annex: found by their links' paths, as long as their contents are there."""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
from pathlib import Path

import pytest

from csearchd.system.annex import linked_content, pointed_content
from support.photos import drawn
from support.user import User, wait_for
from watch.following import wait_known

needs_annex = pytest.mark.skipif(
    not shutil.which("git-annex"), reason="needs git-annex (apt install git-annex)"
)


class Repository:
    """A repository as git-annex lays it out."""

    def __init__(self, path: Path) -> None:
        self.path = path
        (path / ".git" / "annex" / "objects").mkdir(parents=True)

    def key(self, number: int) -> str:
        content = drawn(number)
        return f"SHA256E-s{len(content)}--{hashlib.sha256(content).hexdigest()}.jpg"

    def content(self, number: int) -> Path:
        found = pointed_content(
            os.fsencode(self.path), b"/annex/objects/" + self.key(number).encode()
        )
        assert found is not None
        return Path(os.fsdecode(found))

    def get(self, number: int) -> None:
        path = self.content(number)
        path.parent.mkdir(parents=True)
        path.write_bytes(drawn(number))
        path.chmod(0o444)
        path.parent.chmod(0o555)

    def drop(self, number: int) -> None:
        path = self.content(number)
        path.parent.chmod(0o755)
        path.unlink()
        path.parent.rmdir()

    def link(self, name: str, number: int) -> None:
        path = self.path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.symlink_to(os.path.relpath(self.content(number), path.parent))

    def point(self, name: str, number: int) -> None:
        (self.path / name).write_text(f"/annex/objects/{self.key(number)}\n")


def test_links_to_contents(watching: User, folder: Path) -> None:
    annex = Repository(folder / "annex")
    for number in range(3):
        annex.get(number)
    annex.link("a.jpg", 0)
    annex.link("deep/er/b.jpg", 1)
    annex.link("gone.jpg", 7)
    wait_known(watching, annex.path, "a.jpg", "deep/er/b.jpg")
    before = watching.settle()
    assert before["failed"] == 0
    (annex.path / "a.jpg").rename(annex.path / "c.jpg")
    wait_known(watching, annex.path, "c.jpg", "deep/er/b.jpg")
    annex.drop(0)
    wait_known(watching, annex.path, "deep/er/b.jpg")
    annex.get(7)
    wait_known(watching, annex.path, "gone.jpg", "deep/er/b.jpg")
    annex.get(0)
    wait_known(watching, annex.path, "c.jpg", "gone.jpg", "deep/er/b.jpg")
    (annex.path / "deep" / "er").rename(annex.path / "er")  # its link leads nowhere now
    wait_known(watching, annex.path, "c.jpg", "gone.jpg")
    (annex.path / "er" / "b.jpg").unlink()
    annex.link("er/b.jpg", 1)
    wait_known(watching, annex.path, "c.jpg", "gone.jpg", "er/b.jpg")
    assert watching.settle()["encoded"] == before["encoded"]
    shown = watching.csearch("-g", "--json", "anything", "-t", 100).stdout.decode()
    assert f'"{annex.path}/c.jpg"' in shown and ".git" not in shown


def test_pointer_files(watching: User, folder: Path) -> None:
    annex = Repository(folder / "annex")
    annex.get(0)
    annex.point("a.jpg", 0)
    annex.point("b.jpg", 1)
    annex.path.joinpath("tiny.jpg").write_bytes(b"/annex/object")
    wait_known(watching, annex.path, "a.jpg")
    annex.get(1)
    wait_known(watching, annex.path, "a.jpg", "b.jpg")
    annex.drop(0)
    wait_known(watching, annex.path, "b.jpg")
    (annex.path / "a.jpg").write_bytes(drawn(0))
    wait_known(watching, annex.path, "a.jpg", "b.jpg")

    def failed(name: str) -> bool:
        return f"{annex.path}/{name}" in watching.csearchctl("failed").stdout.decode()

    wait_for(lambda: failed("tiny.jpg"), "what is no picture")
    assert not failed("a.jpg")


def test_links_that_leave_the_repository(watching: User, folder: Path) -> None:
    annex, other = Repository(folder / "annex"), Repository(folder / "other")
    annex.get(0)
    other.get(1)
    (annex.path / "other.jpg").symlink_to(other.content(1))
    (annex.path / "plain.jpg").symlink_to(folder / "plain.jpg")
    (folder / "plain.jpg").write_bytes(drawn(2))
    (folder / "outside.jpg").symlink_to(annex.content(0))
    (annex.path / "inner" / ".git").mkdir(parents=True)
    (annex.path / "inner" / "a.jpg").symlink_to(annex.content(0))
    objects = annex.path / ".git" / "annex" / "objects"
    (objects / "xx").symlink_to(folder)
    (annex.path / "led.jpg").symlink_to(".git/annex/objects/xx/plain.jpg")
    (objects / "yy").mkdir()
    (objects / "yy" / "k.jpg").symlink_to(folder / "plain.jpg")
    (annex.path / "twice.jpg").symlink_to(".git/annex/objects/yy/k.jpg")
    (annex.path / "up.jpg").symlink_to(".git/annex/objects/../../../../plain.jpg")
    annex.link("good.jpg", 0)
    wait_known(watching, folder, "plain.jpg", "annex/good.jpg")
    watching.csearchctl("rescan")
    watching.settle()
    wait_known(watching, folder, "plain.jpg", "annex/good.jpg")


def test_what_a_link_means(tmp_path: Path) -> None:
    top = os.fsencode(tmp_path)
    (tmp_path / "r" / ".git").mkdir(parents=True)
    (tmp_path / "r" / "a").mkdir()
    objects = top + b"/r/.git/annex/objects/"
    for directory, target, want in (
        (b"/r", b".git/annex/objects/x/y/k/k", b"x/y/k/k"),
        (b"/r/a", b"../.git/annex/objects/x/y/k/k", b"x/y/k/k"),
        (b"/r/a", objects + b"k", b"k"),
        (b"/r/a", b".git/annex/objects/x/y/k/k", None),
        (b"/r/a", b"../.git/annex/objects/../../x", None),
        (b"/r/a", b"../b.jpg", None),
        (b"", b"r/.git/annex/objects/x/y/k/k", None),
    ):
        found = linked_content(top + directory, target)
        assert found == (None if want is None else objects + want), (directory, target)


def test_a_search_by_an_annexed_picture_and_forgetting_it(watching: User, folder: Path) -> None:
    annex = Repository(folder / "annex")
    annex.get(3)
    annex.link("a.jpg", 3)
    wait_known(watching, annex.path, "a.jpg")
    watching.settle()
    path, other = annex.path / "a.jpg", annex.path / "b.jpg"
    other.write_bytes(drawn(4))
    assert watching.search("--like", path, "--in", annex.path, "--wait") == [other]
    other.unlink()
    watching.csearchctl("forget", path)
    wait_known(watching, annex.path)


@needs_annex
def test_git_annex_itself(user: User) -> None:
    def run(*command: str, where: Path) -> None:
        name = ("-c", "user.name=x", "-c", "user.email=x@example.org")
        subprocess.run(
            ["git", *name, *command], cwd=where, check=True, capture_output=True, timeout=120,
            env={**os.environ, "HOME": str(user.home), "GIT_AUTHOR_NAME": "x",
                 "GIT_AUTHOR_EMAIL": "x@example.org", "GIT_COMMITTER_NAME": "x",
                 "GIT_COMMITTER_EMAIL": "x@example.org"},
        )  # fmt: skip

    origin, clone = user.home / "origin", user.pictures / "clone"
    origin.mkdir()
    run("init", "-q", where=origin)
    run("annex", "init", "origin", where=origin)
    (origin / "deep").mkdir()
    for number in range(4):
        (origin / "deep" / f"{number}.jpg").write_bytes(drawn(number))
    run("annex", "add", ".", where=origin)
    run("commit", "-qm", "x", where=origin)
    user.csearchctl("add", user.pictures)
    run("clone", "-q", str(origin), str(clone), where=user.home)
    run("annex", "init", "clone", where=clone)
    run("annex", "get", "deep/0.jpg", "deep/1.jpg", where=clone)
    wait_known(user, clone, "deep/0.jpg", "deep/1.jpg")
    run("annex", "drop", "deep/0.jpg", where=clone)
    wait_known(user, clone, "deep/1.jpg")
    run("annex", "get", ".", where=clone)
    wait_known(user, clone, *(f"deep/{number}.jpg" for number in range(4)))
    run("annex", "unlock", "deep/2.jpg", where=clone)
    run("mv", "deep/3.jpg", "deep/moved.jpg", where=clone)
    run("mv", "deep/1.jpg", "up.jpg", where=clone)
    run("commit", "-qam", "y", where=clone)
    wait_known(user, clone, "deep/0.jpg", "deep/2.jpg", "deep/moved.jpg", "up.jpg")
    run("annex", "drop", ".", where=clone)
    wait_known(user, clone)
    run("annex", "get", ".", where=clone)
    wait_known(user, clone, "deep/0.jpg", "deep/2.jpg", "deep/moved.jpg", "up.jpg")
    status = user.settle()
    assert status["encoded"] == 4 and status["failed"] == 0
