"""Exports a model's towers to ONNX, compares them with open_clip's, and describes the model.

`python -m csearchd.models.export.export DIR` exports a directory that holds open_clip's
configuration and weights to a model that can be distributed. Needs torch.
"""

from __future__ import annotations

import argparse
import contextlib
import hashlib
import json
import logging
import os
import sys
import tempfile
import textwrap
from collections.abc import Mapping, Sequence
from dataclasses import fields
from typing import Any

import numpy as np
import open_clip
import safetensors
import torch
from numpy.typing import NDArray

from csearch.protocol.system_errors import in_words
from csearchd.errors import ExportError, ModelError
from csearchd.models import installed
from csearchd.models.architectures import check_configuration
from csearchd.models.assemble import TextConversion, describe_model
from csearchd.models.conversion.files import read_onnx
from csearchd.models.conversion.graph import Graph
from csearchd.models.conversion.pictures import comparison_pixels
from csearchd.models.conversion.prompts import comparison_prompts
from csearchd.models.conversion.quantisation.image import image_cosine
from csearchd.models.conversion.quantisation.text import (
    FloatTextTower,
    quantise_text_tower,
    text_cosine,
)
from csearchd.models.conversion.reference import Vectors
from csearchd.models.conversion.writing import write_onnx
from csearchd.models.export.bpe_vocabulary import build_tokenizer
from csearchd.models.export.image import (
    ImageBranch,
    use_quantised_image_tower,
    write_image_tower,
)
from csearchd.models.export.text import TextBranch, quiet, write_text_tower
from csearchd.models.export.transformer import is_plain_text_tower, write_text_graph
from csearchd.models.hub.disk_space import check_space
from csearchd.models.identity import fingerprints
from csearchd.models.installed import Model
from csearchd.models.preprocess import Preprocess, fault_of
from csearchd.models.token_embedding import write_token_embedding
from csearchd.models.tokenization.prepare import (
    TokenizerSettings,
    check_tokenizer,
    prepare_tokenizer,
)
from csearchd.models.tokenizer import MAPPED, open_tokenizer

log = logging.getLogger(__name__)

# The least cosine, over all prompts, that an exported text tower's vectors must have in float32 to
# those of open_clip's encode_text: only the order of additions differs.
FLOAT_COSINE = 0.9999
IMAGE_COSINE = 0.999  # the same for encode_image


def export_model(
    directory: str,
    *,
    name: str,
    arch: str,
    weights: str,
    licence: str,
    tokenizer_source: str = "",
    portable: bool = False,
) -> Model:
    """Adds `text.onnx`, `token_embedding.bin`, `tokenizer.json` and `model.toml` to a directory in
    open_clip's `local-dir:` form, and `image.onnx` if the image tower can be exported; if it can't,
    torch encodes pictures.

    `tokenizer_source`: the directory with a tokenizer's published files, if it isn't CLIP's. The
    towers get 8-bit weights if their vectors stay close to open_clip's
    (csearchd.models.conversion.quantisation), else they stay in float32. `portable` ones give the
    same vectors on all processors. Raises
    ExportError if the towers' vectors differ, ModelError if the model isn't supported or doesn't
    load, OSError if the directory can't be written.
    """
    clip = load_clip(directory, arch)
    _check_room(clip, directory)
    branch = TextBranch(clip).eval()
    text_cfg = _configuration(directory)["text_cfg"]
    settings = _write_tokenizer(directory, text_cfg, tokenizer_source)
    length = clip.context_length
    tokenizer = open_tokenizer(settings.tokenizer, directory, length, settings.cleaning)
    texts = [tokenizer.encode(prompt) for prompt in comparison_prompts()]
    padded = [text + [settings.pad_token] * (length - len(text)) for text in texts]
    expected = _open_clip_vectors(clip, text_cfg, padded)
    table = getattr(clip, "text", clip).token_embedding.weight.detach().numpy()
    least = texts if branch.causal else padded
    text = _export_text(branch, table, least, expected, directory, arch, portable)
    files = [*installed.FILES, *settings.files[1:], installed.TOKEN_EMBEDDING]
    if _export_image(clip, directory, portable):
        named = (name for name in os.listdir(directory) if name.startswith(installed.IMAGE_TOWER))
        files += sorted(named)  # 2 GB and more are in a second file
    return describe_model(
        directory,
        files,
        name=name,
        arch=arch,
        weights=weights,
        licence=licence,
        context_length=length,
        text=text,
        settings=settings,
        fingerprint=_fingerprint,
        image_fingerprint=_image_fingerprint(directory),
    )


