"""How soon the library follows the disk.

    python tests/benchmarks/following.py

prints JSON; times in seconds, from the end of a change until a search knows of it, with the encoder
running already ("warm") or not ("cold").
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import statistics
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

import common

from support.photos import drawn, write_drawn
from support.user import Client, User, wait_for

CHANGES = 40
MOVED = 10_000
COPIED = 8_000
COLD = 20


def found(client: Client, directory: Path) -> int:
    """How many pictures are known below `directory`."""
    scope = os.fsencode(directory)
    end = client.ask(op="search", query="anything", scopes=[scope], top=1, wait="none")
    return int(end.get("images", 0))


def until(client: Client, directory: Path, count: int) -> float:
    began = time.perf_counter()
    wait_for(lambda: found(client, directory) == count, f"{count} pictures", 300)
    return time.perf_counter() - began


def change_to_searchable(client: Client, directory: Path) -> list[float]:
    """New pictures, one by one."""
    directory.mkdir()
    wait_for(lambda: client.ask(op="status")["state"] == "idle", "an idle service")
    times: list[float] = []
    for number in range(CHANGES):
        (directory / f"{number}.jpg").write_bytes(drawn(1000 + number))
        times.append(until(client, directory, number + 1))
    return times


def many(directory: Path, count: int, each: int = 100) -> None:
    """Files in directories of so many each, with few contents."""
    contents = [drawn(number) for number in range(8)]
    for start in range(0, count, each):
        (directory / f"{start}").mkdir(parents=True)
        for number in range(each):
            (directory / f"{start}" / f"{number}.jpg").write_bytes(contents[number % 8])


def change_with_a_cold_encoder(user: User, client: Client) -> tuple[list[float], list[float]]:
    """Seconds until new pictures are found, and processor seconds of their encoders."""
    times, processor = [], []
    for number in range(COLD):
        for pid in user.pids("csearchd.encoder"):
            os.kill(pid, 9)
        wait_for(lambda: not user.pids("csearchd.encoder"), "the end of the encoder")
        (user.pictures / "first" / f"cold-{number}.jpg").write_bytes(drawn(2000 + number))
        times.append(until(client, user.pictures / "first", 2 + number))
        (encoder,) = user.pids("csearchd.encoder")
        processor.append(common.usage(encoder)[0])
    return times, processor


def in_new_directories(user: User, client: Client) -> list[float]:
    """Pictures in directories that come with them."""
    times = []
    for number in range(CHANGES):
        directory = user.pictures / "fresh" / f"{number}" / "deep"
        directory.mkdir(parents=True)
        (directory / "x.jpg").write_bytes(drawn(3000 + number))
        times.append(until(client, user.pictures / "fresh", number + 1))
    return times


def measure(user: User, idle: int) -> dict[str, object]:
    write_drawn(user.pictures / "first", 1)
    daemon = user.start()
    user.csearchctl("add", user.pictures)
    user.settle()
    with user.connect() as client:
        client.socket.settimeout(300)
        warm = change_to_searchable(client, user.pictures / "new")
        fresh = in_new_directories(user, client)
        cold, processor = change_with_a_cold_encoder(user, client)

        many(user.home / "outside", COPIED)
        shutil.copytree(user.home / "outside", user.pictures / "copied")
        copied = until(client, user.pictures / "copied", COPIED)
        many(user.home / "more", MOVED)
        (user.home / "more").rename(user.pictures / "more")
        arrived = until(client, user.pictures / "more", MOVED)
        (user.pictures / "more").rename(user.pictures / "first" / "renamed")
        renamed = until(client, user.pictures / "first" / "renamed", MOVED)
        wait_for(lambda: client.ask(op="status")["state"] == "idle", "an idle service")
        status = client.ask(op="status")
    wait_for(lambda: not user.pids("csearchd.encoder"), "the end of the encoder")
    before = common.usage(daemon.pid)
    time.sleep(idle)
    after = common.usage(daemon.pid)
    return {
        **times("change_warm", warm),
        **times("change_in_a_new_directory", fresh),
        **times("change_cold", cold),
        "cold_encoder_cpu_seconds": round(statistics.median(processor), 2),
        f"copied_{COPIED}": round(copied, 2),
        f"moved_in_{MOVED}": round(arrived, 2),
        f"renamed_{MOVED}": round(renamed, 3),
        "encoded": status["encoded"],
        "directories_watched": status["watch"]["directories"],
        f"idle_cpu_seconds_in_{idle}": round(after[0] - before[0], 2),
        "idle_wakeups_per_second": round((after[1] - before[1]) / idle, 2),
        **common.machine(),
    }


def times(name: str, values: list[float]) -> dict[str, float]:
    return {
        f"{name}_p50": round(statistics.median(values), 3),
        f"{name}_p95": round(common.percentile(values, 0.95), 3),
    }


def main() -> None:
    options = argparse.ArgumentParser(description="How soon the library follows the disk.")
    options.add_argument("--idle", type=int, default=300, help="seconds of doing nothing (300)")
    idle = options.parse_args().idle
    with tempfile.TemporaryDirectory() as home:
        user = User(Path(home))
        try:
            print(json.dumps(measure(user, idle), indent=2))
        finally:
            user.end()


if __name__ == "__main__":
    main()
