"""What words in pictures cost, and what they add to searches.

    python tests/benchmarks/written.py [DATA_DIR] [--pictures N …] [--model NAME]

prints JSON. `pictures`, for a library of so many with ten words each: milliseconds of a filter
`text:` by kind (p50, p95), and of looking up a plain query's words without and with them; bytes a
picture on the disk; seconds to store them. DATA_DIR has flickr8k/: recall@10 of the captions of its
dev photos, of which a third have words of other photos' captions written in them, without and with
these words; and how often a query of three to six words quoted from one of 200 made pages of text
finds a page with them first.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parent))

import numpy as np
from common import machine
from datasets import words as in_words
from embedding import chosen_model
from lexical import Bench, flickr, named, said

from csearchd.library.library import Library
from csearchd.library.texts.lines import TextLine
from csearchd.library.texts.pattern import TextPattern
from csearchd.models.installed import STARTER, Model
from csearchd.search.lexical.matches import find_matches
from csearchd.search.lexical.query_words import query_words
from csearchd.search.query_language.grammar import parse

WORDS = 10  # of a picture
PAGES, LINES = 200, 8
_TIMES = 20  # that each query is asked
_BOX = (0.1, 0.1, 0.9, 0.1, 0.9, 0.2, 0.1, 0.2)
_SYLLABLES = (
    "ba", "be", "bra", "da", "der", "di", "dor", "en", "er", "fa", "for", "ga", "ge", "har",
    "ho", "in", "ka", "ker", "la", "le", "li", "lon", "ma", "men", "mi", "na", "ne", "no", "on",
    "pa", "per", "po", "ra", "re", "ri", "ro", "sa", "sen", "si", "so", "sta", "ta", "ten",
    "ter", "ti", "to", "tra", "ul", "un", "va", "ver", "vi", "wa", "wen", "wo",
)  # fmt: skip
_QUERIES = ("sunset at the beach", "invoice from the hotel", "a dog on a sofa", "party 2019")
VERSION = "made by a benchmark"


def vocabulary(chance: np.random.Generator, count: int) -> list[str]:
    """Words of two to four syllables, the shorter ones first."""
    made: dict[str, None] = {}
    while len(made) < count:
        size = 2 + (len(made) > 2000) + (len(made) > 40_000)
        made["".join(chance.choice(_SYLLABLES, size))] = None
    return list(made)


def pages_of(chance: np.random.Generator, known: Sequence[str], count: int) -> list[str]:
    """Texts of ten words: eight by Zipf's law, a number of four digits, and an id."""
    ranks = np.minimum(chance.zipf(1.2, (count, WORDS - 2)), len(known)) - 1
    numbers = chance.integers(0, 10_000, count)
    ids = chance.integers(0, 1 << 31, count)
    return [
        " ".join(known[rank] for rank in row) + f" {number:04} ab-{one}"
        for row, number, one in zip(ranks.tolist(), numbers.tolist(), ids.tolist(), strict=True)
    ]


def lines(text: str, of: int = 5) -> list[TextLine]:
    parts = text.split()
    rows = (" ".join(parts[at : at + of]) for at in range(0, len(parts), of))
    return [TextLine(row, _BOX, 0.9, "Latn") for row in rows]


def with_files(library: Library, count: int) -> None:
    """Adds so many pictures, of which nothing else is known."""
    with library.write() as database:
        database.execute("INSERT INTO directories (id, parent, name) VALUES (2, 1, x'70')")
        database.executemany(
            "INSERT INTO contents (id, scheme, identity) VALUES (?, 1, ?)",
            ((n + 1, n.to_bytes(32, "big")) for n in range(count)),
        )
        database.execute("DROP TRIGGER files_name_added")
        database.executemany(
            "INSERT INTO files (id, directory, name, size, mtime_ns, ctime_ns, inode, content, due)"
            " VALUES (?, 2, ?, 1, 1, 1, 1, ?, 0)",
            ((n + 1, b"%d.jpg" % n, n + 1) for n in range(count)),
        )


def spread(action: Callable[[], object]) -> dict[str, float]:
    """Milliseconds of an action, after it was done once, and of processor time."""
    action()
    taken, worked = [], []
    for _ in range(_TIMES):
        begun, before = time.perf_counter(), time.process_time()
        action()
        taken.append(1000 * (time.perf_counter() - begun))
        worked.append(1000 * (time.process_time() - before))
    return {
        "p50": round(float(np.median(taken)), 1),
        "p95": round(float(np.quantile(taken, 0.95)), 1),
        "processor": round(float(np.median(worked)), 1),
    }


