"""How fast pictures are read, beside rclip with the same weights.

    python tests/benchmarks/indexing.py [--large N] [--small N] [--model DIR]

prints JSON. Rates are pictures a second from start to end: for csearch from `csearch --in DIR`, the
service running, until all are read, hashed and committed; for rclip that of `rclip` in DIR. Steady
rates leave the start-up out: ours up to the first known picture, theirs a search with nothing to
read. The encoder runs at low priority, so the machine must have nothing else to do; processor
milliseconds a picture hold on a busy one too. The first run installs rclip and makes a model
(minutes).
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
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[1]))

import numpy as np
from camera import write_camera
from peer import MODEL, Rclip, installed_rclip, random_model

from csearchd.encoder.decode import Decoder
from csearchd.encoder.messages import Limits
from csearchd.encoder.torch_tower import ImageTower
from csearchd.models.image_tower import OnnxTower
from csearchd.models.preprocess import Preprocess
from support.user import User, wait_for

SIZES = {"large": (4000, 3000), "small": (640, 480)}
_SAMPLE = 96  # pictures that a tower's rate is measured with


class Watch:
    """What the service and its encoder do, sampled ten times a second while pictures are read."""

    def __init__(self, user: User, service: int) -> None:
        self.peak = 0  # bytes that the encoder had resident at most
        self.encoder = 0.0  # processor seconds
        self.samples: list[tuple[float, int, float]] = []  # when, pictures, processor seconds
        self._user = user
        self._service = service
        self._before = processor_seconds(service)
        self._ending = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)

    def __enter__(self) -> Watch:
        self._thread.start()
        return self

    def __exit__(self, *exception: object) -> None:
        self._ending.set()
        self._thread.join()

    @property
    def service(self) -> float:
        """Processor seconds of the service, answers to this watch included."""
        return processor_seconds(self._service) - self._before

    def _run(self) -> None:
        pids: list[int] = []
        with self._user.connect() as client:
            while not self._ending.wait(0.1):
                pids = pids or self._user.pids("csearchd.encoder")
                with suppress(OSError):
                    self._look(pids)
                encoded = client.ask(op="status")["encoded"]
                used = self.encoder + self.service
                self.samples.append((time.perf_counter(), encoded, used))

    def _look(self, encoders: list[int]) -> None:
        for pid in encoders:
            self.encoder = processor_seconds(pid)
            status = Path(f"/proc/{pid}/status").read_text()
            if "VmHWM:" in status:
                self.peak = max(self.peak, int(status.partition("VmHWM:")[2].split()[0]) * 1024)


def processor_seconds(pid: int) -> float:
    words = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(words[11]) + int(words[12])) / os.sysconf("SC_CLK_TCK")


def our_run(model: Path, pictures: Path, count: int) -> dict[str, Any]:
    """Reads `pictures` with a service and a library of their own."""
    with tempfile.TemporaryDirectory() as home:
        user = User(Path(home))
        try:
            shutil.copytree(model, user.data / "models" / MODEL, copy_function=os.link)
            user.start()
            user.csearchctl("model", "use", MODEL)
            wait_for(lambda: user.status()["model"] == MODEL, "the model")
            (service,) = user.pids("csearchd")
            # A new model's text tower compares words in the background, for some seconds.
            wait_for(lambda: load(service) < 0.05, "a service at rest")
            before = user.status()["memory"]
            with Watch(user, service) as watch:
                began = time.perf_counter()
                user.csearch("--in", pictures, "anything")
                seconds = time.perf_counter() - began
            status = user.status()
            assert status["encoded"] == count, status
            return {
                "rate": round(count / seconds, 1),
                "start_up_s": round(start_up(watch) - began, 2),
                **steady(watch),
                "cpu_ms_a_picture": round(watch.encoder / count * 1000, 1),
                "service_cpu_ms_a_picture": round(watch.service / count * 1000, 1),
                "encoder_peak_mb": round(watch.peak / 1e6),
                "service_mb_before_and_after": [
                    round(before / 1e6),
                    round(status["memory"] / 1e6),
                ],
            }
        finally:
            user.end()


def load(process: int, seconds: float = 1.0) -> float:
    """Of one processor, the share that a process takes, measured over so long."""
    before = processor_seconds(process)
    time.sleep(seconds)
    return (processor_seconds(process) - before) / seconds


def start_up(watch: Watch) -> float:
    """When the first pictures were known."""
    return next(when for when, encoded, _ in watch.samples if encoded)


def steady(watch: Watch) -> dict[str, float]:
    """Pictures a second from the first ones that are known to the last, what one of them took, and
    the share of all processors that the service and its encoder had meanwhile."""
    samples = [sample for sample in watch.samples if sample[1]]
    last = next(sample for sample in samples if sample[1] == samples[-1][1])
    seconds, pictures, used = (end - start for start, end in zip(samples[0], last, strict=True))
    return {
        "steady_rate": round(pictures / seconds, 1),
        "steady_cpu_ms_a_picture": round(used / pictures * 1000, 1),
        "utilisation": round(used / seconds / (os.cpu_count() or 1), 2),
    }


def their_run(rclip: Rclip, pictures: Path, count: int) -> dict[str, Any]:
    """What it does with nothing to read is its start-up."""
    seconds, used = _their_search(rclip, pictures)
    idle, idle_used = _their_search(rclip, pictures)
    return {
        "rate": round(count / seconds, 1),
        "start_up_s": round(idle, 2),
        "steady_rate": round(count / (seconds - idle), 1),
        "steady_cpu_ms_a_picture": round((used - idle_used) / count * 1000, 1),
        "utilisation": round((used - idle_used) / (seconds - idle) / (os.cpu_count() or 1), 2),
        "cpu_ms_a_picture": round(used / count * 1000, 1),
    }


def _their_search(rclip: Rclip, pictures: Path) -> tuple[float, float]:
    """Seconds, and processor seconds."""
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
    return seconds, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


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
    threads = os.cpu_count() or 1
    rates = {}
    for tower in (OnnxTower(str(model)), ImageTower(str(model), preprocess, "cpu", threads)):
        shape = (tower.batch, preprocess.height, preprocess.width, 3)
        pixels = np.random.default_rng(0).integers(0, 256, shape, np.uint8)
        tower.encode(pixels)
        callers = threads if tower.shared else 1
        with ThreadPoolExecutor(callers) as pool:
            batches = callers * -(-_SAMPLE // len(pixels) // callers)
            began = time.perf_counter()
            list(pool.map(tower.encode, [pixels] * batches))
            seconds = time.perf_counter() - began
        rates[tower.arithmetic] = round(batches * len(pixels) / seconds, 1)
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
                "steady_ratio": round(ours["steady_rate"] / theirs["steady_rate"], 2),
                "steady_ratio_of_cpu": round(
                    theirs["steady_cpu_ms_a_picture"] / ours["steady_cpu_ms_a_picture"], 2
                ),
                "decode_rate": round(decode_rate(model, pictures), 1),
            }
    report["load_average"] = os.getloadavg()[0]
    report["processors"] = os.cpu_count()
    print(json.dumps(report, indent=2))


if __name__ == "__main__":
    main()
