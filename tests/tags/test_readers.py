"""Other programs read csearch's tags, and csearch reads theirs."""

from __future__ import annotations

import os
import sqlite3
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from support import releases
from support.photos import write_photos
from support.user import User, wait_for
from tags.bench import Bench
from tags.pictures import exiftool, fields, make, need, need_any, need_exiftool

WORDS = ["animal/dog", "sky"]


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    need_exiftool()
    one = Bench(tmp_path / "library")
    yield one
    one.close()


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """An empty home, whose programs don't see the developer's."""
    directory = tmp_path / "home"
    (directory / "run").mkdir(parents=True, mode=0o700)
    return directory


def run(home: Path, *command: object) -> str:
    """A command's output, with a session bus and a home of its own."""
    need("dbus-run-session", "dbus-daemon")
    done = subprocess.run(
        ["dbus-run-session", "--", *map(str, command)],
        env={
            "PATH": os.environ["PATH"],
            "HOME": str(home),
            "XDG_RUNTIME_DIR": str(home / "run"),
            "QT_QPA_PLATFORM": "offscreen",
            "LC_ALL": "C.UTF-8",
        },
        capture_output=True,
        timeout=120,
    )
    return done.stdout.decode(errors="replace")


@pytest.mark.parametrize("kind", ["jpg", "png", "webp", "tif"])
def test_exiv2(bench: Bench, tmp_path: Path, kind: str) -> None:
    need("exiv2", "exiv2")
    path = make(tmp_path, kind)
    bench.write("embedded", WORDS, path)
    bench.write("sidecar", WORDS, path)
    for file in (path, tmp_path / f"{path.name}.xmp"):
        read = subprocess.run(
            ["exiv2", "-PXkv", file], capture_output=True, text=True, check=True
        ).stdout
        found = dict(line.split(None, 1) for line in read.splitlines() if " " in line)
        assert found["Xmp.dc.subject"] == "dog, sky"
        assert found["Xmp.digiKam.TagsList"] == "csearch/animal/dog, csearch/sky"
        assert found["Xmp.lr.hierarchicalSubject"] == "csearch|animal|dog, csearch|sky"


def test_an_edit_by_exiv2_keeps_what_is_ours(bench: Bench, tmp_path: Path) -> None:
    """It writes the packet anew, in a form of its own."""
    need("exiv2", "exiv2")
    path = make(tmp_path, "jpg")
    bench.write("embedded", WORDS, path)
    subprocess.run(["exiv2", "-M", "set Xmp.xmp.Rating 4", path], check=True)
    with bench.library.write() as database:
        database.execute("DELETE FROM tag_ledger")  # the note in the file must do
    assert bench.write("embedded", ["sky"], path) == ["written"], bench.reasons
    assert exiftool("-s3", "-XMP-dc:Subject", path).strip() == "sky"
    bench.undo("embedded", path)
    assert exiftool("-s3", "-XMP:all", path).split("\n")[1:] == ["4", ""]
    assert b"csearch:ledger" not in path.read_bytes()


@pytest.mark.parametrize("kind", ["jpg", "png", "tif"])
def test_tracker_sees_the_subject(bench: Bench, tmp_path: Path, home: Path, kind: str) -> None:
    extract = need_any(releases.LOCALSEARCH, releases.LOCALSEARCH_PACKAGES)
    path = make(tmp_path, kind)
    bench.write("embedded", WORDS, path)
    found = run(home, extract, "extract", path)
    assert 'nao:prefLabel "dog"' in found
    assert 'nao:prefLabel "sky"' in found or kind != "jpg"  # elsewhere it reads the first alone


@pytest.mark.parametrize("carrier", ["embedded", "sidecar"])
def test_darktable_imports_them(bench: Bench, tmp_path: Path, home: Path, carrier: str) -> None:
    need("darktable-cli", "darktable")
    path = make(tmp_path, "jpg")
    bench.write(carrier, WORDS, path)
    core = ("--core", "--configdir", home / "dt", "--library", home / "dt.db")
    run(home, "darktable-cli", path, tmp_path / "out.jpg", *core)
    with sqlite3.connect(home / "dt" / "data.db") as database:
        tags = {row[0] for row in database.execute("SELECT name FROM tags")}
    database.close()
    assert {"csearch|animal|dog", "csearch|sky"} <= tags


DARKTABLE = """
local darktable = require "darktable"
local tag = darktable.tags.create("places|seaside")
for _, image in ipairs(darktable.database) do
  darktable.tags.attach(tag, image)
end
"""


