"""The benchmark of accuracy reads each published layout as it is, and measures as searches do."""

from __future__ import annotations

import json
import os
import pickle
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from support.photos import photo

SCRIPT = Path(__file__).parents[1] / "benchmarks" / "accuracy.py"
CLASSES = {"cat": "cat", "coffee": "cup of coffee", "rocket": "rocket launch"}
CAPTIONS = {
    "cat": ["a cat looks into the camera", "a brown cat"],
    "coffee": ["a cup of coffee on a table", "coffee with a spoon"],
    "rocket": ["a rocket stands on its launch pad", "a rocket at night"],
}


def run(*arguments: object) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, str(SCRIPT), *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def measured(*arguments: object) -> dict[str, Any]:
    done = run(*arguments)
    assert done.returncode == 0, done.stderr
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def complaint(*arguments: object) -> str:
    done = run(*arguments)
    assert done.returncode == 1 and not done.stdout, done.stdout
    assert done.stderr.count("\n") == 1 and "Traceback" not in done.stderr, done.stderr
    return done.stderr


def save(path: Path, name: str, side: int = 224) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    photo(name).resize((side, side)).save(path)


def planes(name: str) -> bytes:
    """The pixels of a photo as CIFAR has them."""
    return np.asarray(photo(name).resize((32, 32))).transpose(2, 0, 1).tobytes()


def cifar_python(directory: Path) -> None:
    directory /= "cifar-100-python"
    directory.mkdir()
    pixels = np.frombuffer(b"".join(map(planes, CLASSES)), np.uint8).reshape(3, -1)
    batch = {"data": pixels, "fine_labels": [2, 0, 1], "coarse_labels": [0, 0, 0]}
    keys = {key.encode(): value for key, value in batch.items()}  # as Python 2 has written them
    (directory / "test").write_bytes(pickle.dumps(keys, protocol=2))
    names = {b"fine_label_names": ["cup_of_coffee", "rocket_launch", "cat"]}
    (directory / "meta").write_bytes(pickle.dumps(names, protocol=2))


def cifar_binary(directory: Path) -> None:
    directory /= "cifar-100-binary"
    directory.mkdir()
    labels = {"cat": 2, "coffee": 0, "rocket": 1}
    records = [bytes([0, label]) + planes(name) for name, label in labels.items()]
    (directory / "test.bin").write_bytes(b"".join(records))
    (directory / "fine_label_names.txt").write_text("cup_of_coffee\nrocket_launch\ncat\n\n")


WNIDS = {"cat": "n02124075", "coffee": "n07930864", "rocket": "n04008634"}


def imagenet_folders(directory: Path) -> None:
    for name, wnid in WNIDS.items():
        save(directory / "val" / wnid / f"{wnid}_1.JPEG", name)
    lines = [f"{wnid} {CLASSES[name]}, something else\n" for name, wnid in WNIDS.items()]
    (directory / "LOC_synset_mapping.txt").write_text("".join(lines))


def imagenet_flat(directory: Path) -> None:
    lines = ["ImageId,PredictionString\n"]
    for number, (name, wnid) in enumerate(WNIDS.items()):
        image = f"ILSVRC2012_val_{number:08}"
        save(directory / "ILSVRC" / "Data" / "CLS-LOC" / "val" / f"{image}.JPEG", name)
        lines.append(f"{image},{wnid} 1 2 3 4 \n")
    (directory / "LOC_val_solution.csv").write_text("".join(lines))
    index = {str(i): [w, CLASSES[n].replace(" ", "_")] for i, (n, w) in enumerate(WNIDS.items())}
    (directory / "imagenet_class_index.json").write_text(json.dumps(index))


def class_folders(directory: Path) -> None:
    for name, label in CLASSES.items():
        save(directory / label.replace(" ", "_") / "deeper" / f"{name}.png", name)


def labels_table(directory: Path) -> None:
    lines = [f"{name}.jpg\t{label}\n" for name, label in CLASSES.items()]
    for name in CLASSES:
        save(directory / "images" / f"{name}.jpg", name)
    save(directory / "cat2.jpg", "cat", 160)
    (directory / "labels.tsv").write_text("".join([*lines, "cat2.jpg\tcat\n"]))


