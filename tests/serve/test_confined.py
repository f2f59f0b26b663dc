"""The service as its unit runs it: closed, by the kernel, to all files but its own."""

from __future__ import annotations

import ctypes
import os
from pathlib import Path

import pytest

from csearchd.system import confine
from csearchd.system.child_process import LOWEST_NICENESS
from support.photos import write_drawn
from support.user import User, wait_for

LANDLOCK = ctypes.CDLL(None).syscall(confine._CREATE_RULESET, None, 0, confine._VERSION) > 0


@pytest.mark.skipif(not LANDLOCK, reason="this kernel has no Landlock")
def test_its_encoder_is_a_quiet_neighbour_too(user: User) -> None:
    write_drawn(user.pictures, 6)
    cache = user.home / ".cache/csearch"
    for directory in (user.data, cache, cache.parent / "thumbnails"):
        directory.mkdir(parents=True)
    user.address.parent.mkdir(mode=0o700)
    user.start(environment={"CSEARCH_CONFINE": "1", "TMPDIR": str(cache)})
    assert len(user.search("anything", "--in", user.pictures)) == 6
    write_drawn(user.pictures / "more", 3)
    encoder = wait_for(lambda: user.status()["encoder"], "an encoder")
    score = Path(f"/proc/{encoder}/oom_score_adj")
    wait_for(lambda: score.read_text().strip() == "1000", "an encoder that is the first to go")
    assert os.getpriority(os.PRIO_PROCESS, encoder) == LOWEST_NICENESS
