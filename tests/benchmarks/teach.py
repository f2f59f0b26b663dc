"""How much better a taught word is found than the word alone: mean average precision.

    python tests/benchmarks/teach.py DATA_DIR [--model MODEL_DIR] [--examples N]

Twenty words: the vocabulary's names of one word that the most of Flickr8k's 1,000 dev photos
show; a photo shows a word if three of its five captions have it, in the singular or plural.
N photos (5) that show it are drawn eight times and left out of the ranking of the rest, for both.
"""

from __future__ import annotations

import argparse
import json
import re
import sys
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "starter"))
import photos
from towers import encode_photos

from csearchd.library.concepts import Concept
from csearchd.models.identity.checksums import Verifier
from csearchd.models.installed import load_model, starter_directory
from csearchd.models.text_tower import TextTower
from csearchd.scoring.background import shipped_background
from csearchd.scoring.vocabulary import read_vocabulary
from csearchd.search.concepts import fit_probe

WORDS = 20
DRAWS = 8
CAPTIONS = 3


def average_precision(scores: NDArray[np.float32], right: NDArray[np.bool_]) -> float:
    ranked = right[np.argsort(-scores, kind="stable")]
    found = np.cumsum(ranked)
    return float((found[ranked] / (np.flatnonzero(ranked) + 1)).mean())


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("data", type=Path, help="a directory with flickr8k/ in it")
    parser.add_argument("--model", type=Path, default=Path(starter_directory()))
    parser.add_argument("--examples", type=int, default=5)
    args = parser.parse_args()
    model = load_model(str(args.model))
    tower = TextTower(model, 2)
    dev = photos.flickr(args.data, "dev")
    said = [[set(re.findall(r"[a-z]+", text.lower())) for text in photo.texts] for photo in dev]
    names = sorted({t.path[-1] for t in read_vocabulary("") if t.path[-1].isalpha()})
    shown = {
        name: np.array(
            [sum(not words.isdisjoint({name, f"{name}s"}) for words in all_) >= CAPTIONS
             for all_ in said]
        )
        for name in names
    }  # fmt: skip
    words = sorted(names, key=lambda name: -shown[name].sum())[:WORDS]
    pictures = encode_photos(model, [photo.path for photo in dev])
    sample = shipped_background(model, Verifier(None))
    general = pictures if sample is None else np.concatenate([sample, pictures])
    chance = np.random.default_rng(20261120)
    rows = []
    for word in words:
        text = tower.embed([word])[0]
        alone, taught = [], []
        for _ in range(DRAWS):
            examples = chance.choice(np.flatnonzero(shown[word]), args.examples, replace=False)
            rest = np.ones(len(dev), np.bool_)
            rest[examples] = False
            concept = Concept(word, frozenset(), frozenset())
            probe = fit_probe(
                concept, pictures[examples], pictures[:0], general, lambda t: tower.embed([t])[0]
            )
            alone.append(average_precision((pictures @ text)[rest], shown[word][rest]))
            taught.append(average_precision((pictures @ probe.alone)[rest], shown[word][rest]))
        rows.append((word, float(np.mean(alone)), float(np.mean(taught))))
    print(
        json.dumps(
            {
                "model": model.name,
                "examples": args.examples,
                "mean_average_precision": {
                    "word alone": round(float(np.mean([row[1] for row in rows])), 3),
                    "taught": round(float(np.mean([row[2] for row in rows])), 3),
                },
                "words": {word: [round(a, 3), round(b, 3)] for word, a, b in rows},
            },
            indent=1,
        )
    )


if __name__ == "__main__":
    main()