def keyword_by_darktable(home: Path, path: Path) -> None:
    """darktable gives the picture a keyword, and writes the sidecar anew.

    At each start its command reads the sidecar, which replaces the keywords of its database; and
    since 5.0 it writes a sidecar only where it exports. So the sidecar is where the picture is
    exported to, as a copy, when the picture has got its keyword.
    """
    need("darktable-cli", "darktable")
    script = home / "keyword.lua"
    script.write_text(DARKTABLE)
    exported = home / "exported"
    exported.mkdir(exist_ok=True)
    sidecar = path.with_name(path.name + ".xmp")
    core = ("--core", "--configdir", home / "dt", "--library", home / "dt.db")

    def darktable(target: Path, *options: object) -> str:
        return run(home, "darktable-cli", path, target, *options)

    darktable(home / "imported.jpg", *core)
    if sidecar.exists():
        sidecar.rename(exported / sidecar.name)
    darktable(home / "tagged.jpg", *core, "--luacmd", f"dofile('{script}')")
    said = darktable(exported, "--out-ext", "copy", *core)
    written = exported / sidecar.name
    assert "places|seaside" in written.read_text(), said
    written.rename(sidecar)


def test_an_edit_by_darktable_keeps_what_is_ours(bench: Bench, tmp_path: Path, home: Path) -> None:
    """It adds every level of a path to the flat keywords; an undo removes these, too."""
    path = make(tmp_path, "jpg")
    bench.write("sidecar", WORDS, path)
    keyword_by_darktable(home, path)
    sidecar = path.with_name(path.name + ".xmp")
    assert {"csearch", "animal", "dog"} < set(fields(sidecar)["XMP-dc:Subject"])
    assert bench.write("sidecar", WORDS, path) == ["unchanged"], bench.reasons
    assert bench.undo("sidecar", path) == ["written"], bench.reasons
    left = fields(sidecar)
    own = {"darktable|format|jpg", "darktable", "format", "jpg"}  # words of darktable 5 itself
    assert set(left["XMP-dc:Subject"]) - own == {"places", "seaside"}
    levels = left["XMP-lr:HierarchicalSubject"]
    assert set([levels] if isinstance(levels, str) else levels) - own == {"places|seaside"}
    assert exiftool("-s3", "-XMP-digiKam:all", "-XMP-csearch:all", sidecar) == ""


def test_baloo_finds_them(bench: Bench, tmp_path: Path, home: Path) -> None:
    search = need_any(releases.BALOOSEARCH, releases.BALOO_PACKAGES)
    baloo = need_any(releases.BALOO_FILE, releases.BALOO_PACKAGES)
    pictures = home / "Pictures"
    pictures.mkdir()
    path = make(pictures, "jpg")
    bench.write("xattr", WORDS, path)
    (home / ".config").mkdir()
    (home / ".config" / "baloofilerc").write_text(
        f"[Basic Settings]\nIndexing-Enabled=true\n[General]\nfirst run=true\n"
        f"only basic indexing=true\nfolders[$e]={pictures}\n"
    )
    script = (
        f"{baloo} & indexer=$!; for second in $(seq 60); do sleep 1; "
        f"{search} tag:dog | grep picture && break; done; kill $indexer"
    )
    assert str(path) in run(home, "sh", "-c", script)


def test_the_way_back(user: User, home: Path) -> None:
    """Searches find the keywords of other programs, and those of csearch."""
    need_exiftool()
    need("exiv2", "exiv2")
    names = ("cat", "horse", "gravel", "coins", "rocket")
    cat, horse, gravel, coins, rocket = write_photos(user.pictures, names)
    keyword_by_darktable(home, rocket)
    exiftool("-q", "-overwrite_original", "-XMP-dc:Subject=seaside", cat)
    subprocess.run(["exiv2", "-M", "add Iptc.Application2.Keywords seaside", horse], check=True)
    os.setxattr(gravel, "user.xdg.tags", b"seaside,other")
    exiftool("-q", "-o", f"{coins}.xmp", "-XMP-digiKam:TagsList=places/seaside", coins)
    user.csearchctl("add", user.pictures)
    user.settle()
    assert set(user.search("--in", user.pictures, "tag:seaside")) == {
        cat, horse, gravel, coins, rocket
    }  # fmt: skip

    user.csearchctl("tags", "write", "--mode", "xattr", user.pictures)
    user.settle()
    (ours, tags), *_ = (
        (path, os.getxattr(path, "user.xdg.tags"))
        for path in (cat, horse, coins, gravel)
        if "user.csearch.tags" in os.listxattr(path)
    )
    word = tags.split(b",")[-1].decode()
    wait_for(
        lambda: ours in user.search("--in", user.pictures, f'tag:"{word}"', check=None),
        "our own word",
    )
