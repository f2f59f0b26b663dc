"""A file is the old one or the new one at any moment, and loses nothing; no files remain."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from csearchd.errors import SkippedFile
from csearchd.tags import ledger
from csearchd.tags.writers import exiftool, safe_write
from csearchd.tags.writers.open_file import OpenFile
from csearchd.tags.writers.safe_write import TEMPORARY
from support.user import SECONDS, wait_for
from tags.bench import Bench, Killed
from tags.pictures import make, need_exiftool

CARRIERS = ("xattr", "sidecar", "embedded")


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    one = Bench(tmp_path / "library")
    yield one
    one.close()


def left_over(directory: Path) -> list[str]:
    return [name for name in os.listdir(directory) if os.fsencode(name).startswith(TEMPORARY)]


def replaced(path: Path, data: bytes) -> None:
    file = OpenFile(os.fsencode(path))
    try:
        safe_write.replace(file, data)
    finally:
        file.close()


def test_everything_of_the_file_is_kept(tmp_path: Path) -> None:
    if not shutil.which("setfacl"):
        pytest.skip("setfacl is not installed (Debian: acl)")
    path = tmp_path / "a b\n\udcff.jpg"
    path.write_bytes(b"old")
    path.chmod(0o604)
    if os.getuid() == 0:
        os.chown(path, 12345, 23456)
    os.setxattr(path, "user.own", b"\0value")
    acl = subprocess.run(["setfacl", "-m", "u:777:rw", path], capture_output=True, text=True)
    os.utime(path, ns=(1_000_000_001, 2_000_000_003))
    before, attributes = path.stat(), {name: os.getxattr(path, name) for name in os.listxattr(path)}
    assert acl.returncode or "system.posix_acl_access" in attributes
    replaced(path, b"new")
    after = path.stat()
    assert path.read_bytes() == b"new"
    for name in ("st_mode", "st_uid", "st_gid", "st_mtime_ns"):
        assert getattr(after, name) == getattr(before, name), name
    assert {name: os.getxattr(path, name) for name in os.listxattr(path)} == attributes
    assert not left_over(tmp_path)


def test_a_directory_that_gives_its_files_an_acl_gives_ours_none(tmp_path: Path) -> None:
    path = tmp_path / "a.jpg"
    path.write_bytes(b"old")
    if not shutil.which("setfacl"):
        pytest.skip("setfacl is not installed (Debian: acl)")
    if subprocess.run(["setfacl", "-d", "-m", "u:777:rwx", tmp_path], check=False).returncode:
        pytest.skip("no ACLs in the directory for temporary files")
    replaced(path, b"new")
    assert "system.posix_acl_access" not in os.listxattr(path)


def test_hard_links_and_symbolic_links(bench: Bench, tmp_path: Path) -> None:
    need_exiftool()
    path = make(tmp_path, "jpg")
    whole = path.read_bytes()
    other = tmp_path / "other.jpg"
    other.hardlink_to(path)
    assert bench.write("embedded", ["sky"], path) == ["left"]
    assert "hard links" in bench.reasons[os.fsencode(path)]
    assert bench.write("xattr", ["sky"], path, other) == ["written", "unchanged"]
    assert bench.undo("xattr", path, other) == ["written", "unchanged"]
    assert os.listxattr(path) == [] and path.read_bytes() == whole
    other.unlink()
    real = tmp_path / "elsewhere"
    bench.write("sidecar", ["sky"], path)
    (tmp_path / "picture-1.jpg.xmp").rename(real)
    (tmp_path / "picture-1.jpg.xmp").symlink_to(real)
    before = real.read_bytes()
    assert bench.write("sidecar", ["sea"], path) == ["left"]
    assert real.read_bytes() == before
    with pytest.raises(SkippedFile):
        OpenFile(os.fsencode(tmp_path / "picture-1.jpg.xmp"))


def test_a_file_that_is_being_written(tmp_path: Path) -> None:
    path = tmp_path / "a.jpg"
    path.write_bytes(b"old")
    with path.open("ab") as writer:
        with pytest.raises(SkippedFile, match="writing"):
            replaced(path, b"new")
        writer.write(b" and more")
    assert path.read_bytes() == b"old and more"
    assert not left_over(tmp_path)


def test_a_file_that_changes_before_it_is_replaced(tmp_path: Path) -> None:
    path = tmp_path / "a.jpg"
    for change in ("in place", "renamed over", "removed"):
        path.write_bytes(b"old")
        file = OpenFile(os.fsencode(path))
        if change == "in place":
            path.write_bytes(b"theirs")
        elif change == "renamed over":
            (tmp_path / "b").write_bytes(b"theirs")
            (tmp_path / "b").rename(path)
        else:
            path.unlink()
        with pytest.raises(SkippedFile):
            safe_write.replace(file, b"new")
        with pytest.raises(SkippedFile):
            safe_write.remove(file)
        file.close()
        assert not path.exists() if change == "removed" else path.read_bytes() == b"theirs"
    assert not left_over(tmp_path)


def test_others_write_and_rename_all_the_time(tmp_path: Path) -> None:
    """The file has what another program wrote last, or csearch's change of that."""
    path = tmp_path / "a.jpg"
    path.write_bytes(b"0")
    stop = threading.Event()
    written = 0

    def others() -> None:
        nonlocal written
        while not stop.is_set():
            written += 1
            if written % 2:
                with path.open("r+b") as file:
                    file.write(b"%d" % written)
                    file.truncate()
            else:
                (tmp_path / "b").write_bytes(b"%d" % written)
                (tmp_path / "b").rename(path)
            # For a moment it may be our change of what was there before.
            wait_for(lambda: path.read_bytes().rstrip(b"+") == b"%d" % written, "it")  # noqa: B023
            time.sleep(0.0005)

    failures: list[BaseException] = []

    def run() -> None:
        try:
            others()
        except BaseException as error:
            failures.append(error)

    thread = threading.Thread(target=run)
    thread.start()
    changed = 0
    deadline = time.monotonic() + 3
    while time.monotonic() < deadline and not failures:
        try:
            file = OpenFile(os.fsencode(path))
        except (SkippedFile, FileNotFoundError):
            continue
        try:
            safe_write.replace(file, file.read(100) + b"+")
            changed += 1
        except SkippedFile:
            pass
        finally:
            file.close()
    stop.set()
    thread.join()
    assert not failures
    assert changed and written > 10
    assert not left_over(tmp_path)


