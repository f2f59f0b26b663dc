"""The time that counts towards a picture's time limit, where processors are busy."""

from __future__ import annotations

import os
import subprocess
import sys
import time

import pytest

from csearchd.encoder.picture_time_limit import CountedTime

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
        clock = CountedTime()
        clock.update(processes[0].pid)
        began, counted = time.monotonic(), clock.seconds()
        while time.monotonic() - began < 3:
            time.sleep(0.2)
            clock.update(processes[0].pid)
        share = (clock.seconds() - counted) / (time.monotonic() - began)
    finally:
        for process in processes:
            process.kill()
            process.communicate()
    assert least <= share <= most
