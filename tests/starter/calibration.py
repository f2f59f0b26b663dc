"""Makes what tags are calibrated with: how common terms are, and the starter's background sample.

    python tests/starter/calibration.py MODEL_DIR DATA_DIR

writes frequencies.tsv beside the vocabulary and background.npy into MODEL_DIR, then prints the
four numbers of csearchd.scoring.tag_classifier as fitted on every other one of Flickr8k's dev
photos.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import random
from pathlib import Path

import numpy as np
import photos
import torch
from captions import Mentions
from numpy.typing import NDArray
from towers import encode_photos

from csearchd.library.cache_token import Cache
from csearchd.models.installed import BACKGROUND, load_model, write_description
from csearchd.models.text_tower import TextTower
from csearchd.scoring import tag_classifier
from csearchd.scoring.vocabulary import Term, read_vocabulary

SAMPLE = {"flickr": 512, "labelled": 704, "imagenet": 320}


def write_frequencies(terms: list[Term], mentions: Mentions) -> None:
    """A row for each term that a caption names, with its share of the photos."""
    shares = mentions.matrix.mean(axis=0)
    with Path(tag_classifier.FREQUENCIES).open("w", encoding="utf-8") as file:
        file.write(
            "# The share of photos that people name a term for: of Flickr8k's 6,000 training\n"
            "# photos, those with the term or one below it in at least one of five captions\n"
            "# (Hodosh et al. 2013). Made by tests/starter/calibration.py.\n"
        )
        for term, share in sorted(zip(terms, shares, strict=True), key=lambda row: row[0].name):
            if share:
                file.write(f"{term.name}\t{share:.5f}\n")


def background_sample(data: Path) -> list[Path]:
    """Photos of many kinds that the model was trained on."""
    chance = random.Random(20261120)
    kinds: dict[str, list[Path]] = {"flickr": [p.path for p in photos.flickr(data, "train")]}
    for name, every in photos.labelled(data).items():
        kind = "imagenet" if name == "imagenet-samples" else "labelled"
        trained = [photo.path for photo in every if not photos.held_out(photo)]
        kinds[kind] = kinds.get(kind, []) + trained
    return [path for kind, count in SAMPLE.items() for path in chance.sample(kinds[kind], count)]


def fit(
    above: NDArray[np.float32],
    usual: NDArray[np.float32],
    common: NDArray[np.float32],
    named: NDArray[np.bool_],
) -> list[float]:
    """Above usual, usual, common, offset: the model of csearchd.scoring.tag_classifier."""
    features = (above, np.broadcast_to(usual, above.shape), np.broadcast_to(common, above.shape))
    inputs = torch.tensor(np.stack(features, -1))
    target = torch.tensor(named.astype(np.float32))
    weights = torch.zeros(4, requires_grad=True)
    optimiser = torch.optim.LBFGS([weights], max_iter=300, line_search_fn="strong_wolfe")

    def loss() -> torch.Tensor:
        optimiser.zero_grad()
        logits = inputs @ weights[:3] + weights[3]
        value = torch.nn.functional.binary_cross_entropy_with_logits(logits, target)
        value.backward()
        return value

    optimiser.step(loss)
    return [round(float(weight), 2) for weight in weights.detach()]


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("model", type=Path, help="the starter's directory")
    parser.add_argument("data", type=Path, help="the data directory (flickr8k/ and so on)")
    args = parser.parse_args()
    terms = read_vocabulary("")
    train = [photo.texts for photo in photos.flickr(args.data, "train")]
    write_frequencies(terms, Mentions(terms, train))

    model = load_model(str(args.model))
    sample = encode_photos(model, background_sample(args.data))
    target = args.model / BACKGROUND
    np.save(target, sample.astype(np.float16))
    checksums = {**model.checksums, target.name: hashlib.sha256(target.read_bytes()).hexdigest()}
    object.__setattr__(model, "checksums", checksums)
    write_description(model)

    dev = photos.flickr(args.data, "dev")[::2]
    mentions = Mentions(terms, [photo.texts for photo in dev])
    vectors = encode_photos(model, [photo.path for photo in dev])
    matrix = tag_classifier.embed_terms(terms, model, TextTower(model, 2), Cache(None))
    classifier = tag_classifier.TagClassifier(terms, matrix, sample, matrix)
    general = classifier.evidence(sample)
    usual, spread = general.mean(axis=0), general.std(axis=0)
    above = (classifier.evidence(vectors) - usual) / spread
    print(json.dumps(fit(above, usual, tag_classifier.log_odds(terms), mentions.matrix)))


if __name__ == "__main__":
    main()
