"""Which of several paths of a directory is left out, by what the table of mounts says."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from csearchd.system.filesystem import Mount, MountTable
from csearchd.watch.exclusion.boundaries import Boundaries
from csearchd.watch.rules import Rules


def table(top: Path, *mounted: tuple[str, str, str]) -> MountTable:
    """One in which directories below `top` of one file system are mounted, each given as its name,
    the type, and the directory in the file system."""
    mounts = [Mount(b"/", "ext4", b"8:1", b"/", b"/dev/sda1", b"1", b"")]
    for number, (name, kind, root) in enumerate(mounted, 2):
        point = os.fsencode(top / name)
        mounts.append(Mount(point, kind, b"0:9", root.encode(), b"x", b"%d" % number, b"1"))
    return MountTable(mounts)


def left_out(top: Path, mounts: MountTable, *roots: str) -> set[str]:
    """The names of those below `top` that are left out."""
    boundaries = Boundaries(Rules(hidden=False, exclude=[]), mounts)
    changed = boundaries.update(roots=[os.fsencode(top / root) for root in roots])
    return {os.path.relpath(os.fsdecode(path), top) for path in changed}


def test_directories_of_an_nfs_server_are_not_taken_as_one(tmp_path: Path) -> None:
    mounts = table(tmp_path, ("photos", "nfs4", "/"), ("videos", "nfs4", "/"))
    assert left_out(tmp_path, mounts, ".", "photos/2020", "videos") == set()


@pytest.mark.parametrize(
    ("first", "expected"),
    [("a", {"b"}), (".pool", set()), (".cache/pool", set()), ("x/pool", set())],
)
def test_a_path_that_is_not_read_hides_no_other(
    tmp_path: Path, first: str, expected: set[str]
) -> None:
    (tmp_path / "x").mkdir()
    (tmp_path / "x" / ".nomedia").touch()
    mounts = table(tmp_path, (first, "fuse.mergerfs", "/"), ("b", "fuse.mergerfs", "/"))
    assert left_out(tmp_path, mounts, ".") == expected
