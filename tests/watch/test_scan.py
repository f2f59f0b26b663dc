"""What the scan finds, and what it leaves alone: seen through csearch and csearchctl."""

from __future__ import annotations

import json
import os
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from support.photos import drawn, photo, write_drawn, write_photos
from support.user import User


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[User]:
    """A user whose service all tests here share: each has a directory of its own."""
    with User(tmp_path_factory.mktemp("s")) as someone:
        yield someone


@pytest.fixture
def folder(shared: User) -> Path:
    directory = shared.home / f"folder-{len(list(shared.home.iterdir()))}"
    directory.mkdir()
    return directory


def failures(user: User, directory: Path) -> list[str]:
    """The lines of `csearchctl failed` about what is below `directory`."""
    lines = user.csearchctl("failed").stdout.decode().splitlines()
    return [line for line in lines if str(directory) in line]


def found(user: User, directory: Path, *options: str) -> set[bytes]:
    """All that csearch finds below `directory`, by the rest of the path."""
    paths = user.search("anything", "--in", directory, "-t", 1000, *options, check=None)
    return {os.fsencode(path.relative_to(directory)) for path in paths}


@pytest.mark.parametrize(
    "name",
    [".git", "node_modules", ".cache", ".Trash-1000", "Trash", ".thumbnails", "@eaDir", ".hidden"],
)
def test_excluded_directories(shared: User, folder: Path, name: str) -> None:
    write_drawn(folder / name / "inner", 1)
    write_drawn(folder / "other", 1, first=1)
    assert found(shared, folder) == {b"other/drawn-00001.jpg"}


def test_marked_directories_and_hidden_files(shared: User, folder: Path) -> None:
    for name in ("nosearch", "cache", "tagged", "piped", "linked"):
        write_drawn(folder / name, 1)
    (folder / "nosearch" / ".nosearch").touch()
    signature = "Signature: 8a477f597d28d172789f06886806bc55\n"
    (folder / "cache" / "CACHEDIR.TAG").write_text(signature)
    (folder / "tagged" / "CACHEDIR.TAG").write_text("something else")
    os.mkfifo(folder / "piped" / "CACHEDIR.TAG")  # must not hold the scan up
    (folder / "linked" / "CACHEDIR.TAG").symlink_to(folder / "cache" / "CACHEDIR.TAG")
    (folder / ".hidden.jpg").write_bytes(drawn(5))
    kept = ("tagged", "piped", "linked")  # a tag is an ordinary file
    assert found(shared, folder) == {os.fsencode(f"{name}/drawn-00000.jpg") for name in kept}


def test_configured_excludes_and_hidden_ones(user: User) -> None:
    user.config.parent.mkdir(parents=True, exist_ok=True)
    user.config.write_text('[scan]\nhidden = true\nexclude = ["raw-*"]\n')
    for name in ("raw-2024", ".hidden", ".git", "plain"):
        write_drawn(user.pictures / name, 1)
    assert found(user, user.pictures) == {b".hidden/drawn-00000.jpg", b"plain/drawn-00000.jpg"}
    user.csearchctl("add", user.pictures)
    user.config.write_text("")
    user.csearchctl("reload")
    user.settle()
    assert found(user, user.pictures) == {b"raw-2024/drawn-00000.jpg", b"plain/drawn-00000.jpg"}


def test_an_excluded_directory_that_is_asked_for(shared: User, folder: Path) -> None:
    write_drawn(folder / ".hidden", 2)
    assert len(found(shared, folder / ".hidden")) == 2