@pytest.mark.parametrize(
    ("name", "make"),
    [
        ("cifar100", cifar_python),
        ("cifar100", cifar_binary),
        ("imagenet", imagenet_folders),
        ("imagenet", imagenet_flat),
        ("", class_folders),
        ("", labels_table),
    ],
)
def test_classes_are_told_apart(name: str, make: Callable[[Path], None], tmp_path: Path) -> None:
    make(tmp_path)
    found = measured(*([name, "--data"] if name else []), tmp_path)
    assert found["model"] == "starter" and found["classes"] == 3 and not found["unreadable"]
    assert found["pictures"] == (4 if make is labels_table else 3)
    for prompt in ("class", "photo of class"):
        assert found[prompt] == {"top-1": 1.0, "top-5": 1.0}, found


def flickr8k(directory: Path) -> None:
    lines = []
    for name, captions in CAPTIONS.items():
        save(directory / "Flicker8k_Dataset" / f"{name}.jpg", name)
        lines += [f"{name}.jpg#{i}\t{text} .\n" for i, text in enumerate(captions)]
    lines.append("2258277193_586949ec62.jpg.1#0\tof a photo that isn't there\n")  # as published
    (directory / "Flickr8k.token.txt").write_text("".join(lines))
    names = "".join(f"{name}.jpg\n" for name in CAPTIONS)
    (directory / "Flickr_8k.testImages.txt").write_text(names)


def coco(directory: Path) -> None:
    images, notes = [], []
    for number, (name, captions) in enumerate(CAPTIONS.items(), 100):
        file = f"{number:012}.jpg"
        save(directory / "val2017" / file, name)
        images.append({"id": number, "file_name": file, "coco_url": "http://…"})
        notes += [{"image_id": number, "id": 7, "caption": text + "\n"} for text in captions]
    (directory / "annotations").mkdir()
    table = {"info": {}, "images": images[::-1], "annotations": notes}
    (directory / "annotations" / "captions_val2017.json").write_text(json.dumps(table))


def karpathy(directory: Path) -> None:
    images = []
    for number, (name, captions) in enumerate(CAPTIONS.items()):
        file = f"COCO_val2014_{number:012}.jpg"
        save(directory / "val2014" / file, name)
        sentences = [{"raw": text, "tokens": text.split()} for text in captions]
        images.append(
            {"filepath": "val2014", "filename": file, "split": "test", "sentences": sentences}
        )
    images.append({"filepath": "x", "filename": "y.jpg", "split": "train", "sentences": []})
    (directory / "dataset_coco.json").write_text(json.dumps({"images": images}))


def captions_table(directory: Path) -> None:
    lines = []
    for name, captions in CAPTIONS.items():
        save(directory / "images" / f"{name}.jpg", name)
        lines += [f"{name}.jpg\t{text}\n" for text in captions]
    (directory / "labels.tsv").write_text("".join(lines))


@pytest.mark.parametrize(
    ("name", "make"),
    [("flickr8k", flickr8k), ("coco", coco), ("coco", karpathy), ("", captions_table)],
)
def test_captions_find_their_pictures(
    name: str, make: Callable[[Path], None], tmp_path: Path
) -> None:
    make(tmp_path)
    found = measured(*([name, "--data"] if name else []), tmp_path)
    assert found["pictures"] == 3
    assert found["languages"] == {
        "en": {"captions": 6, "recall@1": 1.0, "recall@5": 1.0, "recall@10": 1.0}
    }


def test_captions_that_repeat_are_no_classes(tmp_path: Path) -> None:
    for name in CAPTIONS:
        save(tmp_path / "images" / f"{name}.jpg", name)
    rows = [f"{name}.jpg\t{'a cat' if name == 'cat' else 'a thing'}\n" for name in CAPTIONS]
    (tmp_path / "captions.tsv").write_text("".join(rows))
    found = measured(tmp_path)
    assert found["languages"]["en"]["captions"] == 3 and "classes" not in found


