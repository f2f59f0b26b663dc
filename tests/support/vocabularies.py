"""Vocabularies as sentencepiece makes them, and tokenizers as they are published for such ones."""

from __future__ import annotations

import base64
import io
import itertools
import json
import random
import struct
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import sentencepiece

from support.scripts import WORDS, vocabulary_words

NORMAL, UNKNOWN, CONTROL, USER_DEFINED, BYTE = 1, 2, 3, 4, 6  # types of pieces

_MISSING = "𠮷"  # a character that no vocabulary has

Files = dict[str, Any]
"""What is published, by the names of files: objects that become JSON."""


@dataclass(frozen=True)
class Vocabulary:
    """A sentencepiece model."""

    pieces: list[tuple[str, float, int]]  # text, score, type
    bpe: bool
    charsmap: bytes  # of the normaliser
    model: bytes  # as sentencepiece reads it

    @property
    def processor(self) -> sentencepiece.SentencePieceProcessor:
        return sentencepiece.SentencePieceProcessor(model_proto=self.model)


def train(model_type: str, size: int, **options: Any) -> Vocabulary:
    """A small vocabulary that sentencepiece has learnt from words in all scripts."""
    model = io.BytesIO()
    words = vocabulary_words()
    lines = [
        " ".join(row) for row in itertools.product(words, words[::7]) if _MISSING not in row[0]
    ]
    sentencepiece.SentencePieceTrainer.train(
        sentence_iterator=iter(lines),
        model_writer=model,
        model_type=model_type,
        vocab_size=size,
        character_coverage=1.0,
        hard_vocab_limit=False,
        num_threads=1,
        minloglevel=2,
        **options,
    )
    fields = list(_fields(model.getvalue()))
    pieces = []
    for piece in (dict(_fields(value)) for number, value in fields if number == 1):
        (score,) = struct.unpack("<f", piece[2])
        pieces.append((piece[1].decode(), score, piece.get(3, NORMAL)))
    normaliser = dict(_fields(dict(fields)[3]))
    return Vocabulary(pieces, model_type == "bpe", normaliser.get(2, b""), model.getvalue())


def gemma_sized(size: int = 256_000) -> Vocabulary:
    """A BPE of Gemma's form: control and user-defined pieces, bytes, pieces, characters."""
    pieces: list[tuple[str, float, int]] = [("<pad>", 0, CONTROL), ("<eos>", 0, CONTROL)]
    pieces += [("<bos>", 0, CONTROL), ("<unk>", 0, UNKNOWN)]
    pieces += [(f"<unused{number}>", 0, USER_DEFINED) for number in range(99)]
    pieces += [("▁" * length, 0, USER_DEFINED) for length in range(2, 32)]
    pieces += [(f"<0x{byte:02X}>", 0, BYTE) for byte in range(256)]
    longer, characters = _made_pieces(size - len(pieces))
    pieces += [(piece, -rank, NORMAL) for rank, piece in enumerate(longer + characters)]
    trainer = _field(3, 2) + _field(35, 1) + _field(40, 3) + _field(41, 2) + _field(42, 1)
    normaliser = _field(3, 0) + _field(4, 0) + _field(5, 1)
    return Vocabulary(pieces, True, b"", _model(pieces, trainer, normaliser))


def xlm_sized(charsmap: bytes, size: int = 250_000) -> Vocabulary:
    """A unigram model of XLM-R's form. Its scores are the same numbers in single precision."""
    random_numbers = random.Random(2)
    pieces: list[tuple[str, float, int]] = [("<unk>", 0, UNKNOWN)]
    pieces += [("<s>", 0, CONTROL), ("</s>", 0, CONTROL)]
    longer, characters = _made_pieces(size - len(pieces))
    scored = [(piece, -random_numbers.randrange(6144, 15360) / 1024, NORMAL) for piece in longer]
    scored += [
        (piece, -random_numbers.randrange(8192, 15360) / 1024, NORMAL) for piece in characters
    ]
    pieces += sorted(scored, key=lambda piece: -piece[1])
    trainer = _field(3, 1) + _field(40, 0) + _field(41, 1) + _field(42, 2)
    normaliser = _field(2, charsmap) + _field(3, 1) + _field(4, 1) + _field(5, 1)
    return Vocabulary(pieces, False, charsmap, _model(pieces, trainer, normaliser))


