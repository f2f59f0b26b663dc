"""The time that counts towards a picture's time limit, where processors are busy."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from csearchd.encoder.picture_time_limit import CountedTime
from support.user import wait_for

BUSY = "print(flush=True)\nwhile True: pass"
ASLEEP = "import time; print(flush=True); time.sleep(1000)"


@pytest.mark.parametrize(("work", "least", "most"), [(BUSY, 0, 0.5), (ASLEEP, 0.9, 1)])
def test_it_stands_still_while_others_have_the_processor(
    work: str, least: float, most: float
) -> None:
    processor = min(os.sched_getaffinity(0))

    def start(code: str, nice: int) -> None:
        def prepare() -> None:
            os.sched_setaffinity(0, {processor})
            os.nice(nice)

        process = subprocess.Popen(
            [sys.executable, "-S", "-c", code], stdout=subprocess.PIPE, preexec_fn=prepare
        )
        processes.append(process)
        assert process.stdout
        process.stdout.readline()  # it has begun

    processes: list[subprocess.Popen[bytes]] = []
    try:
        for code, nice in ((work, 19), (BUSY, 0), (BUSY, 0)):
            start(code, nice)
        pid = processes[0].pid
        if work is ASLEEP:
            wait_for(lambda: _state(pid) == "S", "it sleeping")
        clock = CountedTime()
        clock.update(pid)
        began, counted = time.monotonic(), clock.seconds()
        while time.monotonic() - began < 4:
            time.sleep(0.6)
            clock.update(pid)
        share = (clock.seconds() - counted) / (time.monotonic() - began)
    finally:
        for process in processes:
            process.kill()
            process.communicate()
    assert least <= share <= most


def _state(pid: int) -> str:
    """R for runnable, S for sleeping (proc(5), stat)."""
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