@pytest.mark.parametrize("carrier", CARRIERS)
@pytest.mark.parametrize("place", ["tags-intend", "tags-done"])
def test_a_killed_tagger_is_understood(
    bench: Bench, tmp_path: Path, carrier: str, place: str
) -> None:
    """Killed before anything was written, and after all was, but before the report."""
    need_exiftool()
    path = make(tmp_path, "jpg")
    whole = path.read_bytes()
    for words in (["animal/dog", "sky"], ["animal/cat"]):
        bench.kill_at = place
        with pytest.raises(Killed):
            bench.write(carrier, words, path)
        expected = "written" if place == "tags-intend" else "unchanged"
        assert bench.write(carrier, words, path) == [expected]
        assert bench.words(carrier, path) == words  # nothing counts as removed by the user
    bench.kill_at = place
    with pytest.raises(Killed):
        bench.undo(carrier, path)
    bench.undo(carrier, path)
    assert path.read_bytes() == whole and os.listxattr(path) == []
    assert [file.name for file in tmp_path.glob("*.xmp")] == []
    assert bench.write(carrier, ["animal/dog"], path) == ["written"]
    assert bench.words(carrier, path) == ["animal/dog"]


@pytest.mark.parametrize("carrier", CARRIERS)
@pytest.mark.parametrize("looks", range(14))
def test_a_tagger_that_is_stopped_finishes_the_file_in_hand(
    bench: Bench, tmp_path: Path, carrier: str, looks: int
) -> None:
    need_exiftool()
    paths = [make(tmp_path, "jpg", number) for number in range(6)]
    whole = [path.read_bytes() for path in paths]
    bench.stop_after = looks
    outcomes = bench.write(carrier, ["sky"], *paths)
    # A look before each is read, one before all are noted, one before each is written
    written = max(0, looks - 7)
    assert outcomes == ["written"] * min(written, 6) + ["dropped"] * max(6 - written, 0)
    assert ledger.unfinished(bench.library) == []
    assert [bool(bench.words(carrier, path)) for path in paths] == [
        outcome == "written" for outcome in outcomes
    ]
    bench.stop_after = None
    again = bench.write(carrier, ["sky"], *paths)
    assert again.count("written") == outcomes.count("dropped")
    bench.undo(carrier, *paths)
    assert [path.read_bytes() for path in paths] == whole


