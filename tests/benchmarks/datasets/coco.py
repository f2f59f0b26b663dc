"""COCO captions: photos with five captions or more each (Chen et al. 2015)."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from datasets import Captioned, Missing, existing, text_of

SOURCE = (
    "https://cocodataset.org/#download (val2017.zip, annotations_trainval2017.zip); Karpathy's "
    "split: https://cs.stanford.edu/people/karpathy/deepimagesent/caption_datasets.zip"
)
LAYOUT = (
    "annotations/captions_val2017.json with val2017/*.jpg, or dataset_coco.json (Karpathy) with "
    "val2014/ and train2014/; splits val2017, train2017, …, of Karpathy's test, val, train, restval"
)
SPLIT = ""  # test if there is Karpathy's file, else val2017

_KARPATHY = "dataset_coco.json"


def read(directory: Path, split: str, scratch: Path) -> Captioned:
    """Reads dataset_coco.json if `split` is one of Karpathy's, else captions_SPLIT.json."""
    if not split:
        split = "test" if (directory / _KARPATHY).exists() else "val2017"
    if split in ("test", "val", "train", "restval"):
        return _karpathy(directory, split)
    places = [directory / "annotations", directory]
    path = existing(places, f"captions_{split}.json")
    if path is None:
        raise Missing(f"{directory} has no annotations/captions_{split}.json: {LAYOUT}")
    try:
        table = json.loads(text_of(path))
        rows = [(int(row["id"]), str(row["file_name"])) for row in table["images"]]
        notes = [(int(row["image_id"]), str(row["caption"])) for row in table["annotations"]]
    except (ValueError, KeyError, TypeError):
        raise Missing(f"{path} isn't as published") from None
    captioned = {image for image, _ in notes}
    rows = [row for row in rows if row[0] in captioned]
    pictures = [_photo(directory, split, name) for _, name in rows]
    numbers = {image: number for number, (image, _) in enumerate(rows)}
    captions = [(numbers[i], " ".join(text.split())) for i, text in notes if i in numbers]
    return Captioned(pictures, {"en": captions})


def _karpathy(directory: Path, split: str) -> Captioned:
    path = directory / _KARPATHY
    pictures: list[Path] = []
    captions: list[tuple[int, str]] = []
    try:
        table: dict[str, Any] = json.loads(text_of(path))
        for row in table["images"]:
            if row["split"] == split:
                captions += [(len(pictures), str(s["raw"]).strip()) for s in row["sentences"]]
                pictures.append(_photo(directory, str(row["filepath"]), str(row["filename"])))
    except (ValueError, KeyError, TypeError):
        raise Missing(f"{path} isn't as published") from None
    return Captioned(pictures, {"en": captions})


def _photo(directory: Path, folder: str, name: str) -> Path:
    """Raises Missing."""
    path = existing([directory / folder, directory / "images" / folder], name)
    if path is None:
        raise Missing(f"{directory} has no photo {folder}/{name}")
    return path
