"""How many of the exact best ten the search finds, against a float32 scan over all vectors.

    python tests/benchmarks/recall.py [FLICKR8K] [--count N]

prints JSON. On synthetic vectors, whose queries are from another distribution, with and without
filters; and, given a directory with `images/` and `captions.tsv`, on the starter's vectors of these
pictures, with all captions as queries and no larger share of candidates than among 1.28 million.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import tempfile
from pathlib import Path
from unittest import mock

sys.path.insert(0, str(Path(__file__).parent))

import numpy as np
from common import machine
from numpy.typing import NDArray
from queries import settled
from synthetic import Cloud

from csearchd.library.library import Library
from csearchd.library.vectors.table import VectorTable
from csearchd.models.installed import STARTER, find_model
from csearchd.models.text_tower import TextTower
from support.user import User

COUNT = 1_281_167
QUERIES = 100
_BLOCK = 65536  # rows at a time
_QUERIES = 200  # at a time

Vectors = NDArray[np.float32]
Mask = NDArray[np.bool_]


def exact(stored: NDArray[np.float16], queries: Vectors, wanted: Mask | None, top: int) -> Vectors:
    """For each query the lowest of the best `top` scores, of all rows, in float32.

    Row i is content i + 1.
    """
    best = np.full((len(queries), top), -np.inf, np.float32)
    for start in range(0, len(stored), _BLOCK):
        part = stored[start : start + _BLOCK]
        if wanted is not None:
            part = part[wanted[start + 1 : start + 1 + len(part)]]
        every = np.concatenate([best, queries @ part.astype(np.float32).T], axis=1)
        best = np.partition(every, every.shape[1] - top, axis=1)[:, -top:]
    lowest: Vectors = best.min(axis=1)
    return lowest


def recall(
    table: VectorTable, stored: NDArray[np.float16], queries: Vectors, wanted: Mask | None, top: int
) -> float:
    """The share of the exact `top` that is found; one with the same score will do."""
    found = 0
    for begin in range(0, len(queries), _QUERIES):
        chunk = queries[begin : begin + _QUERIES]
        for query, lowest in zip(chunk, exact(stored, chunk, wanted, top), strict=True):
            contents, _ = table.search(query, wanted, top)
            scores = stored[contents - 1].astype(np.float32) @ query
            found += int(np.count_nonzero(scores >= lowest - 1e-6))
    return round(found / (len(queries) * top), 5)


def synthetic(count: int) -> dict[str, float]:
    cloud = Cloud()
    table = VectorTable(512)
    parts = []
    for start in range(0, count, _BLOCK):
        part = cloud.pictures(min(_BLOCK, count - start)).astype(np.float16)
        table.extend(np.arange(start + 1, start + len(part) + 1, dtype=np.int32), part)
        parts.append(part)
    stored = np.concatenate(parts)
    queries = cloud.texts(QUERIES)
    contents = np.arange(count + 1)
    tenth = contents // 1000 % 10 == 3
    thousandth = contents % 1000 == 7
    return {
        "all": recall(table, stored, queries, None, 10),
        "in_a_tenth": recall(table, stored, queries, tenth, 10),
        "in_a_thousandth": recall(table, stored, queries, thousandth, 10),
        "top_1000": recall(table, stored, queries[:20], None, 1000),
    }


def real(directory: Path, home: Path) -> dict[str, float | int]:
    """The starter's vectors of the pictures, made by the service."""
    user = User(home)
    try:
        user.start()
        user.csearchctl("add", directory / "images")
        settled(user)
        user.csearchctl("stop")
    finally:
        user.end()
    library = Library(str(user.data / "library.sqlite"))
    model = find_model(str(user.data / "models"), STARTER)
    with library.read() as database:
        rows = database.execute("SELECT vector FROM vectors ORDER BY content").fetchall()
    stored = np.frombuffer(b"".join(row[0] for row in rows), "<f2").reshape(len(rows), -1)
    table = VectorTable(model.dimensions)
    table.extend(np.arange(1, len(rows) + 1, dtype=np.int32), stored)
    lines = (directory / "captions.tsv").read_text().splitlines()
    captions = [line.rpartition("\t")[2] for line in lines]
    tower = TextTower(model, len(os.sched_getaffinity(0)))
    queries = np.concatenate([tower.embed([caption]) for caption in captions])
    with mock.patch.object(table, "_SPARE", 0):  # a share of candidates, and nothing beside it
        limited = recall(table, stored, queries, None, 10)
    return {
        "pictures": len(rows),
        "queries": len(queries),
        "candidates_limited_to_their_share": limited,
        "as_it_is": recall(table, stored, queries[:2000], None, 10),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("flickr8k", type=Path, nargs="?")
    parser.add_argument("--count", type=int, default=COUNT)
    options = parser.parse_args()
    found: dict[str, object] = {}
    if options.count:
        found["synthetic"] = synthetic(options.count)
    if options.flickr8k:
        with tempfile.TemporaryDirectory() as home:
            found["real"] = real(options.flickr8k.resolve(), Path(home))
    print(json.dumps({**found, **machine()}, indent=2))


if __name__ == "__main__":
    main()
