"""Random changes of a tree, beside a service that is killed now and then: library equals disk.

The long run: CSEARCH_STORM=200 pytest tests/watch/test_storm.py
"""

from __future__ import annotations

import os
import random
import shutil
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from support.photos import drawn
from support.user import User, wait_for
from watch.following import wait_until_equal
from watch.test_durability import committed

ROUNDS = int(os.environ.get("CSEARCH_STORM", "6"))
OPERATIONS = 60
CONTENTS = 8
NAMES = ["a", "b", "c", "B", "d.jpg", "\udcff\udce9"]


class Storm:
    """A tree that changes at random."""

    def __init__(self, top: Path, seed: int) -> None:
        self.top = top
        self.chance = random.Random(seed)
        self.outside = top.parent / "outside"
        self.outside.mkdir(exist_ok=True)
        self.contents = [drawn(number) for number in range(CONTENTS)]
        self.done: list[str] = []

    def change(self) -> None:
        operation: Callable[[], None] = self.chance.choice(
            [
                self.write, self.write, self.write, self.write_slowly, self.replace, self.save,
                self.rename, self.rename, self.rename, self.swap, self.link, self.touch,
                self.make, self.make, self.copy, self.delete, self.delete_tree, self.mark,
                self.leave, self.come_back,
            ]
        )  # fmt: skip
        self.done.append(operation.__name__)
        try:
            operation()
        except OSError:
            pass  # the chosen names don't allow it

    def directory(self) -> Path:
        found = [path for path, _, _ in os.walk(self.top)]
        return Path(self.chance.choice(found))

    def something(self) -> Path:
        found = [path for path in self.directory().iterdir() if path.name != ".nosearch"]
        return self.chance.choice(found) if found else self.new()

    def new(self) -> Path:
        return self.directory() / self.chance.choice(NAMES)

    def picture(self) -> Path:
        name = f"{self.chance.randrange(6)}.{self.chance.choice(['jpg', 'JPG', 'jpeg'])}"
        return self.directory() / name

    def write(self) -> None:
        self.picture().write_bytes(self.chance.choice(self.contents))

    def write_slowly(self) -> None:
        content = self.chance.choice(self.contents)
        with self.picture().open("wb") as file:
            file.write(content[:300])
            file.flush()
            time.sleep(self.chance.random() / 20)
            file.write(content[300:])

    def replace(self) -> None:
        self.something().write_bytes(self.chance.choice(self.contents))

    def save(self) -> None:
        """As an editor does it."""
        path = self.picture()
        temporary = path.with_name(f".{path.name}.tmp")
        temporary.write_bytes(self.chance.choice(self.contents))
        temporary.replace(path)

    def rename(self) -> None:
        source = self.something()
        suffix = ".jpg" if source.is_file() else ""
        source.rename(self.new().with_suffix(suffix))

    def swap(self) -> None:
        first, second = self.something(), self.something()
        between = self.top / "between"
        first.rename(between)
        second.rename(first)
        between.rename(second)

    def link(self) -> None:
        source = self.something()
        if self.chance.random() < 0.5:
            os.link(source, self.picture())
        else:
            self.picture().symlink_to(source)

    def touch(self) -> None:
        path = self.something()
        path.chmod(path.stat().st_mode ^ 0o044)
        if self.chance.random() < 0.5:
            os.utime(path, (self.chance.randrange(10**9), self.chance.randrange(10**9)))

    def make(self) -> None:
        path = self.new() / self.chance.choice(NAMES)
        path.mkdir(parents=True)
        (path / "0.jpg").write_bytes(self.chance.choice(self.contents))

    def copy(self) -> None:
        shutil.copytree(self.directory(), self.outside / "copy", symlinks=True)
        (self.outside / "copy").rename(self.new())

    def delete(self) -> None:
        self.something().unlink()

    def delete_tree(self) -> None:
        if self.chance.random() < 0.5:
            shutil.rmtree(self.something())

    def mark(self) -> None:
        mark = self.directory() / ".nosearch"
        if mark.exists():
            mark.unlink()
        elif mark.parent != self.top and self.chance.random() < 0.5:
            mark.touch()

    def leave(self) -> None:
        self.something().rename(self.outside / str(self.chance.randrange(4)))

    def come_back(self) -> None:
        thing = self.outside / str(self.chance.randrange(4))
        thing.rename(self.new().with_suffix(".jpg" if thing.is_file() else ""))


@pytest.mark.timeout(300 + 60 * ROUNDS)
def test_library_equals_disk_after_a_storm(user: User) -> None:
    seed = int(os.environ.get("CSEARCH_STORM_SEED", "1"))
    storm = Storm(user.pictures, seed)
    chance = random.Random(seed)
    daemon = user.start()
    user.csearchctl("add", user.pictures)
    for _ in range(ROUNDS):
        storm.done.clear()
        killed = chance.randrange(OPERATIONS) if chance.random() < 0.7 else None
        for number in range(OPERATIONS):
            storm.change()
            time.sleep(chance.random() ** 3 / 10)
            if number == killed:
                daemon.kill()
                daemon.wait()
                wait_for(lambda: not user.pids("csearchd.encode"), "the end of its encoder")
                daemon = user.start(wait=chance.random() < 0.5)
        wait_for(user.answers, "the service")
        wait_until_equal(user, user.pictures, 60)
        _, vectors, encodings = committed(user)
        assert vectors == encodings <= CONTENTS, storm.done
        assert "Traceback" not in user.log(), user.log()
    assert user.status()["failed"] == 0
