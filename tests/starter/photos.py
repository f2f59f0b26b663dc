"""The photos, their texts, and which of them training never sees."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path

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


def labelled(data: Path) -> dict[str, list[Photo]]:
    """The sets beside Flickr8k, by name: every photo that has a class name, or captions."""
    sets = {}
    for folder in sorted((data / "labelled").iterdir()):
        captioned = folder.name in CAPTIONED
        sets[folder.name] = [
            Photo(
                folder / "images" / name,
                tuple(texts if captioned else [f for t in texts for f in label_texts(t)]),
                captioned,
            )
            for name, texts in _table(folder / "labels.tsv").items()
        ]
    sets["imagenet-samples"] = [
        Photo(path, label_texts(path.stem.split("_", 1)[1].replace("_", " ")), False)
        for path in sorted((data / "imagenet-samples").glob("*.JPEG"))
    ]
    return sets


def imagenet_names(data: Path) -> list[str]:
    """The first name of each of ImageNet's 1,000 classes, in their order."""
    lines = (data / "teacher" / "imagenet_labels.txt").read_text(encoding="utf-8").splitlines()
    return [line.split(",")[0].strip() for line in lines[1:]]


def held_out(photo: Photo) -> bool:
    """Whether a photo of a labelled set is of the fifth that training never sees: a fixed rule,
    by the file's name."""
    return hashlib.sha256(photo.path.name.encode()).digest()[0] % 5 == 0


def training_photos(data: Path) -> list[Photo]:
    """All that is trained on: never a photo of `dev.txt` or of a held-out fifth."""
    others = [photo for photos in labelled(data).values() for photo in photos]
    return flickr(data, "train") + [photo for photo in others if not held_out(photo)]
