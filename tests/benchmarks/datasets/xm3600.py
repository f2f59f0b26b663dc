"""Crossmodal-3600: 3,600 photos with captions in 36 languages (Thapliyal et al. 2022)."""

from __future__ import annotations

import json
from pathlib import Path

from datasets import Captioned, Missing, existing, text_of

SOURCE = (
    "https://google.github.io/crossmodal-3600 (captions.zip, unpacked; images.tgz of "
    "https://open-images-dataset.s3.amazonaws.com/crossmodal-3600, unpacked)"
)
LAYOUT = (
    'captions.jsonl, a line {"image/key": KEY, LANGUAGE: {"caption": [TEXT, …]}, …} for each of '
    "images/KEY.jpg"
)
SPLIT = "all"


def read(directory: Path, split: str, scratch: Path) -> Captioned:
    """There are no splits. Each caption in each language is a query."""
    if split != SPLIT:
        raise Missing(f"xm3600 has no split {split!r}: it is one set")
    path = directory / "captions.jsonl"
    pictures: list[Path] = []
    captions: dict[str, list[tuple[int, str]]] = {}
    # A caption may have other line separators of Unicode in it, which splitlines() knows.
    for number, line in enumerate(text_of(path).split("\n"), 1):
        if not line.strip():
            continue
        try:
            row = json.loads(line)
            key = row["image/key"]
            photo = existing([directory / "images", directory], f"{key}.jpg")
            if photo is None:
                raise Missing(f"{directory} has no photo images/{key}.jpg")
            for language, texts in row.items():
                if isinstance(texts, dict):
                    found = [(len(pictures), str(t).strip()) for t in texts["caption"]]
                    captions.setdefault(language, []).extend(found)
        except (ValueError, KeyError, TypeError, AttributeError):
            raise Missing(f"{path}, line {number}, isn't as published") from None
        pictures.append(photo)
    return Captioned(pictures, captions)
