"""The encoder as the daemon sees it, where a real one can't be brought to misbehave."""

from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

import csearchd.models
from csearchd.encoder import pool as pool_module
from csearchd.encoder.messages import Limits, Settings
from csearchd.encoder.pool import Pool
from csearchd.library.contents import Job
from support.photos import write_drawn
from support.user import wait_for

STARTER = str(Path(csearchd.models.__file__).parent / "starter")
LIMITS = Limits(pixels=300_000_000, bytes=512 << 20, memory=1 << 30)
UNKNOWN = (0, 0, 0, 0)


class Clock:
    """A CountedTime that goes on when it is told to."""

    now = 1000.0

    def seconds(self) -> float:
        return self.now

    def update(self, pid: int) -> None:
        pass


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(pool_module, "CountedTime", lambda: clock)
    return clock


@pytest.fixture
def killed(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The ids of encoders that were killed."""
    ids: list[int] = []
    kill = subprocess.Popen.kill

    def noted(process: subprocess.Popen[bytes]) -> None:
        ids.append(process.pid)
        kill(process)

    monkeypatch.setattr(subprocess.Popen, "kill", noted)
    return ids


@pytest.fixture
def never() -> Iterator[int]:
    descriptor = os.eventfd(0)
    yield descriptor
    os.close(descriptor)


def encode(pool: Pool, path: str, never: int) -> None:
    """Has one picture encoded."""
    pool.submit(Job(1, 1, b"", UNKNOWN, 0), os.fsencode(path))

    def encoded() -> bool:
        events = pool.poll(1.0, never)
        for event in events:
            assert event.op in ("identified", "encoded")
            if event.op == "identified":
                pool.answer(event.job, "encode")
        return any(event.op == "encoded" for event in events)

    wait_for(encoded, "the picture")


def test_an_encoder_that_was_idle_is_not_silent(
    tmp_path: Path, clock: Clock, killed: list[int], never: int
) -> None:
    first, second = write_drawn(tmp_path, 2)
    pool = Pool(Settings(STARTER, LIMITS, 1, "cpu"), max_seconds=60.0)
    try:
        encode(pool, first, never)
        pid = pool.pid
        assert pid
        clock.now += 100_000
        os.kill(pid, signal.SIGSTOP)  # it doesn't answer at once
        pool.submit(Job(2, 1, b"", UNKNOWN, 0), os.fsencode(second))
        pool.poll(0, never)
        assert not killed
    finally:
        pool.close()


@pytest.mark.parametrize(("max_seconds", "least"), [(60.0, 600.0), (5000.0, 5000.0)])
def test_an_encoder_is_silent_for_longer_than_a_picture_may_take(
    tmp_path: Path,
    clock: Clock,
    killed: list[int],
    never: int,
    max_seconds: float,
    least: float,
) -> None:
    pool = Pool(Settings(STARTER, LIMITS, 1, "cpu"), max_seconds)
    pool.submit(Job(1, 1, b"", UNKNOWN, 0), os.fsencode(write_drawn(tmp_path, 1)[0]))
    try:
        pool.poll(0, never)
        pid = pool.pid
        assert pid
        os.kill(pid, signal.SIGSTOP)
        clock.now += least
        pool.poll(0, never)
        assert not killed
        clock.now += 100
        pool.poll(0, never)
        assert killed == [pid]
    finally:
        pool.close()


def test_an_encoder_that_cannot_be_killed_is_left_behind(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, never: int
) -> None:
    """A file system in user space holds on to those whose requests it has taken."""
    pool = Pool(Settings(STARTER, LIMITS, 1, "cpu"), max_seconds=60.0)
    pool.submit(Job(1, 1, b"", UNKNOWN, 0), bytes(tmp_path / "missing.jpg"))
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
