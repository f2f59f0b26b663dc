"""Disks that really come and go: an ext4 file system in a file, mounted by a loop device."""

from __future__ import annotations

import os
import shutil
import subprocess
from functools import cache
from pathlib import Path

from support.user import wait_for

TOOLS = ("mkfs.ext4", "mount", "umount", "losetup")


@cache
def missing() -> str:
    """What this machine lacks for disks; "" if nothing."""
    if os.getuid() != 0:
        return "needs root, to mount disks"
    path = os.environ.get("PATH", "") + ":/usr/sbin:/sbin"
    if lacking := [tool for tool in TOOLS if not shutil.which(tool, path=path)]:
        return f"needs {', '.join(lacking)} (apt install e2fsprogs mount)"
    done = subprocess.run(["losetup", "-f"], capture_output=True, text=True)
    return f"needs loop devices: {done.stderr.strip()}" if done.returncode else ""


class Disk:
    """A file system of its own, mounted at most at one point."""

    def __init__(self, image: Path) -> None:
        self.image = image
        self.points: list[Path] = []
        with image.open("wb") as file:
            file.truncate(16 << 20)
        subprocess.run(["mkfs.ext4", "-q", "-F", str(image)], check=True)

    def mount(self, point: Path) -> Path:
        point.mkdir(parents=True, exist_ok=True)
        subprocess.run(["mount", "-o", "loop", str(self.image), str(point)], check=True)
        self.points.append(point)
        return point

    def unmount(self, *options: str) -> None:
        """As a user does: tries again while a file is being read."""
        point = self.points.pop()

        def done() -> bool:
            command = ["umount", *options, str(point)]
            return subprocess.run(command, capture_output=True).returncode == 0

        wait_for(done, f"{point} to be unmounted")

    def remove(self) -> None:
        """Ends all mounts, whatever still uses them."""
        for point in self.points:
            subprocess.run(["umount", "-l", str(point)], capture_output=True)
