"""Pictures of one's own: a folder for each class, or a table of labels or captions."""

from __future__ import annotations

from pathlib import Path

from datasets import Captioned, Classified, Missing, existing, is_picture, text_of, words

SOURCE = "a directory of one's own"
LAYOUT = (
    "CLASS/**/PICTURE, or labels.tsv or captions.tsv (a line: file, tab, class or caption; more "
    "lines for more captions) with the files beside it or in images/; SPLIT.txt lists the files "
    "of a split"
)
SPLIT = ""

_LABELS = "labels.tsv"
_TABLES = (_LABELS, "captions.tsv")


def read(directory: Path, split: str, scratch: Path) -> Classified | Captioned:
    """In labels.tsv, texts that several pictures have are classes, others captions."""
    if not directory.is_dir():
        raise Missing(f"{directory} is no directory, and no set that is known")
    table = existing([directory], _TABLES[0]) or existing([directory], _TABLES[1])
    if table is None:
        if split:
            raise Missing(f"{directory} has no {' or '.join(_TABLES)}, and so no splits")
        return _folders(directory)
    rows = [_row(table, line) for line in text_of(table).split("\n") if line.strip()]
    if split:
        chosen = set(text_of(directory / f"{split}.txt").split("\n"))
        rows = [row for row in rows if row[0] in chosen]
    texts: dict[str, list[str]] = {}
    for name, text in rows:
        texts.setdefault(name, []).append(text)
    pictures = []
    for name in texts:
        path = existing([directory, directory / "images"], name)
        if path is None:
            raise Missing(f"{directory} has no picture {name}, which {table.name} names")
        pictures.append(path)
    if not pictures:
        raise Missing(f"{table} has no pictures{' of the split ' + split if split else ''}")
    repeat = len({text for _, text in rows}) < len(pictures) and len(rows) == len(pictures)
    if repeat and table.name == _LABELS:
        return _classified(pictures, [text for _, text in rows])
    captions = [(number, text) for number, own in enumerate(texts.values()) for text in own]
    return Captioned(pictures, {"en": captions})


def _row(table: Path, line: str) -> tuple[str, str]:
    name, tab, text = line.partition("\t")
    if not tab or not text.strip():
        raise Missing(f"{table} has a line that isn't a file, a tab and a text: {line[:60]!r}")
    return name, text.strip().removesuffix(" .")


def _folders(directory: Path) -> Classified:
    found = sorted(
        (path, path.relative_to(directory).parts[0])
        for path in directory.glob("*/**/*")
        if is_picture(path) and path.is_file()
    )
    if not found:
        raise Missing(f"{directory} has no pictures: {LAYOUT}")
    return _classified([path for path, _ in found], [name for _, name in found])


def _classified(pictures: list[Path], labels: list[str]) -> Classified:
    classes = sorted(set(labels))
    numbers = {label: number for number, label in enumerate(classes)}
    own = [numbers[label] for label in labels]
    return Classified(pictures, own, [words(label) for label in classes])
