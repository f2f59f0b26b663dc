"""How far probabilities of results can be trusted, and present subjects are told from absent ones.

    python tests/benchmarks/confidence.py DATA_DIR [--model MODEL_DIR] [--own] [--plot FILE]

Measured on the half of photos and of words that nothing was fitted on (tests/starter/subjects.py),
in a library of all these photos and in one of 600. `--own` leaves out the sample of pictures that a
model brings, as most models bring none.

- calibration: of the ten best results of words that are present, absent or meaningless; of present
  words alone; of pairs of words from captions. `error` is the expected calibration error.
- present_against_absent: the area under the ROC curve of the best result's probability; for words
  that at least 1, 2 or 3 photos show; and the shares of queries with a result that is at least
  fair. The words are names of things and classes; captions leave much unsaid, so some of the
  absent ones are present.
- commonest: of the twenty words that most photos show, how many have half of the right results
  among their ten best strong; and the share of all these results that is strong.
- like: the ten best results for photos of a class as the query; those of the class are right.
"""

from __future__ import annotations

import argparse
import json
import sys
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from common import median
from numpy.typing import NDArray
from reliability import bins, calibration_error, draw

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "starter"))
import subjects
from towers import encode_photos

from csearchd.library.cache_token import Cache
from csearchd.models.identity.checksums import Verifier
from csearchd.models.installed import load_model, starter_directory
from csearchd.models.text_tower import TextTower
from csearchd.scoring.background import MAX_OWN, MIN_VECTORS, shipped_background
from csearchd.scoring.confidence import THRESHOLDS, ScoreCalibration, sample_of_words
from csearchd.scoring.curves import Words

BEST = 10
SMALL = 600
FAIR, STRONG = THRESHOLDS
Numbers = NDArray[np.int64]


class Library:
    """Some of the photos, and what queries find among them."""

    def __init__(
        self,
        known: subjects.Subjects,
        pictures: NDArray[np.float32],
        texts: NDArray[np.float32],
        photos: Numbers,
        general: NDArray[np.float32] | None,
        words: Words,
    ) -> None:
        self.truth = known.truth[photos]
        self.pictures, self.texts = pictures[photos], texts
        own = self.pictures[:MAX_OWN]
        assumed = MIN_VECTORS
        if general is None:
            general, assumed = own, max(MIN_VECTORS, len(own))
        self.calibration = ScoreCalibration(words.vectors, general, assumed, own, words.log_odds)
        self.shown = (self.truth == subjects.RIGHT).sum(axis=0)  # photos, by query

    def best(self, queries: Numbers) -> tuple[NDArray[np.float32], NDArray[np.int8]]:
        """Probability and truth of the best results, each (queries, BEST)."""
        sure, right = [], []
        for query in queries:
            order = np.argsort(-(self.pictures @ self.texts[query]))[:BEST]
            found = self.calibration.probabilities(self.texts[query], self.pictures[order])
            assert found is not None
            sure.append(found)
            right.append(self.truth[order, query])
        return np.array(sure), np.array(right)


def calibration(library: Library, queries: Numbers) -> dict[str, Any]:
    sure, right = library.best(queries)
    told = right != subjects.UNKNOWN
    of = bins(sure[told], right[told])
    return {"error": calibration_error(of), "bins": of}


def like(
    library: Library, photos: Numbers, known: subjects.Subjects, pictures: NDArray[np.float32]
) -> dict[str, Any]:
    classes = np.array(["" if p.captioned else p.texts[0] for p in known.photos])[photos]
    sure, right = [], []
    for row in np.flatnonzero(classes != "")[::4]:
        query = pictures[photos[row]]
        order = np.argsort(-(library.pictures @ query))[1 : BEST + 1]
        found = library.calibration.probabilities(query, library.pictures[order], like=True)
        assert found is not None
        sure.append(found)
        right.append(classes[order] == classes[row])
    of = bins(np.concatenate(sure), np.concatenate(right))
    return {"error": calibration_error(of), "bins": of}


def auc(there: NDArray[np.float32], absent: NDArray[np.float32]) -> float:
    above = (there[:, None] > absent[None]).mean() + (there[:, None] == absent[None]).mean() / 2
    return round(float(above), 3)


