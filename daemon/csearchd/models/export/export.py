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
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import fields
from typing import Any

import numpy as np
import onnx
import open_clip
import safetensors
import torch
from numpy.typing import NDArray

from csearchd.errors import ExportError, ModelError
from csearchd.models import installed
from csearchd.models.architectures import check_configuration
from csearchd.models.conversion.pictures import sample_pixels
from csearchd.models.conversion.prompts import comparison_prompts
from csearchd.models.export.bpe_vocabulary import build_tokenizer
from csearchd.models.export.image import (
    ImageBranch,
    write_image_tower,
    write_quantised_image_tower,
)
from csearchd.models.export.smoothing import recorded_maxima, smooth
from csearchd.models.export.text import TextBranch, quiet, write_onnx, write_quantised
from csearchd.models.export.transformer import is_plain_text_tower, text_graph
from csearchd.models.identity import fingerprints
from csearchd.models.image_tower import OnnxTower, read_header
from csearchd.models.installed import Model
from csearchd.models.preprocess import Preprocess
from csearchd.models.text_tower import Vectors, open_session, run_tower
from csearchd.models.token_embedding import TokenEmbedding, write_token_embedding
from csearchd.models.tokenization.prepare import (
    TokenizerSettings,
    check_tokenizer,
    prepare_tokenizer,
)
from csearchd.models.tokenizer import MAPPED, open_tokenizer

log = logging.getLogger(__name__)

# The least cosine, over all prompts, that an exported text tower's vectors must have to those of
# open_clip's encode_text. In float32 only the order of additions differs; ViT-B-32-256's tower with
# 8-bit weights reached 0.9990.
FLOAT_COSINE = 0.9999
QUANTISED_COSINE = 0.998
IMAGE_COSINE = 0.999  # the same for encode_image, and for torch's half precision


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
    text tower gets 8-bit weights if its vectors stay within QUANTISED_COSINE of open_clip's,
    else it stays in float32. A `portable` one gives the same vectors on all processors. Raises
    ExportError if the towers' vectors differ, ModelError if the model isn't supported or doesn't
    load, OSError if the directory can't be written.
    """
    clip = load_clip(directory, arch)
    branch = TextBranch(clip).eval()
    text_cfg = _configuration(directory)["text_cfg"]
    settings = _write_tokenizer(directory, text_cfg, tokenizer_source)
    length = clip.context_length
    tokenizer = open_tokenizer(settings.tokenizer, directory, length, settings.cleaning)
    texts = [tokenizer.encode(prompt) for prompt in comparison_prompts()]
    padded = [text + [settings.pad_token] * (length - len(text)) for text in texts]
    transformer = getattr(clip, "text", clip).transformer
    with recorded_maxima(transformer) as maxima:
        expected = _open_clip_vectors(clip, text_cfg, padded)
    smooth(transformer, maxima)
    least = texts if branch.causal else padded
    quantised, cosine = _export_text(clip, branch, least, expected, directory, arch, portable)
    files = [*installed.FILES, *settings.files[1:], installed.TOKEN_EMBEDDING]
    if _export_image(clip, directory, portable):
        files.append(installed.IMAGE_TOWER)
    sums = {file: installed.file_checksum(os.path.join(directory, file)) for file in files}
    model = Model(
        name=name,
        arch=arch,
        weights=weights,
        licence=licence,
        dimensions=expected.shape[1],
        context_length=clip.context_length,
        causal=branch.causal,
        text_quantised=quantised,
        text_cosine=round(cosine, 6),
        fingerprint=_fingerprint(sums),
        checksums=sums,
        directory=directory,
        tokenizer=settings.tokenizer,
        cleaning=settings.cleaning,
        pad_token=settings.pad_token,
        image_fingerprint=_image_fingerprint(directory),
    )
    installed.write_description(model)
    return model


def _export_text(
    clip: Any,
    branch: TextBranch,
    texts: Sequence[list[int]],
    expected: Vectors,
    directory: str,
    arch: str,
    portable: bool,
) -> tuple[bool, float]:
    """Writes `text.onnx` and `token_embedding.bin` into `directory`. Returns whether they have
    8-bit weights, and the least cosine to `expected`, the vectors of `texts`. Raises ExportError if
    the tower differs."""
    table = getattr(clip, "text", clip).token_embedding.weight.detach().numpy()
    if not np.isfinite(table).all():
        raise ExportError("the weights' token embedding holds numbers that are not finite")
    with tempfile.TemporaryDirectory(dir=directory, prefix=".export-") as scratch:
        plain, small = os.path.join(scratch, "float"), os.path.join(scratch, "small")
        os.mkdir(plain)
        os.mkdir(small)
        write_token_embedding(os.path.join(plain, installed.TOKEN_EMBEDDING), table, "float16")
        write_token_embedding(os.path.join(small, installed.TOKEN_EMBEDDING), table, "int8")
        write_onnx(branch, clip.context_length, os.path.join(plain, installed.TEXT_TOWER))
        chosen, cosine = plain, _min_cosine(plain, texts, expected)
        if not cosine >= FLOAT_COSINE:
            raise ExportError(
                f"the exported text tower of {arch} differs from open_clip's: cosine {cosine:.5f}"
            )
        for _ in _write_quantised_towers(branch, plain, small, portable):
            small_cosine = _min_cosine(small, texts, expected)
            if small_cosine >= QUANTISED_COSINE:
                chosen, cosine = small, small_cosine
                break
        for name in (installed.TEXT_TOWER, installed.TOKEN_EMBEDDING):
            os.replace(os.path.join(chosen, name), os.path.join(directory, name))
    return chosen == small, cosine


def _write_quantised_towers(
    branch: TextBranch, plain: str, small: str, portable: bool
) -> Iterator[None]:
    """Writes text towers with 8-bit weights into the directory `small`, one after the other, the
    fastest and smallest first. `plain`: the directory of the float32 tower."""
    target = os.path.join(small, installed.TEXT_TOWER)
    for unsigned in _kinds(portable):
        if is_plain_text_tower(branch):
            onnx.save(text_graph(branch, unsigned=unsigned), target)
        else:
            write_quantised(os.path.join(plain, installed.TEXT_TOWER), target, unsigned=unsigned)
        yield


def _kinds(portable: bool) -> tuple[bool, ...]:
    """Whether 8-bit weights are unsigned, in the order in which to try them: signed ones are
    faster, but not right on all processors."""
    return (True,) if portable else (False, True)


def _configuration(directory: str) -> dict[str, Any]:
    """open_clip's configuration of the model in `directory`. Raises ModelError."""
    config = os.path.join(directory, installed.CONFIG)
    try:
        with open(config, encoding="utf-8") as file:
            return dict(json.load(file)["model_cfg"])
    except OSError as error:
        raise ModelError(f"{config} can't be read: {error.strerror}") from None
    except (ValueError, KeyError, TypeError):
        raise ModelError(f"{config} is not a configuration of open_clip") from None


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
        raise ModelError(f"{arch} has no proper configuration: {error}") from None
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


