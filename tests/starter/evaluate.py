"""What a model finds of photos that the starter never saw, as csearch itself reads them.

    python tests/starter/evaluate.py MODEL_DIR DATA_DIR

Retrieval on Flickr8k's dev photos: every one of the 5,000 captions is a query; its photo is ranked
among the 1,000. Classification of the fifth of each labelled set that training leaves out, among
the classes of that set, as "a photo of a CLASS".
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

import numpy as np
import photos
from towers import Vectors, encode_photos, encode_texts

from csearchd.models.installed import Model, load_model


def recall(texts: Vectors, images: Vectors, own: np.ndarray) -> dict[str, float]:
    """Share of texts whose own image is among the first 1, 5 and 10."""
    likeness = texts @ images.T
    above = (likeness > likeness[np.arange(len(own)), own][:, None]).sum(1)
    return {f"recall@{k}": round(float((above < k).mean()), 4) for k in (1, 5, 10)}


def retrieval(model: Model, data: Path) -> dict[str, float]:
    """Recall of Flickr8k's dev photos by their captions."""
    chosen = photos.flickr(data, "dev")
    texts = encode_texts(model, [text for photo in chosen for text in photo.texts])
    own = np.array([i for i, photo in enumerate(chosen) for _ in photo.texts])
    return recall(texts, encode_photos(model, [photo.path for photo in chosen]), own)


def zero_shot(model: Model, data: Path) -> dict[str, float]:
    """The share of held-out photos whose own class is the most likely one, of each set."""
    shares = {}
    for name, every in photos.labelled(data).items():
        if name in photos.CAPTIONED:
            continue
        classes = list(dict.fromkeys(photo.texts[0] for photo in every))
        chosen = [photo for photo in every if photos.held_out(photo)]
        prompts = [f"a photo of {photos.with_article(label)}" for label in classes]
        images = encode_photos(model, [photo.path for photo in chosen])
        found = (images @ encode_texts(model, prompts).T).argmax(1)
        right = [classes[row] in p.texts for row, p in zip(found, chosen, strict=True)]
        shares[name] = round(sum(right) / len(right), 4)
    return shares


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("model", type=Path, help="a model's directory")
    parser.add_argument("data", type=Path, help="the data directory (flickr8k/ and so on)")
    args = parser.parse_args()
    model = load_model(str(args.model.resolve()))
    print(json.dumps(retrieval(model, args.data)))
    print(json.dumps(zero_shot(model, args.data)))


if __name__ == "__main__":
    main()
