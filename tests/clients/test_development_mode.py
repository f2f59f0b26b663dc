"""Python's development mode finds nothing to warn of in the commands."""

from __future__ import annotations

from pathlib import Path

from support.complaints import complaints
from support.user import User


def test_commands_leave_nothing_open(user: User, tmp_path: Path) -> None:
    user.take_photos(("cat", "coffee"))
    user.environment["PYTHONDEVMODE"] = "1"
    pictures, cat = user.pictures, user.pictures / "cat.jpg"
    done = [
        user.csearch("a cat", "--in", pictures),  # starts the service
        user.csearch("a cat", "--json", "-g"),
        user.csearch("--like", cat, "-g"),
        user.csearch("--why-image", tmp_path / "why.png", "a cat", "-g"),
        user.csearch("colour:red", check=2),
        user.csearch("name:none", "-g", check=1),
        user.csearchctl("add", pictures),
        user.csearchctl("status", "--json"),
        user.csearchctl("roots"),
        user.csearchctl("failed"),
        user.csearchctl("dupes"),
        user.csearchctl("tags", "preview", pictures),
        user.csearchctl("doctor", check=None),
        user.csearchctl("remove", pictures),
        user.csearchctl("stop"),
        user.csearchctl("status", check=1),
    ]
    for run in done:
        assert not complaints(run.stderr.decode()), (run.args, run.stderr.decode())
