"""What `--wait` waits for."""

from __future__ import annotations

from pathlib import Path

import pytest

from support.photos import write_drawn
from support.user import User, wait_for


def test_a_disk_that_was_full_is_tried_again_at_once(user: User, small_disk: Path) -> None:
    user.start()
    user.csearchctl("add", user.pictures)
    user.settle()
    ballast = small_disk / "ballast"
    with pytest.raises(OSError, match="No space left"), ballast.open("wb", 0) as file:
        while True:
            file.write(bytes(4096))
    write_drawn(user.pictures, 20)
    user.csearchctl("rescan")
    wait_for(lambda: "full" in " ".join(user.status()["notes"]), "a word about the disk")
    done = user.csearch("anything", "--wait", "-g", "-t", 1000, check=None)
    assert "full" in done.stderr.decode()  # it doesn't wait for ever
    ballast.unlink()
    done = user.csearch("anything", "--wait", "-g", "-t", 1000)
    assert done.stdout.count(b"\n") == 20
    assert "None:" not in user.log()
