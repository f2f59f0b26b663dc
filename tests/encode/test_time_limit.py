"""Time that counts for a picture, where processors are busy: real processes."""

from __future__ import annotations

import os
import subprocess
import sys
import time

import pytest

from csearchd.encode.clock import Clock

BUSY = "while True: pass"
ASLEEP = "import time; time.sleep(1000)"


@pytest.mark.parametrize(
    ("work", "others", "least", "most"), [(BUSY, 2, 0, 0.5), (ASLEEP, 2, 0.9, 1)]
)
def test_it_stands_still_while_others_have_the_processor(
    work: str, others: int, least: float, most: float
) -> None:
    processor = min(os.sched_getaffinity(0))

    def start(code: str, nice: int) -> subprocess.Popen[bytes]:
        def prepare() -> None:
            os.sched_setaffinity(0, {processor})
            os.nice(nice)

        return subprocess.Popen([sys.executable, "-S", "-c", code], preexec_fn=prepare)

    processes = [start(work, 19), start(BUSY, 0), start(BUSY, 0)]
    try:
        clock = Clock()
        clock.look(processes[0].pid)
        time.sleep(1)  # they start
        clock.look(processes[0].pid)
        began, counted = time.monotonic(), clock.seconds()
        while time.monotonic() - began < 3:
            time.sleep(0.2)
            clock.look(processes[0].pid)
        share = (clock.seconds() - counted) / (time.monotonic() - began)
    finally:
        for process in processes:
            process.kill()
            process.wait()
    assert least <= share <= most
