"""How accurate a model is, on a published labelled set or on pictures of one's own.

    python tests/benchmarks/accuracy.py SET [--data DIR] [--split NAME] [--model NAME]

SET is cifar100, imagenet, flickr8k, coco, xm3600, or a directory. Prints JSON: for sets with
classes top-1 and top-5, with the class's name alone as its text and with "photo of NAME", as the
papers of rclip have them; for sets with captions recall@1, 5 and 10 of each caption's picture among
all, by language. Pictures go through the service's encoder process, texts through its text tower,
and captions' pictures are found by its search over vectors. Nothing is downloaded. A picture that
can't be read counts as not found.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from pathlib import Path
from types import ModuleType
from typing import Any

sys.path.insert(0, str(Path(__file__).parent))

import numpy as np
from datasets import (
    Captioned,
    Classified,
    Missing,
    cifar100,
    coco,
    flickr8k,
    folder,
    imagenet,
    xm3600,
)
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

from csearchd.models.installed import STARTER, Model
from csearchd.models.text_tower import TextTower
from csearchd.system import processors

SETS = {
    "cifar100": cifar100,
    "imagenet": imagenet,
    "flickr8k": flickr8k,
    "coco": coco,
    "xm3600": xm3600,
}
PROMPTS = {"class": "{}", "photo of class": "photo of {}"}


def classification(
    tower: TextTower, pictures: Vectors, own: list[int], classes: list[str]
) -> dict[str, Any]:
    """Top-1 and top-5 for each of PROMPTS."""
    found = {}
    for name, prompt in PROMPTS.items():
        texts = embed_texts(tower, [prompt.format(label) for label in classes])
        found[name] = shares(class_ranks(pictures, texts, np.array(own), classes), "top-", (1, 5))
    return {"classes": len(classes), **found}


def retrieval(
    model: Model, tower: TextTower, pictures: Vectors, captions: dict[str, list[tuple[int, str]]]
) -> dict[str, Any]:
    """Recall for each language, and the mean over languages if there are several."""
    found: dict[str, Any] = {}
    for language, rows in sorted(captions.items()):
        texts = embed_texts(tower, [text for _, text in rows], language)
        places = ranks(model, pictures, texts, [own for own, _ in rows], 10)
        found[language] = {"captions": len(rows), **shares(places, "recall@", (1, 5, 10))}
    if len(found) > 1:
        names = [f"recall@{top}" for top in (1, 5, 10)]
        mean = {n: round(float(np.mean([f[n] for f in found.values()])), 4) for n in names}
        return {"languages": found, "mean": mean}
    return {"languages": found}


def measure(chosen: Classified | Captioned, model: Model) -> dict[str, Any]:
    """Raises Unusable."""
    tower = TextTower(model, processors.count())
    pictures, failures = embed_pictures(model, chosen.pictures)
    for failure in failures:
        print(failure, file=sys.stderr)
    if isinstance(chosen, Classified):
        found = classification(tower, pictures, chosen.own, chosen.classes)
    else:
        found = retrieval(model, tower, pictures, dict(chosen.captions))
    return {"pictures": len(pictures), "unreadable": len(failures), **found}


def read(name: str, data: Path | None, split: str | None, scratch: Path) -> Classified | Captioned:
    """The set `name`. Raises Missing, which says where a published set comes from."""
    module: ModuleType = SETS.get(name, folder)
    directory = (data or Path(name)).resolve()
    try:
        if module is not folder and not directory.is_dir():
            raise Missing(f"{directory} is no directory")
        found: Classified | Captioned = module.read(directory, split or module.SPLIT, scratch)
    except Missing as error:
        if module is folder:
            raise
        raise Missing(f"{error}; {name} comes from {module.SOURCE}, as {module.LAYOUT}") from None
    if isinstance(found, Captioned) and not any(found.captions.values()):
        raise Missing(f"{directory} has no captions of this split")
    return found


def layouts() -> str:
    lines = ["sets, where they come from, and what is expected in --data DIR:"]
    for name, module in {**SETS, "DIR": folder}.items():
        split = f"; split {module.SPLIT!r} if none is named" if module.SPLIT else ""
        lines.append(f"  {name}: {module.SOURCE}\n    {module.LAYOUT}{split}")
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__,
        epilog=layouts(),
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("set", help="cifar100, imagenet, flickr8k, coco, xm3600 or a directory")
    parser.add_argument(
        "--data", type=Path, help="the directory of a published set; if it isn't given, ./SET"
    )
    parser.add_argument("--split", help="the part of the set, such as test, val or dev")
    parser.add_argument(
        "--model", default=STARTER, help="an installed model, or a model's directory with a slash"
    )
    options = parser.parse_args()
    if options.data and options.set not in SETS:
        parser.error(f"--data is for the sets {', '.join(SETS)}: {options.set} isn't one of them")
    try:
        with tempfile.TemporaryDirectory() as scratch:
            chosen = read(options.set, options.data, options.split, Path(scratch))
            model = chosen_model(options.model)
            found = {"set": options.set, "model": model.name, **measure(chosen, model)}
    except (Missing, Unusable) as error:
        sys.exit(f"accuracy.py: {error}")
    print(json.dumps(found, indent=2, ensure_ascii=False))


if __name__ == "__main__":
    main()
