"""Folders of saved searches in the bookmarks of GTK and the places of KDE."""

from __future__ import annotations

from pathlib import Path
from xml.dom import minidom

import pytest

from support.user import User

GTK = b"file:///home/x/Music Songs\nfile:///a%20b\n\nsftp://host/dir Caf\xc3\xa9"
KDE = b"""<?xml version="1.0" encoding="UTF-8"?>
<!DOCTYPE xbel>
<xbel xmlns:bookmark="http://www.freedesktop.org/standards/desktop-bookmarks">
 <bookmark href="file:///home/x">
  <title>Home &amp; more</title>
  <info><metadata owner="http://www.kde.org"><ID>1400000000/0</ID></metadata></info>
 </bookmark>
 <info/>
   </xbel>
"""


def gtk(user: User) -> Path:
    return user.config.parents[1] / "gtk-3.0" / "bookmarks"


def kde(user: User) -> Path:
    return user.data.parent / "user-places.xbel"


@pytest.fixture
def owner(user: User) -> User:
    gtk(user).parent.mkdir(parents=True)
    gtk(user).write_bytes(GTK)
    kde(user).parent.mkdir(parents=True, exist_ok=True)
    kde(user).write_bytes(KDE)
    user.csearchctl("saved", "add", "a cat & <more>", "a cat")
    return user


def hrefs(user: User) -> list[str]:
    document = minidom.parse(str(kde(user)))
    return [one.getAttribute("href") for one in document.getElementsByTagName("bookmark")]


def test_a_folder_is_added_and_goes_with_its_search(owner: User) -> None:
    gtk(owner).chmod(0o640)
    elsewhere = owner.home / "dotfiles"
    kde(owner).rename(elsewhere)
    kde(owner).symlink_to(elsewhere)
    for _ in range(2):  # it is added once
        output = owner.csearchctl("saved", "bookmark", "a cat & <more>").stdout
        assert output.splitlines() == [bytes(gtk(owner)), bytes(kde(owner))]
    uri = f"file://{owner.data}/saved/a%20cat%20&%20%3Cmore%3E"
    assert gtk(owner).read_bytes() == GTK + b"\n" + uri.encode() + b" a cat & <more>"
    assert hrefs(owner) == ["file:///home/x", uri]
    assert KDE.startswith(kde(owner).read_bytes()[: KDE.index(b"</xbel>")])
    owner.csearchctl("saved", "rename", "a cat & <more>", "cats\n\udcff")
    renamed = f"file://{owner.data}/saved/cats%0A%FF"
    assert hrefs(owner) == ["file:///home/x", renamed]
    assert gtk(owner).read_bytes() == GTK + f"\n{renamed} cats\ufffd\ufffd".encode()
    owner.csearchctl("saved", "remove", "cats\n\udcff")
    assert gtk(owner).read_bytes() == GTK and kde(owner).read_bytes() == KDE
    assert gtk(owner).stat().st_mode & 0o777 == 0o640 and kde(owner).is_symlink()


def test_what_the_user_has_removed_does_not_come_back(owner: User) -> None:
    owner.csearchctl("saved", "bookmark", "a cat & <more>")
    gtk(owner).write_bytes(GTK)
    owner.csearchctl("saved", "rename", "a cat & <more>", "cats")
    assert gtk(owner).read_bytes() == GTK
    assert hrefs(owner) == ["file:///home/x", f"file://{owner.data}/saved/cats"]
    kde(owner).write_bytes(KDE)
    owner.csearchctl("saved", "rename", "cats", "more cats")
    assert gtk(owner).read_bytes() == GTK and kde(owner).read_bytes() == KDE


def test_uninstall_takes_all_back(owner: User) -> None:
    gtk(owner).write_bytes(b"")
    owner.csearchctl("saved", "add", "dogs", "a dog")
    for name in ("a cat & <more>", "dogs"):
        owner.csearchctl("saved", "bookmark", name)
    assert gtk(owner).read_bytes().count(b"\n") == 2
    would = owner.csearchctl("uninstall", "--dry-run").stdout
    assert bytes(gtk(owner)) in would and bytes(kde(owner)) in would and len(hrefs(owner)) == 3
    owner.csearchctl("uninstall")
    assert gtk(owner).read_bytes() == b"" and kde(owner).read_bytes() == KDE


def test_only_where_there_are_any(owner: User) -> None:
    kde(owner).unlink()
    gtk(owner).unlink()
    owner.csearchctl("saved", "bookmark", "a cat & <more>")
    assert gtk(owner).read_bytes().endswith(b" a cat & <more>\n") and not kde(owner).exists()
    gtk(owner).unlink()
    gtk(owner).parent.rmdir()
    done = owner.csearchctl("saved", "bookmark", "a cat & <more>", check=2)
    assert b"GTK" in done.stderr
    assert b"no saved search none" in owner.csearchctl("saved", "bookmark", "none", check=2).stderr


@pytest.mark.parametrize("content", [b"", b"<xbel><bookmark", b"\xff\xfe<\0x\0", b"<xbel/>"])
def test_what_is_no_file_of_bookmarks_stays(owner: User, content: bytes) -> None:
    kde(owner).write_bytes(content)
    done = owner.csearchctl("saved", "bookmark", "a cat & <more>", check=2)
    assert b"user-places.xbel" in done.stderr and b"Traceback" not in done.stderr
    assert kde(owner).read_bytes() == content
