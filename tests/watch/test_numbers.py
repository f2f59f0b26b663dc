"""Numbers that file systems have and the database hasn't: 64 bits without a sign."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from csearchd.system.files import signed
from support.photos import write_drawn
from support.user import User
from watch.following import wait_until_equal

FAR = 13_000_000_000  # seconds: a camera's clock in the year 2381


@pytest.mark.parametrize(
    ("number", "kept"),
    [(5, 5), (2**63 - 1, 2**63 - 1), (2**63, -(2**63)), (2**64 - 1, -1)],
)
def test_in_64_bits(number: int, kept: int) -> None:
    assert signed(number) == kept


def test_pictures_of_the_far_future(user: User) -> None:
    write_drawn(user.pictures, 2)
    picture: Path = user.pictures / "drawn-00000.jpg"
    os.utime(picture, (FAR, FAR))
    if picture.stat().st_mtime != FAR:
        pytest.skip("needs a file system with times after 2262, such as ext4 or tmpfs")
    user.start()
    user.csearchctl("add", user.pictures)
    wait_until_equal(user, user.pictures)
    status = user.settle()
    assert (status["encoded"], status["failed"]) == (2, 0)
    user.csearchctl("rescan")
    assert user.settle()["reused"] == 0
