"""Whether a query of words is better wrapped in several prompts whose vectors are averaged.

    python tests/benchmarks/prompts.py DATA_DIR [MODEL_DIR]

Recall of Flickr8k's dev photos by their captions, and the mean average precision of class names
(Caltech 101, sports, Imagenette, scenes) among the photos of their set, both ways, by the text
tower that serves. Prints JSON.
"""

from __future__ import annotations

import argparse
import json
import statistics
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from csearchd.encoder.decode import Decoder
from csearchd.encoder.messages import Limits
from csearchd.models.image_tower import OnnxTower
from csearchd.models.installed import load_model, starter_directory
from csearchd.models.preprocess import Preprocess
from csearchd.models.text_tower import TextTower

SETS = ("caltech101", "sports", "imagenette", "scenes15")
PROMPTS = {
    "three": ("{}", "a photo of {}", "a picture of {}"),
    "six": (
        "{}",
        "a photo of {}",
        "a picture of {}",
        "a photo of a {}",
        "a close-up photo of {}",
        "a good photo of {}",
    ),
}

Vectors = NDArray[np.float32]
Embed = Callable[[str], Vectors]


def unit(vectors: Vectors) -> Vectors:
    scaled: Vectors = vectors / np.linalg.norm(vectors, axis=-1, keepdims=True)
    return scaled


def wrapped(tower: TextTower, prompts: tuple[str, ...]) -> Embed:
    return lambda text: unit(tower.embed([p.format(text) for p in prompts]).mean(axis=0))


def image_vectors(directory: str, paths: list[Path]) -> Vectors:
    preprocess = Preprocess.of_model(directory)
    decoder = Decoder(preprocess, Limits(10**8, 10**8, 10**9))
    tower = OnnxTower(directory)
    parts = []
    for path in paths:
        data = path.read_bytes()
        pixels = decoder.decode(data, decoder.inspect(data, bytes(path))).pixels
        parts.append(tower.encode(pixels[None])[0].astype(np.float32))
    return np.stack(parts)


def recall(images: Vectors, captions: list[tuple[int, str]], embed: Embed) -> dict[str, float]:
    ranks = []
    for own, caption in captions:
        scores = images @ embed(caption)
        ranks.append(int((scores > scores[own]).sum()))
    return {f"recall@{k}": round(float(np.mean(np.array(ranks) < k)), 4) for k in (1, 10)}


def precision(images: Vectors, labels: list[str], embed: Embed) -> float:
    """The mean over classes of the average precision of the class's name."""
    found = []
    for label in sorted(set(labels)):
        order = np.argsort(-(images @ embed(label)), kind="stable")
        hit = np.array([labels[i] == label for i in order])
        found.append(float((np.cumsum(hit)[hit] / (np.flatnonzero(hit) + 1)).mean()))
    return round(statistics.mean(found), 4)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("data", type=Path, help="the data directory (flickr8k/, labelled/)")
    parser.add_argument("model", nargs="?", default=starter_directory(), help="the starter")
    args = parser.parse_args()
    tower = TextTower(load_model(args.model), 2)
    ways: dict[str, Embed] = {"raw": lambda text: tower.embed([text])[0]}
    ways |= {name: wrapped(tower, prompts) for name, prompts in PROMPTS.items()}
    report: dict[str, dict[str, object]] = {name: {} for name in ways}

    flickr = args.data / "flickr8k"
    names = (flickr / "dev.txt").read_text().split()
    images = image_vectors(args.model, [flickr / "images" / name for name in names])
    rows = [row.split("\t", 1) for row in (flickr / "captions.tsv").read_text().splitlines()]
    index = {name: number for number, name in enumerate(names)}
    captions = [(index[n], " ".join(t.split()).rstrip(" .")) for n, t in rows if n in index]
    for name, embed in ways.items():
        report[name]["captions"] = recall(images, captions, embed)
    for chosen in SETS:
        folder = args.data / "labelled" / chosen
        table = [row.split("\t", 1) for row in (folder / "labels.tsv").read_text().splitlines()]
        vectors = image_vectors(args.model, [folder / "images" / file for file, _ in table])
        for name, embed in ways.items():
            report[name][chosen] = precision(vectors, [label for _, label in table], embed)
    for name, embed in ways.items():
        seconds = []
        for _, caption in captions[:200]:
            start = time.perf_counter()
            embed(caption)
            seconds.append(time.perf_counter() - start)
        report[name]["milliseconds"] = round(1000 * statistics.median(seconds), 2)
    print(json.dumps(report))


if __name__ == "__main__":
    main()
