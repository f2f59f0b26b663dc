"""Names of file systems, from tables of mounts and from what the system says of devices."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from csearchd.library.volumes import volumes
from csearchd.library.volumes.volumes import Place, Volumes
from csearchd.system.filesystem import mounts
from support.disk import Disk, missing

TABLE = """\
21 1 0:30 /@ / rw - btrfs /dev/sda2 rw
22 21 0:30 /@home /home rw - btrfs /dev/sda2 rw
30 21 8:17 / /media/a\\040b rw - vfat /dev/sdb1 rw
31 21 8:17 /inner /bound rw - vfat /dev/sdb1 rw
32 21 0:40 / /tmp rw - tmpfs tmpfs rw
33 21 0:41 / /nas rw - nfs4 server:/export/photos rw
34 21 0:42 / /doc rw - fuse.portal portal rw
35 21 0:43 / /ssh rw - fuse.sshfs me@host:/x rw
36 21 8:17 / /hidden/point rw - vfat /dev/sdb1 rw
37 21 0:44 / /hidden rw - tmpfs tmpfs rw
"""


@pytest.fixture
def table(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Volumes:
    for name in ("_UDEV", "_BY_UUID", "_BLOCK"):
        (tmp_path / name).mkdir()
        monkeypatch.setattr(volumes, name, str(tmp_path / name))
    for number in ("8:17", "0:30"):
        (tmp_path / "_BLOCK" / number).mkdir()
    (tmp_path / "_UDEV" / "b8:17").write_text("S:disk\nE:ID_FS_TYPE=vfat\nE:ID_FS_UUID=1A2B-3C4D\n")
    (tmp_path / "mountinfo").write_text(TABLE)
    return Volumes(mounts(str(tmp_path / "mountinfo")))


def test_places(table: Volumes) -> None:
    assert table.place(b"/media/a b/photos") == Place("uuid 1A2B-3C4D", b"/photos")
    assert table.place(b"/bound/x") == Place("uuid 1A2B-3C4D", b"/inner/x")
    assert table.place(b"/bound") == Place("uuid 1A2B-3C4D", b"/inner")
    assert table.place(b"/nas/2019") == Place("nfs server:/export/photos", b"/2019")
    assert table.place(b"/ssh") == Place("fuse.sshfs me@host:/x", b"/")
    assert table.place(b"/tmp/x") == Place(None, b"/x")
    assert table.place(b"/doc/x") == Place("fuse.portal portal at /doc", b"/x")


def test_what_everything_starts_from_has_one_name_whatever_it_is(table: Volumes) -> None:
    assert table.place(b"/srv/photos") == Place("/", b"/srv/photos")
    assert table.place(b"/home/me") == Place("/", b"/@home/me")


def test_what_started_from_memory_has_a_first_mount_that_is_its_own_parent(tmp_path: Path) -> None:
    first = "1 1 0:2 / / rw - rootfs none rw\n"
    others = TABLE[TABLE.index("32 ") :].replace(" 21 ", " 1 ")
    (tmp_path / "mountinfo").write_text(first + others)
    found = Volumes(mounts(str(tmp_path / "mountinfo")))
    assert found.place(b"/a") == Place("/", b"/a")
    assert found.place(b"/nas/a") == Place("nfs server:/export/photos", b"/a")


def test_a_place_is_found_wherever_it_can_be_reached(table: Volumes) -> None:
    name = "uuid 1A2B-3C4D"
    assert table.find(Place(name, b"/inner/x")) == [b"/media/a b/inner/x", b"/bound/x"]
    assert table.find(Place(name, b"/other")) == [b"/media/a b/other"]
    assert table.find(Place(name, b"/")) == [b"/media/a b"]
    assert table.find(Place("/", b"/@home/me")) == [b"/@home/me", b"/home/me"]
    assert table.find(Place("uuid another", b"/")) == table.find(Place(None, b"/x")) == []


def test_a_disk_that_was_pulled_out_is_none(table: Volumes, tmp_path: Path) -> None:
    (tmp_path / "_BLOCK" / "8:17").rmdir()
    assert table.place(b"/media/a b").volume is None


def test_without_udev_links_and_files_of_loop_devices_tell(
    table: Volumes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "_UDEV" / "b8:17").unlink()
    loop = tmp_path / "_BLOCK" / "8:17" / "loop"
    loop.mkdir()
    (loop / "backing_file").write_text("/images/one.img\n")
    assert table.place(b"/bound").volume == "loop /images/one.img"


@pytest.mark.skipif(bool(missing()), reason=missing())
def test_names_of_a_real_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    disk = Disk(tmp_path / "image")
    point = disk.mount(tmp_path / "point")
    path = bytes(point / "x")
    try:
        listed = subprocess.run(
            ["blkid", "-p", "-s", "UUID", "-o", "value", str(disk.image)],
            capture_output=True, text=True, check=True,
        )  # fmt: skip
        found = Volumes(mounts()).place(path)
        assert found.inside == b"/x"
        if found.volume and found.volume.startswith("uuid"):  # Linux 6.9 or newer, or udev
            assert found.volume == f"uuid {listed.stdout.strip()}"
        for name in ("_uuid_by_kernel", "_uuid_by_udev", "_uuid_by_link", "_loop"):
            monkeypatch.setattr(volumes, name, lambda asked: None)
        last = Volumes(mounts()).place(path).volume
        assert last and last.startswith("fsid")
        disk.unmount()
        disk.mount(tmp_path / "other")
        assert Volumes(mounts()).place(bytes(tmp_path / "other")).volume == last
    finally:
        disk.remove()
