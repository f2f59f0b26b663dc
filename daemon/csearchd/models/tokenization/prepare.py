"""Makes a model's tokenizer of the files that are published with it."""

from __future__ import annotations

import json
import os
import re
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from csearchd.errors import ModelError
from csearchd.models.installed import TOKENIZER, VOCABULARY, starter_directory
from csearchd.models.tokenization.bpe import bpe_arrays
from csearchd.models.tokenization.cleaning import CLEANINGS
from csearchd.models.tokenization.clip import is_clip
from csearchd.models.tokenization.mapped_arrays import write_arrays
from csearchd.models.tokenization.piece_trie import trie_arrays
from csearchd.models.tokenization.splitting import BYTE_NAMES, merges_of, splitting_tokenizer
from csearchd.models.tokenization.unigram import UNKNOWN_PENALTY
from csearchd.models.tokenizer import (
    LIBRARY,
    MAPPED,
    MappedTokenizer,
    read_tokenizer,
)

TOKENIZER_CONFIG = "tokenizer_config.json"
SPECIAL_TOKENS = "special_tokens_map.json"
PUBLISHED = (TOKENIZER, TOKENIZER_CONFIG, SPECIAL_TOKENS)
"""What a model's tokenizer is published as; the first is needed, the others are read if there."""

_LANGUAGE = re.compile("[a-z]{3}_[A-Z][a-z]{3}")  # NLLB's tokens for languages: ISO 639-3 and 15924
_SAMPLES = 200  # texts on which the mapped vocabulary is compared with the library
_SAMPLE_PIECES = 7
_MAX_SPREAD = 16  # the largest token by the number of tokens
_MAX_PIECE = 10_000  # characters; the time to make a vocabulary grows with its square
_UNCUT = 1 << 30  # a context length: what is cut off isn't compared


@dataclass(frozen=True)
class TokenizerSettings:
    """What a model's description says of its tokenizer."""

    tokenizer: str  # MAPPED or LIBRARY
    cleaning: str  # one of CLEANINGS
    pad_token: int
    files: tuple[str, ...]  # those that were written


class _UnsupportedFormError(Exception):
    """The mapped vocabulary can't hold a tokenizer of this form."""


def prepare_tokenizer(source: str, target: str, text_cfg: Mapping[str, Any]) -> TokenizerSettings:
    """Writes a model's tokenizer into the directory `target`.

    `source`: the directory with the PUBLISHED files. `text_cfg`: of open_clip's configuration; if
    it names no `hf_tokenizer_name`, the tokenizer is CLIP's, which needs no files. Raises
    ModelError if the tokenizer can't be used, or OSError.
    """
    cleaning = check_tokenizer(text_cfg)
    if not text_cfg.get("hf_tokenizer_name"):
        return _prepare_clip(source, target, cleaning)
    try:
        published = _Published(source, text_cfg)
        return _prepare(published, target, cleaning)
    except (ModelError, OSError):
        raise
    except Exception as error:  # files of others may hold anything
        path, what = os.path.join(source, TOKENIZER), type(error).__name__
        raise ModelError(
            f"{path} can't be used: it is damaged, or no tokenizer ({what})"
        ) from error


def _prepare(published: _Published, target: str, cleaning: str) -> TokenizerSettings:
    try:
        published.write_mapped(target)
        if not published.equals(target, cleaning):
            raise _UnsupportedFormError("its tokens differ")
    except _UnsupportedFormError as error:
        if published.languages or published.stripped is not None:
            raise ModelError(f"{published.path} can't be used: {error}") from None
        _remove(os.path.join(target, VOCABULARY))
        shutil.copyfile(published.path, os.path.join(target, TOKENIZER))
        return TokenizerSettings(LIBRARY, cleaning, published.pad_token, (TOKENIZER,))
    files = (TOKENIZER, VOCABULARY)
    return TokenizerSettings(MAPPED, cleaning, published.pad_token, files)


def check_tokenizer(text_cfg: Mapping[str, Any]) -> str:
    """How the texts of the text tower `text_cfg` are cleaned, one of CLEANINGS. Raises ModelError
    if it uses a tokenizer in a way that isn't supported."""
    published = bool(text_cfg.get("hf_tokenizer_name"))
    if text_cfg.get("tokenizer_mode"):
        raise ModelError(f"its tokenizer has the mode {text_cfg['tokenizer_mode']!r}")
    options = text_cfg.get("tokenizer_kwargs") or {}
    if not isinstance(options, Mapping):
        raise ModelError("its tokenizer_kwargs are no table of settings")
    known = {"clean", "strip_sep_token", "language"} if published else {"clean"}
    if unknown := sorted(set(options) - known):
        raise ModelError(f"its tokenizer has the setting {unknown[0]!r}")
    cleaning = options.get("clean", "whitespace" if published else "lower")
    if not isinstance(cleaning, str) or cleaning not in CLEANINGS:
        raise ModelError(f"its tokenizer cleans texts in the way {cleaning!r}")
    return cleaning


