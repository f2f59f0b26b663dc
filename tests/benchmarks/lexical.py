"""What words in names add to the order by vectors, and what they cost.

    python tests/benchmarks/lexical.py DATA_DIR [--model NAME] [--files N …]

prints JSON. DATA_DIR has flickr8k/ and imagenet-samples/. Recall@10 by the service's engine, with
the vectors alone and with names:

- captions: one of each of Flickr8k's 1,000 dev photos, which have a camera's names; names and
  folders of words from other photos' captions ("misleading"); or from their own ("fitting").
- names: the class of each of 1,000 ImageNet photos, which is in its name; and made-up words, which
  no model knows, as names, folders, keywords, people, titles and descriptions of the dev photos.

`files`: seconds to migrate a library of so many files, and to write its index in the background.
"""

from __future__ import annotations

import argparse
import json
import re
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parent))

import numpy as np
from common import machine, timed
from datasets import words as in_words
from embedding import Vectors, chosen_model, embed_pictures

from csearchd.library import contents, listings
from csearchd.library.library import Library
from csearchd.library.listings import FileStat, Listing
from csearchd.library.words import schema as words_schema
from csearchd.models.active_model import Models
from csearchd.models.installed import STARTER, Model
from csearchd.search.engine import Engine
from csearchd.search.lexical.stop_words import STOP_WORDS
from csearchd.search.query_language.grammar import parse
from csearchd.search.request import SearchRequest

TOP = 10
MADE_UP = 40  # words of each kind
_SYLLABLES = ("ba", "do", "ki", "lu", "me", "no", "pa", "ri", "su", "ta", "vo", "ze", "fi", "ga")


@dataclass
class Photo:
    vector: Vectors
    path: str = ""
    captions: list[str] = field(default_factory=list)
    metadata: dict[str, Any] = field(default_factory=dict)


class Bench:
    """An engine over a library of photos that are only in the database."""

    def __init__(self, directory: Path, model: Model, photos: Sequence[Photo]) -> None:
        self.library = Library(str(directory / f"{time.monotonic_ns()}.sqlite"))
        row = self.library.model_row(
            model.fingerprint, model.name, model.dimensions, model.image_fingerprint
        )
        folders: dict[str, list[Photo]] = {}
        for photo in photos:
            folders.setdefault(photo.path.rpartition("/")[0], []).append(photo)
        self.numbers: dict[str, int] = {}
        for folder, inside in folders.items():
            names = [photo.path.rpartition("/")[2].encode() for photo in inside]
            stats = [FileStat(name, 1, 1, 1, n + 1) for n, name in enumerate(names)]
            listings.apply(self.library, Listing(folder.encode(), stats, [], folder.encode()))
        outcomes = []
        with self.library.read() as database:
            for photo in photos:
                folder, _, name = photo.path.rpartition("/")
                directory_id = self.library.tree.find(folder.encode())
                (job,) = (
                    contents.job_of(found)
                    for found in database.execute(
                        "SELECT id, directory, name, size, mtime_ns, ctime_ns, inode, sidecars "
                        "FROM files WHERE directory = ? AND name = ?",
                        (directory_id, name.encode()),
                    )
                )
                self.numbers[photo.path] = job.file
                stat = dict(zip(("size", "mtime_ns", "ctime_ns", "inode"), job.stat, strict=True))
                found = {
                    "scheme": 1,
                    "identity": job.file.to_bytes(32, "big"),
                    "format": "JPEG",
                    "metadata": photo.metadata,
                    **stat,
                }
                vector = photo.vector.astype("<f2").tobytes()
                outcomes.append(contents.Outcome(job, found, vector))
        contents.store(self.library, row, outcomes)
        self.library.set("model", model.name)
        self.models = Models(self.library, str(Path(model.directory).parent), 2)
        self.engine = Engine(self.library, self.models, _all, _raise)

    def places(self, query: str, with_names: bool) -> list[int]:
        """The ids of the best TOP files."""
        parts = parse(query).parts
        request = SearchRequest(
            query=query,
            top=TOP,
            parts=parts,
            vector=self.engine.embed(" ".join(part.text for part in parts)),
        )
        if not with_names:
            lexical = self.engine._lexical
            self.engine._lexical = _Nothing()  # type: ignore[assignment]
            try:
                return [hit.file for hit in self.engine.search(request).hits]
            finally:
                self.engine._lexical = lexical
        return [hit.file for hit in self.engine.search(request).hits]

    def recall(self, queries: Iterable[tuple[str, set[str]]]) -> dict[str, float]:
        """Of queries and the paths that each should find, a mean of the share that it finds."""
        found: dict[str, list[float]] = {"vectors": [], "with names": []}
        for query, paths in queries:
            wanted = {self.numbers[path] for path in paths}
            for name, values in found.items():
                got = wanted.intersection(self.places(query, name == "with names"))
                values.append(len(got) / min(TOP, len(wanted)))
        return {name: round(float(np.mean(values)), 4) for name, values in found.items()}

    def close(self) -> None:
        self.library.close()


