"""The tokenizer gives open_clip's tokens for every text."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from open_clip.tokenizer import SimpleTokenizer

from csearchd.models.export.bpe_vocabulary import build_tokenizer_json
from csearchd.models.export.prompts import comparison_prompts
from csearchd.models.tokenizer import Tokenizer

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
def path(tmp_path_factory: pytest.TempPathFactory) -> str:
    path = str(tmp_path_factory.mktemp("vocabulary") / "tokenizer.json")
    build_tokenizer_json(path)
    return path


@pytest.fixture(scope="module")
def tokenizer(path: str) -> Tokenizer:
    return Tokenizer(path, 77)


def assert_equal(tokenizer: Tokenizer, text: str, context_length: int = 77) -> None:
    tokens = tokenizer.encode(text)
    padded = tokens + [0] * (context_length - len(tokens))
    assert padded == CLIP(text, context_length)[0].tolist(), repr(text)


@pytest.mark.parametrize("context_length", [77, 32])
def test_prompts_give_open_clips_tokens(path: str, context_length: int) -> None:
    tokenizer = Tokenizer(path, context_length)
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


@pytest.mark.parametrize("content", ["", "{}", "garbage", '{"model": 3}'])
def test_a_damaged_file_is_named(tmp_path: os.PathLike[str], content: str) -> None:
    damaged = os.path.join(tmp_path, "tokenizer.json")
    with open(damaged, "w", encoding="utf-8") as file:
        file.write(content)
    with pytest.raises(ValueError, match=r"tokenizer\.json"):
        Tokenizer(damaged, 77)


def test_tokenising_needs_neither_torch_nor_open_clip(path: str) -> None:
    program = (
        "import sys; from csearchd.models.tokenizer import Tokenizer;"
        f"Tokenizer({path!r}, 77).encode('a dog');"
        "sys.exit(bool({'torch', 'open_clip', 'regex'} & set(sys.modules)))"
    )
    assert subprocess.run([sys.executable, "-c", program]).returncode == 0
