"""Shows how far a download is."""

from __future__ import annotations

import contextlib
import sys
import time
from collections.abc import Callable, Iterator

SECONDS_BETWEEN_LINES = 5.0


@contextlib.contextmanager
def progress(name: str, total: int) -> Iterator[Callable[[int], None]]:
    """Shows a bar on a terminal, else lines, on stderr. Yields a function that takes the number of
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
