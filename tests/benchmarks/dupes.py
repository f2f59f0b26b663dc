"""What it takes to find near-duplicates among many pictures, and to group a page of results.

    python tests/benchmarks/dupes.py [COUNT ...]

The vectors are drawn with the mean and covariance of the starter's sample of pictures in general.
One in twenty is near another; half of these are copies by their pixels too, the others look alike.
`page`: milliseconds for 36 results that all look alike, so that all their pixels are compared.
"""

from __future__ import annotations

import argparse
import json
import resource
import tempfile
from pathlib import Path

import numpy as np
from common import machine, median, timed
from numpy.typing import NDArray

from csearchd.library.library import Library
from csearchd.library.metadata.photo_metadata import PhotoMetadata
from csearchd.library.signatures.form import SIDE, packed
from csearchd.library.vectors.table import VectorTable
from csearchd.models.identity.checksums import Verifier
from csearchd.models.installed import load_model, starter_directory
from csearchd.scoring.background import MIN_VECTORS, shipped_background
from csearchd.scoring.confidence import ScoreCalibration
from csearchd.search.duplicates.comparison import Comparison
from csearchd.search.duplicates.groups import find_groups
from csearchd.search.duplicates.results import group_hits
from csearchd.search.duplicates.shots import Shots
from csearchd.search.request import Hit

SHARE = 20
PAGE = 36  # results that a page of ten is chosen from


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
    with tempfile.TemporaryDirectory() as scratch:
        library = Library(str(Path(scratch) / "library.sqlite"))
        for start in range(0, count, 10_000):
            size = min(10_000, count - start)
            some = chance.normal(size=(size, len(root))).astype(np.float32) @ root.T
            some[::SHARE] = some[1::SHARE] + 0.2 * some[::SHARE]
            some += general.mean(axis=0)
            some /= np.linalg.norm(some, axis=1, keepdims=True)
            table.extend(np.arange(start + 1, start + size + 1, dtype=np.int32), some)
            write_signatures(library, start + 1, size, chance)
        calibration = ScoreCalibration(general, general, MIN_VECTORS)
        contents = np.arange(1, count + 1, dtype=np.int32)
        shots = Shots(PhotoMetadata(), contents.astype(np.int64), contents)
        comparison = Comparison(library, shots, lambda: None, tries=16)
        before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        found: list[object] = []
        seconds = timed(lambda: found.extend(find_groups(table, calibration, comparison, contents)))
        after = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        alike = VectorTable(general.shape[1])
        alike.extend(contents[:PAGE], np.repeat(some[:1], PAGE, axis=0))
        hits = [Hit(b"/%d" % one, 0.5, one, one) for one in range(1, PAGE + 1)]
        page = median(lambda: group_hits(hits, alike, calibration, library, 10), 20)
        apart = median(lambda: group_hits(hits, table, calibration, library, 10), 20)
        library.close()
    return {
        "pictures": count,
        "groups": len(found),
        "seconds": round(seconds, 2),
        "more_memory_mb": round((after - before) / 1000),
        "page": {"alike": round(page * 1000, 1), "different": round(apart * 1000, 1)},
    }


def write_signatures(library: Library, first: int, size: int, chance: np.random.Generator) -> None:
    """Those of smooth pictures, of which one in 2 SHARE is a copy of the next."""
    rows = []
    pixels = smooth(chance)
    for number in range(size - 1, -1, -1):
        if number % (2 * SHARE) == 0:
            pixels = np.clip(pixels + chance.normal(0, 3, pixels.shape), 0, 255)
        else:
            pixels = smooth(chance)
        stored = packed(pixels.astype(np.uint8).tobytes(), 1.5)
        rows.append((first + number, stored))
    with library.write() as database:
        database.executemany(
            "INSERT INTO contents (id, scheme, identity, signed) VALUES (?1, 1, ?1, 1)",
            [row[:1] for row in rows],
        )
        database.executemany("INSERT INTO signatures VALUES (?, ?)", rows)


def smooth(chance: np.random.Generator) -> NDArray[np.float32]:
    """A picture with details of all sizes."""
    pixels = np.zeros((SIDE, SIDE), np.float32)
    for cells in (3, 6, 12, 24, 48):
        part = chance.normal(0, 400 / cells**0.5 / 3, (cells, cells)).astype(np.float32)
        pixels += np.kron(part, np.ones((SIDE // cells, SIDE // cells), np.float32))
    clipped: NDArray[np.float32] = np.clip(128 + pixels / 2, 0, 255)
    return clipped


if __name__ == "__main__":
    main()
