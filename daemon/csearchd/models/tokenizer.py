"""Tokenizers without torch: the tokens of open_clip's tokenizers, for every text.

A tokenizer cleans a text, splits it into words and special tokens, and converts each word to
tokens. The `tokenizers` library splits, since it normalises as published; the vocabulary, which
would take 90 MB and more there, is in a mapped file. There are three kinds:

MAPPED   `tokenizer.json` splits, `vocabulary.bin` converts; csearchd.models.tokenization.prepare
         writes both
CLIP     `tokenizer.json` does both, for CLIP's vocabulary; models installed earlier have it
LIBRARY  `tokenizer.json` is as published: its form is one that vocabulary.bin can't hold
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from typing import Any, Protocol

import tokenizers

from csearchd.models.installed import TOKENIZER, VOCABULARY, Model
from csearchd.models.tokenization.bpe import Bpe
from csearchd.models.tokenization.cleaning import CLEANINGS
from csearchd.models.tokenization.clip import END, START
from csearchd.models.tokenization.languages import language_token
from csearchd.models.tokenization.mapped_arrays import map_arrays
from csearchd.models.tokenization.splitting import BYTES
from csearchd.models.tokenization.unigram import Unigram
from csearchd.models.tokenization.wordpiece import WordPiece

CLIP = "clip"
MAPPED = "mapped"
LIBRARY = "library"

# Characters: texts and words beyond are looked at only as far as their first tokens depend on them.
_HEAD = 1 << 14
_LONG_WORD = 1 << 9
_MARGIN = 1 << 10

_MODELS: dict[str, type[Bpe] | type[Unigram] | type[WordPiece]] = {
    "BPE": Bpe,
    "Unigram": Unigram,
    "WordPiece": WordPiece,
}


class Tokenizer(Protocol):
    """Converts texts to tokens. Several threads may call it at once."""

    def encode(self, text: str, language: str = "") -> list[int]:
        """The tokens of `text`, special ones included, without padding.

        They are at most as many as the context length; a text that is cut keeps the tokens that
        end it. `language`: of the text, as 'de', 'de_DE.UTF-8' or 'deu_Latn', for those tokenizers
        that mark it; others ignore it. Where none is given, or one that the tokenizer doesn't
        know, the text is marked as in the language that the tokenizer was published with, which is
        English for NLLB.
        """


def load_tokenizer(model: Model) -> Tokenizer:
    """The tokenizer of `model`. Raises OSError if its files can't be read, ValueError if they are
    no tokenizer."""
    return open_tokenizer(model.tokenizer, model.directory, model.context_length, model.cleaning)


def open_tokenizer(kind: str, directory: str, context_length: int, cleaning: str) -> Tokenizer:
    """Like `load_tokenizer`, for a tokenizer whose files are in `directory`."""
    if kind == MAPPED:
        return MappedTokenizer(directory, context_length, cleaning)
    if kind == LIBRARY:
        return LibraryTokenizer(os.path.join(directory, TOKENIZER), context_length, cleaning)
    if kind == CLIP:
        return ClipTokenizer(os.path.join(directory, TOKENIZER), context_length, cleaning)
    raise ValueError(f"{directory} has a tokenizer of an unknown kind: {kind!r}")


class MappedTokenizer:
    """A tokenizer whose vocabulary is mapped."""

    def __init__(self, directory: str, context_length: int, cleaning: str) -> None:
        """`directory`: with TOKENIZER and VOCABULARY, which csearchd.models.tokenization.prepare
        wrote. `cleaning`: one of CLEANINGS. Raises OSError or ValueError."""
        self._splitter = read_tokenizer(os.path.join(directory, TOKENIZER))
        path = os.path.join(directory, VOCABULARY)
        description, arrays = map_arrays(path)
        try:
            self._model = _MODELS[description["model"]](description, arrays)
            self._special: list[int] = description["special"]
            self._whole_words: dict[str, int] = description["whole_words"]
            self._prefix: list[int] = description["prefix"]
            self._suffix: list[int] = description["suffix"]
            self._languages: dict[str, int] = description["languages"]
            self._language: str = description["language"]
        except (KeyError, TypeError) as error:
            raise ValueError(f"{path} is not a vocabulary: {error}") from None
        self._clean = _cleaning(cleaning)
        self._context_length = context_length

    def encode(self, text: str, language: str = "") -> list[int]:
        """See Tokenizer."""
        prefix = self._prefix
        if self._languages:
            found = language_token(self._languages, language)
            prefix = [self._languages[self._language] if found is None else found, *prefix]
        room = max(self._context_length - len(prefix) - len(self._suffix), 0)
        cleaned = self._clean(text)
        tokens = self._beginning(cleaned, room) if len(cleaned) > _HEAD else None
        if tokens is None:
            tokens, _ = self._tokens(self._split(cleaned), room)
        return [*prefix, *tokens[:room], *self._suffix]

    def _beginning(self, text: str, room: int) -> list[int] | None:
        """The first `room` tokens of a long text, from its first _HEAD characters alone; None if
        they may depend on others.

        Normalising and splitting is a matter of a few characters, so all that is _MARGIN before the
        end of these stays as it is.
        """
        parts = list(self._split(text[:_HEAD]))
        left = _MARGIN
        while parts and left > 0 and (isinstance(parts[-1], int) or len(parts[-1]) <= left):
            last = parts.pop()
            left -= 1 if isinstance(last, int) else len(last)
        if not parts:
            return None
        *words, open_word = parts
        tokens, full = self._tokens(words, room)
        if not full:
            more = None
            if isinstance(open_word, str):
                start = open_word[: len(open_word) - max(left, 1)]
                more = self._model.beginning(start, room - len(tokens))
            tokens += more or []
        return tokens if len(tokens) >= room else None

    def _tokens(self, parts: Iterable[str | int], room: int) -> tuple[list[int], bool]:
        """The tokens of `parts`, as many as there is `room` for and maybe more, and whether they
        fill it."""
        tokens: list[int] = []
        for part in parts:
            if isinstance(part, int):
                tokens.append(part)
            elif part in self._whole_words:
                tokens.append(self._whole_words[part])
            else:
                known = None
                if len(part) > _LONG_WORD:
                    known = self._model.beginning(part[:-1][:_HEAD], room - len(tokens))
                tokens += self._model.encode(part) if known is None else known
            if len(tokens) >= room:
                return tokens, True
        return tokens, False

    def _split(self, text: str) -> Iterator[str | int]:
        """The words of `text`, normalised, and its special tokens."""
        encoding = self._splitter.encode(text, add_special_tokens=False)
        word: list[int] = []
        number = None
        for token, part in zip(encoding.ids, encoding.word_ids, strict=True):
            if word and (token >= BYTES or part != number):
                yield bytes(word).decode()
                word = []
            if token >= BYTES:
                yield self._special[token - BYTES]
            else:
                word.append(token)
                number = part
        if word:
            yield bytes(word).decode()


class LibraryTokenizer:
    """A published `tokenizer.json`, run by the library alone."""

    def __init__(self, path: str, context_length: int, cleaning: str) -> None:
        """Raises OSError, or ValueError if `path` isn't a tokenizer."""
        self._tokenizer = read_tokenizer(path)
        self._tokenizer.no_padding()
        self._tokenizer.enable_truncation(context_length)
        self._clean = _cleaning(cleaning)

    def encode(self, text: str, language: str = "") -> list[int]:
        """See Tokenizer."""
        tokens: list[int] = self._tokenizer.encode(self._clean(text)).ids
        return tokens


