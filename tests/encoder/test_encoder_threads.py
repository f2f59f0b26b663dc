"""A thread of the encoder that ends would leave pictures waiting for ever."""

from __future__ import annotations

from pathlib import Path

import csearchd.models
from encoder.encoder_process import Encoder

STARTER = Path(csearchd.models.__file__).parent / "starter"
PROGRAM = """
from csearchd.encoder import pipeline
from csearchd.encoder.__main__ import main

def take(self):
    raise RuntimeError("injected")

pipeline.Pipeline._take = take
main()
"""


def test_the_process_ends_with_a_thread_that_raises() -> None:
    with Encoder(STARTER, program=("-c", PROGRAM)) as encoder:
        assert encoder.process.wait(60) == 1