def present_against_absent(library: Library, words: Numbers, nonsense: Numbers) -> dict[str, Any]:
    shown = library.shown[words]
    best = library.best(words)[0].max(axis=1)
    meaningless = library.best(nonsense)[0].max(axis=1)
    absent = best[shown == 0]
    found: dict[str, Any] = {
        "absent": len(absent),
        "absent, nothing fair": round(float((absent < FAIR).mean()), 3),
        "nonsense": len(meaningless),
        "nonsense, nothing fair": round(float((meaningless < FAIR).mean()), 3),
    }
    for least in (1, 2, 3):
        there = best[shown >= least]
        found[f"shown by {least} or more"] = {
            "words": len(there),
            "auc": auc(there, absent),
            "nothing fair": round(float((there < FAIR).mean()), 3),
        }
    return found


def commonest(library: Library, words: Numbers, known: subjects.Subjects) -> dict[str, Any]:
    chosen = words[np.argsort(-library.shown[words], kind="stable")][:20]
    sure, right = library.best(chosen)
    strong = {
        known.queries[query].text: round(float((one[truth == subjects.RIGHT] >= STRONG).mean()), 2)
        for query, one, truth in zip(chosen, sure, right, strict=True)
        if (truth == subjects.RIGHT).any()
    }
    return {
        "half of the right ones strong": sum(share >= 0.5 for share in strong.values()),
        "words": len(chosen),
        "strong of all right ones": round(
            float((sure[right == subjects.RIGHT] >= STRONG).mean()), 3
        ),
        "by word": strong,
    }


def measure(
    known: subjects.Subjects,
    pictures: NDArray[np.float32],
    texts: NDArray[np.float32],
    general: NDArray[np.float32] | None,
    words: Words,
) -> dict[str, Any]:
    kinds = np.array([query.kind for query in known.queries])
    concrete = np.array([query.category in subjects.CONCRETE for query in known.queries])
    theirs = ~known.fitting_queries()
    photos = np.flatnonzero(~known.fitting_photos())
    told = (known.truth[photos] == subjects.UNKNOWN).mean(axis=0) < 0.5
    names = np.flatnonzero(theirs & told & np.isin(kinds, ("name", "class")) & concrete)
    every_name = np.flatnonzero(theirs & (kinds == "name"))
    nonsense = np.flatnonzero(theirs & np.isin(kinds, ("nonsense", "foreign")))
    pairs = np.flatnonzero(theirs & (kinds == "pair"))
    found = {}
    for size in (len(photos), SMALL):
        some = np.random.default_rng(3).permutation(photos)[:size]
        library = Library(known, pictures, texts, some, general, words)
        present = names[library.shown[names] > 0]
        first, rate = library.pictures[:BEST], library.calibration.probabilities
        found[str(size)] = {
            "calibration": {
                "all words": calibration(library, np.concatenate([names, nonsense])),
                "present words": calibration(library, present),
                "pairs": calibration(library, pairs[library.shown[pairs] > 0]),
            },
            "present_against_absent": present_against_absent(library, names, nonsense),
            "commonest": commonest(library, every_name, known),
            "like": like(library, some, known, pictures),
            "ms_for_10_results": 1000 * median(partial(rate, texts[0], first), 100),
        }
    return found


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("data", type=Path, help="the data directory (flickr8k/ and so on)")
    parser.add_argument("--model", type=Path, default=Path(starter_directory()))
    parser.add_argument("--own", action="store_true", help="without the model's own sample")
    parser.add_argument("--plot", type=Path, help="writes a reliability diagram (SVG)")
    args = parser.parse_args()
    model = load_model(str(args.model))
    tower = TextTower(model, 2)
    known = subjects.read(args.data)
    pictures = encode_photos(model, [photo.path for photo in known.photos])
    texts = tower.embed([query.text for query in known.queries])
    general = None if args.own else shipped_background(model, Verifier(None))
    words = sample_of_words(model, tower, Cache(None))
    found = measure(known, pictures, texts, general, words)
    print(json.dumps({"model": model.name, **found}, indent=1))
    if args.plot:
        whole = next(iter(found.values()))
        panels = {name: part["bins"] for name, part in whole["calibration"].items()}
        args.plot.write_text(draw({**panels, "like a picture": whole["like"]["bins"]}))


if __name__ == "__main__":
    main()
