"""`csearchctl forget`: nothing of a picture is kept."""

from __future__ import annotations

import hashlib

from support.user import User


def test_thumbnails_of_forgotten_pictures_go(user: User) -> None:
    cat, coffee = user.take_photos(("cat", "coffee"))
    user.search("anything", "--in", user.pictures)
    kept = {}
    for path in (cat, coffee):
        digest = hashlib.md5(path.as_uri().encode()).hexdigest()
        kept[path] = user.home / ".cache" / "thumbnails" / "large" / f"{digest}.png"
        kept[path].parent.mkdir(parents=True, exist_ok=True)
        kept[path].write_bytes(b"a thumbnail")
    user.csearchctl("forget", cat)
    assert not kept[cat].exists() and kept[coffee].exists()
    assert cat.exists(), "the picture itself is the user's"
    user.csearchctl("forget", user.pictures)
    assert not kept[coffee].exists()


def test_the_help_says_all_that_goes(user: User) -> None:
    told = b" ".join(user.csearchctl("forget", "-h").stdout.split())
    assert b"thumbnails" in told and b"past queries" in told
