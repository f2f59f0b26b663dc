"""Disks that really come and go: a file system in a file, mounted by a loop device."""

from __future__ import annotations

import os
import shutil
import subprocess
from functools import cache
from pathlib import Path

from support.user import wait_for

TOOLS = ("mount", "umount", "losetup")
KINDS = {  # by the kind of mount: how it is made, and the Debian packages that can
    "ext4": (["mkfs.ext4", "-q", "-F"], "e2fsprogs"),
    "exfat-fuse": (["mkfs.exfat"], "exfatprogs exfat-fuse"),
    "btrfs": (["mkfs.btrfs", "-q", "-f"], "btrfs-progs"),
}
SIZES = {"btrfs": 256 << 20}  # bytes, of which few are written
_SIZE = 16 << 20


@cache
def missing(kind: str = "ext4") -> str:
    """What this machine lacks for disks; "" if nothing."""
    if os.getuid() != 0:
        return "needs root, to mount disks"
    path = os.environ.get("PATH", "") + ":/usr/sbin:/sbin"
    (make, *_), packages = KINDS[kind]
    tools = [*TOOLS, make, *([f"mount.{kind}"] if kind.endswith("fuse") else [])]
    if lacking := [tool for tool in tools if not shutil.which(tool, path=path)]:
        return f"needs {', '.join(lacking)} (apt install mount {packages})"
    if kind.endswith("fuse") and not os.access("/dev/fuse", os.W_OK):
        return "needs /dev/fuse"
    done = subprocess.run(["losetup", "-f"], capture_output=True, text=True)
    return f"needs loop devices: {done.stderr.strip()}" if done.returncode else ""


class Disk:
    """A file system of its own, mounted at most at one point."""

    def __init__(self, image: Path, kind: str = "ext4") -> None:
        self.image = image
        self.kind = kind
        self.points: list[Path] = []
        with image.open("wb") as file:
            file.truncate(SIZES.get(kind, _SIZE))
        subprocess.run([*KINDS[kind][0], image], check=True, stdout=subprocess.DEVNULL)

    def mount(self, point: Path) -> Path:
        point.mkdir(parents=True, exist_ok=True)
        subprocess.run(["mount", "-t", self.kind, "-o", "loop", self.image, point], check=True)
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
