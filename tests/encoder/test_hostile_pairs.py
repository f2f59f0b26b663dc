"""A JPEG that ends or hangs its decoder costs itself, not the camera raw file beside it."""

from __future__ import annotations

import io
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

import csearchd.models
from csearchd.encoder import pool as pool_module
from csearchd.encoder.messages import Limits, Settings
from csearchd.encoder.pool import Event, Pool
from csearchd.library.contents import Job
from support.photos import photo
from support.raw import dng
from support.user import wait_for

STARTER = str(Path(csearchd.models.__file__).parent / "starter")
LIMITS = Limits(pixels=300_000_000, bytes=512 << 20, memory=1 << 30)
UNKNOWN = (0, 0, 0, 0)
HOSTILE = b"hostile"

PROGRAM = """
import os, signal, time
from csearchd.encoder import __main__, decode

def hostile(self, data, info):
    if data.endswith(b"hostile"):
        {trouble}
    return real(self, data, info)

real, decode.Decoder.decode = decode.Decoder.decode, hostile
__main__.main()
"""
TROUBLE = {
    "crash": "os.kill(os.getpid(), signal.SIGSEGV)",
    "killed": "os.kill(os.getpid(), signal.SIGKILL)",
    "hang": "time.sleep(1e6)",
}


@pytest.fixture
def never() -> Iterator[int]:
    descriptor = os.eventfd(0)
    yield descriptor
    os.close(descriptor)


@pytest.mark.parametrize("trouble", TROUBLE)
@pytest.mark.parametrize("raw_first", [True, False])
def test_the_raw_file_is_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, never: int, trouble: str, raw_first: bool
) -> None:
    program = PROGRAM.format(trouble=TROUBLE[trouble])

    def start(module: str, fd: int, urgent: bool) -> subprocess.Popen[bytes]:
        command = [sys.executable, "-P", "-c", program, str(fd), *(["urgent"] if urgent else [])]
        return subprocess.Popen(command, pass_fds=[fd], start_new_session=True)

    monkeypatch.setattr(pool_module, "start", start)
    picture = photo("astronaut").resize((320, 320))
    stream = io.BytesIO()
    picture.save(stream, "JPEG")
    (tmp_path / "a.jpg").write_bytes(stream.getvalue() + HOSTILE)
    (tmp_path / "a.dng").write_bytes(dng(picture))
    pool = Pool(Settings(STARTER, LIMITS, 2, "cpu"), max_seconds=8.0, urgent=True)
    jobs = {"a.dng": Job(1, 1, b"", UNKNOWN, 7), "a.jpg": Job(2, 1, b"", UNKNOWN, 0)}
    over: dict[int, Event] = {}

    def ended() -> bool:
        for event in pool.poll(0.5, never):
            if event.op == "identified":
                pool.answer(event.job, "encode")
            else:
                over[event.job.file] = event
        return len(over) == len(jobs)

    try:
        for name in sorted(jobs, reverse=not raw_first):
            pool.submit(jobs[name], os.fsencode(tmp_path / name))
        wait_for(ended, "both files", 120)
    finally:
        pool.close()
    raw, jpeg = over[1], over[2]
    assert (raw.op, jpeg.op) == ("encoded", "failed")
    assert ("takes longer" if trouble == "hang" else "SIG") in str(jpeg.reason)
