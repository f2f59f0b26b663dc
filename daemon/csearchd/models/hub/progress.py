"""Shows on stderr how far a download is, and that other work goes on."""

from __future__ import annotations

import contextlib
import sys
import threading
import time
from collections.abc import Callable, Iterator

SECONDS_BETWEEN_LINES = 5.0
SECONDS_BETWEEN_SIGNS = 30.0  # of work whose end isn't known


@contextlib.contextmanager
def progress(name: str, total: int) -> Iterator[Callable[[int], None]]:
    """Shows a bar on a terminal, else lines. Yields a function that takes the number of
    bytes, of `total`, that are there."""
    from tqdm import tqdm  # type: ignore[import-untyped]

    if sys.stderr.isatty():
        with tqdm(total=total, desc=name, unit="B", unit_scale=True) as bar:

            def move(have: int) -> None:
                bar.update(have - bar.n)

            yield move
        return
    last = time.monotonic()

    def show(have: int) -> None:
        nonlocal last
        if time.monotonic() - last >= SECONDS_BETWEEN_LINES:
            last = time.monotonic()
            megabytes = f"{have // 1_000_000} of {total // 1_000_000} MB"
            print(f"downloaded {megabytes}", file=sys.stderr, flush=True)

    yield show


@contextlib.contextmanager
def elapsed(text: str) -> Iterator[None]:
    """Says `text`, and below for how long the `with` block has been running: on a terminal every
    second in the same line, else in a line now and then."""
    began = time.monotonic()
    ended = threading.Event()
    on_terminal = sys.stderr.isatty()

    def show() -> None:
        while not ended.wait(1.0 if on_terminal else SECONDS_BETWEEN_SIGNS):
            seconds = round(time.monotonic() - began)
            line = f"\r{seconds} s" if on_terminal else f"still at it after {seconds} s\n"
            with contextlib.suppress(OSError, ValueError):  # nobody reads it any more
                print(line, end="", file=sys.stderr, flush=True)

    print(text, file=sys.stderr, flush=True)
    thread = threading.Thread(target=show, daemon=True)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()
        if on_terminal:  # nothing is left of the seconds
            print("\r\x1b[K", end="", file=sys.stderr, flush=True)