@pytest.mark.parametrize("carrier", CARRIERS)
@pytest.mark.parametrize("away", [True, False])
def test_what_a_killed_tagger_wrote_is_known_until_it_was_looked_at(
    bench: Bench, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, carrier: str, away: bool
) -> None:
    """Its disk may be away at first, or the next tagger be stopped."""
    need_exiftool()
    path = make(tmp_path, "jpg")
    whole = path.read_bytes()
    bench.kill_at = "tags-done"
    with pytest.raises(Killed):
        bench.write(carrier, ["sky"], path)

    def is_stopped() -> bool:
        if away:
            path.rename(tmp_path / "away.jpg")
        return not away

    with monkeypatch.context() as patched:
        patched.setattr(bench, "_is_stopped", is_stopped)
        assert bench.write(carrier, ["sky"], path) == ["gone" if away else "dropped"]
    if away:
        (tmp_path / "away.jpg").rename(path)
    assert len(ledger.unfinished(bench.library)) == 1
    assert bench.write(carrier, ["sky"], path) == ["unchanged"]
    assert bench.words(carrier, path) == ["sky"]
    bench.undo(carrier, path)
    assert path.read_bytes() == whole


@pytest.mark.parametrize("carrier", CARRIERS)
def test_a_tagger_that_is_stopped_says_what_a_killed_one_wrote(
    bench: Bench, tmp_path: Path, carrier: str
) -> None:
    need_exiftool()
    path = make(tmp_path, "jpg")
    whole = path.read_bytes()
    bench.write(carrier, ["sky"], path)
    bench.kill_at = "tags-done"
    with pytest.raises(Killed):
        bench.write(carrier, ["tree"], path)
    bench.stop_after = 2  # it is noted already what is to be written
    assert bench.write(carrier, ["animal/dog"], path) == ["dropped"]
    assert bench.words(carrier, path) == ["tree"]
    assert ledger.unfinished(bench.library) == []
    bench.stop_after = None
    bench.undo(carrier, path)
    assert path.read_bytes() == whole


KILLED = """
import os, sys
from csearchd.tags.writers import exiftool, safe_write
from csearchd.tags.writers.open_file import OpenFile
from csearchd.tags import ledger
path = sys.argv[1].encode()
def watched(event, arguments):
    if event in ("os.fwalk", "open", "os.chmod", "os.chown", "os.setxattr", "os.utime",
                 "os.rename", "os.remove", "os.link", "ctypes.dlsym", "os.listxattr"):
        count[0] += 1
        if count[0] == int(sys.argv[2]):
            os.kill(os.getpid(), 9)
count = [0]
file = OpenFile(path)
sys.addaudithook(watched)
safe_write.replace(file, b"new " * 5000)
print("done", count[0])
"""


def test_killed_at_any_call_that_changes_something(tmp_path: Path) -> None:
    path = tmp_path / "a.jpg"
    seen = set()
    for step in range(1, 60):
        path.write_bytes(b"old " * 1000)
        os.setxattr(path, "user.own", b"v")
        done = subprocess.run(
            [sys.executable, "-c", KILLED, path, str(step)], capture_output=True, text=True
        )
        content = path.read_bytes()
        assert content in (b"old " * 1000, b"new " * 5000), step
        assert os.getxattr(path, "user.own") == b"v"
        safe_write.sweep(os.fsencode(tmp_path))
        assert os.listdir(tmp_path) == ["a.jpg"]
        seen.add((done.returncode, content[:3]))
        if done.returncode == 0:
            break
        assert done.returncode == -signal.SIGKILL, done.stderr
    assert seen == {(-9, b"old"), (-9, b"new"), (0, b"new")}