def test_names_that_are_any_bytes(shared: User, folder: Path) -> None:
    names = [
        b"new\nline.jpg",
        b"quote\"'`$.jpg",
        b"not-utf8-\xff\xfe.jpg",
        b" spaces .jpg",
        b"-option.jpg",
        b"tab\t\x1b[31m.JPG",
        "ünïcödé 🐶.jpeg".encode(),
        b"x" * 251 + b".jpg",
        b"\xe9/inner.jpg",
    ]
    for number, name in enumerate(names):
        path = os.path.join(os.fsencode(folder), name)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "wb") as file:
            file.write(drawn(number))
    assert found(shared, folder) == set(names)

    lines = shared.csearch("--in", folder, "-t", 100, "--json", "anything").stdout
    objects = [json.loads(line) for line in lines.splitlines()]
    assert len(objects) == len(names)
    assert {"path", "score", "rank"} <= set(objects[0])
    assert sum("path_b64" in line for line in objects) == 2


def test_symlinks_are_not_followed_and_may_be_circles(shared: User, folder: Path) -> None:
    write_drawn(shared.home / "elsewhere", 1)
    (folder / "loop").symlink_to(folder)
    (folder / "linked").symlink_to(shared.home / "elsewhere")
    (folder / "linked.jpg").symlink_to(shared.home / "elsewhere" / "drawn-00000.jpg")
    (folder / "dangling.jpg").symlink_to("nowhere")
    write_drawn(folder, 1, first=1)
    assert found(shared, folder) == {b"drawn-00001.jpg"}


def test_a_symlink_that_is_asked_for(shared: User, folder: Path) -> None:
    write_drawn(shared.home / "real", 1)
    (shared.home / "link").symlink_to(shared.home / "real")
    (path,) = shared.search("anything", "--in", shared.home / "link")
    assert path.exists() and path.name == "drawn-00000.jpg"


def test_what_only_looks_like_a_picture(shared: User, folder: Path) -> None:
    """None of it may hold anything up, and none of it costs another file."""
    write_photos(folder, ("cat", "coffee"))
    os.mkfifo(folder / "fifo.jpg")
    with socket.socket(socket.AF_UNIX) as unix:
        unix.bind(str(folder / "socket.jpg"))
        if os.getuid() == 0:
            os.mknod(folder / "device.jpg", 0o600 | 0o20000, os.makedev(1, 3))
        (folder / "directory.jpg").mkdir()
        (folder / "empty.jpg").touch()
        (folder / "text.jpg").write_text("no picture")
        (folder / "postscript.jpg").write_text("%!PS-Adobe-3.0 EPSF-3.0\n0 0 moveto\n")
        (folder / "truncated.jpg").write_bytes(drawn(1, (800, 600))[:300])
        photo("cat").save(folder / "really-png.jpg", "PNG")
        assert found(shared, folder) == {b"cat.jpg", b"coffee.jpg", b"really-png.jpg"}
    failed = failures(shared, folder)
    assert len(failed) == 4
    for name in ("empty", "text", "postscript", "truncated"):
        assert any(f"{name}.jpg" in line for line in failed), failed


def test_what_is_called_raw_beside_a_jpeg_is_no_failure(shared: User, folder: Path) -> None:
    write_drawn(folder, 1)
    (folder / "drawn-00000.NEF").write_bytes(b"raw")
    assert found(shared, folder) == {b"drawn-00000.jpg"}
    assert not failures(shared, folder)
    (folder / "drawn-00000.jpg").unlink()
    found(shared, folder, "--wait")
    assert len(failures(shared, folder)) == 1  # now it stands for itself, and is no picture


def test_a_failure_is_not_tried_again_until_the_file_changes(shared: User, folder: Path) -> None:
    path = folder / "slow.jpg"
    path.write_bytes(drawn(1)[:500])
    assert found(shared, folder) == set()
    assert len(failures(shared, folder)) == 1
    path.write_bytes(drawn(1))
    assert found(shared, folder, "--wait") == {b"slow.jpg"}
    assert not failures(shared, folder)


