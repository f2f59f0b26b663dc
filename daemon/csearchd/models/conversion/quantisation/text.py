"""Gives a text tower 8-bit weights, if it has about the same vectors then."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import onnxruntime

from csearchd.errors import ModelError
from csearchd.models.conversion.graph import Graph
from csearchd.models.conversion.quantisation.candidates import EXACT, MakeGraph, quantised
from csearchd.models.conversion.quantisation.outliers import Largest, recorded_largest
from csearchd.models.conversion.quantisation.products import constant_products
from csearchd.models.conversion.reference import cosine
from csearchd.models.conversion.writing import write_onnx
from csearchd.models.installed import TEXT_TOWER, TOKEN_EMBEDDING
from csearchd.models.text_tower import Vectors, open_session, run_tower, tower_inputs
from csearchd.models.token_embedding import Kind, TokenEmbedding
from csearchd.system import processors

QUANTISED_COSINE = 0.998
"""The least cosine, over all prompts, of a tower's vectors with 8-bit weights to the original's."""

_CALIBRATED = 8  # of how many prompts one is smoothed by


@dataclass(frozen=True)
class FloatTextTower:
    """A text tower in float32, and the vectors of the prompts by the tower that it was made of."""

    graph: MakeGraph  # from `embeddings`, and `tokens` if it needs them, to `vector`
    write_rows: Callable[[str, Kind], None]  # writes its token embedding to a file
    texts: Sequence[list[int]]  # the prompts' token numbers, as many as the tower needs
    expected: Vectors


def quantise_text_tower(tower: FloatTextTower, directory: str, *, portable: bool) -> float | None:
    """Writes `text.onnx` with 8-bit weights and `token_embedding.bin` into `directory`, and returns
    the least cosine of the vectors; None if it stays under QUANTISED_COSINE.

    Tries what is smallest and fastest first. `portable`: see candidates.quantised. Raises
    ModelError, OSError.
    """
    for graph in _candidates(tower, directory, portable):
        write_onnx(graph.finished(), os.path.join(directory, TEXT_TOWER))
        found = text_cosine(directory, tower.texts, tower.expected, least=QUANTISED_COSINE)
        if found >= QUANTISED_COSINE:
            return found
    return None


def _candidates(tower: FloatTextTower, directory: str, portable: bool) -> Iterator[Graph]:
    """Graphs to choose from, with their token embedding in `directory`."""
    if not constant_products(tower.graph()):
        return
    rows = os.path.join(directory, TOKEN_EMBEDDING)
    tower.write_rows(rows, "int8")
    yield from quantised(tower.graph, portable=portable)
    largest = _largest(tower, directory)
    yield from quantised(tower.graph, portable=portable, largest=largest)
    tower.write_rows(rows, "float16")
    for exact in EXACT:
        yield from quantised(tower.graph, portable=portable, largest=largest, exact=exact)


def text_cosine(
    directory: str, texts: Sequence[list[int]], expected: Vectors, least: float = -1.0
) -> float:
    """The least cosine of the vectors of `texts`, given as token numbers, by the tower in
    `directory` to `expected`; 0 if it can't be run. It is sought no further once it is under
    `least`. Raises ModelError if the token embedding is damaged."""
    embedding = TokenEmbedding(os.path.join(directory, TOKEN_EMBEDDING))
    found = 1.0
    try:
        session = open_session(os.path.join(directory, TEXT_TOWER), processors.count())
        for tokens, vector in zip(texts, expected, strict=True):
            own = run_tower(session, tokens, 1, embedding=embedding)
            found = min(cosine(own[None], vector[None]), found)  # NaN stays
            if not found >= least:
                break
    except ModelError:
        raise
    except Exception:  # onnxruntime's exceptions have no useful base class
        return 0.0
    return found


def _largest(tower: FloatTextTower, directory: str) -> Largest:
    """The largest magnitude in each column of what the tower's products take, by name."""
    embedding = TokenEmbedding(os.path.join(directory, TOKEN_EMBEDDING))

    def inputs(session: onnxruntime.InferenceSession) -> Iterator[dict[str, Any]]:
        return (tower_inputs(session, text, embedding) for text in tower.texts[::_CALIBRATED])

    return recorded_largest(tower.graph(), directory, processors.count(), inputs)
