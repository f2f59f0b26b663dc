"""The tags of pictures, from their vectors."""

from __future__ import annotations

import io
import threading
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from csearchd.config import Tags
from csearchd.library.cache_token import Cache
from csearchd.library.library import Library
from csearchd.library.vectors.table import VectorTable
from csearchd.models.active_model import ActiveModel
from csearchd.models.identity.checksums import Verifier
from csearchd.models.installed import BACKGROUND, IMAGE_TOWER, load_model, starter_directory
from csearchd.models.text_tower import TextTower
from csearchd.scoring.tag_classifier import (
    TagClassifier,
    embed_terms,
    embed_texts,
    log_odds,
    read_frequencies,
)
from csearchd.scoring.vocabulary import Term, read_vocabulary
from csearchd.tags import tag_scorer
from csearchd.tags.tag_scorer import TagScorer

DIMENSIONS = 64
TERMS = (
    Term(("animal",), ("an animal",)),
    Term(("animal", "dog"), ("a dog",)),
    Term(("sunny",), ("sunny",), ("weather",)),
    Term(("rain",), ("rain",), ("weather",)),
    *(Term((f"other {number}",), ("other",)) for number in range(40)),
)
MATRIX = np.eye(len(TERMS), DIMENSIONS, dtype=np.float32)


def general(count: int = 100) -> NDArray[np.float32]:
    vectors = np.random.default_rng(1).normal(size=(count, DIMENSIONS)).astype(np.float32)
    return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)


def names(vector: Sequence[float], threshold: float = 0.5, most: int = 10) -> list[str]:
    vectors = np.zeros((1, DIMENSIONS), np.float32)
    vectors[0, : len(vector)] = vector
    scorer = TagClassifier(TERMS, MATRIX, general(), MATRIX)
    return [tag.term.name for tag in scorer.tags(vectors, threshold, most)[0]]


def test_a_child_stands_for_its_parent() -> None:
    assert names([1.0]) == ["animal"]
    assert names([1.0, 1.0], 0.1) == ["animal/dog"]


def test_terms_that_exclude_each_other_never_appear_together() -> None:
    weather = {"sunny", "rain"}
    assert weather.intersection(names([0, 0, 0.9, 1.0], 1e-4)) == {"rain"}
    assert weather.intersection(names([0, 0, 1.0, 0.9], 1e-4)) == {"sunny"}


def test_at_most_as_many_as_asked() -> None:
    assert len(names([1.0] * 30, 1e-4)) > 3
    assert len(names([1.0] * 30, 1e-4, most=3)) == 3


def test_what_scores_high_everywhere_counts_for_less() -> None:
    plain = TagClassifier(TERMS, MATRIX, np.zeros((1, DIMENSIONS), np.float32), MATRIX)
    crowded = np.zeros((1, DIMENSIONS), np.float32)
    crowded[0, 0] = 1.0  # pictures in general look like animals
    skewed = TagClassifier(TERMS, MATRIX, crowded, MATRIX)
    picture = MATRIX[:1] + MATRIX[2:3]
    assert skewed.logits(picture)[0, 0] < plain.logits(picture)[0, 0]


def test_common_terms_need_less_evidence() -> None:
    mine = Term(("my own",), (), own=True)
    dog, walrus, own = log_odds([Term(("animal", "dog"), ()), Term(("animal", "walrus"), ()), mine])
    assert dog > own > walrus > -10
    assert all(0 < share < 1 for share in read_frequencies().values())


@pytest.fixture(scope="module")
def tower() -> TextTower:
    return TextTower(load_model(starter_directory()), 2)


def test_terms_are_embedded_once(tower: TextTower, tmp_path: Path) -> None:
    model = load_model(starter_directory())
    terms = read_vocabulary("")[:5]
    first = embed_terms(terms, model, tower, Cache(str(tmp_path)))
    np.testing.assert_allclose(np.linalg.norm(first, axis=1), 1, atol=1e-5)
    (kept,) = tmp_path.iterdir()
    stream = io.BytesIO()
    np.save(stream, first * 0)
    Cache(str(tmp_path)).write(kept.name, stream.getvalue())
    assert not embed_terms(terms, model, tower, Cache(str(tmp_path))).any(), "it was made again"
    for damaged in (b"damaged", b""):  # a power failure may leave nothing in it
        kept.write_bytes(damaged)
        np.testing.assert_array_equal(embed_terms(terms, model, tower, Cache(str(tmp_path))), first)
    assert len(embed_terms(terms[:4], model, tower, Cache(str(tmp_path)))) == 4


def test_several_who_ask_at_once_have_it_made_once(
    tower: TextTower, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made: list[int] = []
    together = threading.Barrier(4)

    def counted(terms: Sequence[Term], *_: object) -> NDArray[np.float32]:
        made.append(len(terms))
        time.sleep(0.1)
        return np.eye(len(terms), 256, dtype=np.float32)

    monkeypatch.setattr(tag_scorer, "embed_terms", counted)
    active_model = ActiveModel(
        load_model(starter_directory()), 1, VectorTable(256), tower, Verifier(None)
    )
    config = Tags(confidence=50, most=5, root="")
    library = Library(str(tmp_path / "library.sqlite"))
    one = TagScorer(library, str(tmp_path / "none"), config, None)  # type: ignore[arg-type]

    def ask() -> int:
        together.wait()
        vectors = np.eye(2, 256, dtype=np.float32)
        return len(one.shared_tags(active_model, vectors, vectors[0]))

    with ThreadPoolExecutor(4) as callers:
        assert [call.result() for call in [callers.submit(ask) for _ in range(4)]] == [2] * 4
    assert len(made) == 2  # the terms, and what they are compared with
    library.close()


def test_the_starter_brings_pictures_in_general(tower: TextTower) -> None:
    sample = np.load(Path(starter_directory()) / BACKGROUND)
    assert sample.dtype == np.float16 and sample.shape == (1536, 256)
    np.testing.assert_allclose(np.linalg.norm(sample.astype(np.float32), axis=1), 1, atol=1e-2)


def test_kept_vectors_of_texts_are_those_of_the_tokenizer(tmp_path: Path) -> None:
    """Two models may differ in how they read texts alone, by their tokenizer or its settings."""
    model = load_model(starter_directory())
    other = replace(model, cleaning="canonicalize")  # drops punctuation
    cache, texts = Cache(str(tmp_path)), [["a dog, a cat & a horse!"]]
    vectors = {
        one.cleaning: embed_texts(texts, one, TextTower(one, 1), cache) for one in (model, other)
    }
    assert not np.allclose(vectors["lower"], vectors["canonicalize"], atol=1e-3)
    again = embed_texts(texts, model, TextTower(model, 1), cache)
    assert np.array_equal(again, vectors["lower"])


def test_the_image_tower_changes_no_vectors_of_texts() -> None:
    model = load_model(starter_directory())
    others = {**model.checksums, IMAGE_TOWER: "0" * 64}
    assert replace(model, checksums=others).text_fingerprint == model.text_fingerprint
    assert replace(model, pad_token=1).text_fingerprint != model.text_fingerprint