class ClipTokenizer:
    """CLIP's tokenizer, with the vocabulary in the library."""

    def __init__(self, path: str, context_length: int, cleaning: str = "lower") -> None:
        """Reads `tokenizer.json` at `path`, as csearchd.models.export.bpe_vocabulary wrote it
        once. Raises OSError if it can't be read, ValueError if it isn't CLIP's tokenizer.
        """
        tokenizer = read_tokenizer(path)
        start, end = tokenizer.token_to_id(START), tokenizer.token_to_id(END)
        if start is None or end is None or tokenizer.pre_tokenizer is None:
            raise ValueError(f"{path} is not CLIP's tokenizer")
        self._special = {START: start, END: end}
        self._split = tokenizer.pre_tokenizer.pre_tokenize_str
        self._tokenizer = tokenizer
        self._model = tokenizer.model
        self._clean = _cleaning(cleaning)
        self._context_length = context_length

    def encode(self, text: str, language: str = "") -> list[int]:
        """See Tokenizer."""
        tokens = [self._special[START]]
        for word, _ in self._split(self._clean(text)):
            if word in self._special:  # open_clip accepts special tokens in a text
                tokens.append(self._special[word])
            else:
                tokens.extend(token.id for token in self._model.tokenize(word))
            if len(tokens) >= self._context_length:
                break
        return [*tokens[: self._context_length - 1], self._special[END]]


def read_tokenizer(path: str) -> Any:
    """The library's tokenizer in the file at `path`. Raises OSError if it can't be read,
    ValueError if it isn't one."""
    with open(path, "rb") as file:
        content = file.read()
    try:
        return tokenizers.Tokenizer.from_buffer(content)
    except Exception as error:  # the library raises plain Exceptions
        raise ValueError(f"{path} is not a tokenizer: {error}") from None


def _cleaning(name: str) -> Any:
    if name not in CLEANINGS:
        raise ValueError(f"texts can't be cleaned in the way {name!r}")
    return CLEANINGS[name]