def gemma(vocabulary: Vocabulary) -> Files:
    """As SigLIP2's tokenizer is published."""
    names = {piece: number for number, (piece, _, _) in enumerate(vocabulary.pieces)}
    names = {"\t" if name == "<0x09>" else name: number for name, number in names.items()}
    kinds = (UNKNOWN, CONTROL, USER_DEFINED)
    added = [
        _added(piece, names[piece], special=kind != USER_DEFINED)
        for piece, _, kind in vocabulary.pieces
        if kind in kinds
    ]
    content = {
        "version": "1.0",
        "truncation": None,
        "padding": None,
        "added_tokens": added,
        "normalizer": {"type": "Replace", "pattern": {"String": " "}, "content": "▁"},
        "pre_tokenizer": {
            "type": "Split",
            "pattern": {"String": " "},
            "behavior": "MergedWithPrevious",
            "invert": False,
        },
        "post_processor": _template([], [("<eos>", names["<eos>"])]),
        "decoder": None,
        "model": {
            "type": "BPE",
            "unk_token": "<unk>",
            "fuse_unk": True,
            "byte_fallback": True,
            "vocab": names,
            "merges": [" ".join(merge) for merge in _merges(vocabulary, names)],
        },
    }
    config = {
        "tokenizer_class": "GemmaTokenizer",
        "add_bos_token": False,
        "add_eos_token": True,
        "bos_token": "<bos>",
        "eos_token": "<eos>",
        "pad_token": "<pad>",
        "unk_token": "<unk>",
        "padding_side": "right",
    }
    return {"tokenizer.json": content, "tokenizer_config.json": config}


def t5(vocabulary: Vocabulary) -> Files:
    """As SigLIP's and mT5's tokenizers are published. SigLIP pads with the end token."""
    names = {piece: number for number, (piece, _, _) in enumerate(vocabulary.pieces)}
    content = {
        "version": "1.0",
        "truncation": None,
        "padding": None,
        "added_tokens": [_added(name, names[name]) for name in ("<pad>", "</s>", "<unk>")],
        "normalizer": _normaliser(vocabulary),
        "pre_tokenizer": _METASPACE,
        "post_processor": _template([], [("</s>", names["</s>"])]),
        "decoder": None,
        "model": {
            "type": "Unigram",
            "unk_id": names["<unk>"],
            "vocab": [[piece, score] for piece, score, _ in vocabulary.pieces],
            "byte_fallback": False,
        },
    }
    config = {"tokenizer_class": "T5Tokenizer", "extra_ids": 0, "additional_special_tokens": []}
    marks = {"eos_token": "</s>", "pad_token": {"content": "</s>"}, "unk_token": "<unk>"}
    return {
        "tokenizer.json": content,
        "tokenizer_config.json": {**config, **marks},
        "special_tokens_map.json": marks,
    }


def xlm_roberta(vocabulary: Vocabulary) -> Files:
    """As XLM-RoBERTa's tokenizer is published: with four pieces of its own before the others."""
    pieces = [*_FAIRSEQ, *vocabulary.pieces[3:], ("<mask>", 0.0, CONTROL)]
    names = {piece: number for number, (piece, _, _) in enumerate(pieces)}
    added = [_added(name, names[name]) for name, _, _ in _FAIRSEQ]
    content = {
        "version": "1.0",
        "truncation": None,
        "padding": None,
        "added_tokens": [*added, {**_added("<mask>", names["<mask>"]), "lstrip": True}],
        "normalizer": _normaliser(vocabulary),
        "pre_tokenizer": {
            "type": "Sequence",
            "pretokenizers": [{"type": "WhitespaceSplit"}, _METASPACE],
        },
        "post_processor": _template([("<s>", 0)], [("</s>", 2)]),
        "decoder": None,
        "model": {
            "type": "Unigram",
            "unk_id": 3,
            "vocab": [[piece, score] for piece, score, _ in pieces],
        },
    }
    config = {"tokenizer_class": "XLMRobertaTokenizer", "pad_token": "<pad>"}
    return {"tokenizer.json": content, "tokenizer_config.json": {**config, **_FAIRSEQ_MARKS}}