def _export_text(
    branch: TextBranch,
    table: NDArray[np.float32],
    texts: Sequence[list[int]],
    expected: Vectors,
    directory: str,
    arch: str,
    portable: bool,
) -> TextConversion:
    """Writes `text.onnx` and `token_embedding.bin` into `directory`.

    `table`: the token embedding. `expected`: open_clip's vectors of `texts`. Raises ExportError if
    the tower's differ.
    """
    if not np.isfinite(table).all():
        raise ExportError(
            "the weights are damaged (their token embedding has numbers that are not finite):"
            " download them again"
        )
    with tempfile.TemporaryDirectory(dir=directory, prefix=".export-") as scratch:
        source = os.path.join(scratch, "float.onnx")
        if is_plain_text_tower(branch):
            write_text_graph(branch, source)
        else:
            write_text_tower(branch, len(branch.positional_embedding), source)
        tower = FloatTextTower(
            graph=lambda: Graph(read_onnx(source)),
            write_rows=lambda path, kind: write_token_embedding(path, table, kind),
            texts=texts,
            expected=expected,
        )
        cosine = _write_float_text(tower, scratch)
        if not cosine >= FLOAT_COSINE:
            raise ExportError(
                f"the exported text tower of {arch} differs from open_clip's (cosine {cosine:.5f}):"
                " the model can't be used"
            )
        reached = quantise_text_tower(tower, scratch, portable=portable)
        if reached is None:
            _write_float_text(tower, scratch)
        for name in (installed.TEXT_TOWER, installed.TOKEN_EMBEDDING):
            os.replace(os.path.join(scratch, name), os.path.join(directory, name))
    least = cosine if reached is None else reached
    return TextConversion(expected.shape[1], branch.causal, reached is not None, least)


def _write_float_text(tower: FloatTextTower, directory: str) -> float:
    """Writes the tower in float32 into `directory`, and returns the least cosine of its vectors."""
    tower.write_rows(os.path.join(directory, installed.TOKEN_EMBEDDING), "float16")
    write_onnx(tower.graph().finished(), os.path.join(directory, installed.TEXT_TOWER))
    return text_cosine(directory, tower.texts, tower.expected)


def _configuration(directory: str) -> dict[str, Any]:
    """open_clip's configuration of the model in `directory`. Raises ModelError."""
    config = os.path.join(directory, installed.CONFIG)
    try:
        with open(config, encoding="utf-8") as file:
            return dict(json.load(file)["model_cfg"])
    except OSError as error:
        raise ModelError(f"{config} can't be read: {in_words(error)}") from None
    except (ValueError, KeyError, TypeError):
        raise ModelError(f"{config} is damaged, or no configuration of open_clip") from None


def _write_tokenizer(directory: str, text_cfg: Mapping[str, Any], source: str) -> TokenizerSettings:
    """Writes the tokenizer's files into `directory`. Raises ModelError, OSError."""
    if text_cfg.get("hf_tokenizer_name"):
        return prepare_tokenizer(source, directory, text_cfg)
    build_tokenizer(directory)
    files = (installed.TOKENIZER, installed.VOCABULARY)
    return TokenizerSettings(MAPPED, check_tokenizer(text_cfg), pad_token=0, files=files)