def _min_cosine(directory: str, texts: Sequence[list[int]], expected: Vectors) -> float:
    """The least cosine between the vectors of `texts` by the tower in `directory` and
    `expected`."""
    session = open_session(os.path.join(directory, installed.TEXT_TOWER), torch.get_num_threads())
    embedding = TokenEmbedding(os.path.join(directory, installed.TOKEN_EMBEDDING))
    cosines = []
    for tokens, vector in zip(texts, expected, strict=True):
        found = run_tower(session, tokens, 1, embedding=embedding)
        cosines.append(found @ vector / np.linalg.norm(found))
    return float(np.min(cosines))  # NaN if any is NaN


def _export_image(clip: Any, directory: str, portable: bool) -> bool:
    """Writes `image.onnx`, with 8-bit weights if they are accurate enough, and returns True. If it
    can't be exported, logs the reason and returns False."""
    path = os.path.join(directory, installed.IMAGE_TOWER)
    try:
        preprocess = Preprocess.of_model(directory)
        pixels = sample_pixels(preprocess)
        with recorded_maxima(clip.visual) as maxima:
            expected = _open_clip_image_vectors(clip, preprocess, pixels)
        write_image_tower(ImageBranch(clip, preprocess).eval(), preprocess, directory)
        smooth(clip.visual, maxima)  # only now: the float32 tower refers to the model's weights
        cosine, seconds = _image_cosine(directory, pixels, expected)
        if cosine >= IMAGE_COSINE:
            _use_quantised(clip, preprocess, directory, portable, pixels, expected, seconds)
            return True
        reason = f"it differs from open_clip's: cosine {cosine:.5f}"
    except Exception as error:  # of torch's exporter, for an architecture that it doesn't support
        reason = (str(error).splitlines() or [type(error).__name__])[0]
    with contextlib.suppress(FileNotFoundError):
        os.remove(path)
    log.warning("the image tower isn't exported, so torch encodes each picture (%s)", reason)
    return False


def _use_quantised(
    clip: Any,
    preprocess: Preprocess,
    directory: str,
    portable: bool,
    pixels: NDArray[np.uint8],
    expected: Vectors,
    seconds: float,
) -> None:
    """Replaces the float32 `image.onnx` by one with 8-bit weights if that is accurate enough, and
    encodes `pixels` in less than `seconds`."""
    path = os.path.join(directory, installed.IMAGE_TOWER)
    with tempfile.TemporaryDirectory(dir=directory, prefix=".export-") as scratch:
        header = read_header(os.path.join(directory, installed.WEIGHTS))
        with open(os.path.join(scratch, installed.WEIGHTS), "wb") as file:
            file.write(len(header).to_bytes(8, "little") + header)  # all that OnnxTower reads of it
        for unsigned in _kinds(portable):
            try:
                if not write_quantised_image_tower(
                    clip.visual, preprocess, directory, scratch, unsigned=unsigned
                ):
                    return
                cosine, quick = _image_cosine(scratch, pixels, expected)
            except Exception as error:  # as in _export_image; the float32 tower can be used
                log.warning("the image tower stays in float32 (%s)", error)
                return
            if cosine >= IMAGE_COSINE and quick < seconds:
                os.replace(os.path.join(scratch, installed.IMAGE_TOWER), path)
                return


def _image_cosine(
    directory: str, pixels: NDArray[np.uint8], expected: Vectors
) -> tuple[float, float]:
    """The least cosine of the tower's vectors of `pixels` to `expected`, and its CPU seconds."""
    tower = OnnxTower(directory)
    begin = time.thread_time()
    found = tower.encode(pixels).astype(np.float32)
    seconds = time.thread_time() - begin
    found /= np.linalg.norm(found, axis=1, keepdims=True)
    return float((found * expected).sum(axis=1).min()), seconds


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


def _fingerprint(checksums: dict[str, str]) -> str:
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
