"""Flickr8k: 8,092 photos with five captions each (Hodosh, Young and Hockenmaier 2013)."""

from __future__ import annotations

from pathlib import Path

from datasets import Captioned, Missing, existing, first_of, text_of

SOURCE = "Flickr8k_Dataset.zip and Flickr8k_text.zip, by the form at https://hockenmaier.cs.illinois.edu/Framing_Image_Description/KCCA.html"
LAYOUT = (
    "Flicker8k_Dataset/*.jpg (or Flickr8k_Dataset), Flickr8k.token.txt and "
    "Flickr_8k.{train,dev,test}Images.txt, beside it or in Flickr8k_text/"
)
SPLIT = "test"  # or dev, or train

_TOKENS = "Flickr8k.token.txt"  # a line: photo.jpg#0, tab, caption
_PHOTOS = ("Flicker8k_Dataset", "Flickr8k_Dataset")  # the archive's own name is misspelt


def read(directory: Path, split: str, scratch: Path) -> Captioned:
    """Captions are used without the blank before their full stop."""
    texts = first_of([directory, directory / "Flickr8k_text"], (_TOKENS,))
    if texts is None:
        raise Missing(f"{directory} has no {_TOKENS}: {LAYOUT}")
    names = text_of(texts / f"Flickr_8k.{split}Images.txt").split()
    places = [directory / name for name in _PHOTOS]
    places += [outer / inner.name for outer in places for inner in places]
    pictures, numbers = [], {}
    for name in names:
        path = existing(places, name)
        if path is None:
            raise Missing(f"{directory} has no photo {name} in {' or '.join(_PHOTOS)}")
        numbers[name] = len(pictures)
        pictures.append(path)
    captions = []
    for line in text_of(texts / _TOKENS).split("\n"):
        name, _, caption = line.partition("\t")
        if (own := numbers.get(name.rpartition("#")[0])) is not None and caption.strip():
            captions.append((own, caption.strip().removesuffix(".").strip()))
    return Captioned(pictures, {"en": captions})