def load_clip(directory: str, arch: str) -> Any:
    """Loads the model in `directory` with open_clip, on the CPU in float32.

    Raises ModelError if csearch doesn't support it, or it doesn't load.
    """
    configuration = _configuration(directory)
    check_configuration(configuration, arch)
    try:
        Preprocess.of_model(directory)
    except (ValueError, KeyError, TypeError) as error:
        raise ModelError(f"{arch} has no proper configuration: {fault_of(error)}") from None
    _check_positions(os.path.join(directory, installed.WEIGHTS), configuration, arch)
    try:
        with quiet():
            clip = open_clip.create_model(f"local-dir:{directory}", precision="fp32")
    except Exception as error:  # a wrong configuration or checkpoint makes open_clip raise anything
        lines = [line.strip() for line in str(error).splitlines()] or [type(error).__name__]
        if lines[0].startswith("Error(s) in loading state_dict"):
            summary = textwrap.shorten(" ".join(lines[1:]), 160, placeholder=" …")
            raise ModelError(f"the weights are not those of {arch}: {summary}") from None
        raise ModelError(f"open_clip can't load {arch} from {directory}: {lines[0]}") from None
    text = getattr(clip, "text", clip)
    if getattr(text, "use_pad_mask", False) or not hasattr(text, "token_embedding"):
        raise ExportError(f"the text tower of {arch} is not one of open_clip's own kind")
    return clip.eval()


def _check_room(clip: Any, directory: str) -> None:
    """Raises ModelError unless there is room for both towers in 8 bits, perhaps with a part in
    float32, and for one in float32 while it is made."""
    visual, both = (
        sum(parameter.numel() for parameter in module.parameters())
        for module in (clip.visual, clip)
    )
    check_space([(directory, 4 * max(visual, both - visual) + 2 * both)])


