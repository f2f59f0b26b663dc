"""What it takes to find near-duplicates among many pictures.

    python tests/benchmarks/dupes.py [COUNT ...]

The vectors are drawn with the mean and covariance of the starter's sample of pictures in general;
one in twenty is a near-duplicate of another.
"""

from __future__ import annotations

import argparse
import json
import resource

import numpy as np
from common import machine, timed

from csearchd.library.vectors.table import VectorTable
from csearchd.models.identity.checksums import Verifier
from csearchd.models.installed import load_model, starter_directory
from csearchd.scoring.background import MIN_VECTORS, shipped_background
from csearchd.scoring.confidence import ScoreCalibration
from csearchd.search.duplicates import find_groups

SHARE = 20


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("counts", type=int, nargs="*", default=[10_000, 100_000])
    for count in parser.parse_args().counts:
        print(json.dumps({**measured(count), **machine()}))


def measured(count: int) -> dict[str, object]:
    general = shipped_background(load_model(starter_directory()), Verifier(None))
    assert general is not None
    chance = np.random.default_rng(1)
    values, directions = np.linalg.eigh(np.cov(general.T))
    root = (directions * np.sqrt(np.maximum(values, 0))).astype(np.float32)
    table = VectorTable(general.shape[1])
    for start in range(0, count, 10_000):
        size = min(10_000, count - start)
        some = chance.normal(size=(size, len(root))).astype(np.float32) @ root.T
        some[::SHARE] = some[1::SHARE] + 0.2 * some[::SHARE]
        some += general.mean(axis=0)
        some /= np.linalg.norm(some, axis=1, keepdims=True)
        table.extend(np.arange(start + 1, start + size + 1, dtype=np.int32), some)
    calibration = ScoreCalibration(general, general, MIN_VECTORS)
    contents = np.arange(1, count + 1, dtype=np.int32)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    found: list[object] = []
    seconds = timed(lambda: found.extend(find_groups(table, calibration, contents)))
    after = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return {
        "pictures": count,
        "groups": len(found),
        "seconds": round(seconds, 2),
        "more_memory_mb": round((after - before) / 1000),
    }


if __name__ == "__main__":
    main()
