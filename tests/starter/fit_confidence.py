"""Fits the numbers of csearchd.scoring.curves, on the fitting half of photos and queries.

    python tests/starter/fit_confidence.py DATA_DIR [--model MODEL_DIR]

prints WORDS and PICTURES. Libraries are drawn from the photos, with some sets and classes left out,
so that queries are met by few photos, by many or by none, in small libraries and large ones. Of
each query the best results count, and some further ones.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import subjects
from numpy.typing import NDArray
from towers import encode_photos

from csearchd.library.cache_token import Cache
from csearchd.models.identity.checksums import Verifier
from csearchd.models.installed import load_model, starter_directory
from csearchd.models.text_tower import TextTower
from csearchd.scoring.background import MIN_VECTORS, shipped_background
from csearchd.scoring.confidence import sample_of_words
from csearchd.scoring.curves import Sample, features

SIZES = (60, 300, 800, 1600, 1600, 1600)
LIBRARIES = 40
QUERIES = 60  # of each kind and library
BEST, FURTHER = 10, 4
WORDS = ("name", "phrase", "class")

Numbers = NDArray[np.float64]


def libraries(known: subjects.Subjects, chance: np.random.Generator) -> Iterator[NDArray[np.int64]]:
    """Numbers of photos of the fitting half."""
    pool = np.flatnonzero(known.fitting_photos())
    sets = np.unique(known.sources)
    classes = np.array([photo.texts[0] for photo in known.photos])
    captioned = np.array([photo.captioned for photo in known.photos])
    for _ in range(LIBRARIES):
        some = chance.permutation(sets)[: chance.integers(3, len(sets) + 1)]
        kept = np.isin(known.sources[pool], some)
        kept |= (known.sources[pool] == "flickr8k") & (chance.random() < 0.7)
        names = np.unique(classes[~captioned])
        without = names[chance.random(len(names)) < 0.3]
        kept &= captioned[pool] | ~np.isin(classes[pool], without)
        if kept.sum() >= min(SIZES):
            yield chance.permutation(pool[kept])[: chance.choice(SIZES)]


def fit_words(
    known: subjects.Subjects, pictures: NDArray[np.float32], texts: NDArray[np.float32], model: Path
) -> list[float]:
    chance = np.random.default_rng(1)
    loaded = load_model(str(model))
    words = sample_of_words(loaded, TextTower(loaded, 1), Cache(None))
    general = shipped_background(loaded, Verifier(None))
    if general is None:
        raise SystemExit("the model brings no sample of pictures in general")
    sample = Sample.of(general, words.vectors, MIN_VECTORS)
    kinds = np.array([query.kind for query in known.queries])
    ours = known.fitting_queries()
    rows: list[Numbers] = []
    right: list[NDArray[np.int8]] = []
    for library in libraries(known, chance):
        truth = known.truth[library]
        there = (truth == subjects.RIGHT).any(axis=0)
        told = (truth == subjects.UNKNOWN).mean(axis=0) < 0.02
        word = ours & np.isin(kinds, WORDS)
        nothing = ours & np.isin(kinds, ("nonsense", "foreign"))
        for chosen, count in (
            (word & there, QUERIES),
            (word & ~there & told, QUERIES),
            (nothing, QUERIES // 8),
        ):
            for query in chance.permutation(np.flatnonzero(chosen))[:count]:
                found = features(texts[query], words, sample, pictures[library])
                scores = pictures[library] @ texts[query]
                order = np.argsort(-scores)
                further = np.exp(chance.uniform(np.log(BEST), np.log(len(order)), FURTHER))
                picked = np.append(order[:BEST], order[further.astype(int)])
                picked = picked[truth[picked, query] != subjects.UNKNOWN]
                distance = (scores[picked] - found.mean) / found.spread
                others = np.broadcast_to(np.array(found[2:]), (len(picked), len(found) - 2))
                rows.append(np.column_stack([distance, others]))
                right.append(truth[picked, query])
    return logistic(np.concatenate(rows), np.concatenate(right))


def fit_pictures(
    known: subjects.Subjects, pictures: NDArray[np.float32], model: Path
) -> list[float]:
    """Photos of a class as queries: others of the class are right."""
    chance = np.random.default_rng(1)
    general = shipped_background(load_model(str(model)), Verifier(None))
    if general is None:
        raise SystemExit("the model brings no sample of pictures in general")
    pool = np.flatnonzero(known.fitting_photos())
    classes = np.array(["" if p.captioned else p.texts[0] for p in known.photos])
    rows, right = [], []
    for size in (100, 400, 1600) * 6:
        library = chance.permutation(pool)[:size]
        for query in chance.permutation(pool[classes[pool] != ""])[:QUERIES]:
            others = library[library != query]
            scores = pictures[others] @ pictures[query]
            against = general @ pictures[query]
            order = np.argsort(-scores)
            further = chance.integers(0, len(order), FURTHER)
            picked = np.append(order[:BEST], further)
            rows.append(((scores[picked] - against.mean()) / against.std())[:, None])
            right.append(classes[others[picked]] == classes[query])
    return logistic(np.concatenate(rows), np.concatenate(right))


def logistic(inputs: NDArray[np.floating], right: NDArray[np.generic]) -> list[float]:
    """The coefficients of a logistic regression, the constant last, by Newton's method."""
    matrix = np.column_stack([inputs, np.ones(len(inputs))]).astype(np.float64)
    weights = np.zeros(matrix.shape[1])
    for _ in range(30):
        sure = 1 / (1 + np.exp(-matrix @ weights))
        slopes = (matrix * (sure * (1 - sure))[:, None]).T @ matrix
        weights -= np.linalg.solve(slopes + 1e-6 * np.eye(len(weights)), matrix.T @ (sure - right))
    return [round(float(weight), 3) for weight in weights]


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("data", type=Path, help="the data directory (flickr8k/ and so on)")
    parser.add_argument("--model", type=Path, default=Path(starter_directory()))
    args = parser.parse_args()
    known = subjects.read(args.data)
    model = load_model(str(args.model))
    pictures = encode_photos(model, [photo.path for photo in known.photos])
    texts = TextTower(model, 1).embed([query.text for query in known.queries])
    print(
        json.dumps(
            {
                "WORDS": fit_words(known, pictures, texts, args.model),
                "PICTURES": fit_pictures(known, pictures, args.model),
            }
        )
    )


if __name__ == "__main__":
    main()