def _prepare_clip(source: str, target: str, cleaning: str) -> TokenizerSettings:
    """The starter's tokenizer, which is open_clip's: what is published splits words in another
    way."""
    path = os.path.join(source, TOKENIZER)
    published = _read_json(path)
    own = _read_json(os.path.join(starter_directory(), TOKENIZER))
    if published not in (None, own) and not is_clip(published.get("model") or {}):
        raise ModelError(f"{path} isn't CLIP's tokenizer, and the configuration names no other")
    files = (TOKENIZER, VOCABULARY)
    for name in files:
        shutil.copyfile(os.path.join(starter_directory(), name), os.path.join(target, name))
    return TokenizerSettings(MAPPED, cleaning, pad_token=0, files=files)


class _Published:
    """A published tokenizer."""

    def __init__(self, source: str, text_cfg: Mapping[str, Any]) -> None:
        self.path = os.path.join(source, TOKENIZER)
        self._json = _read_json(self.path)
        if self._json is None:
            raise ModelError(f"{self.path} is missing")
        try:
            self._library = read_tokenizer(self.path)
        except ValueError as error:
            raise ModelError(str(error)) from None
        self._vocabulary: dict[str, int] = self._library.get_vocab(with_added_tokens=False)
        self._config = _read_json(os.path.join(source, TOKENIZER_CONFIG)) or {}
        if self._config.get("legacy_behaviour"):
            raise ModelError(f"{self.path} can't be used: it marks languages in an outdated way")
        for side in ("padding_side", "truncation_side"):
            if self._config.get(side, "right") != "right":
                raise ModelError(f"{self.path} can't be used: its {side} is {self._config[side]}")
        self._names = _read_json(os.path.join(source, SPECIAL_TOKENS)) or {}
        self._options = text_cfg.get("tokenizer_kwargs") or {}
        size = text_cfg.get("vocab_size")
        self._size = size if isinstance(size, int) else None
        self._added = {
            token["content"]: token["id"]
            for token in self._json.get("added_tokens") or []
            if self._size is None or token["id"] < self._size
        }
        largest = max(self._vocabulary.values(), default=0)
        if largest >= _MAX_SPREAD * (len(self._vocabulary) + len(self._added) + 1):
            raise ModelError(
                f"{self.path} can't be used: it has a token {largest}, far behind the others"
            )
        if any(len(piece) > _MAX_PIECE for piece in self._vocabulary):
            raise ModelError(
                f"{self.path} can't be used: it has a piece of more than {_MAX_PIECE} characters"
            )
        if self._size is not None and largest >= self._size:
            raise ModelError(
                f"{self.path} has a token {largest}, but the text tower knows only {self._size}"
            )
        self.stripped = self._special("sep_token") if self._options.get("strip_sep_token") else None
        self.pad_token = self._pad_token()
        self.languages = {
            name: token for name, token in self._added.items() if _LANGUAGE.fullmatch(name)
        }

    def write_mapped(self, target: str) -> None:
        """Writes TOKENIZER, which only splits, and VOCABULARY into `target`. Raises
        _UnsupportedFormError or OSError."""
        description, arrays = self._model()
        prefix, suffix = self._surroundings()
        description |= {
            "special": [self._replaced(token) for token in self._added.values()],
            "whole_words": {},
            "prefix": prefix,
            "suffix": suffix,
            "languages": self.languages,
            "language": self._language(),
        }
        write_arrays(os.path.join(target, VOCABULARY), description, arrays)
        splitter = splitting_tokenizer(self._json, list(self._added))
        with open(os.path.join(target, TOKENIZER), "w", encoding="utf-8") as file:
            json.dump(splitter, file, ensure_ascii=False)

    def equals(self, target: str, cleaning: str) -> bool:
        """Whether the mapped tokenizer in `target` gives the library's tokens, special ones that
        surround the text aside, on texts of pieces from all over the vocabulary."""
        mapped = MappedTokenizer(target, _UNCUT, cleaning)
        prefix, suffix = self._surroundings()
        start = len(prefix) + bool(self.languages)
        self._library.no_truncation()
        self._library.no_padding()
        for text in self._samples():
            found = mapped.encode(text)
            tokens = self._library.encode(CLEANINGS[cleaning](text), add_special_tokens=False).ids
            if found[start : len(found) - len(suffix)] != [self._replaced(t) for t in tokens]:
                return False
        return True

    def _samples(self) -> list[str]:
        pieces = sorted(self._vocabulary, key=self._vocabulary.__getitem__)
        chosen = pieces[:: max(len(pieces) // (_SAMPLES * _SAMPLE_PIECES), 1)]
        spread = [chosen[start::_SAMPLES] for start in range(min(_SAMPLES, len(chosen)))]
        return [" ".join(row) for row in spread] + ["".join(row) for row in spread]

    def _model(self) -> tuple[dict[str, Any], dict[str, Any]]:
        """The description and the arrays of the model of words."""
        model = self._json["model"]
        vocabulary = self._vocabulary
        kind = model.get("type")
        unknown = vocabulary.get(model.get("unk_token") or "")
        if kind == "BPE":
            if any(model.get(key) for key in ("dropout", "continuing_subword_prefix")):
                raise _UnsupportedFormError("its BPE has a dropout or a prefix")
            if model.get("ignore_merges"):
                raise _UnsupportedFormError("its BPE ignores merges")
            suffix = model.get("end_of_word_suffix") or ""
            description = {
                "model": kind,
                "suffixed": bool(suffix),
                "bytes": _byte_tokens(model, vocabulary),
                "unknown": unknown,
                "fuse_unknown": bool(model.get("fuse_unk")),
            }
            return description, dict(bpe_arrays(vocabulary, merges_of(model), suffix))
        if kind == "Unigram":
            scores = [score for _, score in model["vocab"]]
            if model.get("unk_id") is None:
                raise _UnsupportedFormError("it has no token for what is unknown")
            description = {
                "model": kind,
                "unknown": model["unk_id"],
                "unknown_score": min(scores) - UNKNOWN_PENALTY,
                "bytes": _byte_tokens(model, vocabulary),
            }
            return description, {**trie_arrays(vocabulary), "scores": np.array(scores, np.float64)}
        if kind == "WordPiece" and unknown is not None:
            description = {
                "model": kind,
                "unknown": unknown,
                "continuation": model["continuing_subword_prefix"],
                "max_characters": model["max_input_chars_per_word"],
            }
            return description, dict(trie_arrays(vocabulary))
        raise _UnsupportedFormError(f"it is a {kind}")

    def _surroundings(self) -> tuple[list[int], list[int]]:
        """The tokens before and behind every text, that for the language aside."""
        name = str(self._config.get("tokenizer_class") or "")
        end = self._special("eos_token")
        if self.languages and end is not None:  # NLLB, whose class ignores what the file says
            return [], [end]
        if name.startswith("Gemma") and "add_eos_token" in self._config:
            start = self._special("bos_token")
            prefix = [start] if self._config.get("add_bos_token", True) else []
            suffix = [end] if self._config["add_eos_token"] else []
            return [t for t in prefix if t is not None], [t for t in suffix if t is not None]
        before, after = _around(self._library)
        return [self._replaced(t) for t in before], [self._replaced(t) for t in after]

    def _replaced(self, token: int) -> int:
        """The token that stands in the place of `token`: open_clip blanks separators, if asked
        to."""
        return 0 if token == self.stripped else token

    def _language(self) -> str:
        """The language of a text if the user's isn't known."""
        language: str = self._options.get("language") or self._config.get("src_lang") or "eng_Latn"
        return language if language in self.languages else min(self.languages, default="")

    def _pad_token(self) -> int:
        padding = self._json.get("padding") or {}
        for token in (self._special("pad_token"), padding.get("pad_id")):
            if token is not None:
                return int(token)
        return 0

    def _special(self, name: str) -> int | None:
        """The special token that `name` names, as 'pad_token'."""
        for source in (self._config, self._names):
            entry = source.get(name)
            content = entry.get("content") if isinstance(entry, dict) else entry
            if isinstance(content, str):
                token: int | None = self._library.token_to_id(content)
                return token
        return None


def _byte_tokens(
    model: Mapping[str, Any], vocabulary: Mapping[str, int]
) -> list[int | None] | None:
    """The tokens of bytes, for characters without a token of their own, if they are used. A few may
    be missing: Gemma has a tabulator in the place of its byte."""
    if not model.get("byte_fallback"):
        return None
    return [vocabulary.get(name) for name in BYTE_NAMES]


def _around(tokenizer: Any) -> tuple[list[int], list[int]]:
    """The special tokens that the library puts before and behind a text."""
    inner = tokenizer.encode("a", add_special_tokens=False).ids
    whole: list[int] = tokenizer.encode("a").ids
    for start in range(len(whole) - len(inner) + 1):
        if whole[start : start + len(inner)] == inner:
            return whole[:start], whole[start + len(inner) :]
    raise _UnsupportedFormError("it changes the tokens of a text")


def _read_json(path: str) -> Any:
    """The object in the JSON file at `path`, None if there is no file. Raises ModelError."""
    try:
        with open(path, encoding="utf-8") as file:
            content = json.load(file)
    except FileNotFoundError:
        return None
    except (ValueError, RecursionError) as error:
        raise ModelError(f"{path} is not JSON: {error}") from None
    if not isinstance(content, dict):
        raise ModelError(f"{path} is not a JSON object")
    return content


def _remove(path: str) -> None:
    if os.path.exists(path):
        os.unlink(path)
