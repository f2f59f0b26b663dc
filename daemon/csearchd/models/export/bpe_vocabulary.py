"""Writes open_clip's copy of CLIP's vocabulary as csearchd.models.tokenizer reads it. Needs
torch."""

from __future__ import annotations

import json
import re
import sys

import regex  # type: ignore[import-untyped]
from open_clip.tokenizer import SimpleTokenizer
from tokenizers import Regex, Tokenizer
from tokenizers.models import BPE
from tokenizers.pre_tokenizers import ByteLevel, Sequence, Split

from csearchd.models.tokenization.clip import END, START, write_clip

LITERALS = (START, END, "'s", "'t", "'re", "'ve", "'m", "'ll", "'d")
CLASSES = (r"[\p{L}]", r"[\p{N}]", r"[^\s\p{L}\p{N}]")


def build_tokenizer(directory: str) -> None:
    """Writes CLIP's tokenizer into `directory`. Raises OSError."""
    write_clip(json.loads(clip_tokenizer().to_str()), directory)


def clip_tokenizer() -> Tokenizer:
    """open_clip's tokenizer, as one of the `tokenizers` library."""
    clip = SimpleTokenizer()
    merges = sorted(clip.bpe_ranks, key=clip.bpe_ranks.__getitem__)
    tokenizer = Tokenizer(BPE(vocab=clip.encoder, merges=merges, end_of_word_suffix="</w>"))
    tokenizer.pre_tokenizer = Sequence(
        [
            Split(Regex(_pattern()), behavior="removed", invert=True),
            ByteLevel(add_prefix_space=False, use_regex=False),
        ]
    )
    return tokenizer


def _pattern() -> str:
    """open_clip's pattern for words, for Oniguruma, the engine of the `tokenizers` library.

    Every character class lists what the `regex` module matches, ignoring case as open_clip does:
    Oniguruma has Unicode tables and case folding of another version.
    """
    codes = (code for code in range(sys.maxunicode + 1) if not 0xD800 <= code < 0xE000)
    characters = "".join(map(chr, codes))
    of = {c: _members(regex.escape(c), characters) for c in {*"".join(LITERALS)}}
    letter, number, other = (_members(pattern, characters) for pattern in CLASSES)
    literals = ["".join(of[c] for c in literal) for literal in LITERALS]
    return "|".join([*literals, f"{letter}+", number, f"{other}+"])


def _members(pattern: str, characters: str) -> str:
    """A character class with those of `characters` (sorted) that match `pattern`, ignoring case."""
    runs = regex.finditer(f"(?:{pattern})+", characters, regex.IGNORECASE)
    return "[" + "".join(_range(run[0][0], run[0][-1]) for run in runs) + "]"


def _range(first: str, last: str) -> str:
    return re.escape(first) if first == last else f"{re.escape(first)}-{re.escape(last)}"