class _Nothing:
    def find(self, *_: object) -> None:
        return None


def _all(paths: Iterable[bytes]) -> list[bool]:
    return [True for _ in paths]


def _raise(name: str, error: BaseException) -> None:
    raise error


def flickr(data: Path, model: Model) -> list[Photo]:
    names = (data / "flickr8k/dev.txt").read_text().split()
    captions: dict[str, list[str]] = {}
    for line in (data / "flickr8k/captions.tsv").read_text().splitlines():
        name, _, text = line.partition("\t")
        captions.setdefault(name, []).append(text.removesuffix(".").strip())
    vectors, _ = embed_pictures(model, [data / "flickr8k/images" / name for name in names])
    return [
        Photo(vector, captions=captions[name]) for name, vector in zip(names, vectors, strict=True)
    ]


def said(photo: Photo) -> list[str]:
    """Words of a photo's captions that say something."""
    words = re.findall(r"[a-z]{3,}", " ".join(photo.captions).lower())
    return [word for word in words if word not in STOP_WORDS]


def camera_names(chance: np.random.Generator, count: int) -> list[str]:
    forms: list[Callable[[int], str]] = [
        lambda n: f"IMG_{n:04}.jpg",
        lambda n: f"DSC{n:05}.JPG",
        lambda n: f"20190512_{100000 + n}.jpg",
        lambda n: f"PXL_20210807_{n:09}.jpg",
        lambda n: f"{1000000 + n}_{int(chance.integers(1 << 30)):08x}.jpg",
    ]
    return [forms[int(chance.integers(len(forms)))](n) for n in range(count)]


