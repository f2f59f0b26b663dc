"""Makes a model of two published ONNX towers."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Mapping
from typing import Any

from csearchd.errors import ModelError
from csearchd.models import installed
from csearchd.models.assemble import write_configuration
from csearchd.models.conversion.files import read_onnx
from csearchd.models.conversion.image import convert_image_tower
from csearchd.models.conversion.prompts import comparison_prompts
from csearchd.models.conversion.sources import Source
from csearchd.models.conversion.text import convert_text_tower
from csearchd.models.installed import Model
from csearchd.models.preprocess import Preprocess
from csearchd.models.tokenization.prepare import TokenizerSettings, prepare_tokenizer
from csearchd.models.tokenizer import MAPPED, LibraryTokenizer, MappedTokenizer, Tokenizer

_DEFAULT_CONTEXT = 77  # of open_clip's configurations


def convert_model(source: Source, directory: str, *, name: str, licence: str) -> Model:
    """Makes the empty `directory` a model of the towers in `source`, and describes it.

    Raises ModelError if the towers can't be used or don't fit their configuration; OSError if the
    directory can't be written.
    """
    text_cfg = source.configuration.get("text_cfg")
    if not isinstance(text_cfg, Mapping):
        raise ModelError(f"the configuration of {source.arch} has no text_cfg")
    context_length = _context_length(text_cfg, source.arch)
    write_configuration(directory, source.configuration, source.preprocessing)
    try:
        preprocess = Preprocess.of_model(directory)
    except (ValueError, KeyError, TypeError) as error:
        raise ModelError(f"{source.arch} has no proper configuration: {error}") from None
    settings = prepare_tokenizer(source.tokenizer or directory, directory, text_cfg)
    tokenizer = _tokenizer(settings, directory, context_length)
    text = convert_text_tower(
        source.textual,
        directory,
        context_length=context_length,
        prompts_tokens=[tokenizer.encode(prompt) for prompt in comparison_prompts()],
        pad_token=settings.pad_token,
    )
    image = convert_image_tower(source.visual, directory, preprocess)
    if image.dimensions != text.dimensions:
        raise ModelError(
            f"{source.visual} gives vectors of {image.dimensions} numbers, {source.textual} of"
            f" {text.dimensions}: they are not the towers of one model"
        )
    names = sorted(os.listdir(directory))
    sums = {file: installed.file_checksum(os.path.join(directory, file)) for file in names}
    model = Model(
        name=name,
        arch=source.arch,
        weights=source.weights,
        licence=licence,
        dimensions=text.dimensions,
        context_length=context_length,
        causal=text.causal,
        text_quantised=text.quantised,
        text_cosine=round(text.cosine, 6),
        fingerprint=_fingerprint(source.visual, sums[installed.CONFIG]),
        checksums=sums,
        directory=directory,
        tokenizer=settings.tokenizer,
        cleaning=settings.cleaning,
        pad_token=settings.pad_token,
    )
    installed.write_description(model)
    return model


def _context_length(text_cfg: Mapping[str, Any], arch: str) -> int:
    """How many tokens a text has at most. Raises ModelError."""
    length = text_cfg.get("context_length", _DEFAULT_CONTEXT)
    if not isinstance(length, int) or not 1 <= length <= installed.MAX_SIZE:
        raise ModelError(f"the configuration of {arch} has no proper context_length")
    return length


def _tokenizer(settings: TokenizerSettings, directory: str, context_length: int) -> Tokenizer:
    """The tokenizer whose files are in `directory`. Raises OSError."""
    if settings.tokenizer == MAPPED:
        return MappedTokenizer(directory, context_length, settings.cleaning)
    path = os.path.join(directory, installed.TOKENIZER)
    return LibraryTokenizer(path, context_length, settings.cleaning)


def _fingerprint(visual: str, configuration: str) -> str:
    """A sha256 of all that determines a picture's vector: the published tower, and the
    configuration with the preprocessing, given by its checksum. Raises ModelError."""
    sums = [installed.file_checksum(path) for path in read_onnx(visual).sources()]
    return hashlib.sha256("".join([*sums, configuration]).encode()).hexdigest()