def nllb(vocabulary: Vocabulary, languages: Sequence[str]) -> Files:
    """As NLLB's tokenizer is published: with languages behind the other pieces."""
    pieces = [*_FAIRSEQ, *vocabulary.pieces[3:]]
    names = {piece: number for number, (piece, _, _) in enumerate(pieces)}
    last = [*languages, "<mask>"]
    marks = {**names, **{name: len(pieces) + number for number, name in enumerate(last)}}
    added = [_added(name, marks[name]) for name in [*(name for name, _, _ in _FAIRSEQ), *last]]
    content = {
        "version": "1.0",
        "truncation": None,
        "padding": None,
        "added_tokens": added,
        "normalizer": _normaliser(vocabulary),
        "pre_tokenizer": _METASPACE,
        "post_processor": _template([("eng_Latn", marks["eng_Latn"])], [("</s>", 2)]),
        "decoder": None,
        "model": {
            "type": "BPE",
            "unk_token": "<unk>",
            "fuse_unk": True,
            "byte_fallback": False,
            "vocab": marks,
            "merges": [list(merge) for merge in _merges(vocabulary, names)],
        },
    }
    config = {
        "tokenizer_class": "NllbTokenizer",
        "src_lang": "eng_Latn",
        "additional_special_tokens": list(languages),
        "pad_token": "<pad>",
    }
    return {"tokenizer.json": content, "tokenizer_config.json": {**config, **_FAIRSEQ_MARKS}}


def bert() -> Files:
    """As BERT's tokenizer is published."""
    characters = sorted({c for word in vocabulary_words() for c in word.casefold()})
    words = ["a", "photo", "dog", "house", "of", "cat", "##s", "##house", "##og", "do", "d"]
    names = ["[PAD]", *(f"[unused{number}]" for number in range(99)), "[UNK]", "[CLS]", "[SEP]"]
    names += ["[MASK]", *dict.fromkeys([*characters, *(f"##{c}" for c in characters), *words])]
    numbers = {name: number for number, name in enumerate(names)}
    special = ("[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]")
    content = {
        "version": "1.0",
        "truncation": None,
        "padding": None,
        "added_tokens": [_added(name, numbers[name]) for name in special],
        "normalizer": {
            "type": "BertNormalizer",
            "clean_text": True,
            "handle_chinese_chars": True,
            "strip_accents": None,
            "lowercase": True,
        },
        "pre_tokenizer": {"type": "BertPreTokenizer"},
        "post_processor": _template([("[CLS]", numbers["[CLS]"])], [("[SEP]", numbers["[SEP]"])]),
        "decoder": None,
        "model": {
            "type": "WordPiece",
            "unk_token": "[UNK]",
            "continuing_subword_prefix": "##",
            "max_input_chars_per_word": 100,
            "vocab": numbers,
        },
    }
    config = {
        "tokenizer_class": "BertTokenizer",
        **dict(zip(("pad_token", "unk_token", "cls_token", "sep_token"), special, strict=False)),
    }
    return {"tokenizer.json": content, "tokenizer_config.json": config}


def publish(files: Files, directory: Path) -> None:
    """Writes `files` into `directory`."""
    directory.mkdir(parents=True, exist_ok=True)
    for name, content in files.items():
        (directory / name).write_text(json.dumps(content, ensure_ascii=False), "utf-8")


_FAIRSEQ = [(name, 0.0, CONTROL) for name in ("<s>", "<pad>", "</s>", "<unk>")]
_FAIRSEQ_MARKS = {
    "bos_token": "<s>",
    "eos_token": "</s>",
    "sep_token": "</s>",
    "cls_token": "<s>",
    "unk_token": "<unk>",
    "mask_token": "<mask>",
}
_METASPACE = {"type": "Metaspace", "replacement": "▁", "prepend_scheme": "always", "split": True}


def _made_pieces(size: int) -> tuple[list[str], list[str]]:
    """`size` pieces in all scripts, each longer one put together of two before it, and the
    characters."""
    uniform = random.Random(1).random
    alphabets = [
        sorted({*"0123456789.,!?-'", *"".join(words)} - {*" ", _MISSING})
        for words in WORDS.values()
    ]
    characters = list(dict.fromkeys(c for alphabet in alphabets for c in ["▁", *alphabet]))
    longer: dict[str, None] = {}
    scripts = [(["▁", *alphabet], alphabet) for alphabet in alphabets]
    while len(longer) < size - len(characters):
        for starts, ends in scripts:  # a blank only starts a piece
            piece = starts[int(uniform() * len(starts))] + ends[int(uniform() * len(ends))]
            if piece not in longer:
                longer[piece] = None
                if len(piece) <= 8:
                    starts.append(piece)
                    if piece[0] != "▁":
                        ends.append(piece)
    return list(longer)[: size - len(characters)], characters


