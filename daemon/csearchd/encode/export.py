"""Exports a model's text tower to ONNX, proves it equal to open_clip's, and describes the model.

`python -m csearchd.encode.export DIR` does it (again) for a directory that holds open_clip's
configuration and weights. Needs torch, so it runs in a process of its own.
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
import warnings
from collections.abc import Sequence
from typing import Any

import numpy as np
import onnxruntime
import open_clip
import torch
from onnxruntime.quantization import QuantType, quantize_dynamic
from onnxruntime.quantization.shape_inference import quant_pre_process
from open_clip.transformer import text_global_pool

from csearchd.encode import models
from csearchd.encode.architectures import check_configuration
from csearchd.encode.models import Model, ModelError
from csearchd.encode.prompts import comparison_prompts
from csearchd.encode.text import Vectors, open_session
from csearchd.encode.tokenizer import Tokenizer
from csearchd.encode.vocabulary import build_tokenizer_json

# The least cosine, over all prompts, of an exported tower's vector to that of open_clip's
# encode_text. In float only the order of additions differs; with 8-bit weights ViT-B-32-256's
# tower came to 0.9990.
FLOAT_COSINE = 0.9999
QUANTISED_COSINE = 0.998


class ExportError(ModelError):
    """Why a text tower can't be exported, in one line for the user."""


class TextBranch(torch.nn.Module):
    """open_clip's text tower for texts of any length up to its context.

    open_clip's own `encode_text` adds the whole positional embedding and causal mask; this cuts
    both to the tokens given. Takes int64 (1, length), gives float32 (1, dimensions), unscaled.
    """

    def __init__(self, model: Any) -> None:
        super().__init__()
        text = getattr(model, "text", model)  # CustomTextCLIP keeps the tower apart, CLIP doesn't
        self.token_embedding = text.token_embedding
        self.positional_embedding = text.positional_embedding
        self.transformer = text.transformer
        self.ln_final = text.ln_final
        self.projection = text.text_projection
        self.causal = text.attn_mask is not None
        if self.causal:
            self.register_buffer("mask", text.attn_mask)

    def forward(self, tokens: torch.Tensor) -> torch.Tensor:
        length = tokens.shape[1]
        x = self.token_embedding(tokens) + self.positional_embedding[:length]
        mask = self.mask[:length, :length] if self.causal else None
        x = self.ln_final(self.transformer(x, attn_mask=mask))
        x = text_global_pool(x, tokens, "argmax")  # the end token's number is the largest
        if isinstance(self.projection, torch.nn.Linear):
            return self.projection(x)
        return x if self.projection is None else x @ self.projection


def export_model(directory: str, *, name: str, arch: str, weights: str, licence: str) -> Model:
    """Adds `text.onnx`, `tokenizer.json` and `model.toml` to a directory in `local-dir:` form.

    The 8-bit tower is kept if it stays within QUANTISED_COSINE of open_clip's, else the float one.
    Raises ExportError if the architecture isn't supported or the towers differ, ModelError if
    the directory can't be used, OSError if it can't be written.
    """
    clip = load_clip(directory, arch)
    branch = TextBranch(clip).eval()
    tokenizer_path = os.path.join(directory, models.TOKENIZER)
    build_tokenizer_json(tokenizer_path)
    context_length = clip.context_length
    tokenizer = Tokenizer(tokenizer_path, context_length)
    expected = _open_clip_vectors(clip, context_length)
    with tempfile.TemporaryDirectory(dir=directory, prefix=".export-") as scratch:
        plain = os.path.join(scratch, "float.onnx")
        small = os.path.join(scratch, "quantised.onnx")
        _write_onnx(branch, context_length, plain)
        cosine = _least_cosine(plain, tokenizer, context_length, branch.causal, expected)
        if cosine < FLOAT_COSINE:
            raise ExportError(
                f"the exported text tower of {arch} differs from open_clip's: cosine {cosine:.5f}"
            )
        _quantise(plain, small)
        small_cosine = _least_cosine(small, tokenizer, context_length, branch.causal, expected)
        quantised = small_cosine >= QUANTISED_COSINE
        os.replace(small if quantised else plain, os.path.join(directory, models.TEXT_TOWER))
    sums = {
        file: models.file_checksum(os.path.join(directory, file)) for file in models.FILES
    }
    model = Model(
        name=name,
        arch=arch,
        weights=weights,
        licence=licence,
        dimensions=expected.shape[1],
        context_length=context_length,
        causal=branch.causal,
        text_quantised=quantised,
        text_cosine=round(small_cosine if quantised else cosine, 6),
        fingerprint=_fingerprint(sums),
        checksums=sums,
        directory=directory,
    )
    models.write_description(model)
    return model


