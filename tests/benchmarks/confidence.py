"""How well confidence tells what is there from what isn't, and what it costs a query.

    python tests/benchmarks/confidence.py DATA_DIR [--model MODEL_DIR]

The queries are the vocabulary's names. A name counts as present if captions of at least three of
Flickr8k's 1,000 dev photos mention it, and as absent if none does (captions leave much unsaid, so
some are present). The area under the ROC curve, for several measures, is the chance that a present
name scores higher than an absent one. Levels: the share of queries whose best picture has it.
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

import numpy as np
from common import median
from numpy.typing import NDArray

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "starter"))
import photos
from captions import Mentions
from towers import encode_photos

from csearchd.library.cache_token import Cache
from csearchd.models.identity.checksums import Verifier
from csearchd.models.installed import load_model, starter_directory
from csearchd.models.text_tower import TextTower
from csearchd.scoring.background import MIN_VECTORS, shipped_background
from csearchd.scoring.confidence import LEVELS, ScoreCalibration, sample_of_words
from csearchd.scoring.vocabulary import read_vocabulary


def auc(there: NDArray[np.float32], absent: NDArray[np.float32]) -> float:
    above = there[:, None] > absent[None]
    return round(float(above.mean() + (there[:, None] == absent[None]).mean() / 2), 3)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("data", type=Path, help="a directory with flickr8k/ in it")
    parser.add_argument("--model", type=Path, default=Path(starter_directory()))
    args = parser.parse_args()
    model = load_model(str(args.model))
    tower = TextTower(model, 2)
    terms = read_vocabulary("")
    dev = photos.flickr(args.data, "dev")
    pictures = encode_photos(model, [photo.path for photo in dev])
    general = shipped_background(model, Verifier(None))
    assumed = MIN_VECTORS
    if general is None:  # the photos themselves, as a library's would be
        general, assumed = pictures, len(pictures)
    calibration = ScoreCalibration(sample_of_words(model, tower, Cache(None)), general, assumed)
    mentioned = Mentions(terms, [photo.texts for photo in dev]).matrix.sum(axis=0)
    there, absent = mentioned >= 3, mentioned == 0
    queries = tower.embed([term.path[-1] for term in terms])
    scores = pictures @ queries.T
    against = general @ queries.T
    values = {
        "best score": scores.max(axis=0),
        "against the background": (scores.max(axis=0) - against.mean(axis=0)) / against.std(axis=0),
    }
    measured = np.stack([calibration.z_scores(query, pictures) for query in queries], axis=1)
    best = np.sort(measured, axis=0)
    values["confidence"] = best[-1]
    values["confidence, mean of the best three"] = best[-3:].mean(axis=0)
    levels = np.array([calibration.levels(query, pictures, len(dev)).max() for query in queries])
    first = pictures[:10]
    print(
        json.dumps(
            {
                "model": model.name,
                "queries": {"there": int(there.sum()), "absent": int(absent.sum())},
                "auc": {name: auc(value[there], value[absent]) for name, value in values.items()},
                "levels": {
                    name: {
                        "there": round(float((levels[there] == number).mean()), 3),
                        "absent": round(float((levels[absent] == number).mean()), 3),
                    }
                    for number, name in enumerate(LEVELS)
                },
                "ms_for_10_results": 1000
                * median(lambda: calibration.levels(queries[0], first, len(dev)), 100),
            },
            indent=1,
        )
    )


if __name__ == "__main__":
    main()
