"""What reading words costs: processor time a picture, of photos as they are, and for 100,000.

    python tests/benchmarks/words/cost.py PHOTOS [--count N]

prints JSON. PHOTOS is a directory of JPEGs without a text to speak of. They are taken as they are,
and enlarged to 12 megapixels; a tenth of the pictures are signs, receipts and screenshots that are
made. The process reads files as the service's reader does, in one thread.
"""

from __future__ import annotations

import argparse
import io
import json
import resource
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))
sys.path.insert(0, str(Path(__file__).parents[1]))

import pictures
from common import machine
from PIL import Image

from csearchd.encoder.messages import Limits
from csearchd.reader.decode import Decoder
from csearchd.reader.messages import MEMORY
from csearchd.reader.reading import Reader

_LARGE, _SMALL = (4000, 3000), (640, 480)
_WORDY = ("sign", "small sign", "receipt", "screenshot")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("photos", type=Path)
    parser.add_argument("--count", type=int, default=50)
    arguments = parser.parse_args()
    photos = sorted(arguments.photos.rglob("*.jpg"))
    chosen = photos[:: max(1, len(photos) // arguments.count)][: arguments.count]
    reading = Reading()
    plain = {
        "640×480": reading.measured(_photos(chosen, _SMALL)),
        "12 megapixels": reading.measured(_photos(chosen[::4], _LARGE)),
    }
    wordy = {kind: reading.measured(_made(kind, arguments.count // 10, photos)) for kind in _WORDY}
    with_words = sum(one["processor s"] for one in wordy.values()) / len(wordy)
    hours = {
        name: round((0.9 * one["processor s"] + 0.1 * with_words) * 100_000 / 3600, 1)
        for name, one in plain.items()
    }
    print(
        json.dumps(
            {
                "machine": machine(),
                "photos": plain,
                "with words": wordy,
                "processor hours for 100,000, a tenth with words": hours,
                "peak MB": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024,
            },
            indent=2,
        )
    )


class Reading:
    def __init__(self) -> None:
        self._decoder = Decoder(Limits(300_000_000, 1_000_000_000, MEMORY))
        self._reader = Reader(1)

    def measured(self, files: Iterator[bytes]) -> dict[str, float]:
        """Of each picture in the mean: seconds, and the shares that pass the first look, and that
        have lines."""
        seconds, count, looked, found = 0.0, 0, 0, 0
        for data in files:
            begun = time.process_time()
            picture = self._decoder.decode(data, b"photo.jpg")
            lines = self._reader.read(picture)
            seconds += time.process_time() - begun
            count += 1
            looked += self._reader.has_text(picture)
            found += bool(lines)
        return {
            "processor s": round(seconds / count, 3),
            "share that passes the first look": looked / count,
            "share with lines": found / count,
        }


def _photos(paths: Sequence[Path], size: tuple[int, int]) -> Iterator[bytes]:
    for path in paths:
        with Image.open(path) as image:
            yield _jpeg(image.convert("RGB").resize(size, Image.Resampling.BICUBIC))


def _made(kind: str, count: int, photos: Sequence[Path]) -> Iterator[bytes]:
    for seed in range(max(1, count)):
        yield _jpeg(pictures.made(kind, "Latn", seed, photos).image)


def _jpeg(image: Image.Image) -> bytes:
    file = io.BytesIO()
    image.save(file, "JPEG", quality=90)
    return file.getvalue()


if __name__ == "__main__":
    main()
