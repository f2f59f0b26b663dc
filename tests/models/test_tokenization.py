"""Published tokenizers give the tokens of their reference libraries, in all scripts."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import open_clip.tokenizer
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from csearchd.errors import ModelError
from csearchd.models.installed import load_model, starter_directory
from csearchd.models.tokenization.cleaning import CLEANINGS
from csearchd.models.tokenization.prepare import TokenizerSettings, prepare_tokenizer
from csearchd.models.tokenizer import Tokenizer, load_tokenizer, read_tokenizer
from support import vocabularies
from support.scripts import texts
from support.vocabularies import Files, Vocabulary, publish

LENGTH = 64
LANGUAGES = ("deu_Latn", "eng_Latn", "hin_Deva", "srp_Cyrl", "zho_Hans", "zho_Hant")
CANONICAL = {"clean": "canonicalize"}
FORMS = ("siglip", "xlm-roberta", "nllb", "gemma", "gemma of real size", "xlm of real size", "bert")


@dataclass(frozen=True)
class Case:
    """A published tokenizer, and what csearch has made of it."""

    vocabulary: Vocabulary | None  # sentencepiece's
    offset: int  # of published tokens to sentencepiece's
    published: Path
    settings: TokenizerSettings
    tokenizer: Tokenizer
    before: int  # the number of special tokens before a text, and behind it
    after: int


@pytest.fixture(scope="module")
def small_unigram() -> Vocabulary:
    return vocabularies.train("unigram", 1200)


@pytest.fixture(scope="module", params=FORMS)
def case(
    request: pytest.FixtureRequest,
    tmp_path_factory: pytest.TempPathFactory,
    small_unigram: Vocabulary,
) -> Case:
    directory = tmp_path_factory.mktemp("tokenizer")
    form: str = request.param
    if form == "siglip":
        ids = {"pad_id": 0, "eos_id": 1, "unk_id": 2, "bos_id": -1}
        vocabulary = vocabularies.train("unigram", 1200, **ids)
        return _case(directory, vocabularies.t5(vocabulary), CANONICAL, vocabulary, 0, 0, 1)
    if form == "xlm-roberta":
        files = vocabularies.xlm_roberta(small_unigram)
        return _case(directory, files, {}, small_unigram, 1, 1, 1)
    if form == "nllb":
        vocabulary = vocabularies.train("bpe", 1500)
        files = vocabularies.nllb(vocabulary, LANGUAGES)
        return _case(directory, files, {}, vocabulary, 1, 1, 1)
    if form == "gemma":
        vocabulary = _small_gemma()
        return _case(directory, vocabularies.gemma(vocabulary), CANONICAL, vocabulary, 0, 0, 1)
    if form == "gemma of real size":
        real: Case = request.getfixturevalue("gemma_of_real_size")
        return real
    if form == "xlm of real size":
        vocabulary = vocabularies.xlm_sized(small_unigram.charsmap)
        return _case(directory, vocabularies.xlm_roberta(vocabulary), {}, vocabulary, 1, 1, 1)
    return _case(directory, vocabularies.bert(), {"strip_sep_token": True}, None, 0, 1, 1)


@pytest.fixture(scope="module")
def gemma_of_real_size(tmp_path_factory: pytest.TempPathFactory) -> Case:
    vocabulary = vocabularies.gemma_sized()
    files = vocabularies.gemma(vocabulary)
    return _case(tmp_path_factory.mktemp("gemma"), files, CANONICAL, vocabulary, 0, 0, 1)


def test_texts_in_all_scripts_give_the_librarys_tokens(case: Case) -> None:
    library = read_tokenizer(str(case.published / "tokenizer.json"))
    library.enable_truncation(LENGTH)
    clean = CLEANINGS[case.settings.cleaning]
    assert len(texts()) >= 300
    for text in texts():
        expected = library.encode(clean(text)).ids
        if case.vocabulary is None:  # open_clip blanks BERT's separators
            expected = [0 if token == library.token_to_id("[SEP]") else token for token in expected]
        assert case.tokenizer.encode(text) == expected, repr(text)


def test_texts_in_all_scripts_give_sentencepieces_tokens(case: Case) -> None:
    if case.vocabulary is None:
        return  # BERT's tokenizer isn't sentencepiece's
    processor = case.vocabulary.processor
    clean = CLEANINGS[case.settings.cleaning]
    room = LENGTH - case.before - case.after
    compared = 0
    for text in map(clean, texts()):
        if any(mark in text for mark in ("▁", "<unk>", "</s>")):
            continue  # the reference libraries differ among themselves
        pieces = [
            3 if case.offset and token == 0 else token + case.offset  # XLM-R's unknown is 3
            for token in processor.encode(text)
        ]
        found = case.tokenizer.encode(text)
        assert found[case.before : len(found) - case.after] == pieces[:room], repr(text)
        compared += 1
    assert compared >= 250


def test_the_vocabulary_is_mapped(case: Case) -> None:
    assert case.settings.tokenizer == "mapped"
    assert case.settings.files == ("tokenizer.json", "vocabulary.bin")


@given(text=st.text(max_size=80))
@settings(max_examples=200, deadline=None)
def test_any_text_gives_the_librarys_tokens(small: list[tuple[Case, Any]], text: str) -> None:
    for case, library in small:
        clean = CLEANINGS[case.settings.cleaning]
        assert case.tokenizer.encode(text) == library.encode(clean(text)).ids


@pytest.fixture(scope="module")
def small(
    tmp_path_factory: pytest.TempPathFactory, small_unigram: Vocabulary
) -> list[tuple[Case, Any]]:
    cases = []
    for vocabulary, files in (
        (small_unigram, vocabularies.xlm_roberta(small_unigram)),
        (_small_gemma(), vocabularies.gemma(_small_gemma())),
    ):
        case = _case(tmp_path_factory.mktemp("tokenizer"), files, {}, vocabulary, 0, 0, 0)
        library = read_tokenizer(str(case.published / "tokenizer.json"))
        library.enable_truncation(LENGTH)
        cases.append((case, library))
    return cases


@pytest.mark.parametrize(
    ("form", "expected"), [("siglip", 1), ("xlm-roberta", 1), ("gemma", 0), ("bert", 0)]
)
def test_the_pad_token_is_the_models(
    tmp_path: Path, small_unigram: Vocabulary, form: str, expected: int
) -> None:
    ids = {"pad_id": 0, "eos_id": 1, "unk_id": 2, "bos_id": -1}
    files = {
        "siglip": lambda: vocabularies.t5(vocabularies.train("unigram", 1200, **ids)),
        "xlm-roberta": lambda: vocabularies.xlm_roberta(small_unigram),
        "gemma": lambda: vocabularies.gemma(_small_gemma()),
        "bert": vocabularies.bert,
    }[form]()
    assert _case(tmp_path, files, {}, None, 0, 0, 0).settings.pad_token == expected


@pytest.mark.parametrize(
    ("language", "expected"),
    [
        ("", "eng_Latn"),
        ("C.UTF-8", "eng_Latn"),
        ("POSIX", "eng_Latn"),
        ("de", "deu_Latn"),
        ("de_AT.UTF-8", "deu_Latn"),
        ("deu_Latn", "deu_Latn"),
        ("hi_IN", "hin_Deva"),
        ("sr_RS@latin", "srp_Cyrl"),
        ("zh_CN.UTF-8", "zho_Hans"),
        ("zh_TW.UTF-8", "zho_Hant"),
        ("zh-Hant", "zho_Hant"),
        ("tlh", "eng_Latn"),
    ],
)
def test_nllb_marks_the_language(nllb: Case, language: str, expected: str) -> None:
    library = read_tokenizer(str(nllb.published / "tokenizer.json"))
    tokens = nllb.tokenizer.encode("a dog", language)
    assert tokens[0] == library.token_to_id(expected)
    assert tokens[1:] == nllb.tokenizer.encode("a dog")[1:]


def test_a_long_text_keeps_its_language_and_its_end(nllb: Case) -> None:
    tokens = nllb.tokenizer.encode("Straße " * 1000, "de")
    assert len(tokens) == LENGTH
    assert (tokens[0], tokens[-1]) == (nllb.tokenizer.encode("", "de")[0], 2)


@pytest.fixture(scope="module")
def nllb(tmp_path_factory: pytest.TempPathFactory) -> Case:
    vocabulary = vocabularies.train("bpe", 1500)
    directory = tmp_path_factory.mktemp("nllb")
    return _case(directory, vocabularies.nllb(vocabulary, LANGUAGES), {}, vocabulary, 1, 1, 1)


@pytest.mark.parametrize("name", sorted(CLEANINGS))
def test_texts_are_cleaned_as_by_open_clip(name: str) -> None:
    expected = open_clip.tokenizer.get_clean_fn(name)
    odd = ["snake_case_name", "don't “stop”!", "A\tB\n\nC", "schÃ¶n &amp;lt; _", "", "!?", "İI"]
    for text in [*odd, *texts()]:
        assert CLEANINGS[name](text) == expected(text), repr(text)


def test_a_form_of_its_own_is_left_to_the_library(tmp_path: Path) -> None:
    files = vocabularies.bert()
    vocabulary = {"[UNK]": 0, "a": 1, "dog": 2}
    files["tokenizer.json"]["model"] = {
        "type": "WordLevel",
        "vocab": vocabulary,
        "unk_token": "[UNK]",
    }
    files["tokenizer.json"]["added_tokens"] = []
    files["tokenizer.json"]["post_processor"] = None
    case = _case(tmp_path, files, {}, None, 0, 0, 0)
    assert case.settings.tokenizer == "library"
    assert case.tokenizer.encode("a big DOG") == [1, 0, 2]
    assert len(case.tokenizer.encode("dog " * 100)) == LENGTH


def test_clips_tokenizer_needs_no_files(tmp_path: Path) -> None:
    (tmp_path / "made").mkdir()
    made = prepare_tokenizer(str(tmp_path), str(tmp_path / "made"), {"context_length": 77})
    assert made == TokenizerSettings("mapped", "lower", 0, ("tokenizer.json", "vocabulary.bin"))
    tokenizer = _load(tmp_path / "made", made)
    for text in texts():
        expected = open_clip.tokenizer.SimpleTokenizer()(text, LENGTH)[0].tolist()
        tokens = tokenizer.encode(text)
        assert tokens + [0] * (LENGTH - len(tokens)) == expected, repr(text)


def test_clips_tokenizer_as_others_publish_it_is_recognised(tmp_path: Path) -> None:
    clip = open_clip.tokenizer.SimpleTokenizer()
    merges = sorted(clip.bpe_ranks, key=clip.bpe_ranks.__getitem__)
    names = {"<start_of_text>": "<|startoftext|>", "<end_of_text>": "<|endoftext|>"}
    model = {
        "type": "BPE",
        "vocab": {names.get(piece, piece): token for piece, token in clip.encoder.items()},
        "merges": [" ".join(merge) for merge in merges],
        "end_of_word_suffix": "</w>",
    }
    (tmp_path / "made").mkdir()
    publish({"tokenizer.json": {"model": model}}, tmp_path)
    prepare_tokenizer(str(tmp_path), str(tmp_path / "made"), {})
    model["merges"] = model["merges"][:-1]
    publish({"tokenizer.json": {"model": model}}, tmp_path)
    with pytest.raises(ModelError, match="isn't CLIP's tokenizer"):
        prepare_tokenizer(str(tmp_path), str(tmp_path / "made"), {})


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"tokenizer_mode": "clips"}, "mode 'clips'"),
        ({"tokenizer_kwargs": {"reduction_mask": "random"}}, "setting 'reduction_mask'"),
        ({"tokenizer_kwargs": "lower"}, "no table of settings"),
        ({"tokenizer_kwargs": {"clean": []}}, "cleans texts in the way"),
        ({"tokenizer_kwargs": {"clean": "shout"}}, "cleans texts in the way 'shout'"),
        ({"vocab_size": 50}, "text tower knows only 50"),
    ],
)
def test_a_refusal_names_the_reason(tmp_path: Path, change: Mapping[str, Any], reason: str) -> None:
    publish(vocabularies.bert(), tmp_path)
    with pytest.raises(ModelError, match=reason):
        prepare_tokenizer(str(tmp_path), str(tmp_path), {"hf_tokenizer_name": "bert", **change})


def test_texts_padded_on_the_left_are_refused(tmp_path: Path) -> None:
    files = vocabularies.bert()
    files["tokenizer_config.json"]["padding_side"] = "left"
    publish(files, tmp_path)
    with pytest.raises(ModelError, match="padding_side is left"):
        prepare_tokenizer(str(tmp_path), str(tmp_path), {"hf_tokenizer_name": "bert"})


@pytest.mark.parametrize(
    "damage",
    [
        lambda path: path.unlink(),
        lambda path: path.write_text("{"),
        lambda path: path.write_text("[]"),
        lambda path: path.write_text('{"model": 3}'),
        lambda path: path.write_text(json.dumps({"model": {"type": "BPE", "vocab": {}}})),
    ],
)
def test_a_damaged_file_is_named(tmp_path: Path, damage: Callable[[Path], object]) -> None:
    publish(vocabularies.bert(), tmp_path)
    damage(tmp_path / "tokenizer.json")
    with pytest.raises(ModelError, match=r"tokenizer\.json"):
        prepare_tokenizer(str(tmp_path), str(tmp_path), {"hf_tokenizer_name": "bert"})


def test_a_vocabulary_of_256000_pieces_takes_little_memory(gemma_of_real_size: Case) -> None:
    made = str(gemma_of_real_size.published / "made")
    program = f"""
