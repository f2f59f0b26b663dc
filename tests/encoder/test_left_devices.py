"""A device whose driver ends or hangs the encoder is left: the CPU goes on."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from csearchd.encoder import pool as pool_module
from csearchd.encoder.devices.left import DeviceWatch, LeftDevices
from csearchd.encoder.messages import Settings
from csearchd.encoder.pool import Pool
from csearchd.library.contents import Job
from encoder.encoder_process import LIMITS
from encoder.test_accelerators import stand_in
from models.tiny_model import make_tiny_model
from support.photos import write_drawn

SECONDS = 180.0
UNKNOWN = (0, 0, 0, 0)

Start = Callable[..., list[int]]


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    directory = tmp_path_factory.mktemp("models") / "tiny"
    make_tiny_model(str(directory))
    return directory


@pytest.fixture
def starting(monkeypatch: pytest.MonkeyPatch) -> Start:
    """Lets pools start encoders that have a device; returns a list of their process ids."""

    def having(before: str = "", **how: object) -> list[int]:
        started: list[int] = []

        def start(module: str, fd: int, urgent: bool) -> subprocess.Popen[bytes]:
            command = [sys.executable, "-c", before + stand_in(**how), str(fd), "urgent"]
            environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
            process = subprocess.Popen(
                command, pass_fds=[fd], env=environment, start_new_session=True
            )
            started.append(process.pid)
            return process

        monkeypatch.setattr(pool_module, "start", start)
        return started

    return having


@pytest.fixture
def never() -> Iterator[int]:
    descriptor = os.eventfd(0)
    yield descriptor
    os.close(descriptor)


def encode(pool: Pool, pictures: list[Path], never: int) -> list[str]:
    """What became of each of the pictures."""
    jobs = [Job(number, 1, b"", UNKNOWN, 0) for number, _ in enumerate(pictures)]
    for job, path in zip(jobs, pictures, strict=True):
        pool.submit(job, os.fsencode(path))
    over: list[str] = []
    deadline = time.monotonic() + SECONDS
    while len(over) < len(jobs):
        assert time.monotonic() < deadline, "waited in vain for the pictures"
        for event in pool.poll(1.0, never):
            if event.op == "identified":
                pool.answer(event.job, "encode")
            else:
                over.append(event.op)
    return over


@pytest.mark.parametrize("device", ["openvino", "auto"])
@pytest.mark.parametrize("trouble", ["crash at once", "crash", "hang"])
def test_the_cpu_goes_on(
    model: Path,
    tmp_path: Path,
    never: int,
    starting: Start,
    device: str,
    trouble: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    if trouble == "hang":
        monkeypatch.setattr(pool_module, "_SILENCE_SECONDS", 15.0)
        monkeypatch.setattr(pool_module, "_SILENCE_MARGIN", -50.0)
        if device == "auto":
            return  # it hangs while it is tried, beside the CPU, which goes on
    started = starting(trouble=trouble)
    pictures = [Path(path) for path in write_drawn(tmp_path, 12)]
    left = LeftDevices()
    settings = Settings(str(model), LIMITS, 2, device)
    pool = Pool(settings, 60.0, left=left)
    try:
        while not left.names:
            assert set(encode(pool, pictures, never)) == {"encoded"}
        assert left.names == ("openvino",)
        assert set(encode(pool, pictures, never)) == {"encoded"}
        how = "no answer for 1" if trouble == "hang" else "SIGSEGV"
        assert f"openvino ended the encoder ({how}" in str(pool.remark)
        assert "update its driver, then `csearchctl reload` tries it again" in str(pool.remark)
        assert pool.settings == settings  # else the service would begin anew
        assert len(started) <= 4
    finally:
        pool.close()

    other = Pool(settings, 60.0, left=left)  # as after a change of model
    try:
        del started[:]
        assert set(encode(other, pictures, never)) == {"encoded"}
        assert len(started) == 1 and other.remark == pool.remark
    finally:
        other.close()
    left.clear()
    assert "ended the encoder" not in str(pool.remark)


# A decoder that crashes with pictures of one size.
HOSTILE = """
import os
from csearchd.encoder import decode
decode_it = decode.Decoder.decode
def crash(self, data, info):
    if (info.width, info.height) == (13, 13):
        os.abort()
    return decode_it(self, data, info)
decode.Decoder.decode = crash
"""


def test_a_device_is_not_left_for_hostile_pictures(
    model: Path, tmp_path: Path, never: int, starting: Start
) -> None:
    """Each crashes an encoder with a device, beside other pictures, and then one with the CPU."""
    starting(before=HOSTILE)
    pictures = [Path(path) for path in write_drawn(tmp_path, 6)]
    hostile = tmp_path / "hostile.png"
    Image.new("RGB", (13, 13)).save(hostile)
    left = LeftDevices()
    pool = Pool(Settings(str(model), LIMITS, 2, "auto"), 60.0, left=left)
    try:
        for _ in range(4):
            while not pool._device.is_busy:
                encode(pool, pictures, never)
            over = encode(pool, [hostile, *pictures], never)
            assert sorted(over) == ["encoded"] * len(pictures) + ["failed"]
            assert left.names == ()
    finally:
        pool.close()


@given(deaths=st.lists(st.tuples(st.booleans(), st.booleans(), st.booleans()), max_size=12))
def test_who_is_at_fault(deaths: list[tuple[bool, bool, bool]]) -> None:
    """A picture that was alone with a device that computed already is; a device is where nothing
    else can be, or as often as that can't be chance; never the CPU. A picture that was alone with
    the CPU, after it was with a device among others, was at fault then as well."""
    left = LeftDevices()
    watch = DeviceWatch(left)
    doubts, tried = 0, False
    for sure, alone, loading in deaths:
        watch.started()
        assert not watch.is_at_fault("SIGSEGV", sure, alone)
        if alone and not sure and tried:
            doubts = 0
        tried = tried and alone
        watch.loading("cuda")
        if not loading:
            watch.ready("cuda")
        at_fault = watch.is_at_fault("SIGSEGV", sure, alone)
        tried = tried or sure or not alone or loading
        if sure:
            assert at_fault
        elif alone and not loading:
            assert not at_fault
            doubts = 0
        else:
            doubts += 1
            assert at_fault == (doubts >= 3)
        assert left.names == (("cuda",) if at_fault or left.names else ())
        watch.loading("cuda")
        watch.ready("int8")
        assert not watch.is_busy
