"""The tokenizer gives open_clip's tokens for every text."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from open_clip.tokenizer import SimpleTokenizer

from csearchd.models.conversion.prompts import comparison_prompts
from csearchd.models.export.bpe_vocabulary import build_tokenizer, clip_tokenizer
from csearchd.models.installed import starter_directory
from csearchd.models.tokenizer import ClipTokenizer, MappedTokenizer, Tokenizer
from support.scripts import texts

CLIP = SimpleTokenizer()
PIECES = st.sampled_from(
    [
        *(
            "dog",
            "Straße",
            "naïve",
            "日本語",
            "щенок",
            "नाव",
            "كلب",
            "🦜",
            "👩‍👩‍👧",
            "ﬁ",
            "İ",
            "Σς",
        ),
        *("'s", "'RE", "n't", "'ſ", "’s", "''", "1", "٣", "½", "Ⅳ", "\u0345", "\u200b", "\u0301"),
        *("<start_of_text>", "<end_of_text>", "<END_OF_TEXT>", "<ſtart_of_text>", "<", ">", "!!"),
        *("&amp;", "&amp;lt;", "&#x1F99C;", "&", ";", " ", "\t", "\n", "\u3000", "\x00", "schÃ¶n"),
    ]
)


@pytest.fixture(scope="module")
def directory(tmp_path_factory: pytest.TempPathFactory) -> str:
    directory = str(tmp_path_factory.mktemp("vocabulary"))
    build_tokenizer(directory)
    return directory


@pytest.fixture(scope="module")
def tokenizer(directory: str) -> Tokenizer:
    return MappedTokenizer(directory, 77, "lower")


def assert_equal(tokenizer: Tokenizer, text: str, context_length: int = 77) -> None:
    tokens = tokenizer.encode(text)
    padded = tokens + [0] * (context_length - len(tokens))
    assert padded == CLIP(text, context_length)[0].tolist(), repr(text)


@pytest.mark.parametrize("context_length", [77, 32])
def test_prompts_give_open_clips_tokens(directory: str, context_length: int) -> None:
    tokenizer = MappedTokenizer(directory, context_length, "lower")
    for text in comparison_prompts():
        assert_equal(tokenizer, text, context_length)


@given(st.text(max_size=60))
@settings(max_examples=300, deadline=None)
def test_any_text_gives_open_clips_tokens(tokenizer: Tokenizer, text: str) -> None:
    assert_equal(tokenizer, text)


@given(st.lists(PIECES, max_size=12).map("".join))
@settings(max_examples=500, deadline=None)
def test_odd_pieces_together_give_open_clips_tokens(tokenizer: Tokenizer, text: str) -> None:
    assert_equal(tokenizer, text)


def test_every_character_of_the_basic_plane(tokenizer: Tokenizer) -> None:
    characters = [chr(code) for code in range(0x10000) if not 0xD800 <= code < 0xE000]
    for first in range(0, len(characters), 16):
        assert_equal(tokenizer, "".join(f"a{c}1{c}{c} " for c in characters[first : first + 16]))


def test_undecodable_bytes_of_a_command_line(tokenizer: Tokenizer) -> None:
    assert_equal(tokenizer, os.fsdecode(b"caf\xe9 \xff\xfe"))


def test_a_long_text_is_cut_and_still_ended(tokenizer: Tokenizer) -> None:
    tokens = tokenizer.encode("a dog " * 1000)
    assert len(tokens) == 77
    assert tokens[0] == CLIP.sot_token_id
    assert tokens[-1] == CLIP.eot_token_id


def test_the_empty_text_is_start_and_end(tokenizer: Tokenizer) -> None:
    assert tokenizer.encode("") == [CLIP.sot_token_id, CLIP.eot_token_id]


def test_the_starter_has_open_clips_tokenizer(directory: str) -> None:
    for name in ("tokenizer.json", "vocabulary.bin"):
        with open(os.path.join(directory, name), "rb") as file:
            made = file.read()
        with open(os.path.join(starter_directory(), name), "rb") as file:
            assert file.read() == made, name


def test_models_installed_earlier_hold_the_vocabulary_in_the_library(tmp_path: Path) -> None:
    path = str(tmp_path / "tokenizer.json")
    clip_tokenizer().save(path)
    tokenizer = ClipTokenizer(path, 77)
    for text in [*comparison_prompts(), *texts()]:
        assert_equal(tokenizer, text)


@pytest.mark.parametrize("content", ["", "{}", "garbage", '{"model": 3}'])
@pytest.mark.parametrize("name", ["tokenizer.json", "vocabulary.bin"])
def test_a_damaged_file_is_named(directory: str, tmp_path: Path, name: str, content: str) -> None:
    damaged = str(tmp_path / "damaged")
    shutil.copytree(directory, damaged)
    with open(os.path.join(damaged, name), "w", encoding="utf-8") as file:
        file.write(content)
    with pytest.raises(ValueError, match=name):
        MappedTokenizer(damaged, 77, "lower")


def test_a_vocabulary_that_was_cut_is_named(directory: str, tmp_path: Path) -> None:
    damaged = str(tmp_path / "damaged")
    shutil.copytree(directory, damaged)
    path = os.path.join(damaged, "vocabulary.bin")
    os.truncate(path, os.path.getsize(path) - 8)
    with pytest.raises(ValueError, match=r"vocabulary\.bin.*cut"):
        MappedTokenizer(damaged, 77, "lower")


def test_tokenising_needs_neither_torch_nor_open_clip(directory: str) -> None:
    program = (
        "import sys; from csearchd.models.tokenizer import MappedTokenizer;"
        f"MappedTokenizer({directory!r}, 77, 'lower').encode('a dog');"
        "sys.exit(bool({'torch', 'open_clip', 'regex'} & set(sys.modules)))"
    )
    assert subprocess.run([sys.executable, "-c", program]).returncode == 0
