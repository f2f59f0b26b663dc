"""Whether our own steps before and after the networks give what rapidocr's give with the same ones.

    python tests/benchmarks/words/agreement.py [--count N] [--photos DIR]

prints JSON. It runs in an environment that has rapidocr 3.10 (with OpenCV, shapely and pyclipper)
beside numpy, Pillow and onnxruntime, and the project on PYTHONPATH (`daemon:clients`). Both take
the same pictures at the same size; rapidocr reads line by line, and turns none.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections import Counter
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

import numpy as np
import pictures
from PIL import Image
from rapidocr import RapidOCR

import csearchd.reader
from csearchd.reader.detection import Detector, boxes
from csearchd.reader.recognition import Recogniser, cut

_LONGEST = 800  # pixels: what both take is no larger
_SHORTEST = 352  # to which both enlarge what they look at, for the sake of time
_SURE = 0.5  # rapidocr's own threshold

Line = tuple[tuple[float, ...], str]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=500)
    parser.add_argument("--photos", type=Path, help="backgrounds, and pictures without made words")
    arguments = parser.parse_args()
    photos = sorted(arguments.photos.rglob("*.jpg")) if arguments.photos else []
    peer, own = Peer(), Own()
    counts: Counter[str] = Counter()
    distances: list[float] = []
    for image in _pictures(arguments.count, photos):
        begun = time.process_time()
        theirs = peer.read(image)
        between = time.process_time()
        ours = own.read(image)
        counts["peer ms"] += round((between - begun) * 1000)
        counts["own ms"] += round((time.process_time() - between) * 1000)
        counts["pictures"] += 1
        _compare(theirs, ours, counts, distances)
    lines = max(1, counts["peer lines"])
    words = counts["peer words"] + counts["own words"]
    print(
        json.dumps(
            {
                **counts,
                "boxes found too": counts["same box"] / lines,
                "boxes with the same text": counts["same text"] / lines,
                "words in common (F1)": 2 * counts["common words"] / max(1, words),
                "corners apart, median (pixels)": float(np.median(distances)) if distances else 0,
            },
            indent=2,
        )
    )


def _pictures(count: int, photos: list[Path]):
    """Half of them photos where there are some, the others made; at most `_LONGEST` large."""
    kinds = [(kind, "Latn") for kind in pictures.KINDS]
    kinds += [(kind, script) for script in ("Jpan", "Hans", "Grek") for kind in ("page", "sign")]
    for number in range(count):
        if photos and number % 3 == 2:
            image = Image.open(photos[number]).convert("RGB")
        else:
            image = pictures.made(*kinds[number % len(kinds)], number, photos).image
        image.thumbnail((_LONGEST, _LONGEST))
        yield image


class Peer:
    """rapidocr."""

    def __init__(self) -> None:
        settings = {
            "Global.use_cls": False,
            "Global.use_vertical_padding": False,
            "Global.log_level": "critical",
            "Rec.rec_batch_num": 1,
            "Det.limit_side_len": _SHORTEST,
            "EngineConfig.onnxruntime.intra_op_num_threads": 1,
        }
        self._engine = RapidOCR(params=settings)

    def read(self, image: Image.Image) -> list[Line]:
        found = self._engine(np.asarray(image)[:, :, ::-1])
        if found.boxes is None or found.txts is None:
            return []
        return [
            (tuple(map(float, np.ravel(box))), text)
            for box, text in zip(found.boxes, found.txts, strict=True)
        ]


class Own:
    """csearch's steps, at the same size and threshold."""

    def __init__(self) -> None:
        directory = Path(csearchd.reader.__file__).parent / "ppocr"
        self._detector = Detector(str(directory / "detection.onnx"), 1)
        self._recogniser = Recogniser(str(directory / "recognition.onnx"), 1)

    def read(self, image: Image.Image) -> list[Line]:
        factor = max(1.0, _SHORTEST / min(image.size))
        size = int(image.width * factor), int(image.height * factor)
        likelihood = self._detector.look(image, size)
        found = []
        for box in boxes(likelihood, image.size, 1000):
            text, confidence = self._recogniser.read(cut(image, box))
            if text.strip() and confidence >= _SURE:
                found.append((tuple(map(float, np.ravel(box))), text))
        return found


def _compare(
    theirs: list[Line], ours: list[Line], counts: Counter[str], distances: list[float]
) -> None:
    counts["peer lines"] += len(theirs)
    counts["own lines"] += len(ours)
    for box, text in theirs:
        near = max(ours, key=lambda other: _overlap(box, other[0]), default=None)
        if near and _overlap(box, near[0]) > 0.7:
            counts["same box"] += 1
            counts["same text"] += near[1] == text
            distances.append(float(np.abs(np.subtract(box, near[0])).max()))
    words = [
        Counter(word for _, text in lines for word in text.split()) for lines in (theirs, ours)
    ]
    counts["peer words"] += words[0].total()
    counts["own words"] += words[1].total()
    counts["common words"] += (words[0] & words[1]).total()


def _overlap(one: tuple[float, ...], other: tuple[float, ...]) -> float:
    """Intersection over union of the upright rectangles around two boxes."""
    a, b = ((min(box[::2]), min(box[1::2]), max(box[::2]), max(box[1::2])) for box in (one, other))
    width = min(a[2], b[2]) - max(a[0], b[0])
    height = min(a[3], b[3]) - max(a[1], b[1])
    common = max(0.0, width) * max(0.0, height)
    areas = sum((box[2] - box[0]) * (box[3] - box[1]) for box in (a, b))
    return common / max(1.0, areas - common)


if __name__ == "__main__":
    main()
