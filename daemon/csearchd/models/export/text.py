"""Writes open_clip's text tower as ONNX graphs, in float32 and with 8-bit weights. Needs torch."""

from __future__ import annotations

import contextlib
import logging
import os
import warnings
from collections.abc import Iterator, Sequence
from typing import Any

import onnx
import torch
from onnxruntime.quantization import QuantType, quantize_dynamic
from onnxruntime.quantization.shape_inference import quant_pre_process
from open_clip.transformer import text_global_pool


class TextBranch(torch.nn.Module):  # type: ignore[misc]
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


def write_onnx(branch: TextBranch, context_length: int, path: str) -> None:
    """Exports `branch` in float32; with any length of text if it is causal."""
    tokens = torch.zeros(1, context_length, dtype=torch.int64)
    length = torch.export.Dim("length", min=2, max=context_length)
    with quiet(), torch.inference_mode():
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
    model = onnx.load(path)
    forget_sources(model)
    onnx.save(model, path)


def forget_sources(model: onnx.ModelProto) -> None:
    """Removes the exporter's remarks: most of a graph, with paths of the exporting machine."""
    graph = model.graph
    del graph.value_info[:], graph.metadata_props[:], model.metadata_props[:]
    for item in (*graph.node, *graph.input, *graph.output, *graph.initializer):
        item.doc_string = ""
        del item.metadata_props[:]


def write_quantised(plain: str, small: str, operators: Sequence[str], *, portable: bool) -> None:
    """Writes the tower at `plain` with 8-bit weights for `operators`, of MatMul and Gather (the
    embedding); activations are scaled while it runs.

    Signed weights are half as fast again on current x86 processors, but older ones (without VNNI)
    overflow with them: `portable` takes unsigned ones, for a tower that is to run anywhere.
    """
    prepared = f"{small}.prepared"
    with quiet():
        quant_pre_process(plain, prepared, skip_symbolic_shape=True)
        quantize_dynamic(
            prepared,
            small,
            per_channel=True,
            weight_type=QuantType.QUInt8 if portable else QuantType.QInt8,
            op_types_to_quantize=list(operators),
        )
    os.remove(prepared)


@contextlib.contextmanager
def quiet() -> Iterator[None]:
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
