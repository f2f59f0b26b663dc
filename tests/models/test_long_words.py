"""Of a long word only as much is looked at as its first tokens depend on; they stay the same."""

from __future__ import annotations

import random
from pathlib import Path
from typing import Any

import open_clip.tokenizer
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from csearchd.models.installed import load_model, starter_directory
from csearchd.models.tokenization.bpe import Bpe, bpe_arrays
from csearchd.models.tokenization.cleaning import CLEANINGS
from csearchd.models.tokenization.piece_trie import trie_arrays
from csearchd.models.tokenization.prepare import prepare_tokenizer
from csearchd.models.tokenization.splitting import BYTE_NAMES
from csearchd.models.tokenization.unigram import Unigram
from csearchd.models.tokenization.wordpiece import WordPiece
from csearchd.models.tokenizer import MappedTokenizer, load_tokenizer, read_tokenizer
from support import vocabularies

LENGTH = 77
MILLION = 1_000_000
ALPHABET = "abcx€"  # no vocabulary has the last two


def mapped(arrays: Any) -> dict[str, memoryview]:
    return {name: memoryview(array) for name, array in arrays.items()}


def random_bpe(seed: int, *, suffixed: bool, bytes: bool, unknown: int | None) -> Bpe:
    """A BPE of random merges, which may contradict any order of length."""
    numbers = random.Random(seed)
    suffix = "</w>" if suffixed else ""
    pieces = [c + end for c in "abc" for end in {"", suffix}]
    merges: list[tuple[str, str]] = []
    for _ in range(numbers.randrange(30)):
        left = numbers.choice([piece for piece in pieces if not suffix or suffix not in piece])
        right = numbers.choice(pieces)
        if (left, right) not in merges and len(left + right) < 12:
            merges.append((left, right))
            pieces.append(left + right)
    names = [*dict.fromkeys(["<unk>", *BYTE_NAMES, *pieces])]
    vocabulary = {name: number for number, name in enumerate(names)}
    description = {
        "suffixed": suffixed,
        "bytes": [vocabulary[name] for name in BYTE_NAMES] if bytes else None,
        "unknown": unknown,
        "fuse_unknown": bool(seed % 2),
    }
    return Bpe(description, mapped(bpe_arrays(vocabulary, merges, suffix)))


def random_unigram(seed: int, *, bytes: bool) -> Unigram:
    import numpy as np

    numbers = random.Random(seed)
    pieces = {"<unk>"} | {
        "".join(numbers.choices("abc", k=numbers.randrange(1, 7))) for _ in range(40)
    }
    names = ["<unk>", *sorted(pieces - {"<unk>"}), *BYTE_NAMES]
    scores = [-float(numbers.randrange(1, 9)) for _ in names]
    description = {
        "unknown": 0,
        "unknown_score": min(scores) - 10.0,
        "bytes": [names.index(name) for name in BYTE_NAMES] if bytes else None,
    }
    vocabulary = {name: number for number, name in enumerate(names)}
    arrays = {**trie_arrays(vocabulary), "scores": np.array(scores, np.float64)}
    return Unigram(description, mapped(arrays))


def random_wordpiece(seed: int) -> WordPiece:
    numbers = random.Random(seed)
    names = ["[UNK]", "a", "b", "##a", "##b", "##c"]
    names += ["##" + "".join(numbers.choices("abc", k=3)) for _ in range(9)]
    vocabulary = {name: number for number, name in enumerate(dict.fromkeys(names))}
    description = {"unknown": 0, "continuation": "##", "max_characters": 60}
    return WordPiece(description, mapped(trie_arrays(vocabulary)))


def random_models(seed: int) -> list[Bpe | Unigram | WordPiece]:
    return [
        random_bpe(seed, suffixed=False, bytes=True, unknown=None),
        random_bpe(seed, suffixed=False, bytes=False, unknown=0),
        random_bpe(seed, suffixed=True, bytes=False, unknown=None),
        random_unigram(seed, bytes=True),
        random_unigram(seed, bytes=False),
        random_wordpiece(seed),
    ]


