"""The bounds on memory."""

from __future__ import annotations

import os
import subprocess
import sys
import threading

from csearchd.system.memory import Budget

_HOSTILE = """
import io
from PIL import Image
from csearchd.encoder.decode import Decoder
from csearchd.system.memory import lift_limit, limit_growth
from csearchd.encoder.messages import Limits
from csearchd.models.preprocess import Preprocess

decoder = Decoder(
    Preprocess(64, 64, (0.5,) * 3, (0.5,) * 3, "bicubic", "shortest", 0),
    Limits(pixels=1 << 30, bytes=1 << 30, memory=1 << 30),
)
stream = io.BytesIO()
Image.new("RGB", (10_000, 5_000)).save(stream, "PNG")
data = stream.getvalue()
info = decoder.inspect(data, b"x.png")
limit_growth(50 << 20)
try:
    decoder.decode(data, info)
except MemoryError:
    print("refused")
lift_limit()
print(decoder.decode(data, info).views.shape)
"""


_SCAN = """
import io
from PIL import Image
from csearchd.encoder.messages import Limits
from csearchd.encoder.opening import memory_needed, open_image, register_formats
from csearchd.reader.decode import Decoder
from csearchd.reader.messages import MEMORY
from csearchd.system.memory import limit_growth

limits = Limits(pixels=1 << 30, bytes=1 << 30, memory=MEMORY)
stream = io.BytesIO()
Image.new("1", (7016, 9921), 1).save(stream, "TIFF", compression="group4")
data = stream.getvalue()
image = open_image(data, register_formats(limits.pixels), limits)
limit_growth(memory_needed(image, 7016 * 9921))
print(Decoder(limits).decode(data, b"x.tif").size)
"""


def output_of(program: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", program],
        capture_output=True,
        text=True,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
    )


def test_a_scan_in_black_and_white_of_a_large_page_is_read() -> None:
    """A3 with 600 pixels an inch: what it is said to take is enough, and words are read in it."""
    result = output_of(_SCAN)
    assert result.stdout == "(3508, 4961)\n", result.stderr


def test_growth_is_limited() -> None:
    result = output_of(_HOSTILE)
    assert result.stdout.split("\n")[:2] == ["refused", "(1, 64, 64, 3)"], result.stderr


def test_a_budget_is_shared() -> None:
    budget = Budget(100)
    used, most = 0, 0
    lock = threading.Lock()

    def work(amount: int) -> None:
        nonlocal used, most
        for _ in range(50):
            with budget.take(amount):
                with lock:
                    used += amount
                    most = max(most, used)
                with lock:
                    used -= amount

    threads = [threading.Thread(target=work, args=(amount,)) for amount in (30, 40, 60, 100)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
        assert not thread.is_alive()
    assert most <= 100


def test_more_than_a_budget_is_all_of_it() -> None:
    budget = Budget(10)
    with budget.take(1000):
        pass
    with budget.take(10):
        pass
