"""How fast pictures are read, beside rclip with the same weights.

    python tests/benchmarks/indexing.py [--large N] [--small N] [--model DIR]

prints JSON. Rates are pictures a second from start to end: for csearch from `csearch --in DIR`, the
service running, until all are read, hashed and committed; for rclip that of `rclip` in DIR. The
encoder runs at low priority, so the machine must have nothing else to do; processor seconds a
picture hold on a busy one too. The first run installs rclip and makes a model (minutes).
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[1]))

import numpy as np
from camera import write_camera
from peer import MODEL, Rclip, installed_rclip, random_model

from csearchd.encode.decode import Decoder
from csearchd.encode.messages import Limits, Settings
from csearchd.encode.preprocess import Preprocess
from csearchd.encode.towers import Towers
from support.user import User, wait_for

SIZES = {"large": (4000, 3000), "small": (640, 480)}
_BATCH = 32


class Watch:
    """Samples a process while it lives: the most memory it had resident, its processor seconds."""

    def __init__(self, user: User) -> None:
        self.peak = 0
        self.seconds = 0.0
        self._user = user
        self._ending = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)

    def __enter__(self) -> Watch:
        self._thread.start()
        return self

    def __exit__(self, *exception: object) -> None:
        self._ending.set()
        self._thread.join()

    def _run(self) -> None:
        while not self._ending.wait(0.1):
            for pid in self._user.pids("csearchd.encode"):
                try:
                    status = Path(f"/proc/{pid}/status").read_text()
                    words = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
                except OSError:
                    continue
                if "VmHWM:" in status:
                    peak = int(status.partition("VmHWM:")[2].split()[0]) * 1024
                    self.peak = max(self.peak, peak)
                self.seconds = (int(words[11]) + int(words[12])) / os.sysconf("SC_CLK_TCK")


def our_run(model: Path, pictures: Path, count: int) -> dict[str, Any]:
    """Reads `pictures` with a service and a library of their own."""
    with tempfile.TemporaryDirectory() as home:
        user = User(Path(home))
        try:
            shutil.copytree(model, user.data / "models" / MODEL, copy_function=os.link)
            user.start()
            user.csearchctl("model", "use", MODEL)
            wait_for(lambda: user.status()["model"] == MODEL, "the model")
            before = user.status()["memory"]
            with Watch(user) as watch:
                began = time.perf_counter()
                user.csearch("--in", pictures, "anything")
                seconds = time.perf_counter() - began
            status = user.status()
            assert status["encoded"] == count, status
            return {
                "rate": round(count / seconds, 1),
                "cpu_ms_a_picture": round(watch.seconds / count * 1000, 1),
                "encoder_peak_mb": round(watch.peak / 1e6),
                "service_mb_before_and_after": [
                    round(before / 1e6),
                    round(status["memory"] / 1e6),
                ],
            }
        finally:
            user.end()


def their_run(rclip: Rclip, pictures: Path, count: int) -> dict[str, Any]:
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    began = time.perf_counter()
    subprocess.run(
        rclip.command("anything"),
        cwd=pictures,
        env=rclip.environment,
        check=True,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    seconds = time.perf_counter() - began
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    used = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return {
        "rate": round(count / seconds, 1),
        "cpu_ms_a_picture": round(used / count * 1000, 1),
    }


def decode_rate(model: Path, pictures: Path) -> float:
    """Pictures that all processors together read, hash and decode in a second."""
    limits = Limits(pixels=1 << 30, bytes=1 << 30, memory=1 << 31)
    decoder = Decoder(Preprocess.of_model(str(model)), limits)
    paths = sorted(pictures.iterdir())[:100]
    began = time.thread_time()
    for path in paths:
        data = path.read_bytes()
        decoder.decode(data, decoder.inspect(data, os.fsencode(path)))
    return len(paths) / (time.thread_time() - began) * (os.cpu_count() or 1)


def tower_rates(model: Path) -> dict[str, float]:
    """Pictures that each image tower encodes in a second, with all processors."""
    preprocess = Preprocess.of_model(str(model))
    limits = Limits(pixels=1 << 30, bytes=1 << 30, memory=1 << 31)
    settings = Settings(str(model), limits, os.cpu_count() or 1, "cpu")
    shape = (_BATCH, preprocess.height, preprocess.width, 3)
    pixels = np.random.default_rng(0).integers(0, 256, shape, np.uint8)
    towers = Towers(settings, preprocess, 1 << 40, lambda message: None)
    rates = {}
    for tower in (towers._first(), towers._torch()):
        tower.encode(pixels)
        began = time.perf_counter()
        for _ in range(3):
            tower.encode(pixels)
        rates[tower.arithmetic] = round(3 * _BATCH / (time.perf_counter() - began), 1)
    return rates


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--large", type=int, default=300, help="pictures of 12 megapixels")
    parser.add_argument("--small", type=int, default=2000, help="pictures of 640×480")
    parser.add_argument("--model", type=Path, help="a model's directory; made if not given")
    options = parser.parse_args()
    model = options.model or random_model()
    report: dict[str, Any] = {"tower_rates": tower_rates(model)}
    with tempfile.TemporaryDirectory() as scratch:
        for name, size in SIZES.items():
            count = getattr(options, name)
            pictures = Path(scratch) / name
            write_camera(pictures, count, size)
            rclip = installed_rclip(Path(scratch) / f"rclip-{name}")
            theirs = their_run(rclip, pictures, count)
            ours = our_run(model, pictures, count)
            report[f"{size[0]}x{size[1]}"] = {
                "pictures": count,
                "csearch": ours,
                "rclip": theirs,
                "ratio": round(ours["rate"] / theirs["rate"], 2),
                "ratio_of_cpu": round(theirs["cpu_ms_a_picture"] / ours["cpu_ms_a_picture"], 2),
                "decode_rate": round(decode_rate(model, pictures), 1),
            }
    report["load_average"] = os.getloadavg()[0]
    report["processors"] = os.cpu_count()
    print(json.dumps(report, indent=2))


if __name__ == "__main__":
    main()
