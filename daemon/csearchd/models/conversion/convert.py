"""Makes a model of two published ONNX towers."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Mapping
from typing import Any

from csearchd.errors import ModelError
from csearchd.models import installed
from csearchd.models.assemble import describe_model, write_configuration
from csearchd.models.conversion.files import read_onnx
from csearchd.models.conversion.image import convert_image_tower
from csearchd.models.conversion.prompts import comparison_prompts
from csearchd.models.conversion.sources import Source, one_line
from csearchd.models.conversion.text import convert_text_tower
from csearchd.models.hub.disk_space import check_space, conversion_room
from csearchd.models.identity import fingerprints
from csearchd.models.installed import Model
from csearchd.models.preprocess import Preprocess, fault_of
from csearchd.models.tokenization.prepare import prepare_tokenizer
from csearchd.models.tokenizer import open_tokenizer

_MAX_DETAILS = 200  # characters
_DEFAULT_CONTEXT = 77  # of open_clip's configurations


def convert_model(source: Source, directory: str, *, name: str, licence: str) -> Model:
    """Makes the empty `directory` a model of the towers in `source`, and describes it.

    Raises ModelError if the towers can't be used or don't fit their configuration, or there is no
    room; OSError if the directory can't be written.
    """
    with one_line(source.name):
        return _converted(source, directory, name, licence)


def _converted(source: Source, directory: str, name: str, licence: str) -> Model:
    text_cfg = source.configuration.get("text_cfg")
    if not isinstance(text_cfg, Mapping):
        raise ModelError(f"the configuration of {source.arch} has no text_cfg, the part for texts")
    context_length = _context_length(text_cfg, source.arch)
    towers = (source.visual, source.textual)
    sizes = [sum(map(os.path.getsize, read_onnx(tower).sources())) for tower in towers]
    check_space([(directory, conversion_room(*sizes))])
    write_configuration(directory, source.configuration, source.preprocessing)
    try:
        preprocess = Preprocess.of_model(directory)
    except (ValueError, KeyError, TypeError) as error:
        raise ModelError(f"{source.arch} has no proper configuration: {fault_of(error)}") from None
    settings = prepare_tokenizer(
        source.tokenizer or os.path.dirname(source.textual), directory, text_cfg
    )
    tokenizer = open_tokenizer(settings.tokenizer, directory, context_length, settings.cleaning)
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
    return describe_model(
        directory,
        sorted(os.listdir(directory)),
        name=name,
        arch=source.arch,
        weights=source.weights,
        licence=licence,
        context_length=context_length,
        text=text,
        settings=settings,
        fingerprint=lambda sums: _fingerprint(source, sums[installed.CONFIG]),
        image_fingerprint=fingerprints.of_published_tower(
            read_onnx(source.visual).sources(), preprocess
        ),
    )


def _context_length(text_cfg: Mapping[str, Any], arch: str) -> int:
    """How many tokens a text has at most. Raises ModelError."""
    length = text_cfg.get("context_length", _DEFAULT_CONTEXT)
    if type(length) is not int or not 1 <= length <= installed.MAX_SIZE:
        raise ModelError(
            f"the configuration of {arch} has no proper context_length: it must be a whole number"
        )
    return length


def _fingerprint(source: Source, configuration: str) -> str:
    """A sha256 of all that determines the vectors of pictures and texts: both published towers,
    and the configuration with the preprocessing, given by its checksum. Raises ModelError."""
    towers = (source.visual, source.textual)
    files = [path for tower in towers for path in read_onnx(tower).sources()]
    sums = [installed.file_checksum(path) for path in files]
    return hashlib.sha256("".join([*sums, configuration]).encode()).hexdigest()
