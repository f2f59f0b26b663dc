"""How right tags are: precision and recall on captioned photos, as a curve.

    python tests/benchmarks/tags.py DATA_DIR [--model MODEL_DIR]

A term counts as right for a photo if one of its captions has the term's words; captions leave much
unsaid, so the true precision is higher. A tag gives the terms above it too. Counted are the terms
that at least three photos' captions name. Photos: every other one of Flickr8k's dev photos, those
that nothing was fitted on.
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "starter"))
import photos
from captions import Mentions
from towers import encode_photos

from csearchd.library.cache_token import Cache
from csearchd.models.installed import BACKGROUND, load_model, starter_directory
from csearchd.models.text_tower import TextTower
from csearchd.scoring.tag_classifier import TagClassifier, embed_terms
from csearchd.scoring.vocabulary import read_vocabulary

THRESHOLDS = (0.3, 0.4, 0.5, 0.6, 0.7, 0.8)
MOST = 10


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("data", type=Path, help="a directory with flickr8k/ in it")
    parser.add_argument("--model", type=Path, default=Path(starter_directory()))
    args = parser.parse_args()
    model = load_model(str(args.model))
    terms = read_vocabulary("")
    dev = photos.flickr(args.data, "dev")[1::2]
    vectors = encode_photos(model, [photo.path for photo in dev])
    file = args.model / BACKGROUND
    general = np.load(file).astype(np.float32) if file.exists() else vectors
    matrix = embed_terms(terms, model, TextTower(model, 2), Cache(None))
    scorer = TagClassifier(terms, matrix, general, matrix)
    named = Mentions(terms, [photo.texts for photo in dev]).matrix
    counted = named.sum(axis=0) >= 3
    columns = {term.path: column for column, term in enumerate(terms)}
    curve = []
    for threshold in THRESHOLDS:
        given = np.zeros(named.shape, np.bool_)
        tags = scorer.tags(vectors, threshold, MOST)
        for row, chosen in enumerate(tags):
            paths = {tag.term.path[:depth] for tag in chosen for depth in range(1, 9)}
            given[row, [columns[path] for path in paths if path in columns]] = True
        right = int((given & named)[:, counted].sum())
        curve.append(
            {
                "threshold": threshold,
                "precision": round(right / max(1, int(given[:, counted].sum())), 3),
                "recall": round(right / int(named[:, counted].sum()), 3),
                "tags_per_photo": round(sum(map(len, tags)) / len(dev), 2),
                "photos_with_tags": round(float(given.any(axis=1).mean()), 3),
            }
        )
    print(json.dumps({"model": model.name, "photos": len(dev), "curve": curve}, indent=1))


if __name__ == "__main__":
    main()