words = st.one_of(
    st.text(ALPHABET, min_size=40, max_size=200),
    st.builds(
        lambda part, times, end: part * times + end,
        st.text(ALPHABET, min_size=1, max_size=6),
        st.integers(20, 60),
        st.text(ALPHABET, max_size=4),
    ),
)


@given(seed=st.integers(0, 10_000), word=words, count=st.integers(1, 12), at=st.integers(1, 400))
@settings(max_examples=400, deadline=None)
def test_what_is_said_of_a_beginning_holds_for_the_word(
    seed: int, word: str, count: int, at: int
) -> None:
    for model in random_models(seed):
        known = model.beginning(word[: min(at, len(word) - 1)], count)
        assert known is None or known == model.encode(word)[:count], type(model)


def test_a_beginning_is_enough_for_words_as_they_are() -> None:
    """Else the property above would hold for models that never know anything."""
    numbers = random.Random(0)
    for model in random_models(3)[:4]:
        for letters in ("ab", "abc", "aab"):
            word = "".join(numbers.choices(letters, k=900))
            assert model.beginning(word, 8) is not None, (type(model), letters)


@given(part=st.text(min_size=1, max_size=8), times=st.integers(1, 9000), end=st.text(max_size=20))
@settings(max_examples=40, deadline=None)
def test_long_texts_give_the_librarys_tokens(
    cases: list[tuple[MappedTokenizer, Any, str]], part: str, times: int, end: str
) -> None:
    text = part * times + end
    for tokenizer, library, cleaning in cases:
        assert tokenizer.encode(text) == library.encode(CLEANINGS[cleaning](text)).ids


@given(part=st.text(min_size=1, max_size=8), times=st.integers(200, 9000))
@settings(max_examples=30, deadline=None)
def test_long_texts_give_open_clips_tokens(part: str, times: int) -> None:
    tokens = load_tokenizer(load_model(starter_directory())).encode(part * times)
    expected = open_clip.tokenizer.SimpleTokenizer()(part * times, LENGTH)[0].tolist()
    assert tokens + [0] * (LENGTH - len(tokens)) == expected


@pytest.mark.parametrize("letters", ["a", "abcdefghijklmnopqrstuvwxyz"])
def test_a_word_of_a_million_letters_costs_what_its_beginning_does(
    cases: list[tuple[MappedTokenizer, Any, str]],
    letters: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    numbers = random.Random(1)
    word = "".join(numbers.choices(letters, k=MILLION))
    asked: list[int] = []
    for kind in (Bpe, Unigram, WordPiece):
        encode = kind.encode

        def counted(self: Any, word: str, encode: Any = encode) -> list[int]:
            asked.append(len(word))
            tokens: list[int] = encode(self, word)
            return tokens

        monkeypatch.setattr(kind, "encode", counted)
    for tokenizer, _, _ in [*cases, (load_tokenizer(load_model(starter_directory())), None, "")]:
        assert tokenizer.encode(word) == tokenizer.encode(word[: MILLION // 2])
    assert max(asked, default=0) < 20_000


@pytest.fixture(scope="module")
def cases(tmp_path_factory: pytest.TempPathFactory) -> list[tuple[MappedTokenizer, Any, str]]:
    """Tokenizers, and those of the library that they stand for."""
    unigram = vocabularies.train("unigram", 1200)
    bpe = vocabularies.train("bpe", 1500)
    found = []
    for files in (
        vocabularies.xlm_roberta(unigram),
        vocabularies.nllb(bpe, ("eng_Latn",)),
        vocabularies.bert(),
    ):
        directory: Path = tmp_path_factory.mktemp("tokenizer")
        vocabularies.publish(files, directory)
        (directory / "made").mkdir()
        made = prepare_tokenizer(
            str(directory), str(directory / "made"), {"hf_tokenizer_name": "a/name"}
        )
        library = read_tokenizer(str(directory / "tokenizer.json"))
        library.no_padding()
        library.enable_truncation(LENGTH)
        tokenizer = MappedTokenizer(str(directory / "made"), LENGTH, made.cleaning)
        found.append((tokenizer, library, made.cleaning))
    return found