def _merges(vocabulary: Vocabulary, names: dict[str, int]) -> list[tuple[str, str]]:
    """All pairs of pieces that give a piece, those of the best one first, as `transformers`
    derives them."""
    normal = [(p, score) for p, score, kind in vocabulary.pieces if kind == NORMAL and len(p) > 1]
    merges: list[tuple[str, str]] = []
    for piece, _ in sorted(normal, key=lambda entry: -entry[1]):
        pairs = [(piece[:at], piece[at:]) for at in range(1, len(piece))]
        known = [pair for pair in pairs if pair[0] in names and pair[1] in names]
        merges += sorted(known, key=lambda pair: (names[pair[0]], names[pair[1]]))
    return merges


def _added(name: str, number: int, special: bool = True) -> dict[str, Any]:
    flags = dict.fromkeys(("single_word", "lstrip", "rstrip", "normalized"), False)
    return {"id": number, "content": name, **flags, "special": special}


def _template(
    before: Sequence[tuple[str, int]], after: Sequence[tuple[str, int]]
) -> dict[str, Any]:
    def special(name: str) -> dict[str, Any]:
        return {"SpecialToken": {"id": name, "type_id": 0}}

    first = {"Sequence": {"id": "A", "type_id": 0}}
    second = {"Sequence": {"id": "B", "type_id": 0}}
    single = [*(special(n) for n, _ in before), first, *(special(n) for n, _ in after)]
    return {
        "type": "TemplateProcessing",
        "single": single,
        "pair": [*single, second],
        "special_tokens": {
            name: {"id": name, "ids": [number], "tokens": [name]}
            for name, number in (*before, *after)
        },
    }


def _normaliser(vocabulary: Vocabulary) -> dict[str, Any]:
    """As `transformers` converts sentencepiece's: blanks at the end go, several become one."""
    charsmap = base64.b64encode(vocabulary.charsmap).decode()
    several = {"Regex": " {2,}"}
    steps = [
        {"type": "Precompiled", "precompiled_charsmap": charsmap},
        {"type": "Strip", "strip_left": False, "strip_right": True},
        {"type": "Replace", "pattern": several, "content": "▁"},
    ]
    return {"type": "Sequence", "normalizers": steps}


# The wire format of protocol buffers, and of sentencepiece's ModelProto: pieces are its field 1,
# the trainer's settings 2, the normaliser's 3.


def _model(pieces: Sequence[tuple[str, float, int]], trainer: bytes, normaliser: bytes) -> bytes:
    entries = (
        _field(1, piece.encode()) + _field(2, float(score)) + _field(3, kind)
        for piece, score, kind in pieces
    )
    return (
        b"".join(_field(1, entry) for entry in entries) + _field(2, trainer) + _field(3, normaliser)
    )


def _field(number: int, value: bytes | int | float) -> bytes:
    if isinstance(value, bytes):
        return _varint(number << 3 | 2) + _varint(len(value)) + value
    if isinstance(value, float):
        return _varint(number << 3 | 5) + struct.pack("<f", value)
    return _varint(number << 3) + _varint(value)


def _varint(value: int) -> bytes:
    encoded = bytearray()
    while value > 127:
        encoded.append(value & 127 | 128)
        value >>= 7
    return bytes([*encoded, value])


def _fields(message: bytes) -> Iterator[tuple[int, Any]]:
    stream = io.BytesIO(message)
    readers: dict[int, Callable[[], Any]] = {
        0: lambda: _read_varint(stream),
        1: lambda: stream.read(8),
        2: lambda: stream.read(_read_varint(stream)),
        5: lambda: stream.read(4),
    }
    while stream.tell() < len(message):
        key = _read_varint(stream)
        yield key >> 3, readers[key & 7]()


def _read_varint(stream: io.BytesIO) -> int:
    value = shift = 0
    while True:
        (byte,) = stream.read(1)
        value |= (byte & 127) << shift
        if byte < 128:
            return value
        shift += 7