def test_without_permission(user: User) -> None:
    # root may read everything, unless it gives that up
    plain = ("setpriv", "--bounding-set=-dac_override,-dac_read_search", "--inh-caps=-all")
    user.start(prefix=plain if os.getuid() == 0 else ())
    write_drawn(user.pictures / "closed", 1)
    write_drawn(user.pictures, 2, first=1)
    (user.pictures / "closed").chmod(0)
    (user.pictures / "drawn-00001.jpg").chmod(0)
    assert found(user, user.pictures) == {b"drawn-00002.jpg"}
    failed = user.csearchctl("failed").stdout.decode()
    assert "closed" in failed and "drawn-00001.jpg" in failed and "ermission denied" in failed
    (user.pictures / "closed").chmod(0o700)
    (user.pictures / "drawn-00001.jpg").chmod(0o600)
    assert len(found(user, user.pictures, "--wait")) == 3


def test_changes_are_seen_by_the_next_wait(shared: User, folder: Path) -> None:
    before = shared.status()
    first, second = write_drawn(folder / "a", 2, first=100)
    assert len(found(shared, folder)) == 2
    first.unlink()
    second.rename(folder / "moved.jpg")
    write_drawn(folder / "b" / "c", 1, first=107)
    assert found(shared, folder, "--wait") == {b"moved.jpg", b"b/c/drawn-00107.jpg"}
    after = shared.status()
    gained = {name: after[name] - before[name] for name in ("images", "encoded", "reused")}
    assert gained == {"images": 2, "encoded": 3, "reused": 1}


def test_a_path_that_no_longer_exists_is_not_printed(user: User) -> None:
    paths = write_drawn(user.pictures, 5)
    user.csearchctl("add", user.pictures)
    user.settle()
    paths[0].unlink()
    assert len(found(user, user.pictures)) == 4


def test_a_directory_that_may_be_listed_but_not_entered_is_said(user: User) -> None:
    plain = ("setpriv", "--bounding-set=-dac_override,-dac_read_search", "--inh-caps=-all")
    user.start(prefix=plain if os.getuid() == 0 else ())
    write_drawn(user.pictures / "half", 2)
    assert len(found(user, user.pictures)) == 2
    (user.pictures / "half").chmod(0o600)
    found(user, user.pictures, "--wait")
    assert "ermission denied" in "".join(failures(user, user.pictures))
    (user.pictures / "half").chmod(0o700)
    assert len(found(user, user.pictures, "--wait")) == 2
    assert user.status()["encoded"] == 2


def test_paths_of_more_than_4096_bytes_are_said_and_cost_no_others(user: User) -> None:
    """No system call takes such a path as a whole."""
    write_drawn(user.pictures, 1)
    length, names = len(os.fsencode(user.pictures)), []
    while length < 4079:
        names.append(b"d" * min(255, 4079 - length))
        length += 1 + len(names[-1])
    descriptor = os.open(user.pictures, os.O_RDONLY)
    for name in names:
        os.mkdir(name, dir_fd=descriptor)
        descriptor, above = os.open(name, os.O_RDONLY, dir_fd=descriptor), descriptor
        os.close(above)
    os.mkdir(b"x" * 50, dir_fd=descriptor)
    for name in (b"a.jpg", b"b" * 50 + b".jpg"):
        with open(os.open(name, os.O_CREAT | os.O_WRONLY, dir_fd=descriptor), "wb") as file:
            file.write(drawn(5 if name == b"a.jpg" else 6))
    os.close(descriptor)

    user.csearchctl("add", user.pictures)
    user.settle()
    assert {path.rpartition(b"/")[2] for path in found(user, user.pictures)} == {
        b"drawn-00000.jpg",
        b"a.jpg",
    }
    failed = user.csearchctl("failed").stdout.decode().splitlines()
    assert len(failed) == 2 and all("name too long" in line for line in failed)
    (user.pictures / os.fsdecode(names[0])).rename(user.pictures / "short")
    user.settle()
    user.csearchctl("failed", "--retry")
    user.settle()
    assert len(found(user, user.pictures)) == 3
    assert not user.csearchctl("failed").stdout