import sys
from csearchd.models.tokenizer import MappedTokenizer
sys.path.insert(0, {str(Path(__file__).parents[1])!r})
from support.scripts import texts
def pss():
    with open("/proc/self/smaps_rollup") as file:
        return next(int(line.split()[1]) for line in file if line.startswith("Pss:"))
MappedTokenizer({starter_directory()!r}, 64, "canonicalize").encode("a dog")
before = pss()
tokenizer = MappedTokenizer({made!r}, 64, "canonicalize")
for text in texts():
    tokenizer.encode(text)
print(pss() - before)
"""
    answer = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert answer.returncode == 0, answer.stderr
    assert int(answer.stdout) < 16_384  # KiB; 93 MB in the library, 43 in sentencepiece


def _small_gemma() -> Vocabulary:
    return vocabularies.train(
        "bpe",
        1700,
        normalization_rule_name="identity",
        byte_fallback=True,
        add_dummy_prefix=False,
        remove_extra_whitespaces=False,
        pad_id=0,
        eos_id=1,
        bos_id=2,
        unk_id=3,
        eos_piece="<eos>",
        bos_piece="<bos>",
        user_defined_symbols=["▁▁", "▁▁▁"],
    )


def _case(
    directory: Path,
    files: Files,
    options: Mapping[str, Any],
    vocabulary: Vocabulary | None,
    offset: int,
    before: int,
    after: int,
) -> Case:
    """Publishes `files` in `directory` and prepares them there. `options`: open_clip's
    `tokenizer_kwargs`."""
    publish(files, directory)
    made = directory / "made"
    made.mkdir()
    text_cfg = {"hf_tokenizer_name": "a/name", "tokenizer_kwargs": options}
    prepared = prepare_tokenizer(str(directory), str(made), text_cfg)
    tokenizer = _load(made, prepared)
    return Case(vocabulary, offset, directory, prepared, tokenizer, before, after)


def _load(directory: Path, prepared: TokenizerSettings) -> Tokenizer:
    return load_tokenizer(
        replace(
            load_model(starter_directory()),
            directory=str(directory),
            context_length=LENGTH,
            tokenizer=prepared.tokenizer,
            cleaning=prepared.cleaning,
            pad_token=prepared.pad_token,
        )
    )