def named(photos: Sequence[Photo], kind: str, chance: np.random.Generator) -> None:
    """Gives photos their paths: of a camera, or every third with up to three words of captions and
    every folder, of fifty, with one word; "misleading" ones are of any other photo's."""
    names = camera_names(chance, len(photos))
    order = chance.permutation(len(photos))
    for place, number in enumerate(order.tolist()):
        photo, name, folder = photos[number], names[number], f"{place // 50:03}"
        if kind != "camera":
            first = photos[order[place // 50 * 50]]
            about = photos[int(chance.integers(len(photos)))] if kind == "misleading" else photo
            folder = f"{folder} {chance.choice(said(first))}"
            if chance.random() < 1 / 3:
                words = chance.choice(said(about), int(chance.integers(1, 4)))
                name = f"{'_'.join(words)}_{number}.jpg"
        photo.path = f"/pictures/{folder}/{name}"


def made_up(chance: np.random.Generator) -> str:
    return "".join(chance.choice(_SYLLABLES, 4))


def with_made_up(photos: Sequence[Photo], chance: np.random.Generator) -> dict[str, Any]:
    """Gives photos words that no model knows: kind → (query, paths)."""
    named(photos, "camera", chance)
    queries: dict[str, list[tuple[str, set[str]]]] = {}
    order = iter(chance.permutation(len(photos)).tolist())

    def ask(kind: str, word: str, paths: set[str]) -> None:
        other = chance.choice(said(photos[int(chance.integers(len(photos)))]))
        queries.setdefault(kind, []).append((word, paths))
        queries.setdefault(f"{kind}, with others", []).append((f"{word} and a {other}", paths))

    for number in range(MADE_UP):
        word = made_up(chance)
        photo = photos[next(order)]
        form = ("{}.jpg", "2019-05-12 {}.jpg", "my_{}_3.jpg", "At{}.jpg", "{}-12.jpg")[number % 5]
        photo.path = f"/pictures/named/{form.format(word.title())}"
        ask("name", word, {photo.path})
    for _ in range(4):
        word = made_up(chance)
        inside = [photos[next(order)] for _ in range(40)]
        for photo in inside:
            photo.path = f"/pictures/{word.title()} 2019/{photo.path.rpartition('/')[2]}"
        ask("folder", word, {photo.path for photo in inside})
    for kind in ("keywords", "people", "title", "description"):
        for _ in range(MADE_UP):
            word, photo = made_up(chance), photos[next(order)]
            if kind in ("keywords", "people"):
                photo.metadata = {kind: [f"{word.title()} {made_up(chance).title()}"]}
            else:
                photo.metadata = {kind: f"A picture of {word.title()} in summer"}
            ask(kind, word, {photo.path})
    return queries


def accuracy(data: Path, model: Model, directory: Path) -> dict[str, Any]:
    chance = np.random.default_rng(20261201)
    photos = flickr(data, model)
    found: dict[str, Any] = {"captions": {}, "names": {}}
    for kind in ("camera", "misleading", "fitting"):
        named(photos, kind, chance)
        bench = Bench(directory, model, photos)
        queries = [(photo.captions[n % 5], {photo.path}) for n, photo in enumerate(photos)]
        found["captions"][kind] = bench.recall(queries)
        bench.close()
    for kind, queries in _by_kind(directory, model, photos, chance):
        found["names"][kind] = queries
    paths = sorted((data / "imagenet-samples").iterdir())
    vectors, _ = embed_pictures(model, paths)
    samples = [
        Photo(vector, f"/pictures/{path.name}") for path, vector in zip(paths, vectors, strict=True)
    ]
    bench = Bench(directory, model, samples)
    classes: dict[str, set[str]] = {}
    for path, sample in zip(paths, samples, strict=True):
        classes.setdefault(in_words(path.stem.partition("_")[2]), set()).add(sample.path)
    found["names"]["ImageNet's classes"] = bench.recall(classes.items())
    bench.close()
    return found


def _by_kind(
    directory: Path, model: Model, photos: Sequence[Photo], chance: np.random.Generator
) -> Iterable[tuple[str, dict[str, float]]]:
    queries = with_made_up(photos, chance)
    bench = Bench(directory, model, photos)
    for kind, asked in queries.items():
        yield kind, bench.recall(asked)
    bench.close()


def costs(directory: Path, count: int) -> dict[str, float]:
    """Of a library of so many files: the migration, and writing the index, in seconds."""
    library = Library(str(directory / f"{count}.sqlite"))
    with library.write() as database:
        database.executemany(
            "INSERT INTO directories (id, parent, name) VALUES (?, 1, ?)",
            ((n + 2, b"folder %d" % n) for n in range(count // 100 + 1)),
        )
        library.words.update(database)
    names = camera_names(np.random.default_rng(1), count)
    with library.write() as database:
        database.execute("DROP TRIGGER files_name_added")
        database.executemany(
            "INSERT INTO files (directory, name, size, mtime_ns, ctime_ns, inode, due) "
            "VALUES (?, ?, 1, 1, 1, 1, 0)",
            (
                (n // 100 + 2, (f"{n}_{name}" if n % 3 else f"{n} moon {n % 977}.jpg").encode())
                for n, name in enumerate(names)
            ),
        )
    before = Path(library.path).stat().st_size

    def note() -> None:
        with library.write() as database:
            for statement in words_schema.FILL.split(";"):
                database.execute(statement)

    migration = timed(note)

    def write() -> None:
        more = True
        while more:
            with library.write() as database:
                more = library.words.catch_up(database)

    background = timed(write)
    library.checkpoint()
    after = Path(library.path).stat().st_size
    library.close()
    return {
        "migration": round(migration, 2),
        "background": round(background, 1),
        "megabytes": round((after - before) / 1e6, 1),
    }


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("data", type=Path, nargs="?")
    parser.add_argument("--model", default=STARTER)
    parser.add_argument("--files", type=int, nargs="*", default=[])
    options = parser.parse_args()
    found: dict[str, Any] = {}
    with tempfile.TemporaryDirectory() as directory:
        if options.data:
            model = chosen_model(options.model)
            found = {"model": model.name, **accuracy(options.data, model, Path(directory))}
        for count in options.files:
            found.setdefault("files", {})[count] = costs(Path(directory), count)
    print(json.dumps({**found, **machine()}, indent=2))


if __name__ == "__main__":
    main()
