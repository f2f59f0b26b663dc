"""What distortions cost: recall of photos by their captions, or top-1 of classes, in grades.

    python tests/benchmarks/robustness.py SET [--data DIR] [--split NAME] [--model NAME]
        [--photos N] [--cache DIR] [--plot FILE]

SET is as for accuracy.py. Each photo is reduced to a shorter side of at most 256 pixels, distorted
(distortions.py), and read by the service's encoder process, all photos of the set alike. Prints
JSON, with a table in Markdown as `table`; `--plot` writes the curves as SVG. `--photos` takes so
many photos of the set, evenly spaced; `--cache` keeps vectors, so that a run goes on where another
has ended.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parent))

import numpy as np
from accuracy import read
from datasets import Captioned, Classified, Missing
from distortions import DISTORTIONS, TRUNCATED, jpeg_bytes
from embedding import (
    Unusable,
    Vectors,
    chosen_model,
    class_ranks,
    embed_pictures,
    embed_texts,
    ranks,
    shares,
)
from PIL import Image, ImageOps
from robustness_report import plot, table

import csearchd.encoder
import csearchd.models
from csearchd.models.installed import STARTER, Model
from csearchd.models.text_tower import TextTower
from csearchd.system import processors

_SIDE = 256  # pixels
_REST = 3.5  # seconds


class Measurement:
    """One model and one set of photos. The texts are embedded once."""

    def __init__(self, model: Model, chosen: Classified | Captioned, cache: Path) -> None:
        self._model = model
        self._chosen = chosen
        self._cache = cache
        tower = TextTower(model, processors.count())
        if isinstance(chosen, Classified):
            self._texts = {"": embed_texts(tower, chosen.classes)}
        else:
            self._texts = {
                language: embed_texts(tower, [text for _, text in rows], language)
                for language, rows in chosen.captions.items()
            }
        paths = "\n".join(f"{path}\t{path.stat().st_mtime_ns}" for path in chosen.pictures)
        # Two kinds of the same model, in float and in 8 bits, share the fingerprint.
        files = "\n".join(f"{name}\t{checksum}" for name, checksum in model.checksums.items())
        self._key = "\n".join([model.fingerprint, files, encoder_code(), paths])

    def __call__(self, name: str, strength: float) -> dict[str, float]:
        """The figures after a distortion; `name` is one of DISTORTIONS, "truncated" or "none"."""
        vectors = self._vectors(name, strength)
        chosen = self._chosen
        unreadable = round(float(np.mean(~vectors.any(axis=1))), 4)
        if isinstance(chosen, Classified):
            places = class_ranks(vectors, self._texts[""], np.array(chosen.own), chosen.classes)
            return {**shares(places, "top-", (1, 5)), "unreadable": unreadable}
        every = [
            ranks(self._model, vectors, self._texts[language], [own for own, _ in rows], 10)
            for language, rows in chosen.captions.items()
        ]
        return {**shares(np.concatenate(every), "recall@", (1, 5, 10)), "unreadable": unreadable}

    def _vectors(self, name: str, strength: float) -> Vectors:
        key = hashlib.sha256(f"{self._key}\n{name} {strength}".encode()).hexdigest()[:24]
        kept = self._cache / f"{key}.npy"
        if kept.exists():
            stored: Vectors = np.load(kept)
            return stored
        print(name, strength, file=sys.stderr, flush=True)
        with tempfile.TemporaryDirectory() as scratch:
            paths = [
                distorted(path, Path(scratch), number, name, strength)
                for number, path in enumerate(self._chosen.pictures)
            ]
            if name == "truncated":
                time.sleep(_REST)  # the encoder doesn't read what may still be growing
            vectors, _ = embed_pictures(self._model, paths)
        unfinished = self._cache / f"{key}.{os.getpid()}.part"
        with unfinished.open("wb") as file:
            np.save(file, vectors)
        os.replace(unfinished, kept)  # a run that is ended leaves no half of it
        return vectors


def distorted(source: Path, scratch: Path, number: int, name: str, strength: float) -> Path:
    """Writes a photo as it is after a distortion; lossless, but for what truncates a JPEG.

    Raises Unusable.
    """
    try:
        with Image.open(source) as opened:  # turned by its Exif, as the encoder has it
            photo = ImageOps.exif_transpose(opened).convert("RGB")
    except (OSError, ValueError, SyntaxError) as error:
        raise Unusable(f"{source} can't be read: {error}") from None
    if min(photo.size) > _SIDE:
        factor = _SIDE / min(photo.size)
        photo = photo.resize((round(photo.width * factor), round(photo.height * factor)))
    path = scratch / f"{number}.{'jpg' if name == 'truncated' else 'png'}"
    if name == "truncated":
        data = jpeg_bytes(photo)
        path.write_bytes(data[: int(len(data) * strength)])
        return path
    if name in DISTORTIONS:
        photo = DISTORTIONS[name].apply(photo, strength, number)
    photo.save(path, compress_level=1)
    return path


def encoder_code() -> str:
    """A digest of what makes vectors of files, beside the model."""
    encoder, models = (
        Path(next(iter(package.__path__))) for package in (csearchd.encoder, csearchd.models)
    )
    own = Path(__file__).parent
    files = [*sorted(encoder.rglob("*.py")), *(models / name for name in _MODEL_CODE)]
    files += [own / name for name in _OWN_CODE]
    return hashlib.sha256(b"".join(path.read_bytes() for path in files)).hexdigest()


_MODEL_CODE = ("image_tower.py", "onnx_session.py", "preprocess.py", "pytorch.py")
_OWN_CODE = ("distortions.py", "embedding.py", "robustness.py", "screens.py")


def sampled(chosen: Classified | Captioned, count: int) -> Classified | Captioned:
    """`count` of the pictures, evenly spaced; all if there are fewer."""
    kept = np.unique(np.linspace(0, len(chosen.pictures) - 1, count).astype(int)).tolist()
    pictures = [chosen.pictures[number] for number in kept]
    if isinstance(chosen, Classified):
        return Classified(pictures, [chosen.own[number] for number in kept], chosen.classes)
    numbers = {old: new for new, old in enumerate(kept)}
    captions = {
        language: [(numbers[own], text) for own, text in rows if own in numbers]
        for language, rows in chosen.captions.items()
    }
    return Captioned(pictures, captions)


def measure_all(measurement: Measurement) -> dict[str, Any]:
    """Name → strength → figures; the photos as they are by "none"."""
    grades = {name: distortion.strengths for name, distortion in DISTORTIONS.items()}
    grades["truncated"] = TRUNCATED
    found: dict[str, Any] = {"none": measurement("none", 0)}
    for name, strengths in grades.items():
        found[name] = {f"{strength:g}": measurement(name, strength) for strength in strengths}
    return found


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("set", help="a published set's name, or a directory, as for accuracy.py")
    parser.add_argument("--data", type=Path, help="the directory of a published set")
    parser.add_argument("--split", help="the part of the set, such as dev")
    parser.add_argument("--model", default=STARTER, help="a model's name, or its directory")
    parser.add_argument("--photos", type=int, help="how many photos; all of the set if not given")
    parser.add_argument("--cache", type=Path, help="a directory that keeps vectors")
    parser.add_argument("--plot", type=Path, help="an SVG file to write")
    options = parser.parse_args()
    if options.photos is not None and options.photos < 1:
        parser.error("--photos must be at least 1")
    try:
        with tempfile.TemporaryDirectory() as scratch:
            chosen = read(options.set, options.data, options.split, Path(scratch))
            chosen = sampled(chosen, options.photos) if options.photos else chosen
            model = chosen_model(options.model)
            cache = options.cache or Path(scratch)
            cache.mkdir(parents=True, exist_ok=True)
            found = measure_all(Measurement(model, chosen, cache))
            if options.plot:
                options.plot.write_text(plot(found, model.name), encoding="utf-8")
    except (Missing, Unusable) as error:
        sys.exit(f"robustness.py: {error}")
    except OSError as error:
        sys.exit(f"robustness.py: {error.filename or options.cache}: {error.strerror}")
    report = {"set": options.set, "model": model.name, "photos": len(chosen.pictures)}
    print(json.dumps({**report, "distortions": found, "table": table(found)}, indent=2))


if __name__ == "__main__":
    main()
