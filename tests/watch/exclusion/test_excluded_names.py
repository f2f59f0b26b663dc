"""Directories that are not read unless they are asked for: by a search, and as roots."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from support.photos import write_drawn
from support.user import User, wait_for
from watch.following import known

UUID = "0f8fad5b-d9cb-469f-a165-70867728950e"
LEFT_OUT = {  # directories, and a file that tells, if there is one
    "$RECYCLE.BIN/S-1-5": "",
    "@Recycle": "",
    "@eaDir/x.jpg": "",
    "#snapshot/daily": "",
    "~snapshot/hourly.0": "",
    ".snapshots/1/snapshot": "",
    "lost+found/#12": "",
    "__MACOSX": "",
    "appdata_ocabc/preview/1": "",
    "Mac.photoslibrary/resources/derivatives/masters/1": "",
    "Mac.photoslibrary/private/com.apple": "",
    "iPhoto Library.photolibrary/Thumbnails/2012": "",
    "Old.aplibrary/Previews": "",
    "Catalog Previews.lrdata/A/B": "",
    "Catalog Smart Previews.lrdata/1": "",
    f"immich/thumbs/{UUID}/ab/cd": "",
    "other immich/thumbs/admin/ab": "other immich/thumbs/.immich",
    "old immich/thumbs/ab": "old immich/encoded-video/1",
    "prism/cache/thumbnails/0/1": "",
    "prism storage/sidecar/2012": "prism storage/.ppstorage",
    "prism all/cache/thumbnails/0": "prism all/.ppstorage",
    "phone/WhatsApp/Private": "phone/WhatsApp/Private/.nomedia",
    "phone/WhatsApp/Sent/deep/deeper": "phone/WhatsApp/Sent/.nomedia",
}
READ = (
    "Mac.photoslibrary/originals/0",
    "iPhoto Library.photolibrary/Masters/2012",
    "iPhoto Library.photolibrary/Originals/2012",
    "Old.aplibrary/Masters/2012",
    "lrdata",
    "thumbs",
    "thumbnails",
    "immich/library/admin/2012",
    f"immich/upload/{UUID}/ab/cd",
    "old immich/library/1",
    "prism/originals",
    "prism all/originals/2012",
    "resources/derivatives",
    "snapshots",
    "phone/DCIM",
)


@pytest.fixture(scope="module")
def rooted(tmp_path_factory: pytest.TempPathFactory) -> Iterator[User]:
    """A user with all of these directories in a root."""
    with User(tmp_path_factory.mktemp("x")) as someone:
        for number, name in enumerate([*LEFT_OUT, *READ]):
            write_drawn(someone.pictures / name, 1, first=number % 20)
        for mark in filter(None, LEFT_OUT.values()):
            (someone.pictures / mark).parent.mkdir(parents=True, exist_ok=True)
            (someone.pictures / mark).touch()
        someone.csearchctl("add", someone.pictures)
        someone.settle()
        yield someone


def directories(paths: set[bytes]) -> set[str]:
    return {os.path.dirname(os.fsdecode(path)) for path in paths}


def test_they_are_left_out_of_a_root(rooted: User) -> None:
    assert directories(known(rooted, rooted.pictures)) == set(READ)
    assert rooted.status()["images"] == len(READ)


@pytest.mark.parametrize("name", LEFT_OUT)
def test_one_is_read_if_a_search_names_it(rooted: User, name: str) -> None:
    directory = rooted.pictures / name
    (picture,) = (
        directory.iterdir()
        if not (directory / ".nomedia").exists()
        else [path for path in directory.iterdir() if path.suffix]
    )
    assert rooted.search("anything", "--in", directory) == [picture]
    assert rooted.search("anything", "--in", directory) == [picture]  # and the next time


@pytest.mark.parametrize("mark", [".private/x", "marked/.nomedia"])
def test_one_deep_inside_another_stays_whatever_is_listed_above(user: User, mark: str) -> None:
    above = (user.pictures / mark).parent
    write_drawn(above / "2019", 1)
    write_drawn(asked := above / "2020", 1, first=1)
    (user.pictures / mark).touch()
    user.csearchctl("add", user.pictures)
    assert user.settle()["images"] == 0
    (picture,) = asked.iterdir()
    assert user.search("anything", "--in", asked) == [picture]
    for number in (2, 3):
        write_drawn(user.pictures, 1, first=number)
        user.csearchctl("rescan", user.pictures)
        user.settle()
        assert len(known(user, user.pictures)) == number


@pytest.mark.parametrize("mark", [".private/x", "marked/.nomedia", "marked/a/.nosearch"])
def test_one_deep_inside_another_is_followed(user: User, mark: str) -> None:
    top = user.pictures / mark.partition("/")[0]
    write_drawn(asked := top / "a" / "b" / "c", 1)
    (user.pictures / mark).touch()
    user.csearchctl("add", user.pictures)
    assert user.settle()["images"] == 0
    assert len(user.search("anything", "--in", asked)) == 1
    write_drawn(user.pictures, 1, first=1)  # so that what is above is listed
    wait_for(lambda: user.status()["images"] == 2, "a new picture above it")
    write_drawn(asked, 1, first=2)
    write_drawn(asked / "inner", 1, first=3)
    wait_for(lambda: user.status()["images"] == 4, "new pictures in it")
    write_drawn(top / "a", 1, first=4)
    shutil.rmtree(asked / "inner")
    wait_for(lambda: user.status()["images"] == 3, "the end of one of them")
    moved = asked.rename(asked.with_name("d"))
    wait_for(lambda: user.status()["images"] == 1, "the end of what was asked for")
    assert len(user.search("anything", "--in", moved)) == 2
    shutil.rmtree(moved)
    wait_for(lambda: user.status()["images"] == 1, "its end")


@pytest.mark.parametrize("name", ["@Recycle", "phone/WhatsApp/Private", "prism/cache/thumbnails"])
def test_one_is_followed_if_it_is_a_root(user: User, name: str) -> None:
    mark = LEFT_OUT.get(name)
    directory = user.pictures / name
    write_drawn(directory, 1)
    if mark:
        (user.pictures / mark).touch()
    user.csearchctl("add", user.pictures)
    assert user.settle()["images"] == 0
    user.csearchctl("add", directory)
    assert user.settle()["images"] == 1
    write_drawn(directory / "inner", 1, first=1)
    wait_for(lambda: user.status()["images"] == 2, "a new picture in it")
    user.csearchctl("remove", directory)
    wait_for(lambda: user.status()["images"] == 0, "its end")


def test_a_root_below_one(user: User) -> None:
    write_drawn(user.pictures / "@Recycle" / "asked", 1)
    write_drawn(user.pictures / "phone" / "asked", 1, first=1)
    (user.pictures / "phone" / ".nomedia").touch()
    for root in (".", "@Recycle/asked", "phone/asked"):
        user.csearchctl("add", user.pictures / root)
    assert user.settle()["images"] == 2
    write_drawn(user.pictures / "phone" / "asked", 1, first=2)
    write_drawn(user.pictures / "@Recycle" / "asked", 1, first=3)
    wait_for(lambda: user.status()["images"] == 4, "new pictures in them")
    (user.pictures / "phone" / ".nomedia").unlink()
    write_drawn(user.pictures / "phone", 1, first=4)
    wait_for(lambda: user.status()["images"] == 5, "the picture that isn't excluded any more")
    (user.pictures / "phone" / ".nomedia").touch()
    wait_for(lambda: user.status()["images"] == 4, "its end")


def test_nomedia_comes_and_goes(watching: User, folder: Path) -> None:
    write_drawn(folder / "a" / "deep" / "deeper", 1)
    write_drawn(folder / "a", 1, first=1)
    write_drawn(folder / "b", 1, first=2)
    everything = {b"a/deep/deeper/drawn-00000.jpg", b"a/drawn-00001.jpg", b"b/drawn-00002.jpg"}
    wait_for(lambda: known(watching, folder) == everything, "all pictures")
    watched = watching.settle()["watch"]["directories"]
    for _ in range(2):
        (folder / "a" / ".nomedia").touch()
        wait_for(lambda: known(watching, folder) == {b"b/drawn-00002.jpg"}, "the others' end")
        assert watching.settle()["watch"]["directories"] == watched - 2
        (folder / "b" / "x").mkdir()
        (folder / "a" / ".nomedia").rename(folder / "b" / "x" / ".nomedia")
        wait_for(lambda: known(watching, folder) == everything, "all pictures again")
        (folder / "b" / "x" / ".nomedia").unlink()
        (folder / "b" / "x").rmdir()
    (folder / "a" / ".nomedia").touch()
    wait_for(lambda: len(known(watching, folder)) == 1, "their end")
    assert len(watching.search("anything", "--in", folder / "a")) == 2
    write_drawn(folder / "a", 1, first=3)
    wait_for(lambda: len(known(watching, folder)) == 4, "a new picture in what was asked for")


def test_renamed_to_a_name_that_excludes(watching: User, folder: Path) -> None:
    write_drawn(folder / "plain" / "resources", 1)
    write_drawn(folder / "plain" / "originals", 1, first=1)
    wait_for(lambda: len(known(watching, folder)) == 2, "both pictures")
    (folder / "plain").rename(folder / "a.photoslibrary")
    originals = {b"a.photoslibrary/originals/drawn-00001.jpg"}
    wait_for(lambda: known(watching, folder) == originals, "the originals alone")
    (folder / "a.photoslibrary").rename(folder / "plain")
    wait_for(lambda: len(known(watching, folder)) == 2, "both pictures again")


def test_paths_in_the_configuration(user: User) -> None:
    nas = user.home / "nas"
    for number, name in enumerate(
        ("a/raw", "a/b/raw/deep", "raw", "a/raw2", "plain/x", "secret/keep", "c/one", "names")
    ):
        write_drawn(nas / name, 1, first=number)
    write_drawn(user.home / "raw", 1, first=9)
    (nas / "plain" / "left-out.jpg").write_bytes((nas / "raw" / "drawn-00002.jpg").read_bytes())
    (user.home / "link").symlink_to(nas)
    user.config.parent.mkdir(parents=True, exist_ok=True)
    user.config.write_text(
        f'[scan]\nexclude = ["{nas}/**/raw", "~/link/secret", "c/o*", "names", "**/left-*.jpg"]\n'
    )
    user.csearchctl("add", nas)
    user.csearchctl("add", user.home / "raw")
    user.settle()
    assert directories(known(user, nas)) == {"a/raw2", "plain/x"}
    assert len(known(user, user.home / "raw")) == 1
    write_drawn(nas / "c" / "x", 1, first=10)
    (nas / "a" / "raw2").rename(nas / "c" / "only")
    (nas / "raw").rename(nas / "was-raw")
    want = {"plain/x", "c/x", "was-raw"}
    wait_for(lambda: directories(known(user, nas)) == want, "what was moved")
    assert len(user.search("anything", "--in", nas / "a" / "b" / "raw")) == 1
    user.config.write_text(f'[scan]\nexclude = ["{nas}/**"]\n')
    user.csearchctl("reload")
    wait_for(lambda: len(known(user, nas)) == 10, "all below a root that the user has added")
