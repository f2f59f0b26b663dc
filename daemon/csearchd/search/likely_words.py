"""Tells by their looks which pictures are likely to have words in them."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from csearchd.errors import ModelError
from csearchd.models.active_model import Models
from csearchd.scoring.background import MIN_VECTORS, background
from csearchd.search.query_language.query_vector import Vector

_PROMPTS = (
    "a screenshot",
    "a scanned document with text",
    "a receipt",
    "a photo of a sign with words",
    "a page of a book",
)
_MOST = 1000  # pictures for each of these
_SURE = 1.5  # standard deviations above pictures in general


class LikelyWords:
    """Compares pictures with screenshots, documents and signs."""

    def __init__(self, models: Models, embed: Callable[[str], Vector]) -> None:
        """`embed` gives the active model's unit vector of a text."""
        self._models = models
        self._embed = embed

    def __call__(self, contents: NDArray[np.int32]) -> NDArray[np.bool_]:
        """Which of the contents, by ascending ids, are likely to have words; the likeliest, of
        very many. None where that can't be told at present."""
        active_model = self._models.active_model
        general = background(active_model)
        if len(general) < MIN_VECTORS or not len(contents):
            return np.zeros(len(contents), np.bool_)
        wanted = np.zeros(int(contents[-1]) + 1, np.bool_)
        wanted[contents] = True
        likely = [np.zeros(0, np.int32)]
        for prompt in _PROMPTS:
            try:
                vector = self._embed(prompt)
            except ModelError:  # the order of reading is not worth more
                return np.zeros(len(contents), np.bool_)
            if len(vector) != general.shape[1]:  # another model became the active one meanwhile
                return np.zeros(len(contents), np.bool_)
            usual = general @ vector
            found, scores = active_model.table.search(vector, wanted, _MOST)
            likely.append(found[scores > usual.mean() + _SURE * usual.std()])
        return np.isin(contents, np.concatenate(likely))
