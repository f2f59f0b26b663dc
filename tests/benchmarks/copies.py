"""How well copies of photos are told from photos that look alike.

    python tests/benchmarks/copies.py FOLDER [--pairs N] [--seed N]
        [--photos N] [--known-copies FILE]

Of the photos below FOLDER some are edited (edits.py); the service's encoder reads all of them. Half
of the pairs are a photo and its copy, each kind of edit equally often. The others are different
photos: of all pairs of photos those with the most similar vectors, each photo at most once. Photos
of FOLDER that are copies of one another count as different unless FILE names them, one pair a line,
separated by a tab: look at those that are `taken_for_copies`.

Prints JSON: precision, recall by kind, and the same of `vectors_alone`, as it was before pixels
were compared; `candidates`: how many copies have vectors or spectra so similar that their pixels
are compared.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parent))

import numpy as np
from common import machine
from edits import EDITS
from embedding import read_pictures
from PIL import Image, ImageOps

from csearchd.library.library import Library
from csearchd.library.metadata.photo_metadata import PhotoMetadata
from csearchd.library.vectors.table import VectorTable
from csearchd.models.identity.checksums import Verifier
from csearchd.models.installed import load_model, starter_directory
from csearchd.scoring.background import MIN_VECTORS, shipped_background
from csearchd.scoring.confidence import NEAR_DUPLICATE, ScoreCalibration
from csearchd.search.duplicates.comparison import Comparison
from csearchd.search.duplicates.shots import Shots
from csearchd.search.duplicates.similar_pairs import CANDIDATE
from csearchd.search.duplicates.spectra import ALIKE

_SUFFIXES = {".jpg", ".jpeg", ".png", ".webp"}

Pairs = list[tuple[str, str, str]]  # kind and names; "" for different photos


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("folder", type=Path)
    parser.add_argument("--pairs", type=int, default=500)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--photos", type=int, default=4000, help="of FOLDER that are looked at")
    parser.add_argument("--known-copies", type=Path)
    options = parser.parse_args()
    known = set()
    if options.known_copies:
        lines = options.known_copies.read_text(encoding="utf-8").splitlines()
        known = {frozenset(line.split("\t")) for line in lines}
    chance = np.random.default_rng(options.seed)
    with tempfile.TemporaryDirectory() as scratch:
        place = Path(scratch)
        photos = sampled(options.folder, options.photos, chance)
        copies = write(photos, place, options.pairs // 2, chance)
        measured = Measurement(place)
        alike = measured.most_alike([name for name, _ in photos], options.pairs // 2, known)
        print(json.dumps({**measured.figures(copies + alike), **machine()}, indent=2))


def sampled(folder: Path, count: int, chance: np.random.Generator) -> list[tuple[str, Path]]:
    """Up to `count` photos, by names of their own."""
    found = sorted(path for path in folder.rglob("*") if path.suffix.lower() in _SUFFIXES)
    chosen = np.sort(chance.permutation(len(found))[:count]).tolist()
    return [(str(found[number].relative_to(folder)), found[number]) for number in chosen]


def write(
    photos: list[tuple[str, Path]], place: Path, count: int, chance: np.random.Generator
) -> Pairs:
    """Writes photos and `count` copies to `place`; the pairs."""
    place.mkdir(parents=True, exist_ok=True)
    for name, path in photos:
        with Image.open(path) as opened:
            ImageOps.exif_transpose(opened).convert("RGB").save(
                place / _flat(name, ".jpg"), quality=95
            )
    pairs: Pairs = []
    kinds = list(EDITS)
    for number, one in enumerate(chance.permutation(len(photos))[:count].tolist()):
        kind = kinds[number % len(kinds)]
        name, path = photos[one]
        with Image.open(path) as opened:
            photo = ImageOps.exif_transpose(opened).convert("RGB")
        copy = f"copy {number} {name}"
        EDITS[kind](photo, chance).save(place / _flat(copy, ".jpg"), quality=85)
        pairs.append((kind, name, copy))
    return pairs


def _flat(name: str, suffix: str) -> str:
    return name.replace("/", "+") + suffix


class Measurement:
    """All pictures of a directory, as the service's encoder reads them."""

    def __init__(self, place: Path) -> None:
        model = load_model(starter_directory())
        paths = sorted(place.glob("*.jpg"))
        vectors, signatures, failures = read_pictures(model, paths)
        assert not failures, failures
        self._content = {path.name.removesuffix(".jpg"): i for i, path in enumerate(paths, 1)}
        self._table = VectorTable(model.dimensions)
        self._table.extend(np.arange(1, len(paths) + 1, dtype=np.int32), vectors)
        self._library = Library(str(place / "library.sqlite"))
        with self._library.write() as database:
            for number, signature in enumerate(signatures, 1):
                database.execute(
                    "INSERT INTO contents (id, scheme, identity) VALUES (?1, 1, ?1)", (number,)
                )
                database.execute("INSERT INTO signatures VALUES (?, ?)", (number, signature))
        general = shipped_background(model, Verifier(None))
        assert general is not None
        self._calibration = ScoreCalibration(general, general, MIN_VECTORS)

    def _contents(self, names: list[str]) -> np.ndarray[Any, np.dtype[np.int32]]:
        return np.array([self._content[name.replace("/", "+")] for name in names], np.int32)

    def most_alike(self, names: list[str], count: int, known: set[frozenset[str]]) -> Pairs:
        """The pairs of different photos with the most similar vectors."""
        contents = self._contents(names)
        centred = self._calibration.centred(self._table.vectors(contents))
        similarity = np.triu(centred @ centred.T, 1)
        ranked = np.argsort(-similarity, axis=None)[: 64 * count]
        used: set[int] = set()
        pairs: Pairs = []
        for one, other in zip(*np.unravel_index(ranked, similarity.shape), strict=True):
            first, second = int(one), int(other)
            same = contents[first] == contents[second]  # one file, twice
            if same or {first, second} & used or frozenset((names[first], names[second])) in known:
                continue
            used |= {first, second}
            pairs.append(("", names[first], names[second]))
            if len(pairs) == count:
                break
        return pairs

    def figures(self, pairs: Pairs) -> dict[str, Any]:
        first = self._contents([pair[1] for pair in pairs])
        second = self._contents([pair[2] for pair in pairs])
        kinds = np.array([kind for kind, _, _ in pairs])
        one, other = (
            self._calibration.centred(self._table.vectors(side)) for side in (first, second)
        )
        similarity = (one * other).sum(axis=1)
        contents = np.arange(1, len(self._content) + 1)
        shots = Shots(PhotoMetadata(), contents, contents.astype(np.int32))
        comparison = Comparison(self._library, shots, lambda: None, tries=16)
        began = time.perf_counter()
        same = comparison.likeness(first, second) > 0
        seconds = time.perf_counter() - began
        is_copy = kinds != ""
        spectra = comparison.spectra(contents.astype(np.int32))
        turned = (spectra[first - 1] * spectra[second - 1]).sum(axis=1) >= ALIKE
        candidate = (similarity >= CANDIDATE) | turned
        return {
            "copies": int(is_copy.sum()),
            "different": int((~is_copy).sum()),
            "least_similarity_of_different": round(float(similarity[~is_copy].min()), 3),
            **_shares(same & candidate, kinds),
            "pixels_alone": _shares(same, kinds),
            "vectors_alone": _shares(similarity >= NEAR_DUPLICATE, kinds),
            "candidates": _shares(candidate, kinds)["recall"],
            "similarity_of_a_tenth_is_below": {
                kind: round(float(np.quantile(similarity[kinds == kind], 0.1)), 3) for kind in EDITS
            },
            "milliseconds_a_pair": round(seconds / len(pairs) * 1000, 2),
            "taken_for_copies": [pairs[i][1:] for i in np.flatnonzero(same & ~is_copy).tolist()],
        }


def _shares(found: np.ndarray[Any, np.dtype[np.bool_]], kinds: Any) -> dict[str, Any]:
    right = found & (kinds != "")
    return {
        "precision": round(float(right.sum() / max(1, found.sum())), 4),
        "recall": {
            "all": round(float(right.sum() / (kinds != "").sum()), 3),
            **{kind: round(float(found[kinds == kind].mean()), 3) for kind in EDITS},
        },
    }


if __name__ == "__main__":
    main()
