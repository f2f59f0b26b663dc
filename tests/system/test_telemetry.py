"""Nothing leaves the machine, and nothing is written where it doesn't belong."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from support.user import User


def test_no_library_reports_anything(user: User) -> None:
    """Without ORT_DISABLE_TELEMETRY, onnxruntime queued events in ~/.cache/Microsoft. That it sent
    them was not seen: a short run under strace made no connection."""
    user.take_photos()
    user.csearchctl("add", user.pictures)
    user.settle()
    assert user.search("-g", "a cup of coffee")
    processes = [*user.pids("csearchd"), *user.pids("csearchd.encoder")]
    assert processes
    for pid in processes:
        assert not _internet_sockets(pid)
    assert {one.name for one in (user.home / ".cache").iterdir()} <= {"csearch", "thumbnails"}
    assert {one.name for one in user.home.iterdir()} == {
        ".cache", ".config", ".local", "Pictures", "run"
    }  # fmt: skip
    assert [one.name for one in (user.home / ".config").iterdir()] == ["csearch"]
    assert [one.name for one in (user.home / ".local" / "share").iterdir()] == ["csearch"]
    assert [one.name for one in (user.home / ".local").iterdir()] == ["share"]


def test_no_process_that_installs_a_model_reports_anything(user: User) -> None:
    opening = (
        "from csearchd.models import installed, text_tower;"
        "model = installed.find_model('', installed.STARTER);"
        "text_tower.TextTower(model, 1).embed(['a cat'])"
    )
    environment = {k: v for k, v in user.environment.items() if k != "ORT_DISABLE_TELEMETRY"}
    subprocess.run([sys.executable, "-P", "-c", opening], env=environment, check=True)
    assert not (user.home / ".cache").exists()


def _internet_sockets(pid: int) -> set[str]:
    """The inodes of the process's sockets of IPv4 and IPv6."""
    descriptors = Path(f"/proc/{pid}/fd")
    opened = set()
    for descriptor in descriptors.iterdir():
        try:
            opened.add(os.readlink(descriptor))
        except FileNotFoundError:  # it was closed meanwhile
            continue
    found = set()
    for table in ("tcp", "tcp6", "udp", "udp6", "raw", "raw6"):
        for line in Path(f"/proc/{pid}/net/{table}").read_text().splitlines()[1:]:
            found.add(line.split()[9])
    return {inode for inode in found if f"socket:[{inode}]" in opened}