def _check_positions(weights: str, configuration: Mapping[str, Any], arch: str) -> None:
    """Raises ModelError if the weights are for another picture size or text length: open_clip would
    silently resize their positional embeddings."""
    vision, text = configuration["vision_cfg"], configuration["text_cfg"]
    texts = [text.get("context_length", 77), text.get("width", 512)]
    expected = {"positional_embedding": texts, "text.positional_embedding": texts}
    size, patch = vision.get("image_size", 224), vision.get("patch_size", 16)
    whole = isinstance(size, int) and isinstance(patch, int) and patch > 0
    if "timm_model_name" not in vision and whole:
        patches = (size // patch) ** 2
        expected["visual.positional_embedding"] = [patches + 1, vision.get("width", 768)]
    try:
        with safetensors.safe_open(weights, "numpy") as file:
            names = expected.keys() & set(file.keys())
            found = {name: file.get_slice(name).get_shape() for name in sorted(names)}
    except (OSError, safetensors.SafetensorError) as error:
        raise ModelError(f"{weights} can't be read as safetensors: {error}") from None
    for name, shape in found.items():
        if shape != expected[name]:
            raise ModelError(
                f"the weights are not those of {arch}: {name} is {shape}, not {expected[name]}"
            )


def _open_clip_vectors(
    clip: Any, text_cfg: Mapping[str, Any], padded: Sequence[list[int]]
) -> Vectors:
    """open_clip's vectors of the comparison prompts: unit vectors, float32 of shape (prompts,
    dimensions). `padded`: their tokens, which are used if open_clip has no tokenizer of its own for
    this text tower."""
    if text_cfg.get("hf_tokenizer_name"):
        tokens = torch.tensor(padded)
    else:
        tokenizer = open_clip.tokenizer.SimpleTokenizer(
            context_length=clip.context_length, clean=check_tokenizer(text_cfg)
        )
        tokens = tokenizer(comparison_prompts())
    with torch.inference_mode():
        parts = [clip.encode_text(batch, normalize=True) for batch in tokens.split(32)]
    vectors: Vectors = torch.cat(parts).float().numpy()
    return vectors


def _export_image(clip: Any, directory: str, portable: bool) -> bool:
    """Writes `image.onnx`, with 8-bit weights if they are accurate enough, and returns True. If it
    can't be exported, logs the reason and returns False."""
    path = os.path.join(directory, installed.IMAGE_TOWER)
    try:
        preprocess = Preprocess.of_model(directory)
        pixels = comparison_pixels(preprocess)
        expected = _open_clip_image_vectors(clip, preprocess, pixels)
        write_image_tower(ImageBranch(clip, preprocess).eval(), preprocess, directory)
        cosine, seconds = image_cosine(directory, pixels, expected)
        if cosine >= IMAGE_COSINE:
            try:
                use_quantised_image_tower(
                    clip.visual, preprocess, directory, pixels, expected, seconds, portable=portable
                )
            except Exception as error:  # of onnxruntime; the float32 tower can be used
                log.warning("the image tower stays in float32 (%s)", error)
            return True
        reason = f"it differs from open_clip's: cosine {cosine:.5f}"
    except Exception as error:  # of torch's exporter, for an architecture that it doesn't support
        reason = (str(error).splitlines() or [type(error).__name__])[0]
    with contextlib.suppress(FileNotFoundError):
        os.remove(path)
    log.warning("the image tower isn't exported, so torch encodes each picture (%s)", reason)
    return False


def _open_clip_image_vectors(
    clip: Any, preprocess: Preprocess, pixels: NDArray[np.uint8]
) -> Vectors:
    """open_clip's vectors of `pixels` (n, height, width, 3): unit vectors, float32 of shape (n,
    dimensions)."""
    mean, std = (torch.tensor(value).view(3, 1, 1) for value in (preprocess.mean, preprocess.std))
    with torch.inference_mode():
        pictures = torch.from_numpy(pixels).permute(0, 3, 1, 2) / 255
        batches = ((pictures - mean) / std).split(8)
        parts = [clip.encode_image(batch, normalize=True) for batch in batches]
    vectors: Vectors = torch.cat(parts).float().numpy()
    return vectors


def _fingerprint(checksums: Mapping[str, str]) -> str:
    """A sha256 of all that determines the vectors of pictures and texts: the weights, and the
    configuration with the preprocessing."""
    both = checksums[installed.WEIGHTS] + checksums[installed.CONFIG]
    return hashlib.sha256(both.encode()).hexdigest()


def _image_fingerprint(directory: str) -> str:
    defaults = {field.name: field.default for field in fields(open_clip.CLIPVisionCfg)}
    return fingerprints.of_checkpoint(
        os.path.join(directory, installed.WEIGHTS),
        _configuration(directory),
        defaults,
        Preprocess.of_model(directory),
    )


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(
        prog="python -m csearchd.models.export.export", description=__doc__
    )
    parser.add_argument("directory", help="with open_clip_config.json, open_clip_model.safetensors")
    parser.add_argument("--tokenizer", default="", help="directory of the tokenizer's files")
    parser.add_argument("--name", help="of the model; the directory's name if not given")
    parser.add_argument("--weights", default="unknown", help="tag of the weights")
    parser.add_argument("--licence", default="unknown")
    options = parser.parse_args(arguments)
    name = options.name or os.path.basename(os.path.abspath(options.directory))
    try:
        model = export_model(
            options.directory,
            name=name,
            arch=name,
            weights=options.weights,
            licence=options.licence,
            tokenizer_source=options.tokenizer,
            portable=True,
        )
    except (ModelError, OSError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    kind = "8-bit" if model.text_quantised else "float"
    image = "exported" if installed.IMAGE_TOWER in model.checksums else "in torch only"
    print(f"{name}: {kind} text tower, cosine {model.text_cosine:.5f}; image tower {image}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