def test_sweeping_leaves_what_others_call_alike(tmp_path: Path) -> None:
    own = TEMPORARY + b"0123abcd"
    others = [TEMPORARY + name for name in (b"notes.txt", b"0123abcd.jpg", b"")]
    for name in (own, *others):
        (tmp_path / os.fsdecode(name)).touch()
    safe_write.sweep(os.fsencode(tmp_path))
    assert sorted(os.listdir(os.fsencode(tmp_path))) == sorted(others)


def test_a_full_disk(bench: Bench, tmp_path: Path) -> None:
    need_exiftool()
    if os.getuid() != 0 or not shutil.which("mount"):
        pytest.skip("needs root, to mount a small disk")
    disk = tmp_path / "disk"
    disk.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", disk], check=True)
    try:
        path = make(disk, "jpg")
        whole = path.read_bytes()
        with pytest.raises(OSError), (disk / "ballast").open("wb", buffering=0) as ballast:
            while True:
                ballast.write(bytes(4096))
        for carrier in ("sidecar", "embedded"):
            assert bench.write(carrier, ["sky"], path) == ["left"]
            assert "full" in bench.reasons[os.fsencode(path)]
            assert path.read_bytes() == whole
            assert sorted(os.listdir(disk)) == ["ballast", path.name]
        (disk / "ballast").unlink()
        assert bench.write("embedded", ["sky"], path) == ["written"]
        bench.undo("embedded", path)
        assert path.read_bytes() == whole
    finally:
        subprocess.run(["umount", disk], check=True)


def test_no_room_for_attributes(bench: Bench, tmp_path: Path) -> None:
    path = make(tmp_path, "jpg")
    size = 4096
    for number in range(100):
        try:
            os.setxattr(path, f"user.fill{number}", b"x" * size)
        except OSError:
            size //= 2
    before = {name: os.getxattr(path, name) for name in os.listxattr(path)}
    outcome = bench.write("xattr", ["animal/dog", "a very long word " * 10], path)
    if outcome == ["written"]:
        pytest.skip("this file system has room for any number of attributes")
    assert "no room" in bench.reasons[os.fsencode(path)]
    assert {name: os.getxattr(path, name) for name in os.listxattr(path)} == before


@pytest.mark.parametrize(
    "does, seconds, is_transient", [("exec sleep 600", 0.5, False), ("exit 1", SECONDS, True)]
)
def test_only_an_exiftool_that_ended_is_asked_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, does: str, seconds: float, is_transient: bool
) -> None:
    """Otherwise such a file would be tried for ever in folders that are kept tagged."""
    program = tmp_path / "exiftool"
    program.write_text(f"#!/bin/sh\n{does}\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=os.pathsep)
    monkeypatch.setattr(exiftool, "_SECONDS", seconds)
    with pytest.raises(SkippedFile) as left:
        exiftool.Exiftool(str(tmp_path)).run("-ver")
    assert left.value.is_transient == is_transient


def test_exiftool_ends_with_a_killed_tagger(tmp_path: Path) -> None:
    need_exiftool()
    program = (
        "import sys, time\n"
        "from csearchd.tags.writers.exiftool import Exiftool\n"
        "tool = Exiftool(sys.argv[1])\n"
        "tool.run('-ver')\n"
        "print(tool._process.pid, flush=True)\n"
        "time.sleep(600)\n"
    )
    with subprocess.Popen(
        [sys.executable, "-c", program, str(tmp_path)], stdout=subprocess.PIPE
    ) as tagger:
        assert tagger.stdout
        pid = int(tagger.stdout.readline())
        tagger.kill()
    wait_for(lambda: not Path(f"/proc/{pid}").exists(), "exiftool's end", 20)
