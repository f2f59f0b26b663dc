"""Recall of words, precision and processor time by kind of picture and script, beside Tesseract.

    python tests/benchmarks/words/recall.py [--count N] [--photos DIR] [--kinds KIND,…]

prints JSON. The pictures are made (the module `pictures`); PNG files, of which both get the same.
Tesseract is left out where it isn't installed; it is told each picture's language. A word counts
where it stands among the words found; in scripts without blanks, where it is a part of the text.
Pictures in scripts that the recogniser doesn't read have no recall: what it finds there that isn't
a number is `invented`.
"""

from __future__ import annotations

import argparse
import json
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))
sys.path.insert(0, str(Path(__file__).parents[1]))

import pictures
from common import machine
from PIL import Image

from csearchd.reader.networks import RECOGNISER
from csearchd.reader.reading import Reader

_LANGUAGES = {"Latn": "eng+deu", "Jpan": "jpn", "Hans": "chi_sim"}
_UNSPACED = ("Jpan", "Hans")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=10, help="pictures of each kind")
    parser.add_argument("--photos", type=Path, help="backgrounds, and photos without made words")
    parser.add_argument("--kinds", default=",".join(pictures.KINDS))
    arguments = parser.parse_args()
    photos = sorted(arguments.photos.rglob("*.jpg")) if arguments.photos else []
    reader = Reader(1)
    results: dict[str, dict[str, object]] = defaultdict(dict)
    tools = {"csearch": lambda path: _own(reader, path)}
    if shutil.which("tesseract"):
        tools["tesseract"] = _tesseract
    with tempfile.TemporaryDirectory() as directory:
        for kind, script in _groups(arguments.kinds.split(",")):
            made = [pictures.made(kind, script, seed, photos) for seed in range(arguments.count)]
            path = Path(directory, f"{script}.png")
            for name, tool in tools.items():
                results[f"{kind}, {script}"][name] = _rated(made, path, tool)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    print(
        json.dumps(
            {
                "machine": machine(),
                "recogniser": RECOGNISER,
                "pictures of each kind": arguments.count,
                "peak MB, with the making of the pictures": peak // 1024,
                "results": results,
            },
            indent=2,
        )
    )


def _groups(kinds: list[str]) -> Iterator[tuple[str, str]]:
    for kind in kinds:
        yield kind, "Latn"
    for script in filter(pictures.has_font, (*_UNSPACED, *pictures.UNSUPPORTED)):
        for kind in {"page", "sign"} & set(kinds):
            yield kind, script


Tool = Callable[[Path], list[str]]


def _rated(made: list[pictures.Made], path: Path, tool: Tool) -> dict[str, object]:
    counts: Counter[str] = Counter()
    for one in made:
        one.image.save(path)
        begun = _seconds()
        found = tool(path)
        counts["ms"] += round((_seconds() - begun) * 1000)
        _count(one, found, counts)
    report: dict[str, object] = {"processor s a picture": round(counts["ms"] / len(made) / 1e3, 2)}
    if counts["words"]:
        report["recall"] = round(counts["met"] / counts["words"], 3)
        report["precision"] = round(counts["right"] / max(1, counts["found"]), 3)
    else:
        report["invented"] = counts["invented"]
    return report


def _count(one: pictures.Made, found: list[str], counts: Counter[str]) -> None:
    words = Counter(part for word in one.words for part in word.split())
    text = "".join(found)
    if one.script in pictures.UNSUPPORTED:
        counts["invented"] += sum(
            any(map(str.isalpha, word)) for word in found if word not in words
        )
    elif one.script in _UNSPACED:
        counts["words"] += len(one.words)
        counts["met"] += sum(word in text for word in one.words)
        letters, right = Counter(text), Counter("".join(one.words))
        counts["found"] += letters.total()
        counts["right"] += (letters & right).total()
    else:
        met = (words & Counter(found)).total()
        counts["words"] += words.total()
        counts["met"] += met
        counts["right"] += met
        counts["found"] += len(found)


def _own(reader: Reader, path: Path) -> list[str]:
    with Image.open(path) as image:
        lines = reader.read(image.convert("RGB"))
    return [word for line in lines for word in line.text.split()]


def _tesseract(path: Path) -> list[str]:
    command = ["tesseract", path, "-", "-l", _LANGUAGES.get(path.stem, "eng"), "--psm", "3"]
    environment = {"OMP_THREAD_LIMIT": "1", "PATH": "/usr/bin:/usr/local/bin"}
    done = subprocess.run(command, capture_output=True, check=True, env=environment)
    return done.stdout.decode().split()


def _seconds() -> float:
    """Processor seconds of this process and of those that it has waited for."""
    return time.process_time() + resource.getrusage(resource.RUSAGE_CHILDREN).ru_utime


if __name__ == "__main__":
    main()
