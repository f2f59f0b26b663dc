"""ImageNet 2012 (ILSVRC): photos in 1,000 classes, each of WordNet's number (Deng et al. 2009)."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path

from datasets import Classified, Missing, first_of, is_picture, text_of, words

SOURCE = "https://image-net.org/download (ILSVRC 2012), or Kaggle's ImageNet Object Localization"
LAYOUT = (
    "{train,val}/nXXXXXXXX/*.JPEG, or val/*.JPEG with LOC_val_solution.csv; names in "
    "LOC_synset_mapping.txt, synset_words.txt or imagenet_class_index.json"
)
SPLIT = "val"  # or train, or another directory of that form

_NAMES = ("LOC_synset_mapping.txt", "synset_words.txt")  # a line: nXXXXXXXX name, other name
_INDEX = "imagenet_class_index.json"  # Keras's: {"0": ["nXXXXXXXX", "name"], …}
_SOLUTION = "LOC_val_solution.csv"  # ImageId, then nXXXXXXXX and a box, repeated


def read(directory: Path, split: str, scratch: Path) -> Classified:
    """The first name of a class counts. Classes that have no photo here are told apart too."""
    names = _class_names(directory)
    numbers = {wnid: number for number, wnid in enumerate(names)}
    photos = first_of([directory, directory / "ILSVRC" / "Data" / "CLS-LOC"], (split,))
    if photos is None:
        raise Missing(f"{directory} has no directory {split}")
    found = sorted(
        (path, path.parent.name) for path in (photos / split).glob("*/*") if is_picture(path)
    )
    if not found:
        found = _flat(directory, photos / split)
    if unknown := sorted({wnid for _, wnid in found} - numbers.keys()):
        raise Missing(f"{photos / split} has classes without a name, such as {unknown[0]}")
    if not found:
        raise Missing(f"{photos / split} has no photos: {LAYOUT}")
    own = [numbers[wnid] for _, wnid in found]
    return Classified([path for path, _ in found], own, list(names.values()))


def _class_names(directory: Path) -> dict[str, str]:
    """WordNet's number → name."""
    if found := first_of([directory], _NAMES):
        path = next(found / name for name in _NAMES if (found / name).exists())
        rows = [line.split(maxsplit=1) for line in text_of(path).splitlines() if line.strip()]
        if any(len(row) < 2 for row in rows):
            raise Missing(f"{path} has a line without a name")
        return {wnid: words(name.split(",")[0]) for wnid, name in rows}
    if (directory / _INDEX).exists():
        try:
            entries = json.loads(text_of(directory / _INDEX)).values()
            return {str(wnid): words(str(name)) for wnid, name in entries}
        except (ValueError, AttributeError, TypeError):
            raise Missing(f"{directory / _INDEX} isn't as published") from None
    raise Missing(f"{directory} has none of the files that name its classes: {LAYOUT}")


def _flat(directory: Path, photos: Path) -> list[tuple[Path, str]]:
    """Kaggle's form, where all photos of val are in one directory."""
    if not (directory / _SOLUTION).exists():
        return []
    rows = list(csv.reader(io.StringIO(text_of(directory / _SOLUTION))))[1:]
    try:
        classes = {row[0]: row[1].split()[0] for row in rows}
    except IndexError:
        raise Missing(f"{directory / _SOLUTION} isn't as published") from None
    paths = sorted(path for path in photos.iterdir() if is_picture(path) and path.stem in classes)
    return [(path, classes[path.stem]) for path in paths]
