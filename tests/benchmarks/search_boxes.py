"""How soon KRunner and other callers on the session bus have an answer. Prints JSON.

    dbus-run-session -- python tests/benchmarks/search_boxes.py

It asks the service of this session, which knows what it knows (`csearchctl add` before).
"""

from __future__ import annotations

import argparse
import asyncio
import json
import statistics
import time

from dbus_fast import Message, MessageType
from dbus_fast.aio import MessageBus

WORDS = ("a dog on the beach", "sunset at the sea", "two parrots on a branch", "a cup of coffee")


async def measure(count: int) -> dict[str, float | int]:
    """Milliseconds of Match for texts that were not asked for before."""
    bus = await MessageBus().connect()
    taken = []
    for number in range(count + 5):
        message = Message(
            destination="org.csearch.Csearch1",
            path="/org/csearch/KRunner",
            interface="org.kde.krunner1",
            member="Match",
            signature="s",
            body=[f"{WORDS[number % len(WORDS)]} {number}"],
        )
        begun = time.perf_counter()
        reply = await bus.call(message)
        taken.append((time.perf_counter() - begun) * 1000)
        assert reply is not None and reply.message_type is MessageType.METHOD_RETURN, reply
    bus.disconnect()
    taken = sorted(taken[5:])
    return {
        "calls": count,
        "p50_ms": round(statistics.median(taken), 1),
        "p95_ms": round(taken[int(len(taken) * 0.95)], 1),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--calls", type=int, default=100, help="how many (100)")
    print(json.dumps(asyncio.run(measure(parser.parse_args().calls))))


if __name__ == "__main__":
    main()
