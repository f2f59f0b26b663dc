"""How soon the library follows the disk.

    python tests/benchmarks/following.py

prints JSON; times in seconds, from the end of a change until a search knows of it, with the encoder
running already ("warm") or not ("cold").
"""

from __future__ import annotations

import json
import os
import shutil
import statistics
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from support.photos import drawn, write_drawn
from support.user import Client, User, wait_for

CHANGES = 40
MOVED = 10_000
COPIED = 8_000
IDLE_SECONDS = 60


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
    times = []
    for number in range(CHANGES):
        (directory / f"{number}.jpg").write_bytes(drawn(1000 + number))
        times.append(until(client, directory, number + 1))
    return sorted(times)


def many(directory: Path, count: int) -> None:
    """Files in directories of a hundred, with few contents."""
    contents = [drawn(number) for number in range(8)]
    for start in range(0, count, 100):
        (directory / f"{start}").mkdir(parents=True)
        for number in range(100):
            (directory / f"{start}" / f"{number}.jpg").write_bytes(contents[number % 8])


def usage(pid: int) -> tuple[float, int]:
    """CPU seconds, and how often the process gave up a processor by itself."""
    words = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    switches = 0
    for task in Path(f"/proc/{pid}/task").iterdir():
        for line in (task / "status").read_text().splitlines():
            if line.startswith("voluntary_ctxt_switches"):
                switches += int(line.split()[1])
    return (int(words[11]) + int(words[12])) / os.sysconf("SC_CLK_TCK"), switches


def measure(user: User) -> dict[str, object]:
    write_drawn(user.pictures / "first", 1)
    daemon = user.start()
    user.csearchctl("add", user.pictures)
    user.settle()
    with user.connect() as client:
        client.socket.settimeout(300)
        warm = change_to_searchable(client, user.pictures / "new")
        (encoder,) = user.pids("csearchd.encode")
        os.kill(encoder, 9)
        wait_for(lambda: not user.pids("csearchd.encode"), "the end of the encoder")
        (user.pictures / "first" / "cold.jpg").write_bytes(drawn(2000))
        cold = until(client, user.pictures / "first", 2)

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
        began = time.perf_counter()
        client.ask(op="rescan", path=None)
        wait_for(lambda: client.ask(op="status")["state"] == "idle", "the end of the scan")
        rescan = time.perf_counter() - began
    before = usage(daemon.pid)
    time.sleep(IDLE_SECONDS)
    after = usage(daemon.pid)
    return {
        "change_warm_p50": round(statistics.median(warm), 3),
        "change_warm_p95": round(warm[int(len(warm) * 0.95)], 3),
        "change_cold": round(cold, 2),
        f"copied_{COPIED}": round(copied, 2),
        f"moved_in_{MOVED}": round(arrived, 2),
        f"renamed_{MOVED}": round(renamed, 3),
        f"rescan_{status['images']}": round(rescan, 2),
        "encoded": status["encoded"],
        "directories_watched": status["watch"]["directories"],
        "idle_cpu_seconds_per_minute": round((after[0] - before[0]) * 60 / IDLE_SECONDS, 2),
        "idle_wakeups_per_second": round((after[1] - before[1]) / IDLE_SECONDS, 2),
        "load_average": os.getloadavg()[0],
        "processors": os.cpu_count(),
    }


def main() -> None:
    with tempfile.TemporaryDirectory() as home:
        user = User(Path(home))
        try:
            print(json.dumps(measure(user), indent=2))
        finally:
            user.end()


if __name__ == "__main__":
    main()
