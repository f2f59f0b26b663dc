"""What is on which mount, however much is mounted."""

from __future__ import annotations

import time

import pytest

from csearchd.library.volumes.volumes import Place, Volumes
from csearchd.system.filesystem import Mount, MountTable

MANY = 6000
SECONDS = 10.0  # of this thread's processor time; comparing each with each takes far longer


def mount(point: bytes, number: int, parent: int, root: bytes = b"/") -> Mount:
    return Mount(point, "zfs", b"0:%d" % number, root, b"pool/%d" % number, b"%d" % number,
                 b"%d" % parent)  # fmt: skip


TOP = mount(b"/", 1, 0)


@pytest.mark.parametrize(
    "table",
    [
        [TOP, *(mount(b"/snap/%d" % n, n, 1) for n in range(2, MANY))],
        [TOP, *(mount(b"/same", n, n - 1) for n in range(2, MANY))],
        [TOP, *(mount(b"/" + b"/".join([b"d"] * (n % 50 + 1)), n, n - 1) for n in range(2, MANY))],
    ],
    ids=["side by side", "over each other", "one in another"],
)
def test_much_that_is_mounted_costs_little(table: list[Mount]) -> None:
    began = time.thread_time()
    volumes = Volumes(table)
    points = volumes.points()
    places = [volumes.place(point) for point in points]
    assert [volumes.find(place)[-1:] for place in places] == [[point] for point in points]
    volumes.find(Place("zfs of another", b"/a"))
    assert time.thread_time() - began < SECONDS


def test_what_the_kernel_comes_to() -> None:
    table = MountTable(
        [
            TOP,
            mount(b"/a/b", 2, 1),
            mount(b"/a", 3, 1),  # hides what is mounted below it
            mount(b"/a/b", 4, 3),
            mount(b"/a/b", 5, 4),
            mount(b"/ab", 6, 1),
        ]
    )
    numbers = {
        b"/": 1, b"/x": 1, b"/a": 3, b"/a/c": 3, b"/a/b": 5, b"/a/b/c/d": 5,
        b"/ab/b": 6, b"/a/bc": 3,
    }  # fmt: skip
    for path, number in numbers.items():
        found = table.mount_of(path)
        assert found is not None and found.number == b"%d" % number
    assert [each.number for each in table.visible] == [b"1", b"3", b"5", b"6"]
    assert MountTable([]).mount_of(b"/") is None
