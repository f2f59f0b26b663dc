"""A file system whose server is a process, which can hang."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from support.user import wait_for


@contextmanager
def served(source: Path, mount: Path, kind: str = "rclone") -> Iterator[int]:
    """Shows `source` at `mount`, which it makes; yields the server's process. Else it skips.

    The type of the file system is "fuse." and `kind`; by default, a cloud's.
    """
    if not shutil.which("bindfs") or not os.access("/dev/fuse", os.W_OK):
        pytest.skip("needs bindfs, and /dev/fuse")
    mount.mkdir(exist_ok=True)
    command = ["bindfs", "-f", "-o", f"subtype={kind}", source, mount]
    server = subprocess.Popen(command, stderr=subprocess.PIPE)
    wait_for(lambda: os.path.ismount(mount) or server.poll() is not None, "the mount")
    if server.poll() is not None:
        assert server.stderr
        pytest.skip(f"bindfs can't mount here: {server.stderr.read().decode()}")
    try:
        yield server.pid
    finally:
        server.kill()
        server.wait()
        subprocess.run(["umount", "-l", mount], check=True)
