"""What smaller codes than 8 bits would save, and cost: RaBitQ with 1 and 4 bits a dimension.

    python tests/benchmarks/codes.py [--count N] [--queries N]

prints JSON. Vectors are those of synthetic.py, centred and rotated at random; scores are estimated
as RaBitQ does (Gao and Long 2024; with more bits, Gao et al. 2025). `rank` says how far down the
estimated order the true best ten are: as many candidates must be compared in full. `scan_ms` is
numkong's time for all codes on one thread, in blocks that fit into the cache.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parent))

import numkong
import numpy as np
from common import machine
from numpy.typing import NDArray
from synthetic import Cloud

TEN = 10
_BLOCK = 20_000
_DIMENSIONS = 512

Vectors = NDArray[np.float32]
Codes = NDArray[np.int8]


def one_bit(directions: Vectors) -> Codes:
    return np.where(directions > 0, 1, -1).astype(np.int8)


def four_bits(directions: Vectors) -> Codes:
    """Odd numbers from -15 to 15."""
    largest = np.abs(directions).max(axis=1, keepdims=True)
    return (2 * np.floor(np.clip(directions / largest * 8, -8, 7.999)) + 1).astype(np.int8)


def eight_bits(directions: Vectors) -> Codes:
    largest = np.abs(directions).max(axis=1, keepdims=True)
    return np.rint(directions / largest * 127).astype(np.int8)


KINDS = (
    ("8 bits, query 8", eight_bits, eight_bits),
    ("4 bits, query 8", four_bits, eight_bits),
    ("4 bits, query 4", four_bits, four_bits),
    ("1 bit, query 8", one_bit, eight_bits),
    ("1 bit, query 1", one_bit, one_bit),
)


class Sample:
    """Pictures' vectors, texts' vectors, and which pictures are the texts' true best."""

    def __init__(self, count: int, queries: int) -> None:
        cloud = Cloud(_DIMENSIONS)
        self.pictures = np.empty((count, _DIMENSIONS), np.float16)
        for start in range(0, count, _BLOCK):
            self.pictures[start : start + _BLOCK] = cloud.pictures(min(_BLOCK, count - start))
        self.texts = cloud.texts(queries)
        self.mean = self.pictures[::50].astype(np.float32).mean(axis=0)
        turned = np.random.default_rng(0).normal(size=(_DIMENSIONS, _DIMENSIONS))
        self.rotation = np.linalg.qr(turned)[0].astype(np.float32)
        self.best = np.argpartition(-self._scores(), TEN, axis=1)[:, :TEN]

    def _scores(self) -> Vectors:
        blocks = range(0, len(self.pictures), _BLOCK)
        parts = [self.texts @ self.pictures[i : i + _BLOCK].astype(np.float32).T for i in blocks]
        return np.concatenate(parts, axis=1)

    def coded(self, code: Callable[[Vectors], Codes]) -> tuple[Codes, Vectors]:
        """Codes, and the factor of each that makes its product an estimate without bias."""
        codes = np.empty(self.pictures.shape, np.int8)
        factors = np.empty(len(codes), np.float32)
        for start in range(0, len(codes), _BLOCK):
            rows = slice(start, start + _BLOCK)
            centred = (self.pictures[rows].astype(np.float32) - self.mean) @ self.rotation
            codes[rows] = code(centred)
            products = np.einsum("ij,ij->i", codes[rows].astype(np.float32), centred)
            factors[rows] = np.einsum("ij,ij->i", centred, centred) / products
        return codes, factors


def ranks(sample: Sample, codes: Codes, factors: Vectors, queries: Codes) -> dict[str, int]:
    found = []
    for query, best in zip(queries, sample.best, strict=True):
        scores = np.asarray(numkong.cdist(query[None], codes, "dot"))[0] * factors
        order = np.sort(-scores)
        found.extend(np.searchsorted(order, -scores[best]) + 1)
    percentiles = np.percentile(found, (50, 99, 99.9, 100)).round().astype(int)
    return dict(zip(("p50", "p99", "p99.9", "max"), percentiles.tolist(), strict=True))


def scan_ms(count: int, width: int, dtype: str) -> float:
    """For rows of `width` bytes, which hold numbers of `dtype`."""
    rows = np.random.default_rng(0).integers(0, 255, (16_384, width), np.uint8).view(np.int8)
    times = []
    for _ in range(20):
        began = time.perf_counter()
        numkong.cdist(rows[:1], rows, "dot", dtype=dtype)
        times.append(time.perf_counter() - began)
    return round(float(np.median(times)) * count / len(rows) * 1000, 1)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--count", type=int, default=1_281_167)
    parser.add_argument("--queries", type=int, default=50)
    options = parser.parse_args()
    sample = Sample(options.count, options.queries)
    turned = sample.texts @ sample.rotation
    rank: dict[str, Any] = {}
    for name, of_pictures, of_texts in KINDS:
        codes, factors = sample.coded(of_pictures)
        rank[name] = ranks(sample, codes, factors, of_texts(turned))
    scans = {
        "8 bits": scan_ms(options.count, _DIMENSIONS, "int8"),
        "4 bits": scan_ms(options.count, _DIMENSIONS // 2, "int4"),
    }
    print(json.dumps({"rank": rank, "scan_ms": scans, **machine()}, indent=2))


if __name__ == "__main__":
    main()
