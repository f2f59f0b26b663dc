"""Takes a published `tokenizer.json` apart: into what splits texts, and a model of words."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

BYTES = 256
"""The tokens below this one are bytes of words, in a `tokenizer.json` that only splits."""

BYTE_NAMES = tuple(f"<0x{byte:02X}>" for byte in range(BYTES))
"""What the tokens of bytes are called, in all vocabularies that have them."""


def splitting_tokenizer(published: Mapping[str, Any], special: Sequence[str]) -> dict[str, Any]:
    """The content of a `tokenizer.json` that normalises and splits texts as `published` does, but
    gives the bytes of its words (tokens below BYTES) and the numbers of `special` tokens, counted
    from BYTES."""
    numbers = {content: BYTES + index for index, content in enumerate(special)}
    return {
        **published,
        "truncation": None,
        "padding": None,
        "added_tokens": [
            {**token, "id": numbers[token["content"]]}
            for token in published.get("added_tokens") or []
            if token["content"] in numbers
        ],
        "post_processor": None,
        "decoder": None,
        "model": {
            "type": "BPE",
            "byte_fallback": True,
            "vocab": {name: number for number, name in enumerate(BYTE_NAMES)},
            "merges": [],
        },
    }


def merges_of(model: Mapping[str, Any]) -> list[tuple[str, str]]:
    """The merges of a BPE, which are pairs or, in older files, texts with a blank between. Raises
    ValueError if they aren't."""
    pairs = (m.split(" ") if isinstance(m, str) else m for m in model["merges"])
    return [(left, right) for left, right in pairs]
