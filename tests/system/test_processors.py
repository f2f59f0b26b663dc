"""How many threads can compute: the cpuset's processors, within the control groups' quota."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

import csearchd
from csearchd.indexing import power_policy
from csearchd.system import processors

_TABLES = {
    1: "30 20 0:9 /{root} {point} rw - cgroup cgroup rw,cpu,cpuacct\n",
    2: "30 20 0:9 /{root} {point} rw - cgroup2 cgroup2 rw\n",
}
_GROUPS = {1: "5:memory:/other\n4:cpu,cpuacct:/{group}\n0::/\n", 2: "0::/{group}\n"}
_PROBE = """
from types import SimpleNamespace
from csearchd.system import processors
from csearchd.models.active_model import _thread_count
from csearchd.library.scan import VectorScanner
from csearchd.indexing.indexer import Indexer
from csearchd.config import Encode
config = Encode("auto", 0, 1, True, 1, 1, 1, 1)
cache = SimpleNamespace(directory=None)
reading = SimpleNamespace(config=config, _library=SimpleNamespace(cache=cache))
model = SimpleNamespace(directory="")
print(processors.count(), _thread_count(0), VectorScanner()._pool._max_workers,
      Indexer.settings(reading, model).threads)
"""


class Groups:
    """Control groups of a version, as files."""

    def __init__(self, version: int, place: Path, group: str, root: str = "") -> None:
        self.version = version
        self.point = place / "groups"
        self.table, self.groups = place / "mountinfo", place / "cgroup"
        self.table.write_text(_TABLES[version].format(root=root, point=self.point))
        self.groups.write_text(_GROUPS[version].format(group=group))

    def limit(self, group: str, quota: int | None, period: int = 100_000) -> None:
        directory = self.point / group
        directory.mkdir(parents=True, exist_ok=True)
        if self.version == 2:
            shown = "max" if quota is None else str(quota)
            (directory / "cpu.max").write_text(f"{shown} {period}\n")
        else:
            (directory / "cpu.cfs_quota_us").write_text(f"{-1 if quota is None else quota}\n")
            (directory / "cpu.cfs_period_us").write_text(f"{period}\n")

    def count(self) -> int:
        return processors.count(str(self.groups), str(self.table))


@pytest.fixture(autouse=True)
def eight(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "sched_getaffinity", lambda pid: set(range(8)))


@pytest.mark.parametrize("version", [1, 2])
def test_quotas(version: int, tmp_path: Path) -> None:
    groups = Groups(version, tmp_path, "user/inner")
    assert groups.count() == 8  # nothing is there
    groups.limit("user/inner", None)
    assert groups.count() == 8
    for quota, period, count in [(400_000, 100_000, 4), (10_000, 100_000, 1), (5000, 2000, 3)]:
        groups.limit("user/inner", quota, period)
        assert groups.count() == count
    groups.limit("user", 200_000)  # a group above gets less
    assert groups.count() == 2
    groups.limit("user", 10_000_000)
    groups.limit("user/inner", 9_000_000)
    assert groups.count() == 8
    groups.limit("user/inner", 100_000, 0)
    assert groups.count() == 8


@pytest.mark.parametrize("version", [1, 2])
@pytest.mark.parametrize("group", ["docker/abc", "../elsewhere"])
def test_a_container_sees_its_own_group_alone(version: int, group: str, tmp_path: Path) -> None:
    groups = Groups(version, tmp_path, group, root="docker/abc")
    groups.limit("", 300_000)
    assert groups.count() == 3


def test_without_control_groups(tmp_path: Path) -> None:
    assert processors.count(str(tmp_path / "none"), str(tmp_path / "none")) == 8
    (tmp_path / "odd").write_bytes(b"\n0\n:::::\n\xff\n")
    assert processors.count(str(tmp_path / "odd"), str(tmp_path / "odd2")) == 8


def test_a_cpuset_is_heeded_by_all_who_count() -> None:
    """One processor of this machine's, whichever there are."""
    inside = ["taskset", "-c", str(min(_really_usable())), sys.executable, "-P", "-c", _PROBE]
    done = subprocess.run(inside, capture_output=True, text=True)
    assert done.stdout.split() == ["1"] * 4, done.stderr


def test_nobody_counts_otherwise() -> None:
    found = {
        str(path)
        for top in csearchd.__path__
        for path in Path(top).rglob("*.py")
        for word in ("cpu_count", "sched_getaffinity")
        if word in path.read_text()
    }
    assert found == {processors.__file__}


@pytest.mark.parametrize(("ours", "busy"), [("cpu1", True), ("cpu3", False)])
def test_only_our_processors_tell_whether_others_are_busy(
    ours: str, busy: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of four processors two are ours; what keeps one of ours busy is half of what we have."""
    monkeypatch.setattr(os, "sched_getaffinity", lambda pid: {0, 1})
    monkeypatch.setattr(power_policy, "STAT", str(tmp_path / "stat"))
    clock, ticks = [1000.0], os.sysconf("SC_CLK_TCK")
    monkeypatch.setattr(power_policy.time, "monotonic", lambda: clock[0])
    load, seen = power_policy.LoadMonitor(), False
    for seconds in range(0, 40, 2):
        clock[0] += 2
        used = dict.fromkeys(("cpu0", "cpu1", "cpu2", "cpu3"), 0)
        used[ours] = used["cpu2"] = 5000 + seconds * ticks * 8 // 10
        used["cpu0"] = 5000 + seconds * ticks * 4 // 10 if busy else 0
        lines = [f"{name} {n} 7 0 9 0 0 0 0 0 0" for name, n in used.items()]
        (tmp_path / "stat").write_text(
            "\n".join([f"cpu  {sum(used.values())} 7 0 9 0 0 0 0 0 0", *lines, "intr 5", ""])
        )
        seen |= load.others_are_busy(None)
    assert seen == busy


def _really_usable() -> set[int]:
    """The fixture above hides it."""
    told = Path("/proc/self/status").read_text().split("Cpus_allowed_list:")[1].split()[0]
    return {int(part.partition("-")[0]) for part in told.split(",")}
