"""Train the starter: EfficientNet-Lite2's ImageNet weights, fitted to the starter's text tower.

    python tests/starter/train.py --data ../shared/data --out DIR

DIR is then a model in open_clip's `local-dir:` form, which `python -m csearchd.models.export.export
DIR` makes one of csearch's, and `calibration.py` completes. Run again with the same --work, it goes
on where it was stopped, after the last view or head that was complete. The text tower isn't
trained: a starter that keeps it answers from the vectors of the one before.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import features
import head
import lessons
import photos
import student
import torch

from csearchd.models.installed import starter_directory


def train(data: Path, text: Path, out: Path, work: Path, views: int, heads: int) -> None:
    """The whole of it, a stage after the other; finished stages are taken from `work`."""
    chosen = photos.training_photos(data)
    features.compute(chosen, work / "views", views)
    model = student.build(text)
    described = lessons.Lessons.of(chosen, model)
    names = [photos.with_article(name) for name in photos.imagenet_names(data)]
    points = lessons.encode(model, names)
    seen = head.Features(described, features.computed_views(work / "views", views))
    saved = [work / f"head{seed}.pt" for seed in range(heads)]
    for seed, path in enumerate(saved):
        head.fit(described, seen, points, path, seed)
    head.merge(saved, seen, work / "head.pt")
    model.visual.head.load_state_dict(torch.load(work / "head.pt"))
    student.export(model.eval(), out)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--data", type=Path, required=True, help="flickr8k/, labelled/, …")
    parser.add_argument("--out", type=Path, required=True, help="where the model goes")
    parser.add_argument("--work", type=Path, help="what is kept between runs (OUT.work)")
    parser.add_argument(
        "--text",
        type=Path,
        default=Path(starter_directory()),
        help="the model whose text tower it gets (the starter)",
    )
    parser.add_argument("--views", type=int, default=3, help="of each photo with captions (3)")
    parser.add_argument("--heads", type=int, default=2, help="whose average is learnt (2)")
    args = parser.parse_args()
    torch.set_num_threads(features.WORKERS)
    work = args.work or args.out.with_name(args.out.name + ".work")
    train(args.data, args.text, args.out, work, args.views, args.heads)


if __name__ == "__main__":
    main()