def costs(directory: Path, count: int) -> dict[str, Any]:
    chance = np.random.default_rng(20261201)
    known = vocabulary(chance, 200_000)
    library = Library(str(directory / f"{count}.sqlite"))
    with_files(library, count)
    library.close()
    library = Library(str(directory / f"{count}.sqlite"))
    library.checkpoint()
    before = Path(library.path).stat().st_size
    every = np.ones(len(library.catalogue.content), np.bool_)

    def plain() -> dict[str, Any]:
        asked = [(query, query_words(parse(query).parts)) for query in _QUERIES]
        found = (
            spread(lambda q=query, w=words: find_matches(library, w, every, None, [q]))
            for query, words in asked
        )
        return dict(zip(_QUERIES, found, strict=True))

    without = plain()
    texts = pages_of(chance, known, count)
    begun = time.perf_counter()
    for start in range(0, count, 1000):
        with library.write():
            for number, text in enumerate(texts[start : start + 1000], start + 1):
                library.texts.put(number, VERSION, lines(text))
    stored = time.perf_counter() - begun
    library.checkpoint()
    after = Path(library.path).stat().st_size
    page = texts[count // 2].split()
    rare = max(page[:8], key=known.index)
    asked = {
        "a word of one picture in ten thousand": known[3000],
        "a rare word": rare,
        "the commonest word": known[0],
        "a word of one in a hundred": known[60],
        "a part of words": known[3000][:4],
        "a part of three letters": known[3000][:3],
        "a number": page[8],
        "a piece of an id": page[9][3:9],
        "an id": page[9],
        "two words": " ".join(page[:2]),
        "five words": " ".join(page[:5]),
        "a word with a letter wrong": f"{rare[:2]}x{rare[3:]}",
        "a word that nothing has": "qwxyzqwxyz",
    }
    filters: dict[str, Any] = {}
    for kind, text in asked.items():
        pattern = TextPattern(text)
        found = len(library.texts.contents_with(pattern))
        filters[kind] = {**spread(lambda p=pattern: library.texts.contents_with(p)), "found": found}
    result = {
        "text:": filters,
        "median of all kinds": {
            name: round(float(np.median([one[name] for one in filters.values()])), 1)
            for name in ("p50", "processor")
        },
        "plain, without": without,
        "plain, with": plain(),
        "bytes a picture": round((after - before) / count),
        "seconds to store": round(stored, 1),
        "counting": spread(library.texts.counts),
    }
    library.close()
    return result


def accuracy(data: Path, model: Model, directory: Path) -> dict[str, Any]:
    chance = np.random.default_rng(20261201)
    photos = flickr(data, model)
    named(photos, "camera", chance)
    bench = Bench(directory, model, photos)
    queries = [(photo.captions[n % 5], {photo.path}) for n, photo in enumerate(photos)]
    without = bench.recall(queries)["with names"]
    contents = dict(_contents(bench))
    for photo in photos[::3]:
        about = photos[int(chance.integers(len(photos)))]
        text = " ".join(chance.choice(said(about), WORDS))
        bench.library.texts.put(contents[photo.path], VERSION, lines(text))
    found = {"captions": {"without": without, "with": bench.recall(queries)["with names"]}}
    spoken = [caption for photo in photos for caption in photo.captions]
    pages: dict[str, list[str]] = {}
    for photo in photos[1 : 3 * PAGES : 3]:
        pages[photo.path] = [
            in_words(spoken[int(chance.integers(len(spoken)))]) for _ in range(LINES)
        ]
        rows = [TextLine(text, _BOX, 0.9, "Latn") for text in pages[photo.path]]
        bench.library.texts.put(contents[photo.path], VERSION, rows)
    firsts = []
    by_file = {bench.numbers[path]: " ".join(page) for path, page in pages.items()}
    for page in pages.values():
        parts = page[int(chance.integers(LINES))].split()
        size = int(chance.integers(3, 7))
        start = int(chance.integers(max(1, len(parts) - size)))
        query = " ".join(parts[start : start + size])
        firsts.append(query in by_file.get(bench.places(query, True)[0], ""))
    found["quoted"] = {"first": round(float(np.mean(firsts)), 3), "pages": len(firsts)}
    bench.close()
    return found


def _contents(bench: Bench) -> list[tuple[str, int]]:
    content = bench.library.catalogue.content
    return [(path, int(content[file])) for path, file in bench.numbers.items()]


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("data", type=Path, nargs="?")
    parser.add_argument("--model", default=STARTER)
    parser.add_argument("--pictures", type=int, nargs="*", default=[])
    options = parser.parse_args()
    found: dict[str, Any] = {}
    with tempfile.TemporaryDirectory() as directory:
        if options.data:
            model = chosen_model(options.model)
            found = {"model": model.name, **accuracy(options.data, model, Path(directory))}
        for count in options.pictures:
            found.setdefault("pictures", {})[count] = costs(Path(directory), count)
    print(json.dumps({**found, **machine()}, indent=2))


if __name__ == "__main__":
    main()