def test_captions_are_measured_by_language(tmp_path: Path) -> None:
    lines = []
    for name, captions in CAPTIONS.items():
        save(tmp_path / "images" / f"{name}.jpg", name)
        row: dict[str, object] = {"image/key": name, "image/locale": "de"}
        row["en"] = {"caption": captions, "caption/tokenized": captions}
        row["de"] = {"caption": ["et\u2028was"]}
        lines.append(json.dumps(row, ensure_ascii=False) + "\n")
    (tmp_path / "captions.jsonl").write_text("".join(lines), encoding="utf-8")
    found = measured("xm3600", "--data", tmp_path)
    assert found["languages"]["en"]["recall@1"] == 1.0
    assert found["languages"]["de"]["captions"] == 3
    assert found["languages"]["de"]["recall@1"] == round(1 / 3, 4)  # the same query thrice
    assert found["mean"]["recall@1"] == pytest.approx(2 / 3, abs=1e-3)


def test_a_picture_that_cannot_be_read_is_not_found(tmp_path: Path) -> None:
    class_folders(tmp_path)
    (tmp_path / "cat" / "broken.jpg").write_bytes(b"\xff\xd8\xff nothing more")
    found = measured(tmp_path)
    assert (found["pictures"], found["unreadable"]) == (4, 1)
    assert found["class"] == {"top-1": 0.75, "top-5": 0.75}


def test_links_to_pictures_are_followed(tmp_path: Path) -> None:
    class_folders(tmp_path / "set")
    (tmp_path / "linked").mkdir()
    for folder in (tmp_path / "set").iterdir():
        (tmp_path / "linked" / folder.name).mkdir()
        for path in folder.rglob("*.png"):
            (tmp_path / "linked" / folder.name / path.name).symlink_to(path)
    assert measured(tmp_path / "linked")["class"]["top-1"] == 1.0


class Hostile:
    """Runs a command where a pickle is trusted."""

    def __reduce__(self) -> tuple[Any, ...]:
        return (os.system, ("touch ran",))


@pytest.mark.parametrize("value", [Hostile(), {b"data": Hostile()}, [1], {}])
def test_a_pickle_runs_nothing(value: object, tmp_path: Path) -> None:
    cifar_python(tmp_path)
    (tmp_path / "cifar-100-python" / "test").write_bytes(pickle.dumps(value))
    assert "CIFAR-100" in complaint("cifar100", "--data", tmp_path)
    assert not list(tmp_path.rglob("ran")) and not Path("ran").exists()


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("cifar100",), "https://www.cs.toronto.edu/~kriz/cifar.html"),
        (("imagenet",), "image-net.org"),
        (("flickr8k",), "Flickr8k_text"),
        (("coco",), "cocodataset.org"),
        (("xm3600",), "captions.jsonl"),
        (("coco", "--split", "test"), "dataset_coco.json"),
        (("cifar100", "--split", "other"), "train or test"),
    ],
)
def test_what_is_missing_is_said_with_its_source(
    arguments: tuple[str, ...], words: str, tmp_path: Path
) -> None:
    assert words in complaint(*arguments, "--data", tmp_path)


@pytest.mark.parametrize(
    ("file", "content"),
    [
        ("labels.tsv", "no tab"),
        ("labels.tsv", "missing.jpg\tcat\n"),
        ("labels.tsv", "../../etc/passwd\tcat\n"),
        ("labels.tsv", ""),
        ("cat/readme.txt", "no picture"),
    ],
)
def test_a_directory_without_a_set_is_said(file: str, content: str, tmp_path: Path) -> None:
    (tmp_path / file).parent.mkdir(exist_ok=True)
    (tmp_path / file).write_text(content)
    assert str(tmp_path) in complaint(tmp_path)


def test_a_model_that_is_not_installed_is_said(tmp_path: Path) -> None:
    class_folders(tmp_path)
    assert "nonesuch" in complaint(tmp_path, "--model", "nonesuch")
