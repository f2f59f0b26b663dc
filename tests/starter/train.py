"""Train the starter model from scratch, from the photos in DATA to a directory open_clip can load.

    python tests/starter/train.py --data ../shared/data --out DIR --minutes 95

Run again with the same --work, it goes on where it was stopped. More minutes are a better model:
the learning rates follow the clock, not a count of epochs, so a busy machine spoils nothing.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import os
from pathlib import Path

import image_tower
import joint as joint_space
import numpy as np
import photos as photo_sets
import sentences
import student
import teacher
import text_tower
import torch
import workers
from crops import cut
from evaluate import evaluate
from open_clip import CLIP
from phrases import phrases

PASSES = 6  # crops of each photo that the teacher looks at
IMAGE_SHARE, TEXT_SHARE, SETTLE_SHARE = 0.77, 0.10, 0.03  # of the minutes; the rest prepares


def teacher_passes(data: Path, work: Path) -> None:
    """All crops and the teacher's features of them, two passes at a time."""
    (work / "teacher").mkdir(parents=True, exist_ok=True)
    jobs = [(work / "photos", data, work / "teacher", n) for n in range(PASSES)]
    with multiprocessing.get_context("spawn").Pool(2) as pool:
        pool.starmap(teacher.run_pass, jobs)


def kinds_of(
    photos: list[photo_sets.Photo], texts: joint_space.Texts, extra: int
) -> list[tuple[torch.Tensor, float]]:
    """Half of a batch are captions, the rest class names, words and phrases."""
    captions = {
        t for p, own in zip(photos, texts.of_photo, strict=True) if p.captioned for t in own
    }
    names = sorted(set(range(len(texts.texts))) - captions)
    more = range(len(texts.texts), len(texts.texts) + extra)
    return [
        (torch.tensor(sorted(captions)), 0.5),
        (torch.tensor(names), 0.1),
        (torch.tensor(more), 0.4),
    ]


@torch.inference_mode()
def student_points(
    visual: torch.nn.Module, pack: photo_sets.Pack, passes: list[dict[str, np.ndarray]]
) -> torch.Tensor:
    """Where the finished image tower puts every photo, one point for each crop."""
    points = torch.zeros(len(pack), len(passes), joint_space.DIM)
    visual = visual.eval().to(memory_format=torch.channels_last)
    for k, seen in enumerate(passes):
        for rows in torch.arange(len(pack)).split(128):
            crops = [
                cut(pack.image(i), tuple(seen["boxes"][i].tolist()), student.SIDE)
                for i in rows.tolist()
            ]
            pixels = torch.from_numpy(np.stack(crops)).permute(0, 3, 1, 2) / 255
            with torch.autocast("cpu", torch.bfloat16):
                out = visual(student.pixels_to_input(pixels)).float()
            points[rows, k] = torch.nn.functional.normalize(out, dim=-1)
    return points


def image_tower_of(work: Path) -> torch.nn.Module:
    """The running mean of the image tower's weights, as last saved."""
    tower = image_tower.Tower()
    tower.load_state_dict(torch.load(work / "image_tower.pt")["mean"])
    return tower.visual


def train(data: Path, out: Path, work: Path, minutes: float) -> None:
    """The whole of it, a stage after the other; finished stages are taken from `work`."""
    photos = photo_sets.training_photos(data)
    texts = joint_space.Texts.of(photos)
    pack = photo_sets.pack(photos, work / "photos")
    teacher_passes(data, work)
    passes = image_tower.Crops(work / "teacher").passes
    vectors = sentences.cached(texts.texts, work / "sentences")
    features = [p["features"] for p in passes]
    joint = joint_space.fit(photos, texts, vectors, features, work / "joint.pt")

    with torch.no_grad():
        text_points = joint.sentences(vectors)
        photo_points = torch.cat([joint.images(torch.from_numpy(f)) for f in features[:2]])
    workers.train(
        image_tower.Lesson(
            photos,
            texts,
            text_points,
            work / "photos",
            work / "teacher",
            work / "joint.pt",
            work,
            minutes * IMAGE_SHARE,
        )
    )

    captions = [t for p in photos if p.captioned for t in p.texts]
    labels = list(dict.fromkeys(p.texts[0] for p in photos if not p.captioned))
    extra = phrases(captions, labels, data)
    with torch.no_grad():
        extra_points = joint.sentences(sentences.cached(extra, work / "phrases"))
    corpus = text_tower.Corpus(
        text_tower.tokenise(texts.texts + extra),
        torch.cat([text_points, extra_points]),
        kinds_of(photos, texts, len(extra)),
    )
    model = mimicked(corpus, photo_points, work, minutes * TEXT_SHARE)
    model.visual.load_state_dict(image_tower_of(work).state_dict())
    seen = student_points(model.visual, pack, passes[:1])
    text_tower.settle(model, corpus, texts.of_photo, seen, minutes * SETTLE_SHARE)
    student.export(model, out)
    print(json.dumps(evaluate(out, data)))


def mimicked(corpus: text_tower.Corpus, images: torch.Tensor, work: Path, minutes: float) -> CLIP:
    """The text tower after its first stage."""
    torch.manual_seed(0)
    model, saved = student.build(), work / "text_tower.pt"
    if not saved.exists():
        text_tower.mimic(model, corpus, images, minutes, saved)
    model.load_state_dict(torch.load(saved))
    return model


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument(
        "--data", type=Path, required=True, help="flickr8k/, labelled/, teacher/, …"
    )
    parser.add_argument("--out", type=Path, required=True, help="where the model goes")
    parser.add_argument("--work", type=Path, help="what is kept between runs (OUT.work)")
    parser.add_argument("--minutes", type=float, default=95)
    args = parser.parse_args()
    os.environ["HF_HUB_OFFLINE"] = "1"
    torch.set_num_threads(os.cpu_count() or 1)
    work = args.work or args.out.with_name(args.out.name + ".work")
    train(args.data, args.out, work, args.minutes)


if __name__ == "__main__":
    main()
