"""What excludes directories, on a file system whose changes nobody tells."""

from __future__ import annotations

from support.photos import write_drawn
from support.served import served
from support.user import User, wait_for
from watch.following import known, wait_until_equal


def test_changes_of_what_excludes(user: User) -> None:
    source, mount = user.home / "source", user.pictures / "mount"
    write_drawn(source / "a" / "deep", 2)
    write_drawn(source / "b", 2, first=2)
    with served(source, mount):
        user.csearchctl("add", mount)
        wait_until_equal(user, mount)
        (source / "a" / ".nomedia").touch()
        wait_until_equal(user, mount)
        (source / ".csearchignore").write_text("*2.jpg\n")
        wait_until_equal(user, mount)
        assert len(known(user, mount)) == 1
        assert len(user.search("anything", "--in", mount / "a")) == 2
        wait_for(lambda: len(known(user, mount)) == 3, "what was asked for")
        (source / "a" / ".nomedia").unlink()
        (source / ".csearchignore").unlink()
        wait_until_equal(user, mount)
        user.end()
