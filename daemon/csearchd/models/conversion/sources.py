"""Where the ONNX towers of a model are, and what is known of them.

A directory in the form in which immich-app publishes models has `config.json` (open_clip's
configuration of the architecture), `visual/model.onnx`, `visual/preprocess_cfg.json`,
`textual/model.onnx` and `textual/tokenizer.json`. Its name may be ARCHITECTURE__WEIGHTS. Two ONNX
files alone are taken for CLIP's kind: they have its vocabulary, and pictures are prepared for them
as for CLIP.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from csearchd.errors import ModelError
from csearchd.models.architectures import read_json
from csearchd.models.conversion import schema
from csearchd.models.conversion.files import read_onnx
from csearchd.models.conversion.graph import Graph, single_input
from csearchd.models.conversion.text import find_embedding
from csearchd.models.installed import TOKENIZER
from csearchd.models.tokenization.clip import VOCABULARY_SIZE

_CONFIG = "config.json"
_VISUAL = os.path.join("visual", "model.onnx")
_TEXTUAL = os.path.join("textual", "model.onnx")
_PREPROCESSING = os.path.join("visual", "preprocess_cfg.json")
_KEYS = ("mean", "std", "interpolation", "resize_mode", "fill_color")  # of a preprocessing
_MAX_DETAILS = 200  # characters
_CONTEXT_LENGTH = 77  # CLIP's


@dataclass(frozen=True)
class Source:
    """The towers of a model before their conversion."""

    name: str  # by default
    arch: str
    weights: str
    visual: str  # paths of the towers
    textual: str
    configuration: Mapping[str, Any]  # open_clip's, of the architecture
    preprocessing: Mapping[str, Any]  # open_clip's `preprocess_cfg`
    tokenizer: str | None  # the directory of the tokenizer's files; None: CLIP's


@contextlib.contextmanager
def one_line(name: str) -> Iterator[None]:
    """Makes a ModelError of whatever the files of the model `name`, which may hold anything, raise
    in the block, but for OSError."""
    try:
        yield
    except (ModelError, OSError):
        raise
    except Exception as error:
        what = " ".join(f"{type(error).__name__}: {error}".split())[:_MAX_DETAILS]
        raise ModelError(f"{name} can't be used: it contradicts itself ({what})") from error


def find_source(paths: list[str]) -> Source:
    """The model in a directory, `paths[0]`, or in two ONNX files, the image tower's first. Raises
    ModelError."""
    for path in paths:
        if not os.path.exists(path):
            raise ModelError(f"{path} does not exist")
    if len(paths) == 1 and os.path.isdir(paths[0]):
        return _directory(paths[0])
    if len(paths) == 2 and not any(map(os.path.isdir, paths)):
        with one_line(" or ".join(paths)):
            return _pair(*paths)
    raise ModelError(
        "give a directory that holds visual/model.onnx and textual/model.onnx, or two ONNX files:"
        " the image tower and the text tower"
    )


def _directory(path: str) -> Source:
    for name in (_CONFIG, _VISUAL, _TEXTUAL, _PREPROCESSING):
        if not os.path.isfile(os.path.join(path, name)):
            raise ModelError(f"{path} holds no model in immich-app's form: {name} is missing")
    preprocessing = read_json(os.path.join(path, _PREPROCESSING))
    name = _text(os.path.basename(os.path.abspath(path)))
    tokenizer = os.path.join(path, os.path.dirname(_TEXTUAL))
    arch, _, weights = name.partition("__")
    return Source(
        name=name,
        arch=arch,
        weights=weights or name,
        visual=os.path.join(path, _VISUAL),
        textual=os.path.join(path, _TEXTUAL),
        configuration=read_json(os.path.join(path, _CONFIG)),
        preprocessing={key: preprocessing[key] for key in _KEYS if key in preprocessing},
        tokenizer=tokenizer if os.path.exists(os.path.join(tokenizer, TOKENIZER)) else None,
    )


def _pair(visual: str, textual: str) -> Source:
    pictures = single_input(Graph(read_onnx(visual)), (schema.FLOAT, schema.FLOAT16), 4)
    size = [dimension.dim_value for dimension in pictures.type.tensor_type.shape.dim[2:]]
    if 0 in size:
        raise ModelError(
            f"{visual} takes pictures of any size: only a directory with {_CONFIG} tells which is"
            " right"
        )
    graph = Graph(read_onnx(textual))
    texts = single_input(graph, (schema.INT32, schema.INT64), 2)
    length = texts.type.tensor_type.shape.dim[1].dim_value or _CONTEXT_LENGTH
    tokens = len(find_embedding(graph).table)
    if tokens != VOCABULARY_SIZE:
        raise ModelError(
            f"{textual} has a vocabulary of {tokens} tokens, not CLIP's {VOCABULARY_SIZE}: it can"
            f" be imported from a directory with {_CONFIG} and textual/tokenizer.json"
        )
    return Source(
        name=_text(os.path.basename(os.path.dirname(os.path.abspath(visual)))),
        arch="CLIP",
        weights=_text(os.path.basename(visual)),
        visual=visual,
        textual=textual,
        configuration={
            "vision_cfg": {"image_size": size[0] if size[0] == size[1] else size},
            "text_cfg": {"context_length": length, "vocab_size": tokens},
        },
        preprocessing={},
        tokenizer=None,
    )


def _text(name: str) -> str:
    """A file's name as text: U+FFFD for what isn't UTF-8."""
    return os.fsencode(name).decode(errors="replace")
