"""CLIP's tokenizer in the mapped form."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from typing import Any

import numpy as np

from csearchd.models.installed import TOKENIZER, VOCABULARY, starter_directory
from csearchd.models.tokenization.bpe import bpe_arrays
from csearchd.models.tokenization.mapped_arrays import map_arrays, write_arrays
from csearchd.models.tokenization.splitting import merges_of, splitting_tokenizer

START = "<start_of_text>"
END = "<end_of_text>"
VOCABULARY_SIZE = 49408


def write_clip(published: Mapping[str, Any], directory: str) -> None:
    """Writes TOKENIZER and VOCABULARY into `directory`. Raises OSError.

    `published`: the content of a `tokenizer.json` with CLIP's vocabulary and open_clip's pattern,
    which csearchd.models.export.bpe_vocabulary makes.
    """
    model = published["model"]
    start, end = model["vocab"][START], model["vocab"][END]
    description = {
        "model": "BPE",
        "suffixed": True,
        "bytes": None,
        "unknown": None,
        "fuse_unknown": False,
        "special": [],
        "whole_words": {START: start, END: end},  # open_clip accepts them in a text
        "prefix": [start],
        "suffix": [end],
        "languages": {},
        "language": "",
    }
    write_arrays(os.path.join(directory, VOCABULARY), description, _arrays(model))
    with open(os.path.join(directory, TOKENIZER), "w", encoding="utf-8") as file:
        json.dump(splitting_tokenizer(published, []), file, ensure_ascii=False)


def is_clip(model: Mapping[str, Any]) -> bool:
    """Whether `model`, of a `tokenizer.json`, has CLIP's vocabulary: the same tokens for the same
    words, whatever the special ones are called."""
    if model.get("type") != "BPE" or model.get("end_of_word_suffix") != "</w>":
        return False
    try:
        found = _arrays(model)
    except (KeyError, TypeError, ValueError):  # merges of pieces that there aren't
        return False
    _, known = map_arrays(os.path.join(starter_directory(), VOCABULARY))
    return all(np.array_equal(found[name], np.asarray(known[name])) for name in found)


def _arrays(model: Mapping[str, Any]) -> dict[str, Any]:
    return bpe_arrays(model["vocab"], merges_of(model), model["end_of_word_suffix"])
