"""The encoder as the daemon sees it, where a real one can't be brought to misbehave."""

from __future__ import annotations

import os
import signal
import subprocess
from pathlib import Path

import pytest

import csearchd.models
from csearchd.encoder.messages import Limits, Settings
from csearchd.encoder.pool import Pool
from csearchd.library.contents import Job


def test_an_encoder_that_cannot_be_killed_is_left_behind(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A file system in user space holds on to those whose requests it has taken."""
    starter = Path(csearchd.models.__file__).parent / "starter"
    limits = Limits(pixels=300_000_000, bytes=512 << 20, memory=1 << 30)
    pool = Pool(Settings(str(starter), limits, 1, "cpu"), max_seconds=60.0)
    never = os.eventfd(0)
    pool.submit(Job(1, 1, b"", (0, 0, 0, 0), 0), bytes(tmp_path / "missing.jpg"))
    assert pool.poll(None, never) or pool.pid
    pid = pool.pid
    assert pid

    def wait(process: subprocess.Popen[bytes], timeout: float | None = None) -> int:
        assert timeout is not None, "it would wait for ever"
        raise subprocess.TimeoutExpired("encoder", timeout)

    with monkeypatch.context() as stuck:
        stuck.setattr(subprocess.Popen, "wait", wait)
        pool.close()
    assert not pool.running and pool.room
    os.kill(pid, signal.SIGKILL)
    os.close(never)
