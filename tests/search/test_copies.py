"""Copies are told by their pixels from pictures that only look alike."""

from __future__ import annotations

import io
import tracemalloc
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageDraw, ImageOps

from csearchd.encoder.views.signature import signature_of
from csearchd.library.library import Library
from csearchd.library.metadata.photo_metadata import PhotoMetadata
from csearchd.library.signatures.form import is_sound, unpacked
from csearchd.library.vectors.table import VectorTable
from csearchd.scoring.confidence import ScoreCalibration
from csearchd.search.duplicates.agreement import likeness
from csearchd.search.duplicates.comparison import Comparison
from csearchd.search.duplicates.groups import find_groups
from csearchd.search.duplicates.results import group_hits
from csearchd.search.duplicates.shots import Shots
from csearchd.search.duplicates.similar_pairs import CANDIDATE, SimilarPairs
from csearchd.search.request import Hit
from support.photos import photo

SUBJECTS = ("astronaut", "cat", "coffee", "rocket", "coins")


def _compressed(image: Image.Image) -> Image.Image:
    out = io.BytesIO()
    image.resize((image.width // 2, image.height // 2)).save(out, "JPEG", quality=25)
    return Image.open(out).convert("RGB")


def _marked(image: Image.Image) -> Image.Image:
    image = image.copy()
    ImageDraw.Draw(image).text((image.width * 0.1, image.height * 0.8), "© somebody", font_size=30)
    return image


def _part(left: float, top: float, share: float) -> Callable[[Image.Image], Image.Image]:
    def cut(image: Image.Image) -> Image.Image:
        x, y = int(left * image.width), int(top * image.height)
        return image.crop((x, y, x + int(share * image.width), y + int(share * image.height)))

    return cut


COPIES: dict[str, Callable[[Image.Image], Image.Image]] = {
    "compressed": _compressed,
    "another shape": lambda image: image.resize((300, 200)),
    "grey": lambda image: ImageOps.grayscale(image).convert("RGB"),
    "darker": lambda image: image.point([value * 6 // 10 for value in range(256)] * 3),
    "marked": _marked,
    "part": _part(0.1, 0.15, 0.8),
    "small part": _part(0.3, 0.05, 0.66),
    "upper square": lambda image: image.crop((0, 0, min(image.size), min(image.size))),
    "turned": lambda image: image.rotate(90, expand=True),
    "upside down": lambda image: image.rotate(180),
    "mirrored": ImageOps.mirror,
    "straightened": lambda image: _part(0.06, 0.06, 0.88)(
        image.rotate(3, Image.Resampling.BICUBIC)
    ),
}


def agreement(first: Image.Image, second: Image.Image) -> float:
    signatures = unpacked([signature_of(first), signature_of(second)])
    there, back = likeness(signatures, np.array([[0, 1], [1, 0]]), lambda: None)
    assert (there > 0) == (back > 0)
    return float(there)


@pytest.mark.parametrize("subject", SUBJECTS)
@pytest.mark.parametrize("kind", COPIES)
def test_copies_are_found(subject: str, kind: str) -> None:
    assert agreement(photo(subject), COPIES[kind](photo(subject))) > 0.9


def test_different_pictures_are_no_copies() -> None:
    for number, subject in enumerate(SUBJECTS):
        for other in SUBJECTS[number + 1 :]:
            assert agreement(photo(subject), photo(other)) == 0
    sides = photo("gravel").crop((0, 0, 256, 512)), photo("gravel").crop((256, 0, 512, 512))
    assert agreement(*sides) == 0


def test_what_has_moved_is_another_picture() -> None:
    """The same background, and somebody in front of it who has gone elsewhere."""
    figure = photo("cat").resize((150, 150))
    shots = []
    for left in (60, 300):
        shot = photo("coffee").copy()
        shot.paste(figure, (left, 120))
        shots.append(shot)
    assert agreement(*shots) == 0
    assert agreement(shots[0], photo("coffee")) == 0


def test_what_shows_nothing_is_no_copy() -> None:
    white, black = (Image.new("RGB", (300, 200), colour) for colour in ("white", "black"))
    assert agreement(white, white) == 0
    assert agreement(white, black) == 0
    assert agreement(white, photo("cat")) == 0
    strip = Image.new("RGB", (20_000, 1), "red")
    assert agreement(strip, photo("cat")) == 0


def test_a_damaged_signature_is_none() -> None:
    sound = signature_of(photo("cat"))
    assert is_sound(sound)
    for damaged in (None, "text", b"", sound[:-1], b"\x63" + sound[1:], sound[:1] + b"\xff" * 4):
        assert not is_sound(damaged)


@pytest.mark.parametrize("alike", [0.0, 0.6])
def test_no_pair_is_missed(alike: float) -> None:
    """The bound misses nothing that the exact comparison finds, whatever the spectrum."""
    chance = np.random.default_rng(7)
    base = chance.normal(size=(700, 128)) * np.arange(1, 129) ** -alike
    base[200:400] = base[:200] + 0.4 * chance.normal(size=(200, 128)) * np.arange(1, 129) ** -alike
    vectors = (base / np.linalg.norm(base, axis=1, keepdims=True)).astype(np.float32)
    table = VectorTable(128)
    contents = np.arange(1, 701, dtype=np.int32)
    table.extend(contents, vectors)
    calibration = ScoreCalibration(
        vectors[:50], chance.normal(size=(0, 128)).astype(np.float32), 200
    )
    stored = table.vectors(contents)
    near = np.triu(calibration.similarity(stored, stored) >= CANDIDATE, 1)
    assert near.sum() > 20
    similar = SimilarPairs(
        table, calibration, contents, np.zeros((700, 1), np.float32), lambda: None
    )
    taken = np.zeros(700, np.bool_)
    taken[[3, 203]] = True
    near[taken] = near[:, taken] = False
    found = [similar.of(start, 100, taken) for start in range(0, 700, 100)]
    pairs = np.concatenate([part for part in found if part is not None])
    assert pairs.tolist() == np.argwhere(near).tolist()


class _Known(Comparison):
    """Copies are those whose numbers have the same quotient by `size`, and `copies`."""

    def __init__(self, size: int) -> None:
        self._size = size
        self._tries, self._left = 16, None
        self.copies: set[tuple[int, ...]] = set()
        self.compared = 0

    def spectra(self, contents: np.ndarray) -> np.ndarray:
        return np.zeros((len(contents), 1), np.float32)

    def likeness(self, first: np.ndarray, second: np.ndarray) -> np.ndarray:
        self.compared += len(first)
        same = (first - 1) // self._size == (second - 1) // self._size
        for number, pair in enumerate(zip(first.tolist(), second.tolist(), strict=True)):
            same[number] |= pair in self.copies
        return same.astype(np.float32)


def _plain(dimensions: int) -> ScoreCalibration:
    return ScoreCalibration(
        np.eye(dimensions, dtype=np.float32), np.zeros((0, dimensions), np.float32), 200
    )


def test_very_many_copies_of_one_are_each_compared_once() -> None:
    chance = np.random.default_rng(8)
    one = chance.normal(size=(1, 32)) + 0.001 * chance.normal(size=(3000, 32))
    table = VectorTable(32)
    contents = np.arange(1, 3001, dtype=np.int32)
    table.extend(contents, (one / np.linalg.norm(one, axis=1, keepdims=True)).astype(np.float32))
    known = _Known(3000)
    ((some, _),) = find_groups(table, _plain(32), known, contents)
    assert some.tolist() == contents.tolist()
    assert known.compared < 2 * 3000
    apart = _Known(1000)  # three groups that vectors can't tell
    found = [some.tolist() for some, _ in find_groups(table, _plain(32), apart, contents)]
    assert found == contents.reshape(3, 1000).tolist()


def test_what_only_looks_alike_is_soon_left_alone() -> None:
    """Each is compared with the nearest few, unless one of them is a copy."""
    chance = np.random.default_rng(8)
    one = chance.normal(size=(1, 32)) + 0.1 * chance.normal(size=(2000, 32))
    one[1::200] = one[::200] + 0.001  # the nearest one is a copy
    table = VectorTable(32)
    contents = np.arange(1, 2001, dtype=np.int32)
    table.extend(contents, (one / np.linalg.norm(one, axis=1, keepdims=True)).astype(np.float32))
    known = _Known(1)
    known.copies = {(first, first + 1) for first in range(1, 2000, 200)}
    found = find_groups(table, _plain(32), known, contents)
    assert {tuple(some.tolist()) for some, _ in found} == known.copies
    assert known.compared < 2000 * (16 + 20)


@pytest.fixture
def library(tmp_path: Path) -> Library:
    return Library(str(tmp_path / "library.sqlite"))


def test_copies_are_one_group_before_facts_are_loaded(library: Library) -> None:
    table = VectorTable(32)
    table.extend(np.arange(1, 3, dtype=np.int32), np.eye(32, dtype=np.float32)[[0, 0]])
    hits = [
        Hit(b"/%d.jpg" % file, 0.5, file, content) for file, content in ((1, 1), (2, 2), (3, 1))
    ]
    found = group_hits(hits, table, _plain(32), library, 10)
    assert [(hit.file, hit.similar, hit.burst) for hit in found] == [(1, 1, 0), (2, 0, 0)]


def test_very_many_results_are_grouped_in_little_memory(library: Library) -> None:
    count = 8000
    table = VectorTable(32)
    contents = np.arange(1, count + 1, dtype=np.int32)
    vectors = np.random.default_rng(8).normal(size=(count // 2, 32)).astype(np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    table.extend(contents, np.repeat(vectors, 2, axis=0))
    for content in contents.tolist():  # of one second, two by two
        said = {"taken": "2020-01-01T00:00:00", "taken_ms": (content + 1) // 2 * 60_000}
        library.photo_metadata.put(content, 0, {"metadata": said})
    hits = [Hit(b"/%d.jpg" % one, 0.5, one, one) for one in contents.tolist()]
    tracemalloc.start()
    found = group_hits(hits, table, _plain(32), library, count)
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert [(hit.content, hit.similar, hit.burst) for hit in found] == [
        (one, 1, 1) for one in range(1, count, 2)
    ]
    assert most < 300e6


def test_shots_are_told_by_their_times() -> None:
    metadata = PhotoMetadata()
    times = ("10:00:00", "10:00:00", "10:00:04", "10:05:00", "11:00:04")
    for file, time in enumerate(times, 1):
        metadata.put(file, 0, {"metadata": {"taken": f"2023-05-01T{time}"}})
    metadata.put(6, 0, {"metadata": {"taken": "2023-05-01"}})  # of some time of that day
    metadata.put(7, 0, {"metadata": {"taken": "2023-05-01T10:00:00", "date_doubtful": 1}})
    metadata.put(8, 0, {})
    files = np.arange(1, 9)
    contents = files.astype(np.int32)
    shots = Shots(metadata, files, contents)
    first = np.ones(8, np.int32)
    assert shots.may_be_copies(first, contents).tolist() == [
        True, True, False, False, True, True, True, True,
    ]  # fmt: skip
    together = shots.together(first, contents).tolist()
    assert together == [True, True, True, False, False, False, False, False]