def load_clip(directory: str, arch: str) -> Any:
    """The model in `directory` on the CPU in float32, loaded by open_clip's own factory.

    Raises ModelError if it isn't one that csearch supports, or doesn't load.
    """
    config = os.path.join(directory, models.CONFIG)
    try:
        with open(config, encoding="utf-8") as file:
            configuration = json.load(file)["model_cfg"]
    except OSError as error:
        raise ModelError(f"{config} can't be read: {error.strerror}") from None
    except (ValueError, KeyError, TypeError):
        raise ModelError(f"{config} is no configuration of open_clip's") from None
    check_configuration(configuration, arch)
    try:
        clip = open_clip.create_model(f"local-dir:{directory}", precision="fp32")
    except Exception as error:  # whatever a wrong configuration or checkpoint provokes
        summary = (str(error).splitlines() or [type(error).__name__])[0]
        raise ModelError(f"open_clip can't load {directory}: {summary}") from None
    text = getattr(clip, "text", clip)
    if getattr(text, "use_pad_mask", False) or not hasattr(text, "token_embedding"):
        raise ExportError(f"the text tower of {arch} is not one of open_clip's own kind")
    return clip.eval()


def _open_clip_vectors(clip: Any, context_length: int) -> Vectors:
    """What open_clip makes of the prompts, by its own tokenizer: unit vectors, float32."""
    tokenize = open_clip.tokenizer.SimpleTokenizer(context_length=context_length)
    with torch.inference_mode():
        batches = tokenize(comparison_prompts()).split(32)
        parts = [clip.encode_text(batch, normalize=True) for batch in batches]
    vectors: Vectors = torch.cat(parts).float().numpy()
    return vectors


def _write_onnx(branch: TextBranch, context_length: int, path: str) -> None:
    """Exports `branch` in float32; with any length of text if it is causal."""
    tokens = torch.zeros(1, context_length, dtype=torch.int64)
    length = torch.export.Dim("length", min=2, max=context_length)
    with _quiet(), torch.inference_mode():
        torch.onnx.export(
            branch,
            (tokens,),
            path,
            input_names=["tokens"],
            output_names=["vector"],
            dynamic_shapes={"tokens": {1: length}} if branch.causal else None,
            dynamo=True,
            external_data=False,
            verbose=False,
        )


def _quantise(plain: str, small: str) -> None:
    """Writes the tower with 8-bit weights; activations are scaled while it runs."""
    prepared = f"{small}.prepared"
    with _quiet():
        quant_pre_process(plain, prepared, skip_symbolic_shape=True)
        quantize_dynamic(prepared, small, per_channel=True, weight_type=QuantType.QInt8)
    os.remove(prepared)


def _least_cosine(
    path: str, tokenizer: Tokenizer, context_length: int, causal: bool, expected: Vectors
) -> float:
    """The least cosine of the tower at `path` to the expected vectors of the prompts."""
    session = open_session(path, torch.get_num_threads())
    least = 1.0
    for text, vector in zip(comparison_prompts(), expected, strict=True):
        tokens = tokenizer.encode(text)
        tokens += [0] * (0 if causal else context_length - len(tokens))
        found = session.run(None, {"tokens": np.array([tokens], np.int64)})[0][0]
        least = min(least, float(found @ vector / np.linalg.norm(found)))
    return least


def _fingerprint(checksums: dict[str, str]) -> str:
    """Of what determines a picture's vector: weights, and the configuration with preprocessing."""
    both = checksums[models.WEIGHTS] + checksums[models.CONFIG]
    return hashlib.sha256(both.encode()).hexdigest()


@contextlib.contextmanager
def _quiet() -> Any:
    """Keeps the exporters' remarks from the terminal; their errors are exceptions."""
    logging.disable(logging.WARNING)
    try:
        with (
            warnings.catch_warnings(),
            open(os.devnull, "w") as nothing,
            contextlib.redirect_stdout(nothing),
            contextlib.redirect_stderr(nothing),
        ):
            warnings.simplefilter("ignore")
            yield
    finally:
        logging.disable(logging.NOTSET)


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m csearchd.encode.export", description=__doc__)
    parser.add_argument("directory", help="with open_clip_config.json, open_clip_model.safetensors")
    parser.add_argument("--name", help="of the model; the directory's name if not given")
    parser.add_argument("--weights", default="", help="tag of the weights")
    parser.add_argument("--licence", default="")
    options = parser.parse_args(arguments)
    name = options.name or os.path.basename(os.path.abspath(options.directory))
    try:
        model = export_model(
            options.directory,
            name=name,
            arch=name,
            weights=options.weights,
            licence=options.licence,
        )
    except (ModelError, OSError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    kind = "8-bit" if model.text_quantised else "float"
    print(f"{name}: {kind} text tower, cosine {model.text_cosine:.5f}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
