"""The training photos and their texts, packed so that no epoch decodes a JPEG again."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image

LABEL_TEMPLATES = ("{}", "a photo of {}", "a picture of {}")
CAPTIONED = ("coco_mini", "coco_tiny")


@dataclass(frozen=True)
class Photo:
    """One picture, the texts that describe it, and whether people wrote those as captions."""

    path: Path
    texts: tuple[str, ...]
    captioned: bool


def tidy(text: str) -> str:
    """Flickr8k's captions are tokenised ("a dog ."): nobody types a query like that."""
    return " ".join(text.split()).replace(" ,", ",").replace(" 's", "'s").rstrip(" .")


def with_article(label: str) -> str:
    """ "golf ball" → "a golf ball", so that templates read as English."""
    return ("an " if label[:1].lower() in "aeiou" else "a ") + label


def label_texts(label: str) -> tuple[str, ...]:
    """The forms in which a class name may be asked for."""
    return tuple(
        dict.fromkeys(
            [
                label,
                with_article(label),
                *(t.format(with_article(label)) for t in LABEL_TEMPLATES[1:]),
            ]
        )
    )


def _table(path: Path) -> dict[str, list[str]]:
    rows: dict[str, list[str]] = {}
    for line in path.read_text(encoding="utf-8").splitlines():
        name, text = line.split("\t", 1)
        rows.setdefault(name, []).append(tidy(text))
    return rows


def flickr(data: Path, split: str) -> list[Photo]:
    """Flickr8k's photos of `train` or `dev`, with their five captions each."""
    folder = data / "flickr8k"
    captions = _table(folder / "captions.tsv")
    names = (folder / f"{split}.txt").read_text(encoding="utf-8").split()
    return [Photo(folder / "images" / n, tuple(captions[n]), True) for n in names]


def labelled(data: Path) -> list[Photo]:
    """Every photo that has a class name, or a caption outside Flickr8k."""
    photos = []
    for folder in sorted((data / "labelled").iterdir()):
        captioned = folder.name in CAPTIONED
        for name, texts in _table(folder / "labels.tsv").items():
            forms = texts if captioned else [f for t in texts for f in label_texts(t)]
            photos.append(Photo(folder / "images" / name, tuple(forms), captioned))
    for path in sorted((data / "imagenet-samples").glob("*.JPEG")):
        label = path.stem.split("_", 1)[1].replace("_", " ")
        photos.append(Photo(path, label_texts(label), False))
    return photos


def training_photos(data: Path) -> list[Photo]:
    """All that is trained on: never a photo of `dev.txt`."""
    return flickr(data, "train") + labelled(data)


class Pack:
    """Decoded photos in one flat file, mapped into memory and shared between processes."""

    def __init__(self, folder: Path) -> None:
        self.shapes: list[list[int]] = json.loads((folder / "shapes.json").read_text())
        sizes = np.array([h * w * 3 for h, w in self.shapes], dtype=np.int64)
        self._starts = np.concatenate([[0], np.cumsum(sizes)])
        self._bytes = np.memmap(folder / "pixels.u8", dtype=np.uint8, mode="r")

    def __len__(self) -> int:
        return len(self.shapes)

    def image(self, index: int) -> Image.Image:
        """The photo as it was decoded."""
        flat = self._bytes[self._starts[index] : self._starts[index + 1]]
        return Image.fromarray(flat.reshape(*self.shapes[index], 3))


def pack(photos: list[Photo], folder: Path) -> Pack:
    """Decode every photo once; done already if an earlier run got to its end."""
    if not (folder / "shapes.json").exists():
        folder.mkdir(parents=True, exist_ok=True)
        shapes = []
        with open(folder / "pixels.u8", "wb") as out:
            for photo in photos:
                with Image.open(photo.path) as image:
                    pixels = np.asarray(image.convert("RGB"))
                shapes.append(pixels.shape[:2])
                out.write(pixels.tobytes())
        (folder / "shapes.json").write_text(json.dumps(shapes))
    return Pack(folder)
